// Payloads of anti-entropy and of presence.
#include <algorithm>

#include "p2pmesh/wire/codec.h"
#include "p2pmesh/wire/messages.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kSuspectItemBytes = 32 + 8 + 8;
constexpr std::size_t kGoneItemBytes = 8 + 8 + 8;

void write_held_log(Writer& writer, const HeldLog& log) {
  writer.id(log.author)
      .u64(log.epoch)
      .u64(log.newest_wall_ms)
      .u64(log.ids_digest)
      .u16(static_cast<std::uint16_t>(log.intervals.size()));
  for (const auto& [first, last] : log.intervals) writer.u64(first).u64(last);
}

HeldLog read_held_log(Reader& reader) {
  HeldLog log;
  log.author = reader.id<MemberKey>();
  log.epoch = reader.u64();
  log.newest_wall_ms = reader.u64();
  log.ids_digest = reader.u64();
  const std::size_t count = reader.u16();
  if (reader.remaining() < count * 16) return reader.refuse(), log;
  std::uint64_t floor = 0;  // the next interval begins above this, so that they neither touch nor overlap
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    const std::uint64_t first = reader.u64();
    const std::uint64_t last = reader.u64();
    if (first <= floor || last < first || last >= 1ULL << 63) return reader.refuse(), log;
    log.intervals.emplace_back(first, last);
    floor = last + 1;
  }
  return log;
}

void write_held_record(Writer& writer, const HeldRecord& record) {
  writer.id(record.author).u16(record.kind).short_bytes(record.subject);
  writer.u64(record.epoch).u64(record.version).id(record.id).u8(record.offline ? 1 : 0);
}

Bytes read_subject(Reader& reader) {
  ByteView subject = reader.short_bytes();
  if (subject.size() > limits::kSubjectBytesMax) reader.refuse();
  return {subject.begin(), subject.end()};
}

HeldRecord read_held_record(Reader& reader) {
  HeldRecord record;
  record.author = reader.id<MemberKey>();
  record.kind = reader.u16();
  record.subject = read_subject(reader);
  record.epoch = reader.u64();
  record.version = reader.u64();
  record.id = reader.id<EnvelopeId>();
  const std::uint8_t offline = reader.u8();
  if (offline > 1) reader.refuse();
  record.offline = offline == 1;
  return record;
}

}  // namespace

Bytes encode_frame_of(const SyncDigest& digest) {
  Writer writer;
  writer.u32(digest.session).u64(digest.as_of_ms);
  for (std::uint64_t bucket : digest.buckets) writer.u64(bucket);
  return encode_frame(FrameType::kSyncDigest, writer.bytes());
}

std::optional<SyncDigest> decode_sync_digest(ByteView payload) {
  Reader reader(payload);
  SyncDigest digest;
  digest.session = reader.u32();
  digest.as_of_ms = reader.u64();
  for (std::uint64_t& bucket : digest.buckets) bucket = reader.u64();
  return reader.done() ? std::optional(digest) : std::nullopt;
}

Bytes encode_frame_of(const SyncBranch& branch) {
  Writer writer;
  writer.u32(branch.session).u16(static_cast<std::uint16_t>(branch.buckets.size()));
  for (const SyncBranch::Bucket& bucket : branch.buckets) {
    writer.u8(bucket.number);
    for (std::uint64_t leaf : bucket.leaves) writer.u64(leaf);
  }
  return encode_frame(FrameType::kSyncBranch, writer.bytes());
}

std::optional<SyncBranch> decode_sync_branch(ByteView payload) {
  Reader reader(payload);
  SyncBranch branch;
  branch.session = reader.u32();
  const std::size_t count = reader.u16();
  if (count == 0 || count > limits::kDigestBuckets) return std::nullopt;
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    SyncBranch::Bucket bucket;
    bucket.number = reader.u8();
    for (std::uint64_t& leaf : bucket.leaves) leaf = reader.u64();
    if (i > 0 && bucket.number <= branch.buckets.back().number) return std::nullopt;
    branch.buckets.push_back(bucket);
  }
  return reader.done() ? std::optional(std::move(branch)) : std::nullopt;
}

