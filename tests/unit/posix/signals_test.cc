#include "p2pmesh/posix/signals.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <vector>

#include "p2pmesh/posix/process.h"
#include "p2pmesh/posix/stream_io.h"

using namespace p2pmesh;
using namespace std::chrono_literals;

TEST_CASE("signals come as events of the loop, once each") {
  auto loop = EventLoop::open();
  std::vector<Signal> seen;
  auto signals = Signals::open(**loop, [&](Signal signal) { seen.push_back(signal); });
  REQUIRE(signals);
  ::raise(SIGTERM);
  ::raise(SIGTERM);
  CHECK(seen.empty());
  (*loop)->run_once(5s);
  REQUIRE(seen == std::vector{Signal::kTerminate});
  ::raise(SIGHUP);
  ::raise(SIGINT);
  (*loop)->run_once(5s);
  CHECK(seen == std::vector{Signal::kTerminate, Signal::kInterrupt, Signal::kHangUp});
}

TEST_CASE("a broken pipe is an answer while signals are taken, and everything is given back after") {
  struct sigaction before {};
  ::sigaction(SIGINT, nullptr, &before);
  {
    auto loop = EventLoop::open();
    auto signals = Signals::open(**loop, [](Signal) {});
    auto pipe = make_pipe();
    pipe->read_end.reset();
    CHECK(write_some(pipe->write_end.get(), as_bytes("x")).status == IoStatus::kClosed);
  }
  struct sigaction after {};
  ::sigaction(SIGINT, nullptr, &after);
  CHECK((before.sa_handler == after.sa_handler));
  ::sigaction(SIGPIPE, nullptr, &after);
  CHECK((after.sa_handler == SIG_DFL));
}
