#include "p2pmesh/wire/member_body.h"

#include "canonical.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/codec.h"

using namespace p2pmesh;
using namespace p2pmesh::test;

namespace {

NetAddress address_of(bool v6, std::uint16_t port) {
  NetAddress address;
  address.v6 = v6;
  for (std::size_t i = 0; i < (v6 ? 16U : 4U); ++i) address.ip[i] = static_cast<std::uint8_t>(20 + i);
  address.port = port;
  return address;
}

MemberBody body_of(ClaimProof proof) {
  MemberBody body;
  body.online = true;
  body.since_ms = 1795269600000;
  body.node = id_from<NodeKey>(1);
  body.prekey.fill(8);
  body.addresses = {address_of(false, 9750), address_of(true, 65535)};
  body.claim.name = "Alice";
  body.claim.depth = 3;
  body.claim.heads = {id_from<EnvelopeId>(2), id_from<EnvelopeId>(1)};
  body.claim.proof = proof;
  if (proof == ClaimProof::kFounder) body.claim.nonce.fill(9);
  if (proof == ClaimProof::kSponsor) {
    body.claim.sponsor = id_from<MemberKey>(4);
    body.claim.signature = signature_from(5);
  }
  body.node_signature = signature_from(6);
  return body;
}

}  // namespace

TEST_CASE("a member body comes back whole with each proof") {
  for (ClaimProof proof : {ClaimProof::kNone, ClaimProof::kFounder, ClaimProof::kSponsor}) {
    const MemberBody sent = body_of(proof);
    const auto got = decode_member_body(encode_member_body(sent));
    REQUIRE(got);
    CHECK(got->online);
    CHECK(got->since_ms == sent.since_ms);
    CHECK(got->node == sent.node);
    CHECK(got->prekey == sent.prekey);
    CHECK(got->addresses == sent.addresses);
    CHECK(got->claim == sent.claim);
    CHECK(got->node_signature == sent.node_signature);
  }
}

TEST_CASE("a member body has one encoding") {
  for (ClaimProof proof : {ClaimProof::kNone, ClaimProof::kFounder, ClaimProof::kSponsor}) {
    check_canonical(encode_member_body(body_of(proof)), decode_member_body, encode_member_body);
  }
}

TEST_CASE("eight addresses fit and nine do not") {
  MemberBody body = body_of(ClaimProof::kNone);
  body.addresses.assign(limits::kAddressesMax, address_of(true, 1));
  CHECK(decode_member_body(encode_member_body(body)));
  body.addresses.push_back(address_of(false, 1));
  CHECK_FALSE(decode_member_body(encode_member_body(body)));
}

TEST_CASE("a claim names at most eight heads") {
  MemberBody body = body_of(ClaimProof::kNone);
  body.claim.heads.assign(limits::kParentsMax, id_from<EnvelopeId>(1));
  CHECK(decode_member_body(encode_member_body(body)));
  body.claim.heads.push_back({});
  CHECK_FALSE(decode_member_body(encode_member_body(body)));
}

TEST_CASE("a name is 1 to 64 bytes") {
  MemberBody body = body_of(ClaimProof::kNone);
  for (std::size_t size :
       {std::size_t{0}, std::size_t{1}, limits::kNameBytesMax, limits::kNameBytesMax + 1}) {
    body.claim.name.assign(size, 'n');
    CHECK(decode_member_body(encode_member_body(body)).has_value() ==
          (size >= 1 && size <= limits::kNameBytesMax));
  }
}

TEST_CASE("a node signs mesh, member, epoch, version and every field of the body") {
  const auto mesh = id_from<MeshId>(1);
  const auto member = id_from<MemberKey>(2);
  const MemberBody body = body_of(ClaimProof::kFounder);
  const Bytes base = node_signing_bytes(mesh, member, 3, 4, body);
  CHECK(node_signing_bytes(id_from<MeshId>(9), member, 3, 4, body) != base);
  CHECK(node_signing_bytes(mesh, id_from<MemberKey>(9), 3, 4, body) != base);
  CHECK(node_signing_bytes(mesh, member, 9, 4, body) != base);
  CHECK(node_signing_bytes(mesh, member, 3, 9, body) != base);
  MemberBody other = body;
  other.online = false;
  CHECK(node_signing_bytes(mesh, member, 3, 4, other) != base);
  other = body;
  other.addresses.pop_back();
  CHECK(node_signing_bytes(mesh, member, 3, 4, other) != base);
  other = body;
  other.claim.name = "Alicf";
  CHECK(node_signing_bytes(mesh, member, 3, 4, other) != base);
  other = body;
  other.node_signature = signature_from(99);
  CHECK(node_signing_bytes(mesh, member, 3, 4, other) == base);
}

TEST_CASE("a sponsor signs mesh, member, name, depth and heads") {
  const auto mesh = id_from<MeshId>(1);
  const auto member = id_from<MemberKey>(2);
  const std::vector<EnvelopeId> heads{id_from<EnvelopeId>(3)};
  const Bytes base = sponsor_signing_bytes(mesh, member, "Bob", 5, heads);
  CHECK(as_text(base).starts_with("p2pmesh sponsored name 1:"));
  CHECK(sponsor_signing_bytes(id_from<MeshId>(9), member, "Bob", 5, heads) != base);
  CHECK(sponsor_signing_bytes(mesh, id_from<MemberKey>(9), "Bob", 5, heads) != base);
  CHECK(sponsor_signing_bytes(mesh, member, "Rob", 5, heads) != base);
  CHECK(sponsor_signing_bytes(mesh, member, "Bob", 6, heads) != base);
  CHECK(sponsor_signing_bytes(mesh, member, "Bob", 5, {}) != base);
}
