#include "faulty_nodes.h"

#include <algorithm>
#include <tuple>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {

void FaultyNodes::note(const NodeKey& node, Instant now) {
  auto found = faults_.find(node);
  if (found == faults_.end()) {
    make_space(now);
    found = faults_.emplace(node, Fault{}).first;
  }
  Fault& fault = found->second;
  const bool is_first = fault.pause == Duration{} || fault.until + limits::kFaultForgotten <= now;
  fault.pause = is_first ? Duration(limits::kFaultPauseMin)
                         : std::min<Duration>(limits::kFaultPauseMax, fault.pause * 2);
  fault.until = now + fault.pause;
}

bool FaultyNodes::is_shut_out(const NodeKey& node, Instant now) const {
  const auto found = faults_.find(node);
  return found != faults_.end() && now < found->second.until;
}

/// Keys are drawn as one likes: new ones push each other out, not who was at fault again and again.
void FaultyNodes::make_space(Instant now) {
  if (faults_.size() < limits::kFaultyNodesMax) return;
  std::erase_if(faults_,
                [&](const auto& item) { return item.second.until + limits::kFaultForgotten <= now; });
  if (faults_.size() < limits::kFaultyNodesMax) return;
  faults_.erase(std::min_element(faults_.begin(), faults_.end(), [](const auto& a, const auto& b) {
    return std::tie(a.second.pause, a.second.until) < std::tie(b.second.pause, b.second.until);
  }));
}

}  // namespace p2pmesh
