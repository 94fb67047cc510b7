#include "held_index.h"

#include <algorithm>

#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/wire/codec.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kLogItemBytes = 32 + 8 + 8 + 2;
constexpr std::size_t kRecordItemBytes = 32 + 2 + 1 + 8 + 8 + 32;

RecordKey key_of(const Envelope& envelope) {
  return {envelope.author, envelope.kind, envelope.subject};
}
RecordVersion version_of(const SealedEnvelope& sealed) {
  return {sealed.envelope.epoch, sealed.envelope.version, sealed.id};
}

bool is_member_record(const RecordKey& key) {
  return key.kind == static_cast<std::uint16_t>(Kind::kMember) && key.subject.empty();
}

std::uint64_t digest_of(const RecordKey& key, const RecordVersion& version) {
  Writer writer;
  writer.id(key.author)
      .u16(key.kind)
      .short_bytes(key.subject)
      .u64(version.epoch)
      .u64(version.version)
      .id(version.id);
  return hash_tagged_64("held record", writer.bytes());
}

}  // namespace

void HeldIndex::restore(const RestoredLog& stored) {
  EpochLog& log = logs_[stored.author][stored.epoch];
  log.accepted = IntervalSet(stored.intervals);
  log.held = log.accepted;
  log.newest_wall_ms = stored.newest_wall_ms;
  log.greatest_id = stored.last_id;
  refresh_digest(stored.author, stored.epoch, log);
}

void HeldIndex::restore(const SealedEnvelope& record) {
  if (accept_record(record) == AcceptResult::kNew) hold_record(record);
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
  if (log.accepted.contains(envelope.seq)) return AcceptResult::kAlready;
  if (envelope.seq > log.accepted.greatest()) log.greatest_id = sealed.id;
  log.accepted.insert(envelope.seq);
  log.newest_wall_ms = std::max(log.newest_wall_ms, envelope.wall_ms);
  log.accepted_at = now;
  ++accepted_count_;
  return AcceptResult::kNew;
}

void HeldIndex::hold_log(const Envelope& envelope) {
  EpochLog& log = logs_[envelope.author][envelope.epoch];
  if (log.held.insert(envelope.seq)) refresh_digest(envelope.author, envelope.epoch, log);
}

bool HeldIndex::can_accept_record(const RecordKey& key) const {
  if (records_.contains(key)) return true;
  if (is_member_record(key)) return member_records_ < limits::kMembersMax;
  auto others = other_records_.find(key.author);
  if (others != other_records_.end()) return others->second < limits::kRecordsPerAuthorMax;
  return other_records_.size() < limits::kMembersMax;
}

AcceptResult HeldIndex::accept_record(const SealedEnvelope& sealed) {
  const RecordVersion version = version_of(sealed);
  const RecordKey key = key_of(sealed.envelope);
  auto found = records_.find(key);
  if (found == records_.end()) {
    if (!can_accept_record(key)) return AcceptResult::kTooMany;
    if (is_member_record(key))
      ++member_records_;
    else
      ++other_records_[key.author];
    records_.emplace(key, RecordState{version, std::nullopt, 0});
  } else {
    if (!version.is_newer_than(found->second.accepted)) return AcceptResult::kAlready;
    found->second.accepted = version;
  }
  ++accepted_count_;
  return AcceptResult::kNew;
}

void HeldIndex::hold_record(const SealedEnvelope& sealed) {
  const RecordVersion version = version_of(sealed);
  auto found = records_.find(key_of(sealed.envelope));
  if (found == records_.end()) return;
  RecordState& state = found->second;
  if (state.held && !version.is_newer_than(*state.held)) return;
  state.held = version;
  fold(sealed.envelope.author, state.digest, digest_of(found->first, version));
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

std::uint64_t HeldIndex::root() const {
  Writer writer;
  for (std::uint64_t bucket : buckets_) writer.u64(bucket);
  return hash_tagged_64("held root", writer.bytes());
}

void HeldIndex::refresh_digest(const MemberKey& author, std::uint64_t epoch, EpochLog& log) {
  Writer writer;
  writer.id(author).u64(epoch);
  for (const auto& [first, last] : log.held.intervals()) writer.u64(first).u64(last);
  fold(author, log.digest, hash_tagged_64("held log", writer.bytes()));
}

/// Takes an item's old digest out of its bucket and puts the new one in.
void HeldIndex::fold(const MemberKey& author, std::uint64_t& digest, std::uint64_t renewed) {
  buckets_[bucket_of(author)] ^= digest ^ renewed;
  digest = renewed;
}

std::vector<SyncListing> HeldIndex::list(
    const std::array<std::uint8_t, limits::kDigestBuckets / 8>& differing) const {
  std::vector<SyncListing> pages(1);
  std::size_t page_bytes = 0;
  const auto wanted = [&](const MemberKey& author) {
    return (differing[bucket_of(author) / 8] >> (bucket_of(author) % 8) & 1) != 0;
  };
  const auto reserve = [&](std::size_t bytes) {
    if (page_bytes + bytes > limits::kSyncPageBytes && page_bytes > 0) {
      pages.emplace_back();
      page_bytes = 0;
    }
    page_bytes += bytes;
  };
  constexpr std::size_t kIntervalsAPage = (limits::kSyncPageBytes - kLogItemBytes) / 16;
  for (const auto& [author, epochs] : logs_) {
    if (!wanted(author)) continue;
    for (const auto& [epoch, log] : epochs) {
      const auto& held = log.held.intervals();
      for (std::size_t from = 0; from < held.size(); from += kIntervalsAPage) {
        const std::size_t count = std::min(kIntervalsAPage, held.size() - from);
        reserve(kLogItemBytes + count * 16);
        const auto begin = held.begin() + static_cast<std::ptrdiff_t>(from);
        pages.back().logs.push_back(
            {author, epoch, log.newest_wall_ms, {begin, begin + static_cast<std::ptrdiff_t>(count)}});
      }
    }
  }
  for (const auto& [key, state] : records_) {
    if (!wanted(key.author) || !state.held) continue;
    reserve(kRecordItemBytes + key.subject.size());
    pages.back().records.push_back(
        {key.author, key.kind, key.subject, state.held->epoch, state.held->version, state.held->id});
  }
  for (SyncListing& page : pages) page.differing = differing;
  pages.back().last = true;
  return pages;
}

}  // namespace p2pmesh
