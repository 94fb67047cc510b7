// The signed unit of the mesh: header, opaque body, signature. design.md, section 4; p2pmesh-protocol(7).
// On the way of a frame: decoded by ingress, carried by core, kept by storage. Pure: no clock, no keys.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/time.h"

namespace p2pmesh {

inline constexpr std::uint8_t kEnvelopeVersion = 1;

enum class EnvelopeClass : std::uint8_t { kLog = 1, kRecord = 2, kPassing = 3 };

/// What the body means. Unknown kinds are stored and relayed, not shown. The one table of kinds is in
/// p2pmesh-protocol(7).
enum class Kind : std::uint16_t {
  kMember = 1,         ///< record: Add Peer (online from) and Remove Peer (offline since)
  kStanding = 2,       ///< record, sealed: how its author stands to one other member; subject: their pair
  kRevocation = 3,     ///< record: the key that is its subject counts no more; see wire/revocation.h
  kText = 16,          ///< log: 1 to 512 messages of one room
  kDirect = 17,        ///< log, sealed: from one member to another
  kTopic = 18,         ///< log: the topic of one room
  kSealedRoom = 19,    ///< log, sealed: messages or the topic of one private room
  kAct = 20,           ///< log: what a founder or moderator does to order a room or the mesh
  kEntry = 21,         ///< log: who may come into a closed mesh, and who came
  kSuspect = 32,       ///< passing: a member's node does not answer
  kDirectNotice = 33,  ///< passing, sealed: as kDirect, of the moment alone
};

/// A decoded envelope. Which fields count depends on the class; the others stay zero or empty.
struct Envelope {
  EnvelopeClass envelope_class = EnvelopeClass::kLog;
  std::uint16_t kind = 0;  ///< raw, since unknown kinds travel too
  MeshId mesh;
  std::string room;  ///< `#name` for rooms; empty for what concerns the mesh; at most kRoomBytesMax bytes
  MemberKey author;
  std::uint64_t epoch = 0;
  WallMs wall_ms = 0;  ///< as the author's clock said

  // log
  std::uint64_t seq = 0;            ///< from 1
  EnvelopeId prev;                  ///< the author's previous log envelope of this epoch; zero at seq 1
  std::vector<EnvelopeId> parents;  ///< strictly ascending, at most kParentsMax
  std::uint64_t depth = 0;          ///< 1 + the greatest of the parents'

  // record
  Bytes subject;              ///< at most kSubjectBytesMax bytes
  std::uint64_t version = 0;  ///< of two, the greater (epoch, version) is the newer

  Bytes body;
  Signature signature{};
};

/// An envelope as it travels: the exact signed bytes, their id, and the decoded form. Immutable and
/// shared, so that a flood to many links copies nothing.
struct SealedEnvelope {
  EnvelopeId id;
  Bytes encoded;
  Envelope envelope;
};
using EnvelopePtr = std::shared_ptr<const SealedEnvelope>;

/// Everything but the signature, in canonical form: what is hashed into the id and signed.
Bytes encode_unsigned(const Envelope& envelope);

/// The whole envelope: encode_unsigned() and the signature.
Bytes encode_envelope(const Envelope& envelope);

/// Decodes one whole envelope; nothing when malformed, over a limit, or not canonical (what does not
/// re-encode to the same bytes is refused). Does not check the signature.
std::optional<Envelope> decode_envelope(ByteView bytes);

/// The part of encoded bytes that is hashed and signed; empty when shorter than a signature.
ByteView unsigned_part(ByteView encoded);

}  // namespace p2pmesh
