// Host names to addresses without blocking the loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "p2pmesh/base/result.h"
#include "p2pmesh/posix/event_loop.h"
#include "p2pmesh/posix/socket_address.h"

namespace p2pmesh {

/// The addresses of a name, best first, or why there are none. Runs on a thread of its own and may block.
using HostLookup =
    std::function<Result<std::vector<SocketAddress>>(const std::string& host, std::uint16_t port)>;

/// getaddrinfo(3). Errors: kUnknownHost with the name.
Result<std::vector<SocketAddress>> look_up_host(const std::string& host, std::uint16_t port);

/// Looks names up on threads of its own, a bounded number at once; further ones wait, also bounded.
///
/// Threads: made, used and destroyed on the loop's thread; callbacks run there. Destruction drops the
/// callbacks and waits for nobody: a lookup that hangs ends on its own later.
class Resolver {
 public:
  using Callback = std::function<void(Result<std::vector<SocketAddress>>)>;

  static Result<std::unique_ptr<Resolver>> open(EventLoop& loop, HostLookup lookup = look_up_host);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Calls back exactly once in a later turn, never from in here; a numeric host takes no thread.
  /// Errors to the callback: kUnknownHost, kTryAgain (too many wait). There is no timeout: set your own.
  void resolve(const std::string& host, std::uint16_t port, Callback callback);

  /// Lookups that have not called back.
  [[nodiscard]] std::size_t pending() const;

 private:
  struct Shared;
  explicit Resolver(HostLookup lookup);
  void start_waiting();
  void deliver();

  struct Waiting {
    std::uint64_t ticket;
    std::string host;
    std::uint16_t port;
  };
  std::shared_ptr<Shared> shared_;
  std::vector<Waiting> waiting_;
  std::vector<std::pair<std::uint64_t, Callback>> callbacks_;
  std::uint64_t next_ticket_ = 1;
  std::unique_ptr<Waker> waker_;
};

}  // namespace p2pmesh
