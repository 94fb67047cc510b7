#include "link_admission.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

// Those of one burst (a lab that is switched on) get this far in any order; who is slower may be dropped.

}  // namespace

LinkSource source_of(const NetAddress& address) {
  LinkSource source{};
  source[0] = address.v6 ? 6 : 4;
  std::copy_n(address.ip.begin(), address.v6 ? 8 : 4, source.begin() + 1);
  return source;
}

std::size_t count_from(const std::vector<HalfOpenLink>& half_open, const LinkSource& source) {
  return static_cast<std::size_t>(std::count_if(
      half_open.begin(), half_open.end(), [&](const HalfOpenLink& link) { return link.source == source; }));
}

LinkAdmission admit_link(const std::vector<HalfOpenLink>& half_open, const LinkSource& source, Instant now) {
  const bool is_crowded = count_from(half_open, source) >= limits::kHalfOpenPerAddressMax;
  if (!is_crowded && half_open.size() < limits::kHalfOpenLinksMax) return {};
  const HalfOpenLink* least = nullptr;
  for (const HalfOpenLink& link : half_open) {
    if (is_crowded && link.source != source) continue;
    if (link.since + limits::kUndisturbed > now) continue;
    // Bytes are no progress: whoever likes sends more of them.
    if (least == nullptr || std::tie(link.is_secure, link.since) < std::tie(least->is_secure, least->since))
      least = &link;
  }
  if (least == nullptr) return {false, std::nullopt};
  return {true, least->link};
}

double TokenBucket::left(Instant now) const {
  const std::chrono::duration<double> passed = now - since_;
  return std::min(burst_, left_ + passed.count() * per_second_);
}

void TokenBucket::take(Instant now) {
  left_ = left(now) - 1;
  since_ = now;
}

bool HandshakeBudget::is_spent(const LinkSource& source, Instant now) const {
  if (is_spent(now)) return true;
  const auto found = sources_.find(source);
  return found != sources_.end() && found->second.left(now) < 1;
}

void HandshakeBudget::take(const LinkSource& source, Instant now) {
  if (!all_) all_.emplace(bounds_.handshakes_per_second, limits::kHandshakesBurst, now);
  all_->take(now);
  if (sources_.size() >= limits::kHandshakeSourcesMax)
    std::erase_if(sources_, [&](const auto& item) { return item.second.is_full(now); });
  if (sources_.size() >= limits::kHandshakeSourcesMax) return;
  sources_.try_emplace(source, bounds_.source_handshakes_per_second, limits::kSourceHandshakesBurst, now)
      .first->second.take(now);
}

std::size_t least_wanted(const std::vector<WaitingLink>& waiting) {
  std::map<LinkSource, std::size_t> counts;
  for (const WaitingLink& link : waiting) ++counts[link.source];
  const auto rank = [&](std::size_t i) {
    return std::tuple(!waiting[i].has_spoken, counts[waiting[i].source]);
  };
  std::size_t least = 0;
  for (std::size_t i = 1; i < waiting.size(); ++i) {
    if (rank(i) > rank(least)) least = i;
  }
  return least;
}

}  // namespace p2pmesh
