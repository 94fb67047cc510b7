// The word of a member that its key is lost and counts no more. Made beforehand, published by anybody.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/ids.h"
#include "p2pmesh/wire/act_body.h"
#include "p2pmesh/wire/envelope.h"

namespace p2pmesh {

/// Holds in every mesh. Checked with the revoked key itself.
struct Revocation {
  MemberKey key;
  Signature signature{};  ///< by that key, over revocation_signing_bytes()
  LogCut cut;  ///< what counts of what the key has signed: as far as its publisher held it, which says so
};

/// What a key signs to revoke itself.
Bytes revocation_signing_bytes(const MemberKey& key);

Bytes encode_revocation(const Revocation& revocation);
/// Nothing when malformed. Checks no signature.
std::optional<Revocation> decode_revocation(ByteView body);

/// A record about the key that its body names; the signature inside is not checked.
std::optional<Revocation> read_revocation(const Envelope& envelope);
/// A record of that kind, whatever is in it.
bool is_revocation(const Envelope& envelope);

/// One line, to be kept in a file: "p2pmesh revocation 1 KEY SIGNATURE", both in hexadecimal.
std::string format_revocation(const Revocation& revocation);
/// Takes what format_revocation() gave, with blanks and line ends around it; nothing otherwise. Without a
/// cut.
std::optional<Revocation> parse_revocation(std::string_view text);

}  // namespace p2pmesh
