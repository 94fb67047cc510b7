#include "p2pmesh/wire/entry_body.h"

#include <algorithm>

#include "p2pmesh/wire/codec.h"

namespace p2pmesh {
namespace {

/// What its verb has not must not be there: each entry has one encoding.
bool fits_verb(const EntryBody& body) {
  const bool has_terms = body.verb == EntryVerb::kInvite;
  const bool admits = body.verb == EntryVerb::kAdmit;
  return !body.invite.is_zero() && admits != body.member.is_zero() &&
         (admits || body.ticket == Signature{}) && (has_terms || (body.uses == 0 && body.end_ms == 0)) &&
         body.end_ms >> 63 == 0;
}

}  // namespace

bool is_entry(const Envelope& envelope) {
  return envelope.envelope_class == EnvelopeClass::kLog &&
         envelope.kind == static_cast<std::uint16_t>(Kind::kEntry);
}

Bytes invite_signing_bytes(const InviteKey& invite, const MeshId& mesh, const MemberKey& member) {
  return Writer().raw(as_bytes("p2pmesh invite 1:")).id(invite).id(mesh).id(member).take();
}

Bytes encode_entry_body(const EntryBody& body) {
  Writer writer;
  return writer.u8(static_cast<std::uint8_t>(body.verb))
      .id(body.invite)
      .u32(body.uses)
      .u64(body.end_ms)
      .id(body.member)
      .raw(body.ticket)
      .take();
}

std::optional<EntryBody> decode_entry_body(ByteView bytes) {
  Reader reader(bytes);
  EntryBody body;
  const std::uint8_t verb = reader.u8();
  if (verb < static_cast<std::uint8_t>(EntryVerb::kInvite) ||
      verb > static_cast<std::uint8_t>(EntryVerb::kAdmit))
    return std::nullopt;
  body.verb = static_cast<EntryVerb>(verb);
  body.invite = reader.id<InviteKey>();
  body.uses = reader.u32();
  body.end_ms = reader.u64();
  body.member = reader.id<MemberKey>();
  const ByteView ticket = reader.raw(kSignatureBytes);
  std::copy(ticket.begin(), ticket.end(), body.ticket.begin());
  return reader.done() && fits_verb(body) ? std::optional(body) : std::nullopt;
}

}  // namespace p2pmesh
