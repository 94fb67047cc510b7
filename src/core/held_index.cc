#include "held_index.h"

#include <algorithm>
#include <iterator>

#include "p2pmesh/base/planted.h"

namespace p2pmesh {
namespace {

RecordKey key_of(const Envelope& envelope) {
  return {envelope.author, envelope.kind, envelope.subject};
}
RecordVersion version_of(const SealedEnvelope& sealed) {
  return {sealed.envelope.epoch, sealed.envelope.version, sealed.id};
}

}  // namespace

void HeldIndex::restore(const RestoredLog& stored) {
  EpochLog& log = logs_[stored.author][stored.epoch];
  log.accepted = IntervalSet(stored.intervals);
  if (P2P_PLANTED(IntervalForgotten))
    log.accepted = IntervalSet({stored.intervals.begin(), stored.intervals.end() - 1});
  log.held = log.accepted;
  log.newest_wall_ms = stored.newest_wall_ms;
  log.shown = log.accepted.greatest();
  log.ids_digest = stored.ids_digest;
  digest_.restore(stored.author, stored.ids_digest);
}

void HeldIndex::restore(const SealedEnvelope& record) {
  if (accept_record(record) != AcceptResult::kNew) return;
  RecordState& state = records_.find(key_of(record.envelope))->second;
  if (state.held) digest_.restore(record.envelope.author, id_digest(state.held->id));
  state.held = version_of(record);
  digest_.restore(record.envelope.author, id_digest(record.id));
}

bool HeldIndex::can_accept(const MemberKey& author, std::uint64_t epoch, std::uint64_t seq) const {
  auto by_author = logs_.find(author);
  if (by_author == logs_.end()) return logs_.size() < limits::kAuthorsMax;
  auto by_epoch = by_author->second.find(epoch);
  if (by_epoch == by_author->second.end()) return by_author->second.size() < limits::kEpochsPerAuthorMax;
  const IntervalSet& accepted = by_epoch->second.accepted;
  std::size_t intervals_max = limits::kIntervalsPerEpochMax;
  // What is gone leaves gaps: in each range every second number at most.
  if (const GoneRanges* gone = gone_of(author, epoch))
    intervals_max += std::min(gone->size(), intervals_max) * limits::kGoneRangeMax / 2;
  return accepted.intervals().size() < intervals_max || accepted.contains(seq) ||
         accepted.contains(seq - 1) || accepted.contains(seq + 1);
}

AcceptResult HeldIndex::accept_log(const SealedEnvelope& sealed, bool own, Instant now) {
  const Envelope& envelope = sealed.envelope;
  if (!own && !can_accept(envelope.author, envelope.epoch, envelope.seq)) return AcceptResult::kTooMany;
  EpochLog& log = logs_[envelope.author][envelope.epoch];
  if (!log.accepted.insert(envelope.seq)) return AcceptResult::kAlready;
  log.newest_wall_ms = std::max(log.newest_wall_ms, envelope.wall_ms);
  log.accepted_at = now;
  // Not at its commit: what came before the word that the rest is gone may still wait for that.
  if (knows_gone()) take_back_gone(envelope, id_digest(sealed.id), log, now);
  ++accepted_count_;
  return AcceptResult::kNew;
}

void HeldIndex::note_shown(const Envelope& envelope) {
  EpochLog& log = logs_[envelope.author][envelope.epoch];
  log.shown = std::max(log.shown, envelope.seq);
}

void HeldIndex::hold_log(const SealedEnvelope& sealed, Instant now) {
  const Envelope& envelope = sealed.envelope;
  EpochLog& log = logs_[envelope.author][envelope.epoch];
  if (!log.held.insert(envelope.seq)) return drop_brought(envelope, now);
  log.ids_digest ^= id_digest(sealed.id);
  const std::uint64_t change = take_brought(envelope) ^ id_digest(sealed.id);
  if (change == 0 || P2P_PLANTED(LogsNotInDigest)) return;
  digest_.toggle(envelope.author, change, envelope.wall_ms, now);
}

void HeldIndex::drop_brought(const Envelope& envelope, Instant now) {
  if (const std::uint64_t share = take_brought(envelope); share != 0)
    digest_.toggle(envelope.author, share, 0, now);
}

std::uint64_t HeldIndex::take_brought(const Envelope& envelope) {
  const auto found = brought_.find({{envelope.author, envelope.epoch}, envelope.seq});
  if (found == brought_.end()) return 0;
  const std::uint64_t share = found->second;
  brought_.erase(found);
  return share;
}

void HeldIndex::hold_fork(const SealedEnvelope& shown, const EnvelopeId& replaced, Instant now) {
  const Envelope& envelope = shown.envelope;
  const std::uint64_t change = id_digest(shown.id) ^ id_digest(replaced);
  EpochLog& log = logs_[envelope.author][envelope.epoch];
  // What is hidden counts nowhere, whichever of the two it is, until the store has said otherwise.
  if (log.hidden.contains(envelope.seq)) {
    log.hidden_digest ^= change;
    return;
  }
  log.ids_digest ^= change;
  digest_.toggle(envelope.author, change, envelope.wall_ms, now);
}

void HeldIndex::set_hidden(const MemberKey& author, const std::vector<HiddenLog>& hidden, Instant now) {
  const auto by_author = logs_.find(author);
  if (by_author == logs_.end()) return;
  for (auto& [epoch, log] : by_author->second) {
    const auto found = std::find_if(hidden.begin(), hidden.end(),
                                    [epoch = epoch](const HiddenLog& one) { return one.epoch == epoch; });
    IntervalSet now_hidden;
    std::uint64_t digest = 0;
    if (found != hidden.end()) {
      now_hidden = IntervalSet(found->intervals);
      digest = found->ids_digest;
    }
    if (now_hidden.intervals() == log.hidden.intervals() && digest == log.hidden_digest) continue;
    for (const auto& [first, last] : log.hidden.intervals()) {
      for (std::uint64_t seq = first; seq <= last; ++seq) log.held.insert(seq);
    }
    for (const auto& [first, last] : now_hidden.intervals()) {
      for (std::uint64_t seq = first; seq <= last; ++seq) log.held.erase(seq);
    }
    log.ids_digest ^= log.hidden_digest ^ digest;
    digest_.toggle(author, log.hidden_digest ^ digest, 0, now);
    log.hidden = std::move(now_hidden);
    log.hidden_digest = digest;
    ++accepted_count_;
  }
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> HeldIndex::newest(const MemberKey& author,
                                                                       std::size_t epochs_max) const {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> newest;
  const auto by_author = logs_.find(author);
  if (by_author == logs_.end()) return newest;
  for (auto log = by_author->second.rbegin(); log != by_author->second.rend() && newest.size() < epochs_max;
       ++log) {
    if (!log->second.accepted.empty()) newest.emplace_back(log->first, log->second.accepted.greatest());
  }
  return newest;
}

const HeldIndex::GoneRanges* HeldIndex::gone_of(const MemberKey& author, std::uint64_t epoch) const {
  const auto found = gone_.find({author, epoch});
  return found == gone_.end() ? nullptr : &found->second;
}

HeldIndex::GoneRanges::const_iterator HeldIndex::gone_at(const GoneRanges& ranges, std::uint64_t seq) {
  auto range = ranges.upper_bound(seq);
  if (range != ranges.begin() && std::prev(range)->second.last >= seq) --range;
  return range;
}

void HeldIndex::note_gone(GoneRange gone, Instant now) {
  const EpochLog* log = find(gone.author, gone.epoch);
  if (log != nullptr) {
    const auto missing = log->accepted.missing(gone.first, gone.last);
    if (missing.empty()) return;
    gone.first = missing.front().first;
    gone.last = missing.back().second;
  }
  const auto lacks = [&](std::uint64_t from, std::uint64_t to) {
    return from <= to && (log == nullptr || !log->accepted.missing(from, to).empty());
  };
  const LogKey key(gone.author, gone.epoch);
  const bool was_known = missing(gone.author, gone.epoch, gone.first, gone.last).empty();
  if (const auto by_log = gone_.find(key); by_log != gone_.end()) {
    GoneRanges& ranges = by_log->second;
    const auto begin = gone_at(ranges, gone.first);
    auto end = begin;
    for (; end != ranges.end() && end->first <= gone.last; ++end) {
      // By what is missing of it, not by its ends, of which some have come.
      const bool before = lacks(end->first, gone.first - 1);
      const bool behind = lacks(gone.last + 1, end->second.last);
      if (before != behind) split_gone(ranges, end, gone, behind);
      if (before || behind) return;
    }
    std::uint64_t sum = 0;
    for (auto range = begin; range != end; ++range) sum ^= range->second.ids_digest;
    // Of parts more is known than of the whole. Who has heard of either would else go to and fro between
    // them, and ask all neighbors anew each time.
    if (was_known && sum == gone.ids_digest) return;
    // Two may say different things of the same: the later one counts, until somebody has it.
    for (auto range = begin; range != end; ++range) {
      digest_.toggle(gone.author, range->second.ids_digest, 0, now);
      count_gone_less(gone.author);
    }
    ranges.erase(begin, end);
    if (ranges.empty()) gone_.erase(by_log);
  }
  if (!has_room_for_gone(gone.author)) return;
  gone_[key].emplace(gone.first, Gone{gone.last, gone.ids_digest});
  ++gone_size_;
  ++gone_of_[gone.author];
  if (!was_known) ++gone_count_;
  if (P2P_PLANTED(GoneCountsAsHad)) {
    for (std::uint64_t seq = gone.first; seq <= gone.last; ++seq)
      logs_[gone.author][gone.epoch].accepted.insert(seq);
  }
  digest_.toggle(gone.author, gone.ids_digest, 0, now);
}

/// Of one author an eighth, so that nobody's history takes the place of all others'.
bool HeldIndex::has_room_for_gone(const MemberKey& author) const {
  const auto of_author = gone_of_.find(author);
  return gone_size_ < limits::kGoneKnownMax &&
         (of_author == gone_of_.end() || of_author->second < limits::kGoneKnownMax / 8);
}

/// Of what was told of as a whole a part is told of, at its begin or its end: then both parts can be told to
/// others. Else the whole stays, of which more is known.
void HeldIndex::split_gone(GoneRanges& ranges, GoneRanges::const_iterator whole, const GoneRange& part,
                           bool rest_is_behind) {
  const std::uint64_t first = whole->first;
  const Gone range = whole->second;
  if (first > part.first || range.last < part.last || !has_room_for_gone(part.author)) return;
  const std::uint64_t rest = range.ids_digest ^ part.ids_digest;
  ranges.erase(whole);
  ranges[part.first] = {part.last, part.ids_digest};
  if (rest_is_behind)
    ranges[part.last + 1] = {range.last, rest};
  else
    ranges[first] = {part.first - 1, rest};
  ++gone_size_;
  ++gone_of_[part.author];
}

void HeldIndex::take_back_gone(const Envelope& envelope, std::uint64_t share, const EpochLog& log,
                               Instant now) {
  const auto by_log = gone_.find({envelope.author, envelope.epoch});
  if (by_log == gone_.end()) return;
  GoneRanges& ranges = by_log->second;
  const auto found = gone_at(ranges, envelope.seq);
  if (found == ranges.end() || found->first > envelope.seq) return;
  const auto range = ranges.find(found->first);
  range->second.ids_digest ^= share;
  brought_.emplace(BroughtKey{{envelope.author, envelope.epoch}, envelope.seq}, share);
  if (!log.accepted.missing(range->first, range->second.last).empty()) return;
  // Nothing, unless what was told was wrong or some wait for their commit, which puts them in.
  digest_.toggle(envelope.author, range->second.ids_digest, 0, now);
  ranges.erase(range);
  if (ranges.empty()) gone_.erase(by_log);
  count_gone_less(envelope.author);
}

void HeldIndex::count_gone_less(const MemberKey& author) {
  --gone_size_;
  const auto count = gone_of_.find(author);
  if (--count->second == 0) gone_of_.erase(count);
}

std::vector<IntervalSet::Interval> HeldIndex::lacking(const MemberKey& author, std::uint64_t epoch,
                                                      std::uint64_t first, std::uint64_t last) const {
  const EpochLog* log = find(author, epoch);
  if (log == nullptr) return {{first, last}};
  return log->accepted.missing(first, last);
}

std::vector<IntervalSet::Interval> HeldIndex::missing(const MemberKey& author, std::uint64_t epoch,
                                                      std::uint64_t first, std::uint64_t last) const {
  const auto gaps = lacking(author, epoch, first, last);
  const GoneRanges* ranges = gone_of(author, epoch);
  if (ranges == nullptr) return gaps;
  std::vector<IntervalSet::Interval> all;
  for (auto [from, to] : gaps) {
    for (auto range = gone_at(*ranges, from); range != ranges->end() && range->first <= to; ++range) {
      if (range->first > from) all.emplace_back(from, range->first - 1);
      from = range->second.last + 1;
    }
    if (from <= to) all.emplace_back(from, to);
  }
  return all;
}

bool HeldIndex::is_gone(const HeldGone& gone) const {
  const GoneRanges* ranges = gone_of(gone.author, gone.epoch);
  if (ranges == nullptr) return false;
  const auto range = ranges->find(gone.first);
  return range != ranges->end() && range->second.last == gone.last;
}

std::vector<GoneRange> HeldIndex::list_gone(const MemberKey& author, std::uint64_t epoch, std::uint64_t first,
                                            std::uint64_t last, std::size_t& looks_left) const {
  std::vector<GoneRange> gone;
  const GoneRanges* ranges = gone_of(author, epoch);
  if (ranges == nullptr) return gone;
  for (auto range = gone_at(*ranges, first); range != ranges->end() && range->first <= last && looks_left > 0;
       ++range, --looks_left) {
    const auto missing = lacking(author, epoch, range->first, range->second.last);
    if (missing.empty() || missing.front().first < first || missing.back().second > last) continue;
    gone.push_back({author, epoch, std::max(first, range->first), std::min(last, range->second.last),
                    range->second.ids_digest});
  }
  return gone;
}

bool HeldIndex::can_accept_record(const RecordKey& key) const {
  if (records_.contains(key)) return true;
  auto count = records_of_.find(key.author);
  if (count != records_of_.end()) return count->second < limits::kRecordsPerAuthorMax;
  return records_of_.size() < limits::kMembersMax;
}

AcceptResult HeldIndex::accept_record(const SealedEnvelope& sealed) {
  const RecordVersion version = version_of(sealed);
  const RecordKey key = key_of(sealed.envelope);
  auto found = records_.find(key);
  if (found == records_.end()) {
    if (!can_accept_record(key)) return AcceptResult::kTooMany;
    ++records_of_[key.author];
    records_.emplace(key, RecordState{version, std::nullopt});
  } else {
    if (!version.is_newer_than(found->second.accepted)) return AcceptResult::kAlready;
    found->second.accepted = version;
  }
  ++accepted_count_;
  return AcceptResult::kNew;
}

void HeldIndex::drop_record(const SealedEnvelope& sealed, Instant now) {
  const auto found = records_.find(key_of(sealed.envelope));
  if (found == records_.end()) return;
  if (const auto& held = found->second.held;
      held && !is_left_out(sealed.envelope.author, sealed.envelope.kind))
    digest_.toggle(sealed.envelope.author, id_digest(held->id), sealed.envelope.wall_ms, now);
  records_.erase(found);
}

void HeldIndex::hold_record(const SealedEnvelope& sealed, Instant now) {
  const RecordVersion version = version_of(sealed);
  auto found = records_.find(key_of(sealed.envelope));
  if (found == records_.end()) return;
  RecordState& state = found->second;
  if (state.held && !version.is_newer_than(*state.held)) return;
  const std::uint64_t old = state.held ? id_digest(state.held->id) : 0;
  if (!is_left_out(sealed.envelope.author, sealed.envelope.kind)) {
    digest_.toggle(sealed.envelope.author, old ^ id_digest(sealed.id), sealed.envelope.wall_ms, now);
  }
  state.held = version;
}

std::uint64_t HeldIndex::records_share(const MemberKey& author) const {
  std::uint64_t share = 0;
  for (auto record = records_.lower_bound({author, 0, {}});
       record != records_.end() && record->first.author == author; ++record) {
    if (record->second.held && record->first.kind != static_cast<std::uint16_t>(Kind::kRevocation))
      share ^= id_digest(record->second.held->id);
  }
  return share;
}

void HeldIndex::leave_out_records(const MemberKey& author, Instant now) {
  if (left_out_.insert(author).second) digest_.toggle(author, records_share(author), 0, now);
}

void HeldIndex::compare_records_again(const MemberKey& author, Instant now) {
  if (left_out_.erase(author) > 0) digest_.toggle(author, records_share(author), 0, now);
}

const EpochLog* HeldIndex::find(const MemberKey& author, std::uint64_t epoch) const {
  auto by_author = logs_.find(author);
  if (by_author == logs_.end()) return nullptr;
  auto by_epoch = by_author->second.find(epoch);
  return by_epoch == by_author->second.end() ? nullptr : &by_epoch->second;
}

std::uint64_t HeldIndex::greatest_epoch(const MemberKey& author) const {
  auto found = logs_.find(author);
  return found == logs_.end() || found->second.empty() ? 0 : found->second.rbegin()->first;
}

const RecordVersion* HeldIndex::find_record(const RecordKey& key) const {
  auto found = records_.find(key);
  return found == records_.end() ? nullptr : &found->second.accepted;
}

}  // namespace p2pmesh
