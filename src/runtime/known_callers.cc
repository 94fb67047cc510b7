#include "known_callers.h"

#include <utility>

#include "address.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kFrameOverhead = 96;  // of an entry, its allocation, and room to grow

}  // namespace

bool KnownCallers::on_link_up(const LinkUp& up, const MeshId& mesh) {
  if (known_.contains(up.node)) return actions_.let_in(up, mesh);
  if (held_.size() >= limits::kCallersHeldMax) return false;
  Held held;
  held.up = up;
  held.mesh = mesh;
  held_.emplace(up.link, std::move(held));
  const WantedMember wanted{"who calls", MemberKey{up.node.bytes}, true};
  actions_.look_up(wanted, [this, link = up.link, node = up.node](const Result<FoundMember>& found) {
    on_answer(link, node, found);
  });
  return true;
}

bool KnownCallers::on_frame(LinkId link, const FrameView& frame) {
  Held& held = held_.at(link);
  held.bytes += frame.payload.size() + kFrameOverhead;
  if (held.bytes > limits::kCallerHeldBytesMax) return false;
  held.frames.emplace_back(frame.type, Bytes(frame.payload.begin(), frame.payload.end()));
  return true;
}

void KnownCallers::on_answer(LinkId link, const NodeKey& node, const Result<FoundMember>& found) {
  auto waiting = held_.extract(link);
  if (found) {
    if (known_.size() >= limits::kCallersKnownMax) known_.clear();
    known_.insert(node);
  }
  if (!waiting) return;  // it has gone, or another link of it was asked for
  const Held& held = waiting.mapped();
  if (!found) {
    const bool is_unknown = found.error().status == ExitStatus::kUnknownHost;
    actions_.log("a caller at " + to_socket(held.up.remote).format() + " was cut: " +
                 (is_unknown ? "no discovery server knows its key " + node.hex().substr(0, 8)
                             : format_safe_line(found.error().message)));
    return actions_.close(link, CloseReason::kDisconnect);
  }
  if (!actions_.let_in(held.up, held.mesh)) return actions_.close(link, CloseReason::kDisconnect);
  for (const auto& [type, payload] : held.frames) {
    if (!actions_.on_frame(link, FrameView{type, payload})) return actions_.cut_off(link);
  }
}

}  // namespace p2pmesh
