#include "liar.h"

#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/wire/messages.h"
#include "p2pmesh/wire/text_body.h"
#include "sim_node.h"

namespace p2pmesh::sim {
namespace {

constexpr std::uint64_t kFloodMax = 1500;  // half as much again as an author's burst
constexpr std::uint64_t kGapsMax = 1400;   // what the budget takes in while the first ones are held back
constexpr std::uint64_t kAnnounceFrames = 6;
constexpr std::uint64_t kAnnouncedMax = 10;  // times
constexpr std::size_t kIdsPerFrame = 1000;   // six of them are above limits::kMissingIdsMax
constexpr std::uint64_t kRecordsMax = 20;
constexpr std::uint16_t kUnknownKind = 900;

}  // namespace

Liar::Liar(SimNode& self, Surroundings& around, std::uint32_t lies, std::uint64_t seed)
    : self_(self), around_(around), lies_(lies), draw_(seed) {}

bool Liar::passes(const SendFrame& send) {
  const auto type = static_cast<FrameType>((*send.frame)[4]);
  if ((lies_ & Lie::kSilent) != 0 && type == FrameType::kGossip) return false;
  if ((lies_ & Lie::kForge) != 0 && spoils(send)) return false;
  if ((lies_ & Lie::kLieInDigest) == 0) return true;
  const ByteView payload = ByteView(*send.frame).subspan(limits::kFrameHeaderBytes);
  if (type == FrameType::kPing) {
    auto ping = decode_ping(payload);
    if (!ping || draw_.below(2) == 0) return true;
    ping->root = draw_.next();
    around_.network.send(send.link, std::make_shared<const Bytes>(encode_ping(*ping)), send.frame_class);
    return false;
  }
  if (type == FrameType::kSyncBranch) {
    auto branch = decode_sync_branch(payload);
    if (!branch) return true;
    for (int i = 0; i < 8; ++i) {
      SyncBranch::Bucket& bucket = branch->buckets[draw_.below(branch->buckets.size())];
      bucket.leaves[draw_.below(bucket.leaves.size())] = draw_.next();
    }
    around_.network.send(send.link, std::make_shared<const Bytes>(encode_frame_of(*branch)),
                         send.frame_class);
    return false;
  }
  if (type != FrameType::kSyncDigest) return true;
  // The digests are altered where they stand; what the rest means is the core's affair.
  Bytes altered = *send.frame;
  for (int i = 0; i < 8; ++i) {
    const std::size_t at =
        limits::kFrameHeaderBytes + 4 + draw_.below(altered.size() - limits::kFrameHeaderBytes - 4);
    altered[at] = static_cast<std::uint8_t>(altered[at] ^ (1 + draw_.below(255)));
  }
  around_.network.send(send.link, std::make_shared<const Bytes>(std::move(altered)), send.frame_class);
  return false;
}

void Liar::act() {
  if (self_.core == nullptr || self_.state != HostState::kRunning) return;
  std::vector<LinkId> links;
  for (const LinkView& link : self_.core->links()) links.push_back(link.link);
  if (links.empty()) return;
  if (epoch_ == 0) epoch_ = self_.now().wall_ms + 1'000'000;
  if ((lies_ & Lie::kForge) != 0 && draw_.below(20) == 0) forge(links);
  if ((lies_ & Lie::kReplay) != 0) replay(links);
  if ((lies_ & Lie::kEquivocate) != 0 && seq_ < 40) equivocate(links);
  if ((lies_ & Lie::kFlood) != 0 && draw_.below(10) == 0) flood(links);
  if ((lies_ & Lie::kAnnounce) != 0 && draw_.below(30) == 0) announce(links);
  if ((lies_ & Lie::kLeaveGaps) != 0 && (gaps_ > 0 || draw_.below(100) == 0)) leave_gaps(links);
  if ((lies_ & Lie::kTwoRecords) != 0 && draw_.below(50) == 0) write_two_records(links);
}

/// Passes on an envelope with a wrong signature, now and then: its id is the real one's.
bool Liar::spoils(const SendFrame& send) {
  const auto type = static_cast<FrameType>((*send.frame)[4]);
  const bool spoilt_type = type == FrameType::kGossip || type == FrameType::kRepair;
  if (!spoilt_type || draw_.below(type == FrameType::kRepair ? 4 : 20) != 0) return false;
  Bytes spoilt = *send.frame;
  spoilt.back() = static_cast<std::uint8_t>(spoilt.back() ^ 1);
  around_.network.send(send.link, std::make_shared<const Bytes>(std::move(spoilt)), send.frame_class);
  return true;
}

void Liar::send(LinkId link, const SealedEnvelope& envelope) {
  Gossip gossip;
  gossip.items.push_back({static_cast<std::uint16_t>(1 + draw_.below(4)), envelope.encoded});
  Bytes frame = encode_frame_of(gossip);
  around_.network.send(link, std::make_shared<const Bytes>(std::move(frame)), FrameClass::kLive);
}

EnvelopePtr Liar::write(std::uint64_t epoch, std::uint64_t seq, const EnvelopeId& prev,
                        const std::string& text) {
  SealedEnvelope sealed;
  Envelope& fields = sealed.envelope;
  fields.kind = static_cast<std::uint16_t>(Kind::kText);
  fields.room = "#lobby";
  fields.epoch = epoch;
  fields.seq = seq;
  fields.prev = prev;
  fields.depth = 1 + draw_.below(100);
  fields.body = encode_text_body({text});
  return seal(std::move(sealed));
}

EnvelopePtr Liar::seal(SealedEnvelope sealed) {
  Envelope& fields = sealed.envelope;
  fields.mesh = around_.mesh;
  fields.author = self_.key();
  fields.wall_ms = self_.now().wall_ms;
  sealed.encoded = encode_unsigned(fields);
  sealed.id = hash_envelope(sealed.encoded);
  fields.signature = self_.signer->sign(envelope_signing_bytes(sealed.id));
  sealed.encoded.insert(sealed.encoded.end(), fields.signature.begin(), fields.signature.end());
  return std::make_shared<SealedEnvelope>(std::move(sealed));
}

/// Another's envelope with another body, or a body of our own under another's name.
void Liar::forge(const std::vector<LinkId>& links) {
  if (around_.pool.size() == 0) return;
  const auto victim = static_cast<std::uint32_t>(draw_.below(around_.pool.size()));
  SealedEnvelope forged = *around_.pool[victim].envelope;
  if (forged.envelope.author == self_.key()) return;
  if (draw_.below(2) == 0) {
    forged.encoded[forged.encoded.size() - 65] =
        static_cast<std::uint8_t>(forged.encoded[forged.encoded.size() - 65] ^ 1);
  } else {
    forged.envelope.seq += 1 + draw_.below(3);
    forged.envelope.prev = forged.id;
    forged.envelope.body = encode_text_body({"forged"});
    forged.encoded = encode_unsigned(forged.envelope);
    forged.encoded.insert(forged.encoded.end(), forged.envelope.signature.begin(),
                          forged.envelope.signature.end());
  }
  send(links[draw_.below(links.size())], forged);
}

/// Only what has come here: the pool also has what a crash took back before its author sent it to anybody.
void Liar::replay(const std::vector<LinkId>& links) {
  if (around_.pool.size() == 0) return;
  const auto old = static_cast<std::uint32_t>(draw_.below(around_.pool.size()));
  if (!self_.disk.holds(old) && !self_.disk.has_dropped(old)) return;
  send(links[draw_.below(links.size())], *around_.pool[old].envelope);
}

void Liar::equivocate(const std::vector<LinkId>& links) {
  const EnvelopeId prev = last_;
  ++seq_;
  const EnvelopePtr one = write(epoch_, seq_, prev, "yes");
  const EnvelopePtr other = write(epoch_, seq_, prev, "no");
  for (std::size_t i = 0; i < links.size(); ++i) send(links[i], i % 2 == 0 ? *one : *other);
  last_ = one->id;
}

void Liar::flood(const std::vector<LinkId>& links) {
  for (int i = 0; i < 300 && flooded_ < kFloodMax; ++i, ++flooded_) {
    const EnvelopeId prev = last_;
    ++seq_;
    const EnvelopePtr envelope = write(epoch_, seq_, prev, "flood");
    last_ = envelope->id;
    for (LinkId link : links) send(link, *envelope);
  }
}

void Liar::announce(const std::vector<LinkId>& links) {
  if (++announced_ > kAnnouncedMax) return;
  for (std::uint64_t i = 0; i < kAnnounceFrames; ++i) {
    IHave ihave;
    for (std::size_t j = 0; j < kIdsPerFrame; ++j) {
      EnvelopeId id;
      for (std::uint8_t& byte : id.bytes) byte = static_cast<std::uint8_t>(draw_.next());
      ihave.items.push_back({id, 1});
    }
    const auto frame = std::make_shared<const Bytes>(encode_frame_of(ihave));
    for (LinkId link : links) around_.network.send(link, frame, FrameClass::kControl);
  }
}

void Liar::leave_gaps(const std::vector<LinkId>& links) {
  // A burst, and then what the budget gives back while the first ones still wait.
  const int count = gaps_ == 0 ? 1000 : 40;
  for (int i = 0; i < count && gaps_ < kGapsMax; ++i) {
    gaps_ += 1;
    const EnvelopePtr envelope = write(epoch_ + 1, 2 * gaps_, EnvelopeId{{1}}, "gap");
    for (LinkId link : links) send(link, *envelope);
  }
}

void Liar::write_two_records(const std::vector<LinkId>& links) {
  if (records_ >= kRecordsMax) return;
  ++records_;
  for (std::size_t i = 0; i < links.size(); ++i) {
    SealedEnvelope record;
    record.envelope.envelope_class = EnvelopeClass::kRecord;
    record.envelope.kind = kUnknownKind;
    record.envelope.epoch = epoch_;
    record.envelope.version = records_;
    record.envelope.body = {static_cast<std::uint8_t>(i % 2)};
    send(links[i], *seal(std::move(record)));
  }
}

}  // namespace p2pmesh::sim
