// Digests, branches, listings, requests and answers of a neighbor that says what it likes, at a small node.
// What that sends is well-formed, and its digest stays the sum of what it holds.
#include <memory>
#include <vector>

#include "anti_entropy.h"
#include "fuzz_input.h"
#include "many_members.h"

using namespace p2pmesh;

namespace {

using namespace std::chrono_literals;

constexpr LinkId kLinks[] = {7, 8};
constexpr std::uint32_t kAuthors = 200;  // in two buckets: enough for branches to be worth while
constexpr std::uint32_t kMembers = 8;
constexpr std::size_t kSentBytesMax = 1 << 20;  // in answer to one frame
constexpr int kStepsMax = 300;

MemberKey author(std::uint32_t number) {
  MemberKey key = key_of(number);
  key.bytes[0] = number & 1;
  key.bytes[1] = static_cast<std::uint8_t>(number / 2 << 4);
  return key;
}

EnvelopePtr text_of(std::uint32_t by, std::uint64_t seq, std::uint8_t version, WallMs wall_ms) {
  auto sealed = std::make_shared<SealedEnvelope>();
  Envelope& envelope = sealed->envelope;
  envelope.kind = static_cast<std::uint16_t>(Kind::kText);
  envelope.author = author(by);
  envelope.epoch = 1;
  envelope.seq = seq;
  envelope.depth = 1;
  envelope.wall_ms = wall_ms;
  sealed->encoded = encode_envelope(envelope);
  sealed->id.bytes = key_of(by * 1000 + static_cast<std::uint32_t>(seq) * 8 + version).bytes;
  return sealed;
}

bool is_well_formed(ByteView frame) {
  const ByteView payload = frame.subspan(limits::kFrameHeaderBytes);
  switch (static_cast<FrameType>(frame[4])) {
    case FrameType::kSyncDigest:
      return decode_sync_digest(payload).has_value();
    case FrameType::kSyncBranch:
      return decode_sync_branch(payload).has_value();
    case FrameType::kSyncDescend:
      return decode_sync_descend(payload).has_value();
    case FrameType::kSyncListing:
      return decode_sync_listing(payload).has_value();
    case FrameType::kSyncRequest:
      return decode_sync_request(payload).has_value();
    case FrameType::kSyncGone:
      return decode_sync_gone(payload).has_value();
    case FrameType::kSyncDone:
      return decode_sync_done(payload).has_value();
    case FrameType::kRepair:
      return decode_envelope(payload).has_value();
    default:
      return false;
  }
}

/// A number that is as often one of those in use.
std::uint64_t number_from(FuzzInput& input) {
  const std::uint8_t kind = input.byte();
  if (kind < 200) return kind % 16;
  std::uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number = number << 8 | input.byte();
  return number;
}

MemberKey author_from(FuzzInput& input) {
  return author(input.byte());
}

std::vector<RestoredLog> some_logs() {
  std::vector<RestoredLog> logs;
  for (std::uint32_t i = 0; i < kAuthors; ++i) {
    RestoredLog log;
    log.author = author(i);
    log.epoch = 1;
    log.intervals = {{1, 1 + i % 3}};
    for (std::uint64_t seq = 1; seq <= 1 + i % 3; ++seq)
      log.ids_digest ^= id_digest(text_of(i, seq, 0, 1)->id);
    logs.push_back(std::move(log));
  }
  return logs;
}

std::vector<SealedEnvelope> some_records() {
  std::vector<SealedEnvelope> records;
  for (std::uint32_t i = 0; i < kMembers; ++i) {
    records.push_back(*record_of(i, "Member" + std::to_string(i)));
    records.back().envelope.author = author(i);
  }
  return records;
}

struct SmallNode {
  SmallNode() {
    for (const LinkId id : kLinks) {
      LinkUp up;
      up.link = id;
      up.node.bytes[0] = static_cast<std::uint8_t>(id);
      links.add(up, NodeKey{}, now.monotonic);
    }
    static const std::vector<RestoredLog> logs = some_logs();
    static const std::vector<SealedEnvelope> records = some_records();
    for (const RestoredLog& log : logs) index.restore(log);
    for (const SealedEnvelope& record : records) roster.restore(record);
  }

  Link& link_from(FuzzInput& input) { return *links.find(kLinks[input.byte() % 16 == 0]); }
  std::uint32_t session_from(FuzzInput& input) {
    return input.byte() % 16 == 0 ? static_cast<std::uint32_t>(number_from(input)) : session;
  }