Bytes encode_frame_of(const SyncDescend& descend) {
  Writer writer;
  writer.u32(descend.session).u16(static_cast<std::uint16_t>(descend.buckets.size()));
  for (const SyncDescend::Bucket& bucket : descend.buckets) writer.u8(bucket.number).u16(bucket.leaves);
  return encode_frame(FrameType::kSyncDescend, writer.bytes());
}

std::optional<SyncDescend> decode_sync_descend(ByteView payload) {
  Reader reader(payload);
  SyncDescend descend;
  descend.session = reader.u32();
  const std::size_t count = reader.u16();
  if (count > limits::kDigestBuckets) return std::nullopt;
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    SyncDescend::Bucket bucket;
    bucket.number = reader.u8();
    bucket.leaves = reader.u16();
    if (bucket.leaves == 0) return std::nullopt;
    if (i > 0 && bucket.number <= descend.buckets.back().number) return std::nullopt;
    descend.buckets.push_back(bucket);
  }
  return reader.done() ? std::optional(std::move(descend)) : std::nullopt;
}

Bytes encode_frame_of(const SyncListing& listing) {
  Writer writer;
  writer.u32(listing.session).u8(listing.last ? 1 : 0).raw(listing.differing);
  writer.u16(static_cast<std::uint16_t>(listing.logs.size()));
  for (const HeldLog& log : listing.logs) write_held_log(writer, log);
  writer.u16(static_cast<std::uint16_t>(listing.records.size()));
  for (const HeldRecord& record : listing.records) write_held_record(writer, record);
  writer.u16(static_cast<std::uint16_t>(listing.gone.size()));
  for (const HeldGone& range : listing.gone)
    writer.id(range.author).u64(range.epoch).u64(range.first).u64(range.last);
  return encode_frame(FrameType::kSyncListing, writer.bytes());
}

std::optional<SyncListing> decode_sync_listing(ByteView payload) {
  Reader reader(payload);
  SyncListing listing;
  listing.session = reader.u32();
  const std::uint8_t last = reader.u8();
  if (last > 1) return std::nullopt;
  listing.last = last == 1;
  ByteView differing = reader.raw(listing.differing.size());
  std::copy(differing.begin(), differing.end(), listing.differing.begin());
  const std::size_t logs = reader.u16();
  for (std::size_t i = 0; i < logs && reader.ok(); ++i) listing.logs.push_back(read_held_log(reader));
  const std::size_t records = reader.u16();
  for (std::size_t i = 0; i < records && reader.ok(); ++i)
    listing.records.push_back(read_held_record(reader));
  const std::size_t gone = reader.u16();
  for (std::size_t i = 0; i < gone && reader.ok(); ++i) {
    HeldGone range;
    range.author = reader.id<MemberKey>();
    range.epoch = reader.u64();
    range.first = reader.u64();
    range.last = reader.u64();
    if (range.first == 0 || range.last < range.first || range.last >= 1ULL << 63) return std::nullopt;
    listing.gone.push_back(range);
  }
  return reader.done() ? std::optional(std::move(listing)) : std::nullopt;
}

Bytes encode_frame_of(const SyncRequest& request) {
  Writer writer;
  writer.u32(request.session).u16(static_cast<std::uint16_t>(request.ranges.size()));
  for (const SyncRequest::Range& range : request.ranges) {
    writer.id(range.author).u64(range.epoch).u64(range.first).u64(range.last);
  }
  writer.u16(static_cast<std::uint16_t>(request.records.size()));
  for (const SyncRequest::Record& record : request.records) {
    writer.id(record.author).u16(record.kind).short_bytes(record.subject);
  }
  return encode_frame(FrameType::kSyncRequest, writer.bytes());
}

