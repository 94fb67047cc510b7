// The worked example of p2pmesh-protocol(7): what the page prints is what the code writes.
#include <cctype>
#include <fstream>
#include <string>

#include "ingress_fixture.h"
#include "p2pmesh/wire/messages.h"

using namespace p2pmesh;
using namespace p2pmesh::test;

namespace {

/// The first column of the example's lines, put together.
std::string hex_in_page(const std::string& name) {
  std::ifstream page(P2PMESH_SOURCE_DIR "/man/p2pmesh-protocol.7");
  REQUIRE(page);
  std::string hex;
  std::string line;
  while (std::getline(page, line) && line != ".\\\" example: " + name) {
  }
  while (std::getline(page, line) && line != ".\\\" example ends") hex += line.substr(0, line.find(' '));
  REQUIRE_FALSE(hex.empty());
  return hex;
}

std::unique_ptr<Signer> example_signer() {
  REQUIRE(init_crypto());
  KeySeed seed;
  for (std::size_t i = 0; i < seed.size(); ++i) seed[i] = static_cast<std::uint8_t>(i);
  return make_ed25519_signer(seed);
}

Envelope example_envelope(const Signer& signer) {
  Envelope envelope;
  envelope.kind = static_cast<std::uint16_t>(Kind::kText);
  envelope.author = to_member(signer.public_key());
  Bytes nonce(16);
  for (std::size_t i = 0; i < nonce.size(); ++i) nonce[i] = static_cast<std::uint8_t>(0x20 + i);
  envelope.mesh = hash_mesh(envelope.author, nonce);
  envelope.room = "#lobby";
  envelope.epoch = 1795269600000;
  envelope.wall_ms = 1795269909123;
  envelope.seq = 1;
  EnvelopeId parent;
  for (std::size_t i = 0; i < parent.bytes.size(); ++i) parent.bytes[i] = static_cast<std::uint8_t>(0x80 + i);
  envelope.parents = {parent};
  envelope.depth = 5;
  envelope.body = encode_text_body({"hello", "how are you?"});
  envelope.signature = signer.sign(envelope_signing_bytes(hash_envelope(encode_unsigned(envelope))));
  return envelope;
}

}  // namespace

TEST_CASE("the fields of the page's example encode to the bytes of the page") {
  const Bytes encoded = encode_envelope(example_envelope(*example_signer()));
  Gossip gossip;
  gossip.items.push_back({1, encoded});
  CHECK(format_hex(encode_frame_of(gossip)) == hex_in_page("frame"));
}

TEST_CASE("the page's example has the page's id") {
  CHECK(hash_envelope(encode_unsigned(example_envelope(*example_signer()))).hex() == hex_in_page("id"));
}

TEST_CASE("the bytes of the page go through the decoder and the door") {
  const auto frame = parse_hex(hex_in_page("frame"));
  REQUIRE(frame);
  FrameDecoder decoder;
  decoder.push(*frame);
  const auto view = decoder.next();
  REQUIRE(view);
  CHECK(view->type == static_cast<std::uint8_t>(FrameType::kGossip));
  const auto gossip = decode_gossip(view->payload);
  REQUIRE(gossip);
  REQUIRE(gossip->items.size() == 1);
  CHECK(gossip->items[0].round == 1);
  SeenTable seen({});
  Ingress ingress(example_envelope(*example_signer()).mesh, seen, ed25519_verifier());
  const Admission admission = ingress.admit(gossip->items[0].envelope, Path::kLive, Now{});
  REQUIRE(admission.verdict == Verdict::kFresh);
  CHECK(admission.id.hex() == hex_in_page("id"));
  CHECK(decode_text_body(admission.envelope->envelope.body) ==
        std::vector<std::string>{"hello", "how are you?"});
}
