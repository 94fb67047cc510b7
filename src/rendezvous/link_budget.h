// What one link may ask for, each kind from a budget of its own; and how many new names one address may take.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>

#include "p2pmesh/base/net_address.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/rendezvous/settings.h"

namespace p2pmesh {

/// An address without its port; of IPv6 the network of 64 bits, of which one host has all.
using AddressSource = std::array<std::uint8_t, 9>;
AddressSource source_of_address(const NetAddress& address);

enum class AskedKind : std::uint8_t { kRegistration, kLookUp, kPage, kAsk, kOther, kKinds };

class LinkBudget {
 public:
  enum class Verdict : std::uint8_t {
    kWithin,
    kOver,     ///< to be refused
    kFarOver,  ///< it goes on in spite of that: no honest member does
  };
  struct Answer {
    Verdict verdict = Verdict::kWithin;
    std::uint64_t retry_ms = 0;  ///< until there is room for one more
  };
  Answer take(AskedKind kind, const RendezvousSettings& settings, Instant now);

 private:
  struct Spent {
    double served = 0;
    double tried = 0;
    Instant since{};
  };
  std::array<Spent, static_cast<std::size_t>(AskedKind::kKinds)> spent_{};
};

class NameBudget {
 public:
  /// Nothing when the name may be taken, else how long to wait.
  std::optional<std::uint64_t> take(const AddressSource& source, std::uint64_t per_hour, Instant now);
  [[nodiscard]] std::size_t sources() const { return spent_.size(); }

 private:
  struct Spent {
    double names = 0;
    Instant since{};
  };
  std::map<AddressSource, Spent> spent_;
  Instant swept_at_{};
};

}  // namespace p2pmesh
