// What is sealed in a request has one encoding, and fits into it.
#include "p2pmesh/wire/stranger_request.h"

#include <doctest/doctest.h>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

StrangerRequest sample(std::size_t addresses) {
  StrangerRequest request;
  request.kind = StrangerRequest::Kind::kAsk;
  request.name = "J\u00f6rg";
  request.invite.mesh.bytes.fill(7);
  request.invite.secret.fill(9);
  for (std::size_t i = 0; i < addresses; ++i) request.invite.addresses.push_back("[2001:db8::1]:9750");
  return request;
}

TEST_CASE("a request is read as it was written, and as nothing else") {
  const StrangerRequest request = sample(3);
  const Bytes bytes = encode_stranger_request(request);
  const auto read = decode_stranger_request(bytes);
  REQUIRE(read);
  CHECK(read->kind == request.kind);
  CHECK(read->name == request.name);
  CHECK(read->invite.mesh == request.invite.mesh);
  CHECK(read->invite.secret == request.invite.secret);
  CHECK(read->invite.addresses == request.invite.addresses);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_FALSE(decode_stranger_request(ByteView(bytes).first(size)));
  Bytes longer = bytes;
  longer.push_back(0);
  CHECK_FALSE(decode_stranger_request(longer));
}

TEST_CASE("what no member says is not taken") {
  for (const std::uint8_t kind : {0, 3, 255}) {
    Bytes bytes = encode_stranger_request(sample(1));
    bytes.front() = kind;
    CHECK_FALSE(decode_stranger_request(bytes));
  }
  StrangerRequest nameless = sample(1);
  nameless.name.clear();
  CHECK_FALSE(decode_stranger_request(encode_stranger_request(nameless)));
  nameless.name.assign(limits::kNameBytesMax + 1, 'a');
  CHECK_FALSE(decode_stranger_request(encode_stranger_request(nameless)));
  CHECK(decode_stranger_request(encode_stranger_request(sample(limits::kAddressesMax))));
  CHECK_FALSE(decode_stranger_request(encode_stranger_request(sample(limits::kAddressesMax + 1))));
  StrangerRequest empty = sample(1);
  empty.invite.addresses.front().clear();
  CHECK_FALSE(decode_stranger_request(encode_stranger_request(empty)));
}

TEST_CASE("the longest one fits into an ask") {
  StrangerRequest longest = sample(0);
  longest.name.assign(limits::kNameBytesMax, 'a');
  longest.invite.addresses.assign(limits::kAddressesMax, std::string(255, 'a'));
  constexpr std::size_t kSealing = 32 + 16;
  CHECK(encode_stranger_request(longest).size() + kSealing <= limits::kAskBytesMax);
}

}  // namespace
}  // namespace p2pmesh
