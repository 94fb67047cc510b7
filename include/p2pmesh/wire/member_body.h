// The body of a member record: Add Peer (online) and Remove Peer (offline), with the name claim inside.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/net_address.h"
#include "p2pmesh/base/time.h"

namespace p2pmesh {

using MeshNonce = std::array<std::uint8_t, 16>;

/// What backs a claim to a name.
enum class ClaimProof : std::uint8_t {
  kNone = 0,     ///< nobody signed: loses against any backed claim
  kFounder = 1,  ///< the nonce shows that the mesh id was made from the author's key
  kSponsor = 2,  ///< a member signed (key, name, depth, heads)
};

/// A claim to a name, copied unchanged from one member record to the next, so that its id stays.
struct NameClaim {
  std::string name;
  std::uint64_t depth = 0;        ///< 1 + the deepest head named; 0 for the founder
  std::vector<EnvelopeId> heads;  ///< of the sponsor's welcome, at most kParentsMax
  ClaimProof proof = ClaimProof::kNone;
  MeshNonce nonce{};      ///< kFounder
  MemberKey sponsor;      ///< kSponsor
  Signature signature{};  ///< kSponsor

  bool operator==(const NameClaim&) const = default;
};

struct MemberBody {
  bool online = false;                ///< Add Peer, else Remove Peer
  WallMs since_ms = 0;                ///< online from, offline since
  NodeKey node;                       ///< the daemon that hosts the member
  AgreementKey prekey{};              ///< what direct messages to the member are sealed to; zeros: none
  std::vector<NetAddress> addresses;  ///< of that node, at most kAddressesMax
  NameClaim claim;
  Signature node_signature{};  ///< by `node`, over node_signing_bytes()
};

Bytes encode_claim(const NameClaim& claim);
Bytes encode_member_body(const MemberBody& body);

/// Nothing when malformed or over a limit. Checks no signature and no alphabet.
std::optional<MemberBody> decode_member_body(ByteView bytes);

/// What a sponsor signs.
Bytes sponsor_signing_bytes(const MeshId& mesh, const MemberKey& member, const std::string& name,
                            std::uint64_t depth, const std::vector<EnvelopeId>& heads);

/// What the node countersigns: it hosts this member, at this epoch and version, with this body.
Bytes node_signing_bytes(const MeshId& mesh, const MemberKey& member, std::uint64_t epoch,
                         std::uint64_t version, const MemberBody& body);

}  // namespace p2pmesh
