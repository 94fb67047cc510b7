#include "p2pmesh/posix/socket_address.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

using namespace p2pmesh;

TEST_CASE("addresses are formatted as they are parsed") {
  for (const char* text : {"1.2.3.4:5", "127.0.0.1:65535", "[::1]:5", "[2001:db8::7]:0", "0.0.0.0:1"}) {
    const auto address = SocketAddress::parse(text);
    REQUIRE(address);
    CHECK(address->format() == text);
  }
  CHECK(SocketAddress::parse("[2001:db8::7]:9")->host() == "2001:db8::7");
  CHECK(SocketAddress::parse("1.2.3.4:5")->port() == 5);
}

TEST_CASE("what is no numeric address with a port is refused") {
  for (const char* text : {"",
                           ":",
                           ":5",
                           "1.2.3.4",
                           "1.2.3.4:",
                           "1.2.3.4:65536",
                           "1.2.3.4:-1",
                           "1.2.3.4:+1",
                           "1.2.3.4: 1",
                           "1.2.3:5",
                           "1.2.3.4.5:6",
                           "::1:5",
                           "[::1]",
                           "[::1]5",
                           "[1.2.3.4]:5",
                           "[::1:5",
                           "localhost:5",
                           "[]:5",
                           "[fe80::1%]:5",
                           "[::1%1]:5",
                           "256.1.1.1:1"}) {
    INFO(text);
    CHECK(!SocketAddress::parse(text));
  }
  using namespace std::string_view_literals;
  CHECK(!SocketAddress::from_host("1.2.3.4\0x"sv, 5));
  CHECK(!SocketAddress::from_host(std::string(100000, '1'), 5));
}

TEST_CASE("hosts may be bracketed or bare") {
  CHECK(SocketAddress::from_host("::1", 5) == SocketAddress::from_host("[::1]", 5));
  CHECK(SocketAddress::from_host("10.0.0.1", 5)->format() == "10.0.0.1:5");
  CHECK(!SocketAddress::from_host("example", 5));
}

TEST_CASE("an IPv4 address mapped into IPv6 is the IPv4 address") {
  const auto address = SocketAddress::from_host("::ffff:10.1.2.3", 5);
  REQUIRE(address);
  CHECK(!address->is_ipv6());
  CHECK(address->format() == "10.1.2.3:5");
}

TEST_CASE("scopes are told apart") {
  const auto of = [](const char* host) { return *SocketAddress::from_host(host, 1); };
  CHECK(of("127.0.0.1").is_loopback());
  CHECK(of("127.255.0.9").is_loopback());
  CHECK(of("::1").is_loopback());
  CHECK(!of("::2").is_loopback());
  CHECK(!of("128.0.0.1").is_loopback());
  CHECK(of("169.254.3.4").is_link_local());
  CHECK(of("fe80::1").is_link_local());
  CHECK(of("febf::1").is_link_local());
  CHECK(!of("fec0::1").is_link_local());
  CHECK(!of("10.0.0.1").is_link_local());
  CHECK(of("0.0.0.0").is_unspecified());
  CHECK(of("::").is_unspecified());
  CHECK(!of("::1").is_unspecified());
  CHECK(of("fe80::1%1").host().rfind("fe80::1%", 0) == 0);
}

TEST_CASE("raw bytes make an address and come back") {
  const std::uint8_t four[] = {1, 2, 3, 4};
  const auto address = SocketAddress::from_ip(four, 9);
  REQUIRE(address);
  CHECK(address->ip().size() == 4);
  CHECK(address->format() == "1.2.3.4:9");
  CHECK(address->with_port(10).format() == "1.2.3.4:10");
  CHECK(!SocketAddress::from_ip(ByteView(four, 3), 9));
  CHECK(SocketAddress::parse("[::1]:9")->ip().size() == 16);
  CHECK(SocketAddress::loopback(4).format() == "127.0.0.1:4");
}

TEST_CASE("the system's form and back is the same address") {
  for (const char* text : {"1.2.3.4:5", "[2001:db8::7]:65535"}) {
    sockaddr_storage storage;
    const auto address = *SocketAddress::parse(text);
    CHECK(address.to_system(&storage) > 0);
    CHECK(SocketAddress::from_system(reinterpret_cast<const sockaddr*>(&storage)) == address);
  }
}

TEST_CASE("ports are strict") {
  CHECK(*parse_port("0") == 0);
  CHECK(*parse_port("65535") == 65535);
  for (const char* text : {"", "65536", "-1", "+1", " 1", "1 ", "0x10", "1e3", "99999999999999999999"}) {
    const auto port = parse_port(text);
    REQUIRE(!port);
    CHECK(port.error().status == ExitStatus::kUsage);
  }
}

TEST_CASE("host and port are split, names included") {
  CHECK(parse_host_port("localhost:9750")->host == "localhost");
  CHECK(parse_host_port("localhost:9750")->port == 9750);
  CHECK(parse_host_port("[::1]:1")->host == "::1");
  CHECK(!parse_host_port("::1:9750"));
  CHECK(!parse_host_port("localhost"));
  CHECK(!parse_host_port("[localhost]:1"));
  CHECK(parse_host_port("a\x01:x").error().message.find('\x01') == std::string::npos);
}
