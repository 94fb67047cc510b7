#include "lan_interfaces.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

// What rtnetlink calls them. A tap device is of the kind "tun" too.
constexpr std::array<std::string_view, 21> kTunnels = {
    "tun",    "wireguard", "ppp",    "ipip",      "sit",     "gre",  "gretap",
    "erspan", "ip6tnl",    "ip6gre", "ip6gretap", "vti",     "vti6", "xfrm",
    "vxlan",  "geneve",    "gtp",    "l2tp",      "bareudp", "amt",  "ovpn"};
constexpr std::array<std::string_view, 6> kVirtual = {"dummy",     "ifb",  "nlmon",
                                                      "netdevsim", "vcan", "vsockmon"};

constexpr const char* kNoCarrier = "it has no carrier";

template <std::size_t kCount>
bool is_among(const std::array<std::string_view, kCount>& kinds, std::string_view kind) {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

bool is_name_among(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

const NetworkInterface* find_interface(const std::vector<NetworkInterface>& all, std::uint32_t index) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.index == index; });
  return found == all.end() ? nullptr : &*found;
}

/// A port that leads to containers or virtual machines of this host.
bool is_inner_port(const NetworkInterface& port) {
  return port.kind == "veth" || port.kind == "tun" || is_among(kVirtual, port.kind);
}

bool leads_outside(const std::vector<NetworkInterface>& all, const NetworkInterface& bridge) {
  return std::any_of(all.begin(), all.end(), [&](const NetworkInterface& port) {
    return port.master == bridge.index && !is_inner_port(port);
  });
}

/// A virtual router's interfaces are as real as without it; what is in a bridge or a bond is only a part.
std::string name_of_whole(const std::vector<NetworkInterface>& all, const NetworkInterface& part) {
  const NetworkInterface* whole = part.master == 0 ? nullptr : find_interface(all, part.master);
  return whole == nullptr || whole->kind == "vrf" ? std::string() : whole->name;
}

std::string why_left_out(const std::vector<NetworkInterface>& all, const NetworkInterface& one, bool forced) {
  if (!one.is_up) return "it is down";
  if (forced) return one.has_carrier ? "" : kNoCarrier;
  if (const std::string whole = name_of_whole(all, one); !whole.empty()) return "it is a part of " + whole;
  if (one.is_point_to_point || is_among(kTunnels, one.kind)) return "it is a tunnel";
  if (one.kind == "bridge" && !leads_outside(all, one))
    return "it is a bridge of containers or virtual machines";
  if (is_among(kVirtual, one.kind)) return "it leads nowhere";
  if (!one.has_carrier) return kNoCarrier;
  if (!one.has_multicast) return "it has no multicast";
  return {};
}

bool is_same_ip(const SocketAddress& one, const SocketAddress& other) {
  const ByteView a = one.ip(), b = other.ip();
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

/// Whether who dials this address comes to the listener.
bool is_listened_at(const SocketAddress& address, const SocketAddress& listen) {
  if (!listen.is_unspecified()) return is_same_ip(address, listen);
  return listen.is_ipv6() || !address.is_ipv6();
}

bool shares_prefix(const InterfaceAddress& own, ByteView ip) {
  const ByteView mine = own.address.ip();
  if (mine.size() != ip.size()) return false;
  const std::size_t whole = own.prefix / 8U, bits = own.prefix % 8U;
  if (whole > ip.size()) return false;
  if (!std::equal(ip.begin(), ip.begin() + static_cast<std::ptrdiff_t>(whole), mine.begin())) return false;
  const auto differ = bits == 0 || whole == ip.size() ? 0 : (mine[whole] ^ ip[whole]) >> (8 - bits);
  return differ == 0;
}

}  // namespace

std::vector<LanInterface> choose_lan_interfaces(const std::vector<NetworkInterface>& all,
                                                const SocketAddress& listen,
                                                const std::vector<std::string>& forced) {
  std::vector<LanInterface> chosen;
  std::size_t used = 0;
  for (const NetworkInterface& one : all) {
    if (one.is_loopback) continue;
    LanInterface lan{one.index, one.name, why_left_out(all, one, is_name_among(forced, one.name))};
    for (const InterfaceAddress& own : one.addresses) {
      if (!is_listened_at(own.address, listen)) continue;
      if (lan.addresses.size() < limits::kAddressesMax)
        lan.addresses.push_back(own);
      else if (own.address.is_link_local() && own.address.is_ipv6())
        lan.addresses.back() = own;  // beacons go out from that one
    }
    if (lan.is_used() && one.addresses.empty()) lan.left_out = "it has no address";
    if (lan.is_used() && lan.addresses.empty()) lan.left_out = "this node does not listen there";
    if (lan.is_used() && ++used > limits::kLanInterfacesMax)
      lan.left_out = "there are more than " + std::to_string(limits::kLanInterfacesMax);
    chosen.push_back(std::move(lan));
  }
  return chosen;
}

bool is_of_network(const LanInterface& interface, ByteView ip) {
  const auto address = SocketAddress::from_ip(ip, 0);
  if (!address || address->ip().size() != ip.size()) return false;
  if (address->is_ipv6() && address->is_link_local()) return true;
  return std::any_of(interface.addresses.begin(), interface.addresses.end(),
                     [&](const InterfaceAddress& own) { return shares_prefix(own, ip); });
}

bool is_lost_address(const std::vector<NetworkInterface>& all, const SocketAddress& local, bool patient) {
  return std::none_of(all.begin(), all.end(), [&](const NetworkInterface& one) {
    if (!one.is_up || !(one.has_carrier || patient)) return false;
    return std::any_of(one.addresses.begin(), one.addresses.end(), [&](const InterfaceAddress& own) {
      return is_same_ip(own.address, local) &&
             (local.scope() == 0 || own.address.scope() == 0 || local.scope() == own.address.scope());
    });
  });
}

}  // namespace p2pmesh
