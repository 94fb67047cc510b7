#include "p2pmesh/posix/rendezvous_place.h"

#include <doctest/doctest.h>

#include <string>

namespace p2pmesh {
namespace {

TEST_CASE("ADiscoveryServerIsNamedWithItsPortOrWithout") {
  struct Row {
    const char* text;
    const char* host;
    std::uint16_t port;
  };
  for (const Row& row : {Row{"alpha", "alpha", 7070}, Row{"alpha:9", "alpha", 9},
                         Row{"10.0.0.7", "10.0.0.7", 7070}, Row{"10.0.0.7:65535", "10.0.0.7", 65535},
                         Row{"::1", "::1", 7070}, Row{"[::1]", "::1", 7070}, Row{"[::1]:9", "::1", 9}}) {
    CAPTURE(row.text);
    const auto place = parse_rendezvous_place(row.text);
    REQUIRE(place);
    CHECK(place->host == row.host);
    CHECK(place->port == row.port);
  }
  for (const char* wrong : {"", ":", ":7070", "a:0", "a:65536", "a:b", "[alpha]", "[::1", "::1]", "[]:9"}) {
    CAPTURE(wrong);
    const auto place = parse_rendezvous_place(wrong);
    CHECK_FALSE(place);
    if (!place) CHECK(place.error().status == ExitStatus::kUsage);
  }
}

}  // namespace
}  // namespace p2pmesh