  void check_sums() {
    LeafSet all;
    all.fill(kAllLeaves);
    std::uint64_t sum = 0;
    const auto add = [&](const MemberKey&, std::uint64_t share) { sum ^= share; };
    index.for_each_share(all, add);
    roster.for_each_share(all, add);
    demand(sum == digest.root(kAsOfAll, now.monotonic));
    for (const std::uint64_t bucket : digest.buckets(kAsOfAll, now.monotonic)) sum ^= bucket;
    demand(sum == 0);
  }
  void look_at_sent() {
    std::size_t bytes = 0;
    for (const Output& output : sent) {
      if (const auto* load = std::get_if<Load>(&output)) loads.push_back(*load);
      const auto* send = std::get_if<SendFrame>(&output);
      if (send == nullptr) continue;
      const Bytes& frame = *send->frame;
      demand(frame.size() <= limits::kFrameBytesMax && is_well_formed(frame));
      bytes += frame.size();
      if (frame[4] == static_cast<std::uint8_t>(FrameType::kSyncDigest))
        session = decode_sync_digest(ByteView(frame).subspan(limits::kFrameHeaderBytes))->session;
    }
    demand(bytes <= kSentBytesMax);
    sent.clear();
  }

  Now now{Instant(100s), 1'700'000'000'000};
  ProtocolParameters parameters;
  Credulous verifier;
  HeldDigest digest;
  HeldIndex index{digest};
  Roster roster{MeshId{}, verifier, digest};
  Links links;
  AntiEntropy entropy{parameters, digest, index, roster, links, author(0), 1};
  Outputs sent;
  std::vector<Load> loads;
  std::uint32_t session = 1;
};

/// What a frame of this message says when it arrives; nothing when the wire refuses it.
template <class Message>
std::optional<Message> through_the_wire(const Message& message, std::optional<Message> (*decode)(ByteView)) {
  const Bytes frame = encode_frame_of(message);
  if (frame.size() > limits::kFrameBytesMax) return std::nullopt;
  return decode(ByteView(frame).subspan(limits::kFrameHeaderBytes));
}

SyncDigest digest_from(FuzzInput& input, SmallNode& node) {
  SyncDigest said{
      node.session_from(input), input.byte() % 2 == 0 ? kAsOfAll : node.entropy.as_of(node.now), {}};
  said.buckets = node.digest.buckets(said.as_of_ms, node.now.monotonic);
  for (std::size_t i = input.below(4); i > 0; --i) said.buckets[input.byte() % 3] ^= number_from(input);
  return said;
}

SyncBranch branch_from(FuzzInput& input, SmallNode& node) {
  SyncBranch said{node.session_from(input), {}};
  for (std::uint8_t bucket = 0; bucket < 3; ++bucket) {
    if (input.byte() % 4 == 0) continue;
    said.buckets.push_back({bucket, {}});
    for (auto& leaf : said.buckets.back().leaves) leaf = number_from(input);
  }
  return said;
}

SyncDescend descend_from(FuzzInput& input, SmallNode& node) {
  SyncDescend said{node.session_from(input), {}};
  for (std::uint8_t bucket = 0; bucket < 3; ++bucket) {
    const std::uint16_t leaves = static_cast<std::uint16_t>(input.byte() << 8 | input.byte());
    if (leaves != 0) said.buckets.push_back({bucket, leaves});
  }
  return said;
}

SyncListing listing_from(FuzzInput& input, SmallNode& node) {
  SyncListing said;
  said.session = node.session_from(input);
  const std::uint8_t choices = input.byte();
  said.last = (choices & 3) != 0;
  said.differing[0] = choices;
  for (std::size_t i = input.below(6); i > 0; --i) {
    HeldLog log{author_from(input), number_from(input), number_from(input), number_from(input), {}};
    std::uint64_t at = 0;
    for (std::size_t n = 1 + input.below(3); n > 0; --n) {
      const std::uint64_t first = at + 2 + number_from(input);
      at = first + number_from(input);
      log.intervals.emplace_back(first, at);
    }
    said.logs.push_back(std::move(log));
  }
  for (std::size_t i = input.below(4); i > 0; --i) {
    HeldRecord record;
    record.author = author_from(input);
    record.kind = static_cast<std::uint16_t>(1 + input.byte() % 4);
    record.subject.resize(input.byte() % 3);
    record.epoch = number_from(input);
    record.version = number_from(input);
    record.id.bytes[0] = input.byte();
    said.records.push_back(std::move(record));
  }
  for (std::size_t i = input.below(4); i > 0; --i)
    said.gone.push_back({author_from(input), number_from(input), number_from(input), number_from(input)});
  return said;
}

SyncRequest request_from(FuzzInput& input, SmallNode& node) {
  SyncRequest said{node.session_from(input), {}, {}};
  for (std::size_t i = input.below(6); i > 0; --i)
    said.ranges.push_back({author_from(input), number_from(input), number_from(input), number_from(input)});
  for (std::size_t i = input.below(4); i > 0; --i) said.records.push_back({author_from(input), 1, {}});
  return said;
}

SyncGone gone_from(FuzzInput& input, SmallNode& node) {
  SyncGone said{node.session_from(input), author_from(input), number_from(input), {}};
  std::uint64_t at = 0;
  for (std::size_t i = 1 + input.below(4); i > 0; --i) {
    const std::uint64_t first = at + 1 + number_from(input);
    at = first + number_from(input);
    said.items.push_back({first, at, number_from(input)});
  }
  return said;
}

Loaded loaded_from(FuzzInput& input, SmallNode& node) {
  Loaded loaded;
  loaded.complete = input.byte() % 2 == 0;
  if (node.loads.empty()) return loaded;
  const Load load = std::move(node.loads.back());
  node.loads.pop_back();
  loaded.request = load.request;
  for (std::size_t i = input.below(4); i > 0; --i) loaded.envelopes.push_back(text_of(input.byte(), 1, 0, 1));
  // As a store: each within a range that was asked for, of those in order.
  for (const SyncRequest::Range& range : load.ranges) {
    if (input.byte() % 2 == 0) loaded.gone.push_back({range.author, range.epoch, range.first, range.last, 5});
  }
  return loaded;
}

void raw(FuzzInput& input, SmallNode& node, Link& link, Turn& turn) {
  const std::uint8_t which = input.byte() % 7;
  const ByteView bytes = input.take(input.below(4000));
  if (which == 0) {
    if (const auto said = decode_sync_digest(bytes)) node.entropy.on_digest(link, *said, turn);
  } else if (which == 1) {
    if (const auto said = decode_sync_branch(bytes)) node.entropy.on_branch(link, *said, turn);
  } else if (which == 2) {
    if (const auto said = decode_sync_descend(bytes)) node.entropy.on_descend(link, *said, turn);
  } else if (which == 3) {
    if (const auto said = decode_sync_listing(bytes)) node.entropy.on_listing(link, *said, turn);
  } else if (which == 4) {
    if (auto said = decode_sync_request(bytes)) node.entropy.on_request(link, *std::move(said), turn);
  } else if (which == 5) {
    if (const auto said = decode_sync_gone(bytes)) node.entropy.on_gone(link, *said, turn);
  } else {
    if (const auto said = decode_sync_done(bytes)) node.entropy.on_done(link, *said, turn);
  }
}

/// An envelope comes, as repair or otherwise, once more or as a fork.
void take_in(FuzzInput& input, SmallNode& node) {
  const std::uint32_t by = input.byte();
  const std::uint64_t seq = 1 + input.below(8);
  const std::uint8_t version = input.byte() % 2;
  const EnvelopePtr text = text_of(by, seq, version, input.byte());
  const AcceptResult accepted = node.index.accept_log(*text, false, node.now.monotonic);
  if (accepted == AcceptResult::kNew) node.index.hold_log(*text, node.now.monotonic);
}

void step(FuzzInput& input, SmallNode& node) {
  const std::uint8_t what = input.byte() % 13;
  Link& link = node.link_from(input);
  Turn turn{node.now, node.sent};
  AntiEntropy& entropy = node.entropy;
  if (what == 0) {
    if (const auto said = through_the_wire(digest_from(input, node), decode_sync_digest))
      entropy.on_digest(link, *said, turn);
  } else if (what == 1) {
    if (const auto said = through_the_wire(branch_from(input, node), decode_sync_branch))
      entropy.on_branch(link, *said, turn);
  } else if (what == 2) {
    if (const auto said = through_the_wire(descend_from(input, node), decode_sync_descend))
      entropy.on_descend(link, *said, turn);
  } else if (what == 3) {
    if (const auto said = through_the_wire(listing_from(input, node), decode_sync_listing))
      entropy.on_listing(link, *said, turn);
  } else if (what == 4) {
    if (auto said = through_the_wire(request_from(input, node), decode_sync_request))
      entropy.on_request(link, *std::move(said), turn);
  } else if (what == 5) {
    if (const auto said = through_the_wire(gone_from(input, node), decode_sync_gone))
      entropy.on_gone(link, *said, turn);
  } else if (what == 6) {
    entropy.on_done(link, {node.session_from(input), input.byte(), input.byte() % 2 == 0}, turn);
  } else if (what == 7) {
    raw(input, node, link, turn);
  } else if (what == 8) {
    entropy.on_loaded(loaded_from(input, node), turn);
  } else if (what == 9) {
    link.differs = true;
    const AsOfMs as_of_ms = input.byte() % 2 == 0 ? kAsOfAll : entropy.as_of(node.now);
    entropy.on_root(link, as_of_ms, input.byte() % 2 == 0, turn);
  } else if (what == 10) {
    take_in(input, node);
  } else if (what == 11) {
    entropy.on_link_down(link.id, turn);
  } else {
    node.now.monotonic += std::chrono::milliseconds(100 * input.byte());
    node.now.wall_ms += 1000;
    Turn later{node.now, node.sent};
    entropy.hurry(later);
    entropy.on_wake(later);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  SmallNode node;
  node.check_sums();
  for (int i = 0; i < kStepsMax && !input.empty(); ++i) {
    step(input, node);
    node.look_at_sent();
  }
  node.check_sums();
  return 0;
}
