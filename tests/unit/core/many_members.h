// Members by the thousand, whose signatures nobody checks.
#pragma once

#include <memory>
#include <string>

#include "p2pmesh/core/node.h"
#include "p2pmesh/crypto/signature.h"
#include "p2pmesh/wire/member_body.h"

namespace p2pmesh {

/// Takes every signature: names and rows are tested here, not keys.
class Credulous final : public Verifier {
 public:
  [[nodiscard]] bool verify(ByteView, ByteView, const Signature&) const override { return true; }
};
class Scribble final : public Signer {
 public:
  explicit Scribble(const PublicKey& key) : key_(key) {}
  [[nodiscard]] const PublicKey& public_key() const override { return key_; }
  [[nodiscard]] Signature sign(ByteView) const override { return {}; }

 private:
  PublicKey key_;
};

inline MemberKey key_of(std::uint32_t number) {
  MemberKey key;
  std::uint64_t mixed = number * 0x9e3779b97f4a7c15ULL;
  for (std::size_t i = 0; i < 32; ++i) {
    mixed ^= mixed >> 29;
    mixed *= 0xbf58476d1ce4e5b9ULL;
    key.bytes[i] = static_cast<std::uint8_t>(mixed >> 56);
  }
  return key;
}

inline EnvelopePtr record_of(std::uint32_t number, const std::string& name, std::uint64_t version = 1,
                             std::uint64_t depth = 5, bool online = true) {
  MemberBody body;
  body.online = online;
  body.since_ms = 1'700'000'000'000 + number;
  body.node = NodeKey{key_of(number).bytes};
  NetAddress address;
  address.ip = {10, static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8),
                static_cast<std::uint8_t>(number)};
  address.port = 9750;
  body.addresses.push_back(address);
  body.claim.name = name;
  body.claim.depth = depth;
  body.claim.heads.resize(4);
  body.claim.proof = ClaimProof::kSponsor;
  auto sealed = std::make_shared<SealedEnvelope>();
  sealed->envelope.envelope_class = EnvelopeClass::kRecord;
  sealed->envelope.kind = static_cast<std::uint16_t>(Kind::kMember);
  sealed->envelope.author = key_of(number);
  sealed->envelope.epoch = 1;
  sealed->envelope.version = version;
  sealed->envelope.body = encode_member_body(body);
  sealed->id = EnvelopeId{key_of(number * 64 + static_cast<std::uint32_t>(version)).bytes};
  return sealed;
}

}  // namespace p2pmesh
