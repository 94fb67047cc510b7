#include "held_index.h"

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
  return accepted.intervals().size() < limits::kIntervalsPerEpochMax || accepted.contains(seq) ||
         accepted.contains(seq - 1) || accepted.contains(seq + 1);
}

AcceptResult HeldIndex::accept_log(const SealedEnvelope& sealed, bool own, Instant now) {
  const Envelope& envelope = sealed.envelope;
  if (!own && !can_accept(envelope.author, envelope.epoch, envelope.seq)) return AcceptResult::kTooMany;
  EpochLog& log = logs_[envelope.author][envelope.epoch];
  if (!log.accepted.insert(envelope.seq)) return AcceptResult::kAlready;
  log.newest_wall_ms = std::max(log.newest_wall_ms, envelope.wall_ms);
  log.accepted_at = now;
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
  if (!log.held.insert(envelope.seq)) return;
  log.ids_digest ^= id_digest(sealed.id);
  if (P2P_PLANTED(LogsNotInDigest)) return;
  digest_.toggle(envelope.author, id_digest(sealed.id), envelope.wall_ms, now);
}

void HeldIndex::hold_fork(const SealedEnvelope& shown, const EnvelopeId& replaced, Instant now) {
  const Envelope& envelope = shown.envelope;
  const std::uint64_t change = id_digest(shown.id) ^ id_digest(replaced);
  logs_[envelope.author][envelope.epoch].ids_digest ^= change;
  digest_.toggle(envelope.author, change, envelope.wall_ms, now);
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

void HeldIndex::hold_record(const SealedEnvelope& sealed, Instant now) {
  const RecordVersion version = version_of(sealed);
  auto found = records_.find(key_of(sealed.envelope));
  if (found == records_.end()) return;
  RecordState& state = found->second;
  if (state.held && !version.is_newer_than(*state.held)) return;
  const std::uint64_t old = state.held ? id_digest(state.held->id) : 0;
  digest_.toggle(sealed.envelope.author, old ^ id_digest(sealed.id), sealed.envelope.wall_ms, now);
  state.held = version;
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
