// Keeps this node's port open at the router, on a thread of its own.
#pragma once

#include <functional>
#include <memory>

#include "p2pmesh/posix/event_loop.h"
#include "port_mapper.h"

namespace p2pmesh {

/// Threads: made, used and destroyed on the loop's thread; `changed` runs there. Destruction waits for
/// nobody: a router that hangs is left to itself.
class PortMapping {
 public:
  /// Errors: kTryAgain (no thread is left), kIo.
  static Result<std::unique_ptr<PortMapping>> start(EventLoop& loop, std::unique_ptr<Router> router,
                                                    const SocketAddress& listen, std::uint64_t seed,
                                                    std::function<void()> changed);
  ~PortMapping();
  PortMapping(const PortMapping&) = delete;
  PortMapping& operator=(const PortMapping&) = delete;

  /// Also: that the router has hung for kMappingPatience.
  [[nodiscard]] MappingState state(Instant now) const;
  /// A neighbor could not reach what was opened.
  void ask_again();
  /// Takes the mapping back; `changed` runs when that is done, or cannot be done.
  void end();
  [[nodiscard]] bool has_ended() const;

 private:
  struct Shared;
  PortMapping() = default;
  static void run(const std::shared_ptr<Shared>& shared, const SocketAddress& listen, std::uint64_t seed);

  std::shared_ptr<Shared> shared_;
  std::unique_ptr<Waker> waker_;
};

}  // namespace p2pmesh
