#include "upnp.h"

#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/upnpcommands.h>
#include <miniupnpc/upnperrors.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/random.h"
#include "p2pmesh/posix/clock.h"

namespace p2pmesh {
namespace {

constexpr const char* kSearched[] = {"urn:schemas-upnp-org:device:InternetGatewayDevice:1",
                                     "urn:schemas-upnp-org:device:InternetGatewayDevice:2",
                                     "urn:schemas-upnp-org:service:WANIPConnection:1",
                                     "urn:schemas-upnp-org:service:WANPPPConnection:1"};
constexpr unsigned char kHops = 2;  // UDA 1.1
constexpr int kConflict = 718;      // another machine has the port
constexpr int kOnlyForGood = 725;   // leases are not supported
constexpr std::uint16_t kFirstOther = 20'000;
constexpr std::uint16_t kOthers = 20'000;

tl::unexpected<Error> fault(const std::string& what) {
  return fail(ExitStatus::kUnavailable, "UPnP: " + what);
}

tl::unexpected<Error> fault(int code) {
  if (code == UPNPCOMMAND_HTTP_ERROR) return fault("the router does not answer");
  return fault("the router answers with error " + std::to_string(code));
}

/// Places of descriptions, at most kRoutersMax.
std::vector<std::string> search(const DefaultRoute& route, const std::atomic<bool>& given_up) {
  const std::string inside = route.inside.host();
  const int wait_ms = static_cast<int>(limits::kRouterSearch / std::chrono::milliseconds(1));
  std::vector<std::string> found;
  for (const char* type : kSearched) {
    if (!found.empty() || given_up) break;
    int error = 0;
    // An empty name: no other daemon is asked.
    UPNPDev* devices = upnpDiscoverDevice(type, wait_ms, inside.c_str(), "", 0, 0, kHops, &error);
    for (const UPNPDev* device = devices; device != nullptr; device = device->pNext) {
      if (found.size() >= limits::kRoutersMax || !leads_to(device->descURL, route.gateway)) continue;
      if (std::find(found.begin(), found.end(), device->descURL) == found.end())
        found.emplace_back(device->descURL);
    }
    freeUPNPDevlist(devices);
  }
  return found;
}

struct Service {
  std::string control_url;
  std::string type;
};

/// Nothing when that is no router, or its service is elsewhere.
std::optional<Service> read_description(const std::string& place, const DefaultRoute& route) {
  UPNPUrls urls{};
  IGDdatas about{};
  std::array<char, 64> inside{};
  std::optional<Service> service;
  if (UPNP_GetIGDFromUrl(place.c_str(), &urls, &about, inside.data(), static_cast<int>(inside.size())) == 1) {
    const std::string_view type = about.first.servicetype;
    const bool is_router =
        type.find(":WANIPConnection:") != type.npos || type.find(":WANPPPConnection:") != type.npos;
    if (is_router && urls.controlURL != nullptr && leads_to(urls.controlURL, route.gateway))
      service = Service{urls.controlURL, std::string(type)};
  }
  FreeUPNPUrls(&urls);
  return service;
}

Result<SocketAddress> ask_address(const std::string& control_url, const std::string& type) {
  std::array<char, 40> text{};
  if (const int code = UPNP_GetExternalIPAddress(control_url.c_str(), type.c_str(), text.data()); code != 0)
    return fault(code);
  const auto address = SocketAddress::from_host(text.data(), 0);
  if (!address || address->is_ipv6()) return fault("the router tells no address outside");
  return *address;
}

int add_mapping(const Service& service, const DefaultRoute& route, const MappingWish& wish,
                std::uint16_t outside_port, std::chrono::seconds lease) {
  const std::string outside = std::to_string(outside_port);
  const std::string inside = std::to_string(wish.inside_port);
  const std::string host = route.inside.host();
  const std::string seconds = std::to_string(lease.count());
  return UPNP_AddPortMapping(service.control_url.c_str(), service.type.c_str(), outside.c_str(),
                             inside.c_str(), host.c_str(), "p2pmesh", "TCP", nullptr, seconds.c_str());
}

Result<RouterMapping> map_with(const Service& service, const DefaultRoute& route, const MappingWish& wish) {
  const auto address = ask_address(service.control_url, service.type);
  if (!address) return tl::unexpected<Error>(address.error());
  Random random(static_cast<std::uint64_t>(read_clock().monotonic.time_since_epoch().count()));
  std::uint16_t port = wish.outside_port;
  std::chrono::seconds lease = wish.lease;
  int code = 0;
  for (std::size_t tried = 0; tried < limits::kMappingPortsMax; ++tried) {
    code = add_mapping(service, route, wish, port, lease);
    if (code == kOnlyForGood) lease = std::chrono::seconds(0);
    if (code == kOnlyForGood) code = add_mapping(service, route, wish, port, lease);
    if (code != kConflict) break;
    port = static_cast<std::uint16_t>(kFirstOther + random.below(kOthers));
  }
  if (code != 0) return fault(code);
  RouterMapping mapping;
  mapping.by = MappingMethod::kUpnp;
  mapping.route = route;
  mapping.outside = address->with_port(port);
  mapping.inside_port = wish.inside_port;
  mapping.lease = lease;
  mapping.control_url = service.control_url;
  mapping.service_type = service.type;
  return mapping;
}

}  // namespace

bool leads_to(std::string_view url, const SocketAddress& host) {
  const std::string wanted = "http://" + host.host();
  if (!url.starts_with(wanted)) return false;
  url.remove_prefix(wanted.size());
  if (!url.starts_with(':')) return url.empty() || url.starts_with('/');
  // "http://192.168.1.1:80@elsewhere/" leads elsewhere.
  const std::string_view port = url.substr(1, url.find('/') - 1);
  return !port.empty() && port.find_first_not_of("0123456789") == port.npos;
}

Result<RouterMapping> open_by_upnp(const DefaultRoute& route, const MappingWish& wish,
                                   const std::atomic<bool>& given_up) {
  auto result = Result<RouterMapping>(fault("no answer"));
  for (const std::string& place : search(route, given_up)) {
    if (given_up) break;
    const auto service = read_description(place, route);
    result = service ? map_with(*service, route, wish) : fault("what answers at the router cannot map ports");
    if (result) break;
  }
  return result;
}

Result<MappingLook> look_by_upnp(const RouterMapping& mapping) {
  const auto address = ask_address(mapping.control_url, mapping.service_type);
  if (!address) return tl::unexpected<Error>(address.error());
  const std::string outside = std::to_string(mapping.outside.port());
  std::array<char, 64> client{};
  std::array<char, 16> port{};
  std::array<char, 128> description{};
  std::array<char, 16> enabled{};
  std::array<char, 32> lease{};
  const int code = UPNP_GetSpecificPortMappingEntry(
      mapping.control_url.c_str(), mapping.service_type.c_str(), outside.c_str(), "TCP", nullptr,
      client.data(), port.data(), description.data(), enabled.data(), lease.data());
  if (code < 0) return fault(code);
  const bool is_ours = code == 0 && mapping.route.inside.host() == client.data() &&
                       std::to_string(mapping.inside_port) == port.data();
  return MappingLook{is_ours, *address, std::nullopt};
}

Result<void> close_by_upnp(const RouterMapping& mapping) {
  const std::string outside = std::to_string(mapping.outside.port());
  const int code = UPNP_DeletePortMapping(mapping.control_url.c_str(), mapping.service_type.c_str(),
                                          outside.c_str(), "TCP", nullptr);
  if (code != 0) return fault(code);
  return {};
}

}  // namespace p2pmesh