std::optional<SyncRequest> decode_sync_request(ByteView payload) {
  Reader reader(payload);
  SyncRequest request;
  request.session = reader.u32();
  const std::size_t ranges = reader.u16();
  if (ranges > limits::kSyncRangesMax) return std::nullopt;
  for (std::size_t i = 0; i < ranges && reader.ok(); ++i) {
    SyncRequest::Range range;
    range.author = reader.id<MemberKey>();
    range.epoch = reader.u64();
    range.first = reader.u64();
    range.last = reader.u64();
    if (range.first == 0 || range.last < range.first || range.last >= 1ULL << 63) return std::nullopt;
    request.ranges.push_back(range);
  }
  const std::size_t records = reader.u16();
  if (records > limits::kSyncRangesMax) return std::nullopt;
  for (std::size_t i = 0; i < records && reader.ok(); ++i) {
    SyncRequest::Record record;
    record.author = reader.id<MemberKey>();
    record.kind = reader.u16();
    record.subject = read_subject(reader);
    request.records.push_back(std::move(record));
  }
  return reader.done() ? std::optional(std::move(request)) : std::nullopt;
}

Bytes encode_frame_of(const SyncGone& gone) {
  Writer writer;
  writer.u32(gone.session).id(gone.author).u64(gone.epoch).u16(static_cast<std::uint16_t>(gone.items.size()));
  for (const SyncGone::Item& item : gone.items) writer.u64(item.first).u64(item.last).u64(item.ids_digest);
  return encode_frame(FrameType::kSyncGone, writer.bytes());
}

std::optional<SyncGone> decode_sync_gone(ByteView payload) {
  Reader reader(payload);
  SyncGone gone;
  gone.session = reader.u32();
  gone.author = reader.id<MemberKey>();
  gone.epoch = reader.u64();
  const std::size_t count = reader.u16();
  if (count == 0 || count > limits::kGonePerFrameMax || reader.remaining() != count * kGoneItemBytes)
    return std::nullopt;
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < count; ++i) {
    SyncGone::Item item;
    item.first = reader.u64();
    item.last = reader.u64();
    item.ids_digest = reader.u64();
    if (item.first <= last || item.last < item.first || item.last >= 1ULL << 63) return std::nullopt;
    last = item.last;
    gone.items.push_back(item);
  }
  return gone;
}

Bytes encode_frame_of(const SyncDone& done) {
  Writer writer;
  writer.u32(done.session).u32(done.envelopes).u8(done.complete ? 1 : 0);
  return encode_frame(FrameType::kSyncDone, writer.bytes());
}

std::optional<SyncDone> decode_sync_done(ByteView payload) {
  Reader reader(payload);
  SyncDone done;
  done.session = reader.u32();
  done.envelopes = reader.u32();
  const std::uint8_t complete = reader.u8();
  done.complete = complete == 1;
  return reader.done() && complete <= 1 ? std::optional(done) : std::nullopt;
}

Bytes encode_suspect_body(const SuspectBody& body) {
  Writer writer;
  writer.u8(static_cast<std::uint8_t>(body.items.size()));
  for (const SuspectBody::Item& item : body.items) writer.id(item.member).u64(item.epoch).u64(item.version);
  return writer.take();
}

std::optional<SuspectBody> decode_suspect_body(ByteView payload) {
  Reader reader(payload);
  const std::size_t count = reader.u8();
  if (count == 0 || count > limits::kSuspectsMax || reader.remaining() != count * kSuspectItemBytes)
    return std::nullopt;
  SuspectBody body;
  for (std::size_t i = 0; i < count; ++i) {
    SuspectBody::Item item;
    item.member = reader.id<MemberKey>();
    item.epoch = reader.u64();
    item.version = reader.u64();
    body.items.push_back(item);
  }
  return body;
}

}  // namespace p2pmesh
