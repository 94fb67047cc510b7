// The body of an entry: an invite into a closed mesh, that it counts no more, or who came in by one.
// p2pmesh-protocol(7). Pure: what counts is the core's.
#pragma once

#include <cstdint>
#include <optional>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/wire/envelope.h"

namespace p2pmesh {

enum class EntryVerb : std::uint8_t {
  kInvite = 1,  ///< whoever holds this key's secret may come in
  kCancel = 2,  ///< by who made the invite: no more
  kAdmit = 3,   ///< the author has let this member in by that invite
};

struct EntryBody {
  EntryVerb verb = EntryVerb::kInvite;
  InviteKey invite;
  std::uint32_t uses = 0;  ///< kInvite: so many members; 0: any number
  WallMs end_ms = 0;       ///< kInvite: until then, by the clock of who lets in; 0: for good
  MemberKey member;        ///< kAdmit
  Signature ticket{};      ///< kAdmit: by the invite, for this member: see invite_signing_bytes()

  bool operator==(const EntryBody&) const = default;
};

/// A log envelope of the kind; its body may still be malformed.
bool is_entry(const Envelope& envelope);

/// What the holder of an invite signs, so that it lets in this member and nobody else.
Bytes invite_signing_bytes(const InviteKey& invite, const MeshId& mesh, const MemberKey& member);

Bytes encode_entry_body(const EntryBody& body);

/// Nothing when malformed, or with a field that its verb has not.
std::optional<EntryBody> decode_entry_body(ByteView bytes);

}  // namespace p2pmesh
