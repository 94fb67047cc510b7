// What a host does of its port at the router.
#include "address.h"
#include "node_host_impl.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh {

Result<void> NodeHost::Impl::start_port_mapping() {
  if (!options.port_mapping) return {};
  auto started = PortMapping::start(*loop, make_home_router(), listen_address, draw_random_64(),
                                    [this] { port_mapping_changed(); });
  if (!started) return tl::unexpected<Error>(started.error());
  port_mapping = std::move(*started);
  // Who is asked to dial back serves this node once in a while.
  reach->hold_until(loop->now().monotonic + limits::kReachPatience);
  return {};
}

void NodeHost::Impl::port_mapping_changed() {
  const Instant now = loop->now().monotonic;
  const MappingState state = port_mapping->state(now);
  if (state.phase == MappingState::Phase::kAsking || leaving) return;
  const bool is_open = state.phase == MappingState::Phase::kOpen;
  const auto known = is_open ? std::optional(to_net(state.outside)) : std::nullopt;
  if (known != outside_address || !is_open) {
    log.log(is_open ? LogLevel::kInfo : LogLevel::kWarning,
            "port mapping: " + (is_open ? "others can dial " + state.outside.format() : state.why));
  }
  reach->set_outside(known, now);
  if (known == outside_address) return;
  outside_address = known;
  for (const auto& seat : seats.all()) {
    if (!seat->leave_by) seat->runner->handle(OutsideAddress{outside_address});
  }
}

}  // namespace p2pmesh
