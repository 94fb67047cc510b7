#include "address_race.h"

#include "p2pmesh/base/limits.h"

namespace p2pmesh {

std::vector<SocketAddress> interleave_families(const std::vector<SocketAddress>& addresses) {
  std::vector<SocketAddress> families[2];
  for (const SocketAddress& address : addresses) families[address.is_ipv6() ? 0 : 1].push_back(address);
  std::vector<SocketAddress> ordered;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    for (const auto& family : families) {
      if (i < family.size() && ordered.size() < limits::kRacingAddressesMax) ordered.push_back(family[i]);
    }
  }
  return ordered;
}

std::optional<SocketAddress> AddressRace::next(Instant now) {
  if (begun_ == addresses_.size() || (begun_ > 0 && now < next_at_)) return std::nullopt;
  ++under_way_;
  begun_at_ = now;
  next_at_ = now + limits::kNextAddressDelay;
  return addresses_[begun_++];
}

void AddressRace::on_failed(const Error& error, Instant now) {
  if (under_way_ > 0) --under_way_;
  // What a node says is worth more than that nobody answers, and that more than that there is no way there.
  const int rank = error.status != ExitStatus::kUnavailable ? 3 : now == begun_at_ ? 1 : 2;
  if (rank > error_rank_) {
    error_ = error;
    error_rank_ = rank;
  }
  next_at_ = now;
}

std::optional<Instant> AddressRace::next_deadline() const {
  if (begun_ == 0 || begun_ == addresses_.size()) return std::nullopt;
  return next_at_;
}

}  // namespace p2pmesh
