// A host and a port among the words of a command.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "p2pmesh/base/result.h"
#include "p2pmesh/control/reply.h"

namespace p2pmesh {

/// What was typed as HOST PORT, and what stands behind it.
struct PlaceWords {
  std::string host;  ///< without the brackets of an IPv6 address
  std::uint16_t port = 0;
  std::string rest;

  /// "10.0.0.7:9750", "[::1]:9750"; the host as it was typed.
  [[nodiscard]] std::string format() const;
};

/// Nothing when the first word of `text` is no port number from 1 to 65535.
std::optional<PlaceWords> parse_place(std::string_view host, std::string_view text);

/// Of these members, those who say or said that they listen at "10.0.0.7", "::1" or "10.0.0.7:9750". Errors:
/// kUsage when that is no address.
Result<control::MembersReply> find_at(const control::MembersReply& members, std::string_view address);

/// "10.0.0.7:9750", "[::1]:9750"; safe to print.
std::string format_place(std::string_view host, std::uint16_t port);

}  // namespace p2pmesh
