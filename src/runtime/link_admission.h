// Who of those that knock is let in to shake hands: so many in all, so many of one address. Nobody is refused
// for coming late: who has got least far goes, and waits a moment outside when the others are quite new.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "p2pmesh/base/net_address.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/core/inputs.h"
#include "p2pmesh/runtime/link_bounds.h"

namespace p2pmesh {

/// An address without its port; of IPv6 the network of 64 bits, of which one host has all.
using LinkSource = std::array<std::uint8_t, 9>;
LinkSource source_of(const NetAddress& address);

/// One accepted connection that is not up yet.
struct HalfOpenLink {
  LinkId link = 0;
  LinkSource source{};
  Instant since{};         ///< when it began
  bool is_secure = false;  ///< how far it has got: its channel is up
};

/// How many of them come from there.
std::size_t count_from(const std::vector<HalfOpenLink>& half_open, const LinkSource& source);

/// What becomes of one that knocks.
struct LinkAdmission {
  bool enters = true;             ///< false: it waits
  std::optional<LinkId> dropped;  ///< this one goes first
};

LinkAdmission admit_link(const std::vector<HalfOpenLink>& half_open, const LinkSource& source, Instant now);

/// So many at once, and so many more a second.
class TokenBucket {
 public:
  TokenBucket(std::uint64_t per_second, std::uint64_t burst, Instant now)
      : per_second_(static_cast<double>(per_second)),
        burst_(static_cast<double>(burst)),
        left_(burst_),
        since_(now) {}
  [[nodiscard]] double left(Instant now) const;
  [[nodiscard]] bool is_full(Instant now) const { return left(now) >= burst_; }
  void take(Instant now);

 private:
  double per_second_;
  double burst_;
  double left_;
  Instant since_;
};

/// How many handshakes may begin for those who knock: in all, and for one source.
class HandshakeBudget {
 public:
  explicit HandshakeBudget(const LinkBounds& bounds) : bounds_(bounds) {}
  /// Nobody may begin.
  [[nodiscard]] bool is_spent(Instant now) const { return all_ && all_->left(now) < 1; }
  /// This source may not.
  [[nodiscard]] bool is_spent(const LinkSource& source, Instant now) const;
  void take(const LinkSource& source, Instant now);
  /// Sources that have begun one lately.
  [[nodiscard]] std::size_t sources() const { return sources_.size(); }

 private:
  LinkBounds bounds_;
  std::optional<TokenBucket> all_;
  // Those that are full again are forgotten: since all together begin so many, no others pile up.
  std::map<LinkSource, TokenBucket> sources_;
};

struct WaitingLink {
  LinkSource source{};
  bool has_spoken = false;
};
/// Which of those that wait has to go when there are too many: of those that have said nothing, else of all,
/// the first of the source that has most.
std::size_t least_wanted(const std::vector<WaitingLink>& waiting);

}  // namespace p2pmesh
