#include "link_budget.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

constexpr double kHour = 3600;
constexpr auto kSweepInterval = std::chrono::seconds(10);

struct Rate {
  std::uint64_t per_second = 0;
  std::uint64_t burst = 0;
};

/// Whoever sets another rate gets a burst of as many seconds.
constexpr Rate scale(std::uint64_t per_second, std::uint64_t usual, std::uint64_t usual_burst) {
  return {per_second, std::max<std::uint64_t>(per_second * usual_burst / usual, 1)};
}

Rate rate_of(AskedKind kind, const RendezvousSettings& settings) {
  switch (kind) {
    case AskedKind::kRegistration:
      return scale(settings.registrations_per_second, limits::kRegistrationsPerSecond,
                   limits::kRegistrationsBurst);
    case AskedKind::kLookUp:
      return scale(settings.look_ups_per_second, limits::kRendezvousLookUpsPerSecond,
                   limits::kRendezvousLookUpsBurst);
    case AskedKind::kPage:
      return scale(settings.pages_per_second, limits::kRendezvousPagesPerSecond,
                   limits::kRendezvousPagesBurst);
    case AskedKind::kAsk:
      return scale(settings.asks_per_second, limits::kAsksPerSecond, limits::kAsksBurst);
    case AskedKind::kOther:
    case AskedKind::kKinds:
      break;
  }
  return {limits::kRendezvousOthersPerSecond, limits::kRendezvousOthersBurst};
}

double seconds_since(Instant since, Instant now) {
  return std::chrono::duration<double>(now - since).count();
}

}  // namespace

AddressSource source_of_address(const NetAddress& address) {
  AddressSource source{};
  source[0] = address.v6 ? 6 : 4;
  std::copy_n(address.ip.begin(), address.v6 ? 8 : 4, source.begin() + 1);
  return source;
}

LinkBudget::Answer LinkBudget::take(AskedKind kind, const RendezvousSettings& settings, Instant now) {
  const Rate rate = rate_of(kind, settings);
  const auto per_second = static_cast<double>(rate.per_second);
  const auto burst = static_cast<double>(rate.burst);
  constexpr auto kFar = static_cast<double>(limits::kRendezvousFarOver);
  Spent& spent = spent_[static_cast<std::size_t>(kind)];
  const double seconds = seconds_since(spent.since, now);
  spent.since = now;
  spent.served = std::max(0.0, spent.served - per_second * seconds);
  spent.tried = std::max(0.0, spent.tried - kFar * per_second * seconds) + 1;
  if (spent.tried > kFar * burst) return {Verdict::kFarOver, 0};
  if (spent.served + 1 > burst) {
    const double wait = (spent.served + 1 - burst) / per_second;
    return {Verdict::kOver, static_cast<std::uint64_t>(std::ceil(wait * 1000))};
  }
  spent.served += 1;
  return {};
}

std::optional<std::uint64_t> NameBudget::take(const AddressSource& source, std::uint64_t per_hour,
                                              Instant now) {
  const double per_second = static_cast<double>(per_hour) / kHour;
  const auto left_of = [&](const Spent& spent) {
    return std::max(0.0, spent.names - per_second * seconds_since(spent.since, now));
  };
  if (!spent_.contains(source) && spent_.size() >= limits::kRendezvousSourcesMax) {
    // Not at each one that comes: it looks through all of them.
    if (now >= swept_at_ + kSweepInterval) {
      std::erase_if(spent_, [&](const auto& entry) { return left_of(entry.second) == 0; });
      swept_at_ = now;
    }
    if (spent_.size() >= limits::kRendezvousSourcesMax) return static_cast<std::uint64_t>(kHour * 1000);
  }
  Spent& spent = spent_[source];
  spent.names = left_of(spent);
  spent.since = now;
  const double over = spent.names + 1 - static_cast<double>(per_hour);
  if (over > 0) return static_cast<std::uint64_t>(std::ceil(over / per_second * 1000));
  spent.names += 1;
  return std::nullopt;
}

}  // namespace p2pmesh
