#include "p2pmesh/wire/member_body.h"

#include <algorithm>
#include <cstring>

#include "net_address_codec.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/codec.h"

namespace p2pmesh {
namespace {

void write_heads(Writer& writer, const std::vector<EnvelopeId>& heads) {
  writer.u8(static_cast<std::uint8_t>(heads.size()));
  for (const EnvelopeId& head : heads) writer.id(head);
}

void write_claim(Writer& writer, const NameClaim& claim) {
  writer.short_bytes(as_bytes(claim.name)).u64(claim.depth);
  write_heads(writer, claim.heads);
  writer.u8(static_cast<std::uint8_t>(claim.proof));
  if (claim.proof == ClaimProof::kFounder) writer.raw(claim.nonce);
  if (claim.proof == ClaimProof::kSponsor) writer.id(claim.sponsor).raw(claim.signature);
}

NameClaim read_claim(Reader& reader) {
  NameClaim claim;
  ByteView name = reader.short_bytes();
  if (name.empty() || name.size() > limits::kNameBytesMax) return reader.refuse(), claim;
  claim.name = as_text(name);
  claim.depth = reader.u64();
  const std::size_t heads = reader.u8();
  if (heads > limits::kParentsMax) return reader.refuse(), claim;
  for (std::size_t i = 0; i < heads && reader.ok(); ++i) claim.heads.push_back(reader.id<EnvelopeId>());
  const std::uint8_t proof = reader.u8();
  if (proof > 2) return reader.refuse(), claim;
  claim.proof = static_cast<ClaimProof>(proof);
  if (claim.proof == ClaimProof::kFounder) {
    ByteView nonce = reader.raw(claim.nonce.size());
    std::copy(nonce.begin(), nonce.end(), claim.nonce.begin());
  }
  if (claim.proof == ClaimProof::kSponsor) {
    claim.sponsor = reader.id<MemberKey>();
    ByteView signature = reader.raw(kSignatureBytes);
    std::copy(signature.begin(), signature.end(), claim.signature.begin());
  }
  return claim;
}

void write_unsigned_body(Writer& writer, const MemberBody& body) {
  writer.u8(body.online ? 1 : 0).u64(body.since_ms).id(body.node).raw(body.prekey);
  write_addresses(writer, body.addresses);
  write_claim(writer, body.claim);
}

}  // namespace

Bytes encode_claim(const NameClaim& claim) {
  Writer writer;
  write_claim(writer, claim);
  return writer.take();
}

Bytes encode_member_body(const MemberBody& body) {
  Writer writer;
  write_unsigned_body(writer, body);
  return writer.raw(body.node_signature).take();
}

std::optional<MemberBody> decode_member_body(ByteView bytes) {
  Reader reader(bytes);
  MemberBody body;
  const std::uint8_t online = reader.u8();
  if (online > 1) return std::nullopt;
  body.online = online == 1;
  body.since_ms = reader.u64();
  body.node = reader.id<NodeKey>();
  const ByteView prekey = reader.raw(body.prekey.size());
  std::copy(prekey.begin(), prekey.end(), body.prekey.begin());
  body.addresses = read_addresses(reader);
  body.claim = read_claim(reader);
  ByteView signature = reader.raw(kSignatureBytes);
  if (!reader.done()) return std::nullopt;
  std::copy(signature.begin(), signature.end(), body.node_signature.begin());
  return body;
}

Bytes sponsor_signing_bytes(const MeshId& mesh, const MemberKey& member, const std::string& name,
                            std::uint64_t depth, const std::vector<EnvelopeId>& heads) {
  Writer writer;
  writer.raw(as_bytes("p2pmesh sponsored name 1:"))
      .id(mesh)
      .id(member)
      .short_bytes(as_bytes(name))
      .u64(depth);
  write_heads(writer, heads);
  return writer.take();
}

Bytes node_signing_bytes(const MeshId& mesh, const MemberKey& member, std::uint64_t epoch,
                         std::uint64_t version, const MemberBody& body) {
  Writer writer;
  writer.raw(as_bytes("p2pmesh hosted member 1:")).id(mesh).id(member).u64(epoch).u64(version);
  write_unsigned_body(writer, body);
  return writer.take();
}

}  // namespace p2pmesh
