// Which of a host's addresses is dialled when: all of them race (RFC 8305).
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "p2pmesh/base/result.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/posix/socket_address.h"

namespace p2pmesh {

/// IPv6 first, then the families in turn, each in the order given; at most kRacingAddressesMax.
std::vector<SocketAddress> interleave_families(const std::vector<SocketAddress>& addresses);

/// Reads no clock and dials nothing: the time comes in, an address comes out.
class AddressRace {
 public:
  AddressRace() = default;
  explicit AddressRace(const std::vector<SocketAddress>& addresses)
      : addresses_(interleave_families(addresses)) {}

  /// The address that is to be dialled now; ask again until there is none.
  std::optional<SocketAddress> next(Instant now);
  /// One that was begun came to nothing: the next one's turn is now.
  void on_failed(const Error& error, Instant now);
  /// All came to nothing.
  [[nodiscard]] bool is_lost() const { return under_way_ == 0 && begun_ == addresses_.size(); }
  /// What tells most of all that was said; nothing without an address.
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  [[nodiscard]] bool is_empty() const { return addresses_.empty(); }
  [[nodiscard]] std::optional<Instant> next_deadline() const;

 private:
  std::vector<SocketAddress> addresses_;
  std::size_t begun_ = 0;
  std::size_t under_way_ = 0;
  Instant begun_at_{};  // the last one
  Instant next_at_{};
  std::optional<Error> error_;
  int error_rank_ = 0;
};

}  // namespace p2pmesh
