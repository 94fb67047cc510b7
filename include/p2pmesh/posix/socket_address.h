// An IPv4 or IPv6 address with a port: parsing, formatting, and what can be known from its bits.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/result.h"

struct sockaddr;

namespace p2pmesh {

/// A port number, written in full: digits only, 0 to 65535. Errors: kUsage with a sentence.
Result<std::uint16_t> parse_port(std::string_view text);

/// A numeric address and port. An IPv4 address mapped into IPv6 is kept as IPv4.
class SocketAddress {
 public:
  SocketAddress() = default;

  /// Takes a numeric host: "1.2.3.4", "::1", "[::1]", "fe80::1%eth0". Nothing for a name or anything else.
  static std::optional<SocketAddress> from_host(std::string_view host, std::uint16_t port);
  /// Takes what format() writes: "1.2.3.4:5", "[::1]:5". Nothing for anything else.
  static std::optional<SocketAddress> parse(std::string_view text);
  /// Takes 4 or 16 bytes in network order; nothing otherwise.
  static std::optional<SocketAddress> from_ip(ByteView ip, std::uint16_t port);
  static SocketAddress loopback(std::uint16_t port);

  /// "1.2.3.4:5" or "[::1]:5".
  [[nodiscard]] std::string format() const;
  /// "1.2.3.4" or "::1", a scope included.
  [[nodiscard]] std::string host() const;
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] SocketAddress with_port(std::uint16_t port) const;
  /// A link-local IPv6 address is of an interface, by its index; of others nothing changes.
  [[nodiscard]] SocketAddress with_scope(std::uint32_t interface) const;
  [[nodiscard]] std::uint32_t scope() const { return scope_; }
  /// 4 or 16 bytes in network order; lives as long as this address.
  [[nodiscard]] ByteView ip() const { return ByteView(ip_).first(is_ipv6_ ? 16U : 4U); }

  [[nodiscard]] bool is_ipv6() const { return is_ipv6_; }
  [[nodiscard]] bool is_loopback() const;
  [[nodiscard]] bool is_link_local() const;
  [[nodiscard]] bool is_unspecified() const;  ///< 0.0.0.0 or ::

  auto operator<=>(const SocketAddress&) const = default;

  /// From and to the system's form; for this layer's own sources. `storage` holds a sockaddr_storage.
  static std::optional<SocketAddress> from_system(const sockaddr* address);
  std::uint32_t to_system(void* storage) const;

 private:
  bool is_ipv6_ = false;
  std::array<std::uint8_t, 16> ip_{};
  std::uint32_t scope_ = 0;
  std::uint16_t port_ = 0;
};

/// Splits "HOST:PORT" or "[HOST]:PORT", the host a name or a numeric address; an IPv6 address needs its
/// brackets. Errors: kUsage with a sentence.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
Result<HostPort> parse_host_port(std::string_view text);

}  // namespace p2pmesh
