#include "p2pmesh/wire/revocation.h"

#include <algorithm>

#include "p2pmesh/wire/codec.h"

namespace p2pmesh {
namespace {

constexpr std::string_view kMark = "p2pmesh revocation 1 ";

}  // namespace

Bytes revocation_signing_bytes(const MemberKey& key) {
  return Writer().raw(as_bytes("p2pmesh revocation 1:")).id(key).take();
}

Bytes encode_revocation(const Revocation& revocation) {
  return Writer().id(revocation.key).raw(revocation.signature).take();
}

std::optional<Revocation> decode_revocation(ByteView body) {
  Reader reader(body);
  Revocation revocation;
  revocation.key = reader.id<MemberKey>();
  const ByteView signature = reader.raw(revocation.signature.size());
  if (!reader.done()) return std::nullopt;
  std::copy(signature.begin(), signature.end(), revocation.signature.begin());
  return revocation;
}

bool is_revocation(const Envelope& envelope) {
  return envelope.envelope_class == EnvelopeClass::kRecord &&
         envelope.kind == static_cast<std::uint16_t>(Kind::kRevocation);
}

std::optional<Revocation> read_revocation(const Envelope& envelope) {
  if (!is_revocation(envelope) || !envelope.room.empty()) return std::nullopt;
  const auto revocation = decode_revocation(envelope.body);
  if (!revocation || !std::ranges::equal(revocation->key.view(), envelope.subject)) return std::nullopt;
  return revocation;
}

std::string format_revocation(const Revocation& revocation) {
  return std::string(kMark) + revocation.key.hex() + " " + format_hex(revocation.signature);
}

std::optional<Revocation> parse_revocation(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return std::nullopt;
  text = text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
  if (!text.starts_with(kMark)) return std::nullopt;
  text.remove_prefix(kMark.size());
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  auto body = parse_hex(text.substr(0, space));
  const auto signature = parse_hex(text.substr(space + 1));
  if (!body || body->size() != MemberKey::kSize || !signature) return std::nullopt;
  body->insert(body->end(), signature->begin(), signature->end());
  return decode_revocation(*body);
}

}  // namespace p2pmesh
