#include "link_seal.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/signature.h"

namespace p2pmesh {
namespace {

FrameView view_of(const SharedBytes& frame) {
  return {(*frame)[limits::kFrameHeaderBytes - 1], ByteView(*frame).subspan(limits::kFrameHeaderBytes)};
}

SharedBytes canary() {
  return std::make_shared<const Bytes>(encode_frame(FrameType::kGossip, as_bytes("a canary in a cage")));
}

TEST_CASE("WhatIsSealedIsReadWithTheKeyOfTheMeshAlone") {
  REQUIRE(init_crypto());
  LinkSeal ours(SharedSecret{1});
  const LinkSeal others(SharedSecret{2});
  const SharedBytes sealed = ours.seal(canary());
  const std::string_view text = as_text(*sealed);
  CHECK(text.find("canary") == std::string_view::npos);
  CHECK(sealed->size() == canary()->size() + limits::kSealedFrameBytes);
  const auto opened = ours.open(view_of(sealed));
  REQUIRE(opened);
  CHECK(as_text(*opened) == "a canary in a cage");
  CHECK_FALSE(others.open(view_of(sealed)));
}

TEST_CASE("AFrameThatWasChangedOrNeverSealedIsNotOpened") {
  REQUIRE(init_crypto());
  LinkSeal seal(SharedSecret{1});
  CHECK_FALSE(seal.open(view_of(canary())));
  CHECK_FALSE(seal.open({4, {}}));
  const SharedBytes sealed = seal.seal(canary());
  for (std::size_t i = limits::kFrameHeaderBytes; i < sealed->size(); ++i) {
    auto changed = std::make_shared<Bytes>(*sealed);
    (*changed)[i] ^= 1;
    CAPTURE(i);
    CHECK_FALSE(seal.open(view_of(changed)));
  }
  FrameView other = view_of(sealed);
  other.type = static_cast<std::uint8_t>(FrameType::kRepair);
  CHECK_FALSE(seal.open(other));
}

TEST_CASE("AFrameForManyLinksIsSealedOnceAndTwoFramesNeverAlike") {
  REQUIRE(init_crypto());
  LinkSeal seal(SharedSecret{1});
  const SharedBytes frame = canary();
  const SharedBytes first = seal.seal(frame);
  CHECK(seal.seal(frame) == first);
  const SharedBytes other = seal.seal(canary());
  CHECK_FALSE(std::equal(first->begin(), first->end(), other->begin(), other->end()));
}

}  // namespace
}  // namespace p2pmesh
