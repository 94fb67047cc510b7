// Signals as events of the loop.
#pragma once

#include <functional>
#include <memory>

#include "p2pmesh/base/result.h"
#include "p2pmesh/posix/event_loop.h"

namespace p2pmesh {

enum class Signal { kInterrupt, kTerminate, kHangUp };

/// Takes SIGINT, SIGTERM and SIGHUP for the whole process and ignores SIGPIPE; gives all of them back when
/// destroyed. One at a time in a process. The same signal sent twice before the loop's turn is one call.
class Signals {
 public:
  static Result<std::unique_ptr<Signals>> open(EventLoop& loop, std::function<void(Signal)> handler);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  struct Saved;
  Signals();
  std::unique_ptr<Saved> saved_;
  std::unique_ptr<Waker> waker_;
};

}  // namespace p2pmesh
