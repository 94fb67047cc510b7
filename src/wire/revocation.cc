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
  Writer writer;
  writer.id(revocation.key).raw(revocation.signature);
  if (!revocation.cut.epochs.empty()) write_cut(writer, revocation.cut);
  return writer.take();
}

std::optional<Revocation> decode_revocation(ByteView body) {
  Reader reader(body);
  Revocation revocation;
  revocation.key = reader.id<MemberKey>();
  const ByteView signature = reader.raw(revocation.signature.size());
  if (!reader.ok()) return std::nullopt;
  std::copy(signature.begin(), signature.end(), revocation.signature.begin());
  if (reader.done()) return revocation;
  auto cut = read_cut(reader);
  if (!cut || cut->epochs.empty() || !reader.done()) return std::nullopt;
  revocation.cut = *std::move(cut);
  return revocation;
}

bool is_revocation(const Envelope& envelope) {
  return envelope.envelope_class == EnvelopeClass::kRecord &&
         envelope.kind == static_cast<std::uint16_t>(Kind::kRevocation);
}

std::optional<Revocation> read_revocation(const Envelope& envelope) {
  if (!is_revocation(envelope) || !envelope.room.empty()) return std::nullopt;
  const auto revocation = decode_revocation(envelope.body);
  const ByteView subject = envelope.subject;
  if (!revocation || subject.size() < MemberKey::kSize ||
      !std::ranges::equal(revocation->key.view(), subject.first(MemberKey::kSize)))
    return std::nullopt;
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
  const auto key = parse_hex(text.substr(0, space));
  const auto signature = parse_hex(text.substr(space + 1));
  Revocation revocation;
  if (!key || key->size() != MemberKey::kSize || !signature ||
      signature->size() != revocation.signature.size())
    return std::nullopt;
  std::copy(key->begin(), key->end(), revocation.key.bytes.begin());
  std::copy(signature->begin(), signature->end(), revocation.signature.begin());
  return revocation;
}

}  // namespace p2pmesh
