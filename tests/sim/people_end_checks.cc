// What people are promised once the world is quiet.
#include <algorithm>
#include <map>
#include <tuple>

#include "p2pmesh/wire/text_body.h"
#include "people_checks.h"

namespace p2pmesh::sim {

/// Where each line is: on its recipient's disk, or for a room on the first honest member's.
struct PeopleChecks::EndView {
  struct Place {
    std::uint32_t entry = kNone;
    std::uint32_t index = 0;
  };
  std::map<std::uint32_t, std::vector<Place>> places;  // by line
  std::vector<Violation> violations;
};

std::vector<Violation> PeopleChecks::check_end() const {
  EndView view;
  const auto note = [&](const std::string& text, std::uint32_t reader, std::uint32_t entry,
                        std::uint32_t index) {
    const std::uint32_t line = line_of(text);
    if (line < lines_.size() && (reader == kNone || lines_[line].to == reader))
      view.places[line].push_back({entry, index});
  };
  for (const std::uint32_t number : people_) {
    for (const auto& [entry, item] : world_.node(number).disk.people()->opened) {
      const auto& texts = item.direct->texts;
      for (std::uint32_t i = 0; !item.direct->own && i < texts.size(); ++i) note(texts[i], number, entry, i);
    }
  }
  const auto honest = world_.honest();
  if (honest.empty()) return {};
  for (const std::uint32_t row : world_.node(honest.front()).disk.rows()) {
    const PoolEntry& held = world_.pool()[row];
    if (!is_person(held.author) || held.envelope->envelope.room.empty()) continue;
    const auto texts = decode_text_body(held.envelope->envelope.body);
    for (std::uint32_t i = 0; texts && i < texts->size(); ++i) note((*texts)[i], kNone, row, i);
  }
  check_lines(view);
  check_order(view);
  check_receipts(view);
  return std::move(view.violations);
}

void PeopleChecks::check_lines(EndView& view) const {
  const auto add = [&](const Line& line, const std::string& expected, const std::string& found) {
    view.violations.push_back({"outbox", line.author, world_.now(), expected, found});
  };
  for (std::uint32_t number = 0; number < lines_.size(); ++number) {
    const Line& line = lines_[number];
    const auto places = view.places.find(number);
    const std::size_t count = places == view.places.end() ? 0 : places->second.size();
    const std::string name =
        "line " + std::to_string(number) +
        (line.to == kNone ? std::string(" to a room") : " to node " + std::to_string(line.to));
    if (count > 1) add(line, "a line is sent once", name + " came " + std::to_string(count) + " times");
    if (line.cancelled && count > 0) add(line, "a line that was taken back is never sent", name + " came");
    const bool are_here = world_.is_running(line.author) && (line.to == kNone || world_.is_running(line.to));
    if (line.certain && !line.cancelling && count == 0 && are_here)
      add(line, "a line that was taken in is delivered", name + " is not: " + find_line(number));
  }
}

std::string PeopleChecks::find_line(std::uint32_t number) const {
  const Line& line = lines_[number];
  const std::string text = "p" + std::to_string(number);
  const VirtualDisk& author = world_.node(line.author).disk;
  for (const auto& [draft, kept] : author.drafts()) {
    if (kept.text == text) return "it is draft " + std::to_string(draft);
  }
  for (const auto& [entry, item] : author.people()->opened) {
    if (!item.direct->own || item.direct->peer != world_.node(line.to).key()) continue;
    if (std::find(item.direct->texts.begin(), item.direct->texts.end(), text) == item.direct->texts.end())
      continue;
    const VirtualDisk& there = world_.node(line.to).disk;
    if (there.has_dropped(entry)) return "it came and was dropped";
    return there.holds(entry) ? "it is there and not opened" : "it did not come";
  }
  return "its author has not got it";
}

/// As the recipient's transcript has them.
void PeopleChecks::check_order(EndView& view) const {
  using Place = std::tuple<std::uint64_t, WallMs, EnvelopeId, std::uint32_t>;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::pair<Place, std::uint32_t>> last;
  for (const auto& [number, places] : view.places) {
    const Line& line = lines_[number];
    if (!line.certain || line.to == kNone || places.size() != 1) continue;
    const std::uint32_t entry = places.front().entry;
    const SealedEnvelope& sealed = *world_.pool()[entry].envelope;
    const auto& opened = world_.node(line.to).disk.people()->opened;
    const Place place{opened.at(entry).direct->depth, sealed.envelope.wall_ms, sealed.id,
                      places.front().index};
    auto [before, is_first] = last.try_emplace({line.author, line.to}, place, number);
    if (is_first) continue;
    if (place < before->second.first)
      view.violations.push_back(
          {"outbox", line.author, world_.now(), "lines to one member are in their order",
           "line " + std::to_string(number) + " stands before line " + std::to_string(before->second.second) +
               " at node " + std::to_string(line.to)});
    before->second = {place, number};
  }
}

void PeopleChecks::check_receipts(EndView& view) const {
  for (const std::uint32_t author : people_) {
    if (!world_.is_running(author)) continue;
    const SimNode& node = world_.node(author);
    for (const auto& [entry, item] : node.disk.people()->opened) {
      const std::uint32_t reader = world_.find(item.direct->peer);
      if (!item.direct->own || !is_person(reader) || !world_.is_running(reader)) continue;
      const SimNode& other = world_.node(reader);
      const auto state = node.core->delivery_of(item.direct->peer, world_.pool()[entry].envelope->id,
                                                item.epoch, item.direct->number);
      const bool told = item.told > 0 || (state && *state != Delivery::kSent);
      const bool is_there = other.disk.people()->opened.contains(entry);
      const std::string what = "number " + std::to_string(item.direct->number) + " of epoch " +
                               std::to_string(item.epoch) + " to node " + std::to_string(reader);
      if (told && !is_there)
        view.violations.push_back(
            {"receipts", author, world_.now(), "delivered is what the recipient holds", what});
      if (is_there && !told && other.core->is_shown(node.key()))
        view.violations.push_back(
            {"receipts", author, world_.now(), "what is delivered is told as delivered", what + " is not"});
    }
  }
}

}  // namespace p2pmesh::sim
