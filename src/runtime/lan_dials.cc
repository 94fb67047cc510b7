#include "lan_dials.h"

#include <algorithm>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kOfMeshAlone = 3;  // side by side: one answers soon, even if others are behind a wall
constexpr std::size_t kOfMeshSplit = 1;  // of each look: everybody of both parts looks
constexpr Duration kPatienceOfGreater = 1s;  // two that hear each other need one link

}  // namespace

bool LanDials::may_dial(const NodeKey& node, Instant now) {
  const auto found = tries_.find(node);
  if (found == tries_.end()) {
    Try begun;
    const auto jitter = random_.below(static_cast<std::uint64_t>(Duration(500ms).count()));
    if (self_ > node)
      begun.not_before = now + kPatienceOfGreater + Duration(static_cast<Duration::rep>(jitter));
    return tries_.emplace(node, begun).first->second.not_before <= now;
  }
  return !found->second.is_under_way && found->second.not_before <= now;
}

std::vector<LanDial> LanDials::choose(const std::vector<LanNeed>& needs, Instant now) {
  // Who is not heard any more, or is linked, begins anew the next time.
  std::erase_if(tries_, [&](const auto& one) {
    const bool is_needed = std::any_of(needs.begin(), needs.end(), [&](const LanNeed& need) {
      return std::find(need.unlinked.begin(), need.unlinked.end(), one.first) != need.unlinked.end();
    });
    return !is_needed && !one.second.is_under_way && one.second.not_before <= now;
  });
  std::vector<LanDial> chosen;
  for (const LanNeed& need : needs) {
    std::vector<NodeKey> wanted = need.is_alone ? need.unlinked : need.seen_offline;
    const std::size_t most = need.is_alone ? kOfMeshAlone : kOfMeshSplit;
    for (std::size_t begun = 0; begun < most && !wanted.empty() && under_way_ < limits::kLanDialsMax;) {
      const auto at = wanted.begin() + static_cast<std::ptrdiff_t>(random_.below(wanted.size()));
      const NodeKey node = *at;
      wanted.erase(at);
      if (!may_dial(node, now)) continue;
      tries_[node].is_under_way = true;
      ++under_way_;
      ++begun;
      chosen.push_back({need.mesh, node});
    }
  }
  return chosen;
}

void LanDials::on_ended(const NodeKey& node, Instant now) {
  const auto found = tries_.find(node);
  if (found == tries_.end() || !found->second.is_under_way) return;
  Try& one = found->second;
  one.is_under_way = false;
  --under_way_;
  // One that was reached may close the link again, for a better one, or since it wants none: who stays linked
  // begins anew the next time.
  one.pause = std::clamp<Duration>(one.pause * 2, limits::kLanDialBackoffMin, limits::kLanDialBackoffMax);
  const auto jitter = random_.below(static_cast<std::uint64_t>(one.pause.count()) / 2);
  one.not_before = now + one.pause + Duration(static_cast<Duration::rep>(jitter));
}

void LanDials::forget_failures() {
  for (auto& [node, one] : tries_) {
    one.pause = Duration{};
    one.not_before = Instant{};
  }
}

}  // namespace p2pmesh
