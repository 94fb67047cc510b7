// The payloads of the frames, one struct each. p2pmesh-protocol(7) has the table.
// encode_frame_of() gives the whole frame; decode_<type>() takes a payload and gives nothing when it is
// malformed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/net_address.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/wire/frame.h"

namespace p2pmesh {

inline constexpr std::uint16_t kProtocolVersion = 3;
using LinkNonce = std::array<std::uint8_t, 32>;

/// What the members of a closed mesh share.
using MeshSecret = std::array<std::uint8_t, 32>;
/// A keyed hash that only who knows the secret can make.
using MemberProof = std::array<std::uint8_t, 32>;

/// That the holder of an invite wants this dialler in.
struct InviteProof {
  InviteKey key;
  Signature signature{};  ///< over invite_signing_bytes()
};
/// What a dialler shows of itself to a closed mesh; to an open one nothing.
struct HelloProof {
  std::optional<MemberProof> member;
  /// With `member`: the envelopes that say who let it in, and who let that one in, and so on.
  std::vector<Bytes> chain{};
  std::optional<InviteProof> invite{};
};
/// What makes a closed mesh's id, for one who has just come in.
struct MeshGrant {
  MeshSecret secret{};
  MemberKey founder;
};
/// What an acceptor shows in a closed mesh: that it is of it.
struct WelcomeProof {
  std::optional<MemberProof> member;
  std::vector<Bytes> chain{};  ///< with `member`, as in a hello
  std::optional<MeshGrant> grant{};
};

/// The dialler's first frame. Magic and version come first and stay there in every version.
struct Hello {
  std::uint16_t version = kProtocolVersion;
  NodeKey node;
  LinkNonce nonce{};
  std::optional<MeshId> wanted_mesh;  ///< nothing: whatever mesh is there
  HelloProof proof{};
};

struct Head {
  EnvelopeId id;
  std::uint64_t depth = 0;
  bool operator==(const Head&) const = default;
};

/// The answer, and the dialler's confirmation. Signed by the node over both nonces, both keys, the role and
/// the rest.
struct Welcome {
  NodeKey node;
  LinkNonce nonce{};
  MeshId mesh;
  NetAddress observed;                ///< where the receiver's connection comes from
  std::vector<NetAddress> addresses;  ///< where the sender listens
  std::vector<Head> heads;            ///< deepest ones the sender holds, at most kParentsMax
  WelcomeProof proof{};
  Signature signature{};
};

enum class RefuseReason : std::uint8_t {
  kVersion = 1,
  kOtherMesh = 2,
  kSelf = 3,
  kBusy = 4,
  kMalformed = 5,
  kClosed = 6,         ///< let in is who has an invite, or was let in before
  kInviteUnknown = 7,  ///< no such invite is known here, or it was cancelled
  kInviteExpired = 8,
  kInviteUsedUp = 9,
  kBanned = 10,
  kCannotAdmit = 11,  ///< this member can let nobody in now
  kRendezvous = 12,   ///< no member is here, but a rendezvous: rendezvous_messages.h
};

struct Refuse {
  RefuseReason reason = RefuseReason::kMalformed;
  std::uint16_t version = kProtocolVersion;  ///< the refuser's
};

struct GossipItem {
  std::uint16_t round = 0;  ///< hops so far, this one included; saturates
  ByteView envelope;
};
/// One or more payloads for one neighbor.
struct Gossip {
  std::vector<GossipItem> items;
};
/// A gossip frame's bytes beside the envelope's, for the first item and for each further one.
inline constexpr std::size_t kGossipItemBytes = 6;

/// What the sender has, for a lazy neighbor.
struct IHave {
  struct Item {
    EnvelopeId id;
    std::uint16_t round = 0;  ///< hops it had made when the sender got it
  };
  std::vector<Item> items;
};

/// "Push to me from here on, and send these." May name none.
struct Graft {
  std::vector<EnvelopeId> ids;
};

/// "Do not push to me": nothing, or in a full mesh nothing of this author.
struct Prune {
  std::optional<MemberKey> author;
};

struct Taken {
  std::vector<EnvelopeId> ids;
};

/// A digest that leaves out what is younger: envelopes taken in within the last 15 seconds whose wall time
/// is later than this. So traffic that is still on its way does not look like something missing.
using AsOfMs = WallMs;
inline constexpr AsOfMs kAsOfAll = UINT64_MAX;  ///< leaves nothing out

/// Where the sender is in the tree that all nodes agree on: see core's common_tree.h.
struct TreePlace {
  std::uint16_t root = 0;      ///< a piece of the root's key
  std::uint16_t distance = 0;  ///< to the root: milliseconds, and some for each hop; at most kTreeDistanceMax
  std::uint16_t age_cs = 0;    ///< hundredths of a second since the root said so
  bool over_this_link = false;  ///< the receiver is the next one on the way there
};
/// Above any mesh's depth.
inline constexpr std::uint16_t kTreeDistanceMax = 8191;

/// The heartbeat.
struct Ping {
  std::uint64_t token = 0;  ///< not 0: to be echoed in a pong; the sender's monotonic microseconds
  AsOfMs as_of_ms = kAsOfAll;
  std::uint64_t root = 0;            ///< digest of what the sender holds, as of then
  bool repaired = false;             ///< much has just come by repair: compare at once
  std::optional<TreePlace> place{};  ///< with one tree for all authors, where it is known
};

struct SponsorRequest {
  MemberKey member;
  std::string name;
  std::vector<EnvelopeId> heads;  ///< of the sponsor's welcome; none from who changes its name
};

enum class SponsorVerdict : std::uint8_t {
  kHeldByAnother = 0,  ///< the name is taken
  kGranted = 1,
  kNotYet = 2,  ///< this neighbor has no claim itself yet; ask another, or again
};

struct SponsorReply {
  SponsorVerdict verdict = SponsorVerdict::kNotYet;
  MemberKey sponsor;
  std::uint64_t depth = 0;
  std::vector<EnvelopeId> heads;  ///< signed for, with the depth
  Signature signature{};
};

struct SyncDigest {
  std::uint32_t session = 0;
  AsOfMs as_of_ms = kAsOfAll;
  std::array<std::uint64_t, limits::kDigestBuckets> buckets{};
};

/// The level below the buckets, in place of a listing that would be longer: the sums of the leaves of each
/// bucket that differs.
struct SyncBranch {
  struct Bucket {
    std::uint8_t number = 0;
    std::array<std::uint64_t, limits::kDigestLeaves> leaves{};
  };
  std::uint32_t session = 0;
  std::vector<Bucket> buckets;  ///< ascending, at least one
};

/// Which leaves of a branch differ: these are to be listed.
struct SyncDescend {
  struct Bucket {
    std::uint8_t number = 0;
    std::uint16_t leaves = 0;  ///< one bit a leaf, at least one
  };
  std::uint32_t session = 0;
  std::vector<Bucket> buckets;  ///< ascending; none when all has become equal meanwhile
};

/// What the sender holds of one author and epoch.
struct HeldLog {
  MemberKey author;
  std::uint64_t epoch = 0;
  WallMs newest_wall_ms = 0;
  std::uint64_t ids_digest = 0;  ///< exclusive or of id_digest() of all in the intervals
  std::vector<std::pair<std::uint64_t, std::uint64_t>> intervals;  ///< closed, ascending, not touching
};

struct HeldRecord {
  MemberKey author;
  std::uint16_t kind = 0;
  Bytes subject;
  std::uint64_t epoch = 0;
  std::uint64_t version = 0;
  EnvelopeId id;
  bool offline =
      false;  ///< a member record: says online, and the sender believes the member gone all the same
};

/// Where something is of which the sender was told that it is gone.
struct HeldGone {
  MemberKey author;
  std::uint64_t epoch = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

/// One page of the buckets that differ, or of the leaves that were asked for.
struct SyncListing {
  std::uint32_t session = 0;
  bool last = false;
  std::array<std::uint8_t, limits::kDigestBuckets / 8>
      differing{};  ///< one bit a bucket that differs, or of which leaves were asked for, held or not
  std::vector<HeldLog> logs;
  std::vector<HeldRecord> records;
  std::vector<HeldGone> gone = {};
};

struct SyncRequest {
  struct Range {
    MemberKey author;
    std::uint64_t epoch = 0;
    std::uint64_t first = 0;
    std::uint64_t last = 0;
  };
  struct Record {
    MemberKey author;
    std::uint16_t kind = 0;
    Bytes subject;
  };
  std::uint32_t session = 0;
  std::vector<Range> ranges;
  std::vector<Record> records;
};

/// Of what was asked for, and behind all that is still there: what else lies in these ranges was carried and
/// dropped, or was told of as such. It stays in the sender's digests.
struct SyncGone {
  struct Item {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::uint64_t ids_digest = 0;  ///< exclusive or of id_digest() of what is gone
  };
  std::uint32_t session = 0;
  MemberKey author;
  std::uint64_t epoch = 0;
  std::vector<Item> items;  ///< 1 to limits::kGonePerFrameMax, ascending, not overlapping
};

struct SyncDone {
  std::uint32_t session = 0;
  std::uint32_t envelopes = 0;  ///< sent in this answer
  bool complete = false;        ///< false: a bound was reached, ask again
};

enum class CloseReason : std::uint8_t {
  kLeaving = 1,
  kBetterLink = 2,
  kFault = 3,
  kDisconnect = 4,  ///< the sender's view is full, or it only wanted to know who is there
};

struct Close {
  CloseReason reason = CloseReason::kFault;
};

/// Suspicion about members; the body of a passing envelope of kind kSuspect.
struct SuspectBody {
  struct Item {
    MemberKey member;
    std::uint64_t epoch = 0;  ///< of the record that is believed to hold no more
    std::uint64_t version = 0;
  };
  std::vector<Item> items;  ///< 1 to limits::kSuspectsMax
};

Bytes encode_frame_of(const Hello&);
Bytes encode_frame_of(const Welcome&);
Bytes encode_frame_of(const Refuse&);
Bytes encode_frame_of(const Gossip&);
Bytes encode_frame_of(const IHave&);
Bytes encode_frame_of(const Graft&);
Bytes encode_frame_of(const Prune&);
Bytes encode_frame_of(const Taken&);
Bytes encode_frame_of(const SponsorRequest&);
Bytes encode_frame_of(const SponsorReply&);
Bytes encode_frame_of(const SyncDigest&);
Bytes encode_frame_of(const SyncBranch&);
Bytes encode_frame_of(const SyncDescend&);
Bytes encode_frame_of(const SyncListing&);
Bytes encode_frame_of(const SyncRequest&);
Bytes encode_frame_of(const SyncGone&);
Bytes encode_frame_of(const SyncDone&);
Bytes encode_frame_of(const Close&);
Bytes encode_ping(const Ping&);
Bytes encode_pong(std::uint64_t token);
Bytes encode_repair(ByteView envelope);
Bytes encode_suspect_body(const SuspectBody&);

/// The part of a welcome's payload that its signature covers.
Bytes encode_unsigned_welcome(const Welcome&);

/// `version` alone is filled when the magic fits but the version is another; nothing without the magic.
std::optional<Hello> decode_hello(ByteView);
std::optional<Welcome> decode_welcome(ByteView);
std::optional<Refuse> decode_refuse(ByteView);
std::optional<Gossip> decode_gossip(ByteView);
std::optional<IHave> decode_ihave(ByteView);
std::optional<Graft> decode_graft(ByteView);
std::optional<Prune> decode_prune(ByteView);
std::optional<Taken> decode_taken(ByteView);
std::optional<Ping> decode_ping(ByteView);
/// The token.
std::optional<std::uint64_t> decode_pong(ByteView);
std::optional<SponsorRequest> decode_sponsor_request(ByteView);
std::optional<SponsorReply> decode_sponsor_reply(ByteView);
std::optional<SyncDigest> decode_sync_digest(ByteView);
std::optional<SyncBranch> decode_sync_branch(ByteView);
std::optional<SyncDescend> decode_sync_descend(ByteView);
std::optional<SyncListing> decode_sync_listing(ByteView);
std::optional<SyncRequest> decode_sync_request(ByteView);
std::optional<SyncGone> decode_sync_gone(ByteView);
std::optional<SyncDone> decode_sync_done(ByteView);
std::optional<Close> decode_close(ByteView);
std::optional<SuspectBody> decode_suspect_body(ByteView);

}  // namespace p2pmesh
