#include "p2pmesh/posix/socket_address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace p2pmesh {
namespace {

std::optional<std::uint32_t> parse_scope(const std::string& text) {
  if (const unsigned index = ::if_nametoindex(text.c_str()); index != 0) return index;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number == 0) return std::nullopt;
  return number;
}

// Quoted for a sentence: what would not print becomes '?', and nobody needs more than a line.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text.substr(0, 100)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return out + (text.size() > 100 ? "...\"" : "\"");
}

}  // namespace

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  if (!digits || error != std::errc{} || end != text.data() + text.size() || number > 65535) {
    return fail(ExitStatus::kUsage, quoted(text) + " is not a port. A port is a number from 0 to 65535.");
  }
  return static_cast<std::uint16_t>(number);
}

Result<HostPort> parse_host_port(std::string_view text) {
  const auto colon = text.rfind(':');
  std::string_view host = text.substr(0, colon == std::string_view::npos ? 0 : colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool plain = !bracketed && host.find_first_of("[]:") == std::string_view::npos;
  const bool address_inside = bracketed && SocketAddress::from_host(host, 0).has_value();
  if (host.empty() || !(plain || address_inside)) {
    return fail(ExitStatus::kUsage, quoted(text) +
                                        " is not a host and a port. Write HOST:PORT, and an IPv6 address "
                                        "in brackets: [::1]:9750.");
  }
  auto port = parse_port(text.substr(colon + 1));
  if (!port) return tl::unexpected<Error>(port.error());
  return HostPort{std::string(host), *port};
}

std::optional<SocketAddress> SocketAddress::from_ip(ByteView ip, std::uint16_t port) {
  static constexpr std::uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (ip.size() != 4 && ip.size() != 16) return std::nullopt;
  if (ip.size() == 16 && std::equal(std::begin(kMappedPrefix), std::end(kMappedPrefix), ip.begin()))
    ip = ip.subspan(12);
  SocketAddress address;
  address.is_ipv6_ = ip.size() == 16;
  std::copy(ip.begin(), ip.end(), address.ip_.begin());
  address.port_ = port;
  return address;
}

std::optional<SocketAddress> SocketAddress::from_host(std::string_view host, std::uint16_t port) {
  if (host.find('\0') != std::string_view::npos || host.size() > 100) return std::nullopt;
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  std::string text(host);
  std::uint8_t ip[16];
  if (!bracketed && ::inet_pton(AF_INET, text.c_str(), ip) == 1) return from_ip(ByteView(ip, 4), port);
  std::uint32_t scope = 0;
  if (const auto percent = text.find('%'); percent != std::string::npos) {
    const auto parsed = parse_scope(text.substr(percent + 1));
    if (!parsed) return std::nullopt;
    scope = *parsed;
    text.resize(percent);
  }
  if (::inet_pton(AF_INET6, text.c_str(), ip) != 1) return std::nullopt;
  auto address = from_ip(ByteView(ip, 16), port);
  if (scope != 0) {
    if (!address->is_link_local() || !address->is_ipv6_) return std::nullopt;
    address->scope_ = scope;
  }
  return address;
}

std::optional<SocketAddress> SocketAddress::parse(std::string_view text) {
  auto parts = parse_host_port(text);
  if (!parts) return std::nullopt;
  auto address = from_host(parts->host, parts->port);
  if (address && address->is_ipv6_ != (text.front() == '[')) return std::nullopt;
  return address;
}

SocketAddress SocketAddress::loopback(std::uint16_t port) {
  static constexpr std::uint8_t kLoopback[4] = {127, 0, 0, 1};
  return *from_ip(kLoopback, port);
}

std::string SocketAddress::host() const {
  char text[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(is_ipv6_ ? AF_INET6 : AF_INET, ip_.data(), text, sizeof text);
  std::string host = text;
  if (scope_ == 0) return host;
  char name[IF_NAMESIZE] = "";
  return host + '%' +
         (::if_indextoname(scope_, name) != nullptr ? std::string(name) : std::to_string(scope_));
}

std::string SocketAddress::format() const {
  const std::string port = std::to_string(port_);
  return is_ipv6_ ? '[' + host() + "]:" + port : host() + ':' + port;
}

SocketAddress SocketAddress::with_port(std::uint16_t port) const {
  SocketAddress address = *this;
  address.port_ = port;
  return address;
}

SocketAddress SocketAddress::with_scope(std::uint32_t interface) const {
  SocketAddress address = *this;
  if (is_ipv6_ && is_link_local()) address.scope_ = interface;
  return address;
}

bool SocketAddress::is_loopback() const {
  if (!is_ipv6_) return ip_[0] == 127;
  return ip_[15] == 1 &&
         std::all_of(ip_.begin(), ip_.begin() + 15, [](std::uint8_t byte) { return byte == 0; });
}

bool SocketAddress::is_link_local() const {
  return is_ipv6_ ? ip_[0] == 0xfe && (ip_[1] & 0xc0) == 0x80 : ip_[0] == 169 && ip_[1] == 254;
}

bool SocketAddress::is_unspecified() const {
  return std::all_of(ip_.begin(), ip_.end(), [](std::uint8_t byte) { return byte == 0; });
}

std::optional<SocketAddress> SocketAddress::from_system(const sockaddr* system) {
  if (system->sa_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, system, sizeof in);
    return from_ip(ByteView(reinterpret_cast<const std::uint8_t*>(&in.sin_addr), 4), ntohs(in.sin_port));
  }
  if (system->sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 in;
  std::memcpy(&in, system, sizeof in);
  auto address = from_ip(ByteView(in.sin6_addr.s6_addr, 16), ntohs(in.sin6_port));
  if (address->is_ipv6_ && address->is_link_local()) address->scope_ = in.sin6_scope_id;
  return address;
}

std::uint32_t SocketAddress::to_system(void* storage) const {
  std::memset(storage, 0, sizeof(sockaddr_storage));
  if (!is_ipv6_) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port_);
    std::memcpy(&in.sin_addr, ip_.data(), 4);
    std::memcpy(storage, &in, sizeof in);
    return sizeof in;
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port_);
  in.sin6_scope_id = scope_;
  std::memcpy(in.sin6_addr.s6_addr, ip_.data(), 16);
  std::memcpy(storage, &in, sizeof in);
  return sizeof in;
}

}  // namespace p2pmesh
