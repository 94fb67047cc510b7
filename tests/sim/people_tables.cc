#include "people_tables.h"

#include <algorithm>

namespace p2pmesh::sim {

Relation PeopleTables::relation_to(const MemberKey& member) const {
  const auto found = correspondents.find(member);
  return found == correspondents.end() ? Relation::kNone : found->second.relation;
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> PeopleTables::numbers_from(
    const MemberKey& member) const {
  std::map<std::uint64_t, std::uint64_t> greatest;
  for (const auto& [entry, item] : opened) {
    if (item.direct->own || item.direct->peer != member) continue;
    std::uint64_t& number = greatest[item.epoch];
    number = std::max(number, item.direct->number);
  }
  return {greatest.begin(), greatest.end()};
}

std::vector<std::pair<std::uint32_t, std::uint8_t>> PeopleTables::mark(const TellDelivery& delivery) {
  std::vector<std::pair<std::uint32_t, std::uint8_t>> before;
  for (auto& [entry, item] : opened) {
    if (!item.direct->own || item.direct->peer != delivery.member) continue;
    const std::uint64_t number = item.direct->number;
    for (const ReceivedLog& log : delivery.received) {
      if (log.epoch != item.epoch) continue;
      for (const auto& [first, last] : log.intervals) {
        if (number < first || number > last) continue;
        const std::uint8_t told = number <= log.read_to ? 2 : 1;
        if (told <= item.told) continue;
        before.emplace_back(entry, item.told);
        item.told = told;
      }
    }
  }
  return before;
}

void PeopleTables::restore(RestoredState& state) const {
  for (const auto& [member, stored] : correspondents) state.correspondents.push_back(restore(stored));
  state.blocked.assign(blocked.begin(), blocked.end());
}

RestoredCorrespondent PeopleTables::restore(const StoreCorrespondent& stored) const {
  RestoredCorrespondent restored;
  restored.member = stored.member;
  restored.relation = stored.relation;
  restored.asks = stored.asks;
  std::map<std::uint64_t, std::set<std::uint64_t>> received;
  std::map<std::uint64_t, std::uint64_t> untold;
  for (const auto& [entry, item] : opened) {
    const DirectMessage& direct = *item.direct;
    if (direct.peer != stored.member) continue;
    restored.depth = std::max(restored.depth, direct.depth);
    if (!direct.own) {
      if (direct.number != 0) received[item.epoch].insert(direct.number);
      continue;
    }
    if (std::tie(item.epoch, direct.number) > std::tie(restored.written_epoch, restored.written_number)) {
      restored.written_epoch = item.epoch;
      restored.written_number = direct.number;
    }
    if (item.told == 0) untold[item.epoch] = std::max(untold[item.epoch], direct.number);
  }
  restored.untold.assign(untold.begin(), untold.end());
  for (const auto& [epoch, numbers] : received) {
    ReceivedLog log;
    log.epoch = epoch;
    for (const std::uint64_t number : numbers) {
      if (!log.intervals.empty() && log.intervals.back().second + 1 == number)
        log.intervals.back().second = number;
      else
        log.intervals.emplace_back(number, number);
    }
    restored.received.push_back(std::move(log));
  }
  return restored;
}

}  // namespace p2pmesh::sim
