#include "lying_frames.h"

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/codec.h"
#include "p2pmesh/wire/envelope.h"
#include "p2pmesh/wire/frame.h"

namespace p2pmesh::attacks {
namespace {

enum class Width : std::uint8_t { k1 = 1, k2 = 2, k4 = 4 };

struct Lie {
  std::string name;
  FrameType type;
  Bytes before;  ///< the field that lies
  Width width;
};

Bytes zeros(std::size_t size) {
  return Bytes(size);
}

/// A listing that begins with so many zeros behind its fixed part.
Bytes listing(std::size_t more) {
  return zeros(4 + 1 + limits::kDigestBuckets / 8 + more);
}

Bytes with_count_of_one(Bytes before, std::size_t more) {
  before.push_back(0);
  before.push_back(1);
  before.resize(before.size() + more);
  return before;
}

/// The beginning of an envelope, as far as its room.
Writer envelope_until_room(EnvelopeClass envelope_class) {
  Writer writer;
  writer.u8(kEnvelopeVersion).u8(static_cast<std::uint8_t>(envelope_class)).u16(1).raw(zeros(32));
  return writer;
}

Writer envelope_until_fields(EnvelopeClass envelope_class) {
  return envelope_until_room(envelope_class).u8(0).raw(zeros(32 + 8 + 8));
}

std::vector<Lie> lies_of_envelopes() {
  // The first of its author: sequence number and prev.
  const auto log = [] { return envelope_until_fields(EnvelopeClass::kLog).u64(1).raw(zeros(32)); };
  const auto record = [] { return envelope_until_fields(EnvelopeClass::kRecord); };
  return {
      {"an envelope's room", FrameType::kRepair, envelope_until_room(EnvelopeClass::kLog).take(), Width::k1},
      {"an envelope's parents", FrameType::kRepair, log().take(), Width::k1},
      {"a log's body", FrameType::kRepair, log().u8(0).u64(1).take(), Width::k4},
      {"a record's subject", FrameType::kRepair, record().take(), Width::k1},
      {"a record's body", FrameType::kRepair, record().u8(0).u64(1).take(), Width::k4},
      {"a passing one's body", FrameType::kRepair, envelope_until_fields(EnvelopeClass::kPassing).take(),
       Width::k4},
  };
}

std::vector<Lie> lies_of_frames() {
  return {
      {"gossip", FrameType::kGossip, zeros(2), Width::k4},
      {"ihave", FrameType::kIHave, {}, Width::k2},
      {"graft", FrameType::kGraft, {}, Width::k2},
      {"taken", FrameType::kTaken, {}, Width::k2},
      {"sponsor request, name", FrameType::kSponsorRequest, zeros(32), Width::k1},
      {"sponsor request, heads", FrameType::kSponsorRequest,
       Writer().raw(zeros(32)).short_bytes(as_bytes("Eve")).take(), Width::k1},
      {"sponsor reply", FrameType::kSponsorReply, zeros(1 + 32 + 8), Width::k1},
      {"sync branch", FrameType::kSyncBranch, zeros(4), Width::k2},
      {"sync descend", FrameType::kSyncDescend, zeros(4), Width::k2},
      {"sync listing, logs", FrameType::kSyncListing, listing(0), Width::k2},
      {"sync listing, intervals", FrameType::kSyncListing, with_count_of_one(listing(0), 32 + 8 + 8 + 8),
       Width::k2},
      {"sync listing, records", FrameType::kSyncListing, listing(2), Width::k2},
      {"sync listing, subject", FrameType::kSyncListing, with_count_of_one(listing(2), 32 + 2), Width::k1},
      {"sync listing, gone", FrameType::kSyncListing, listing(2 + 2), Width::k2},
      {"sync request, ranges", FrameType::kSyncRequest, zeros(4), Width::k2},
      {"sync request, records", FrameType::kSyncRequest, zeros(4 + 2), Width::k2},
      {"sync request, subject", FrameType::kSyncRequest, with_count_of_one(zeros(4 + 2), 32 + 2), Width::k1},
      {"sync gone", FrameType::kSyncGone, zeros(4 + 32 + 8), Width::k2},
      {"forward join", FrameType::kForwardJoin, zeros(32), Width::k1},
      {"shuffle", FrameType::kShuffle, zeros(32 + 4 + 1), Width::k1},
      {"shuffle, addresses", FrameType::kShuffle, Writer().raw(zeros(32 + 4 + 1)).u8(1).raw(zeros(32)).take(),
       Width::k1},
      {"shuffle reply", FrameType::kShuffleReply, zeros(32 + 4), Width::k1},
  };
}

}  // namespace

std::vector<std::pair<std::string, Bytes>> lying_frames() {
  std::vector<std::pair<std::string, Bytes>> frames{{"the length of a frame", Bytes(5, 0xFF)}};
  std::vector<Lie> lies = lies_of_frames();
  for (Lie& lie : lies_of_envelopes()) lies.push_back(std::move(lie));
  for (const Lie& lie : lies) {
    Bytes payload = lie.before;
    payload.resize(payload.size() + static_cast<std::size_t>(lie.width), 0xFF);
    frames.emplace_back(lie.name + ", nothing behind it", encode_frame(lie.type, payload));
    payload.resize(limits::kEnvelopeBytesMax);
    frames.emplace_back(lie.name + ", a whole frame", encode_frame(lie.type, payload));
  }
  return frames;
}

}  // namespace p2pmesh::attacks
