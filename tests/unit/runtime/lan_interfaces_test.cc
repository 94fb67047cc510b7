#include "lan_interfaces.h"

#include <doctest/doctest.h>

#include "p2pmesh/base/limits.h"

using namespace p2pmesh;

namespace {

const SocketAddress kEverywhere = *SocketAddress::from_host("::", 9750);

InterfaceAddress at(const char* host, std::uint8_t prefix, std::uint32_t scope = 0) {
  return {SocketAddress::from_host(host, 0)->with_scope(scope), prefix};
}

NetworkInterface real(std::uint32_t index, const char* name, const char* kind = "") {
  NetworkInterface one;
  one.index = index;
  one.name = name;
  one.kind = kind;
  one.is_up = one.has_carrier = one.has_multicast = true;
  one.addresses = {at("10.1.0.1", 24), at("fe80::1", 64, index)};
  return one;
}

std::string why(const std::vector<NetworkInterface>& all, const char* name,
                const std::vector<std::string>& forced = {}, const SocketAddress& listen = kEverywhere) {
  for (const LanInterface& one : choose_lan_interfaces(all, listen, forced)) {
    if (one.name == name) return one.left_out;
  }
  return "it is not listed";
}

}  // namespace

TEST_CASE("RealInterfacesAreUsedAndThoseThatAreDownAreNot") {
  NetworkInterface one = real(2, "eth0");
  CHECK(why({one}, "eth0").empty());
  CHECK(why({real(2, "veth0", "veth")}, "veth0").empty());
  CHECK(why({real(2, "eth0.7", "vlan")}, "eth0.7").empty());
  one.has_multicast = false;
  CHECK(why({one}, "eth0") == "it has no multicast");
  one.has_carrier = false;
  CHECK(why({one}, "eth0") == "it has no carrier");
  one.is_up = false;
  CHECK(why({one}, "eth0") == "it is down");
  one = real(2, "eth0");
  one.addresses.clear();
  CHECK(why({one}, "eth0") == "it has no address");
  one = real(1, "lo");
  one.is_loopback = true;
  CHECK(why({one}, "lo") == "it is not listed");
}

TEST_CASE("TunnelsAreLeftOutUnlessTheyAreNamed") {
  for (const char* kind : {"tun", "wireguard", "ppp", "ipip", "gre", "sit", "vxlan"})
    CHECK(why({real(2, "x0", kind)}, "x0") == "it is a tunnel");
  NetworkInterface line = real(2, "x0");
  line.is_point_to_point = true;
  CHECK(why({line}, "x0") == "it is a tunnel");
  CHECK(why({line}, "x0", {"x0"}).empty());
  line.has_carrier = false;
  CHECK(why({line}, "x0", {"x0"}) == "it has no carrier");
}

TEST_CASE("ABridgeOfContainersIsToldApartFromOneOfANetwork") {
  const NetworkInterface bridge = real(2, "docker0", "bridge");
  NetworkInterface inner = real(3, "veth12", "veth");
  inner.master = 2;
  const std::string of_containers = "it is a bridge of containers or virtual machines";
  CHECK(why({bridge}, "docker0") == of_containers);
  CHECK(why({bridge, inner}, "docker0") == of_containers);
  CHECK(why({bridge, inner}, "veth12") == "it is a part of docker0");
  CHECK(why({bridge, inner}, "docker0", {"docker0"}).empty());
  NetworkInterface outer = real(4, "eth0");
  outer.master = 2;
  outer.addresses.clear();
  CHECK(why({bridge, inner, outer}, "docker0").empty());
  CHECK(why({bridge, inner, outer}, "eth0") == "it is a part of docker0");
  // Behind a virtual router an interface is as real as without it.
  NetworkInterface router = real(5, "blue", "vrf");
  NetworkInterface behind = real(6, "eth1");
  behind.master = 5;
  CHECK(why({router, behind}, "eth1").empty());
}

TEST_CASE("OnlyAddressesAtWhichTheNodeListensAreTold") {
  const std::vector<NetworkInterface> all = {real(2, "eth0")};
  const auto chosen = [&](const char* host) {
    return choose_lan_interfaces(all, *SocketAddress::from_host(host, 9750), {}).front();
  };
  CHECK(chosen("::").addresses.size() == 2);
  REQUIRE(chosen("0.0.0.0").addresses.size() == 1);
  CHECK(chosen("0.0.0.0").addresses.front().address.host() == "10.1.0.1");
  CHECK(chosen("10.1.0.1").is_used());
  CHECK(chosen("10.9.0.1").left_out == "this node does not listen there");
  CHECK(chosen("127.0.0.1").left_out == "this node does not listen there");
}

TEST_CASE("MoreInterfacesThanTheBoundAreLeftOut") {
  std::vector<NetworkInterface> all;
  for (std::uint32_t i = 0; i < limits::kLanInterfacesMax + 1; ++i)
    all.push_back(real(i + 2, ("eth" + std::to_string(i)).c_str()));
  const auto chosen = choose_lan_interfaces(all, kEverywhere, {});
  CHECK(chosen[limits::kLanInterfacesMax - 1].is_used());
  CHECK_FALSE(chosen.back().is_used());
}

TEST_CASE("AnAddressIsOfANetworkByItsPrefix") {
  LanInterface lan{2, "eth0", "", {at("10.1.2.3", 20), at("fd00::1", 64), at("192.0.2.1", 32)}};
  const auto is_of = [&](const char* host) {
    return is_of_network(lan, SocketAddress::from_host(host, 0)->ip());
  };
  CHECK(is_of("10.1.15.255"));
  CHECK_FALSE(is_of("10.1.16.0"));
  CHECK(is_of("fd00::7"));
  CHECK_FALSE(is_of("fd01::7"));
  CHECK(is_of("fe80::7"));
  CHECK(is_of("192.0.2.1"));
  CHECK_FALSE(is_of("192.0.2.2"));
}

TEST_CASE("AnAddressIsLostWithItsInterface") {
  NetworkInterface one = real(2, "eth0");
  const SocketAddress local = *SocketAddress::from_host("10.1.0.1", 0);
  CHECK_FALSE(is_lost_address({one}, local, true));
  CHECK_FALSE(is_lost_address({one}, local, false));
  one.has_carrier = false;
  CHECK_FALSE(is_lost_address({one}, local, true));
  CHECK(is_lost_address({one}, local, false));
  // It may have moved to another one.
  CHECK_FALSE(is_lost_address({one, real(3, "wlan0")}, local, false));
  one.is_up = false;
  CHECK(is_lost_address({one}, local, true));
  CHECK(is_lost_address({}, local, true));
  const SocketAddress scoped = SocketAddress::from_host("fe80::1", 0)->with_scope(2);
  CHECK(is_lost_address({real(3, "wlan0")}, scoped, true));
  CHECK_FALSE(is_lost_address({real(2, "eth0")}, scoped, true));
}
