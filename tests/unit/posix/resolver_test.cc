#include "p2pmesh/posix/resolver.h"

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/clock.h"

using namespace p2pmesh;
using namespace std::chrono_literals;

namespace {

// A lookup that blocks until it is opened; shared with threads that may outlive the test.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  std::size_t inside = 0;
  std::size_t inside_most = 0;

  void pass() {
    std::unique_lock lock(mutex);
    inside_most = std::max(inside_most, ++inside);
    changed.notify_all();
    changed.wait(lock, [this] { return open; });
    --inside;
  }
  void unlock() {
    const std::lock_guard lock(mutex);
    open = true;
    changed.notify_all();
  }
};

HostLookup gated(const std::shared_ptr<Gate>& gate) {
  return [gate](const std::string&, std::uint16_t port) -> Result<std::vector<SocketAddress>> {
    gate->pass();
    return std::vector{SocketAddress::loopback(port)};
  };
}

template <class Done>
void run_until(EventLoop& loop, Done done) {
  const Instant deadline = read_clock().monotonic + 20s;
  while (!done() && loop.now().monotonic < deadline) loop.run_until(deadline);
  REQUIRE(done());
}

}  // namespace

TEST_CASE("a numeric host is answered in a later turn without a lookup") {
  auto loop = EventLoop::open();
  int lookups = 0;
  auto resolver =
      Resolver::open(**loop, [&](const std::string&, std::uint16_t) -> Result<std::vector<SocketAddress>> {
        ++lookups;
        return std::vector<SocketAddress>{};
      });
  REQUIRE(resolver);
  std::string answer;
  (*resolver)->resolve("::1", 5, [&](auto result) { answer = result->front().format(); });
  CHECK(answer.empty());
  CHECK((*resolver)->pending() == 1);
  run_until(**loop, [&] { return !answer.empty(); });
  CHECK(answer == "[::1]:5");
  CHECK(lookups == 0);
  CHECK((*resolver)->pending() == 0);
}

TEST_CASE("localhost is known to the system, with the port asked for") {
  auto loop = EventLoop::open();
  auto resolver = Resolver::open(**loop);
  REQUIRE(resolver);
  std::vector<SocketAddress> found;
  (*resolver)->resolve("localhost", 77, [&](auto result) {
    REQUIRE(result);
    found = *result;
  });
  run_until(**loop, [&] { return !found.empty(); });
  for (const auto& address : found) {
    CHECK(address.is_loopback());
    CHECK(address.port() == 77);
  }
}

TEST_CASE("an impossible name is an unknown host that is named") {
  for (const std::string& host : {std::string("no such host"), std::string(""), std::string("a\0b", 3)}) {
    const auto result = look_up_host(host, 1);
    REQUIRE(!result);
    CHECK(result.error().status == ExitStatus::kUnknownHost);
  }
  CHECK(look_up_host("no such host", 1).error().message.find("\"no such host\"") != std::string::npos);
}

TEST_CASE("a lookup that hangs blocks neither the loop nor the resolver's end") {
  auto gate = std::make_shared<Gate>();
  {
    auto loop = EventLoop::open();
    auto resolver = Resolver::open(**loop, gated(gate));
    bool called = false;
    bool other = false;
    (*resolver)->resolve("slow", 1, [&](auto) { called = true; });
    (*resolver)->resolve("127.0.0.1", 1, [&](auto) { other = true; });
    run_until(**loop, [&] { return other; });
    CHECK(!called);
    resolver->reset();
    CHECK(!called);
  }
  gate->unlock();
}

TEST_CASE("lookups at once are bounded, the rest waits its turn, and beyond that is refused") {
  auto gate = std::make_shared<Gate>();
  auto loop = EventLoop::open();
  auto resolver = Resolver::open(**loop, gated(gate));
  std::size_t answered = 0;
  std::size_t refused = 0;
  const std::size_t taken = limits::kLookupsMax + limits::kLookupsWaitingMax;
  for (std::size_t i = 0; i < taken + 5; ++i) {
    (*resolver)->resolve("name", 1, [&](auto result) {
      if (result) {
        ++answered;
      } else {
        CHECK(result.error().status == ExitStatus::kTryAgain);
        ++refused;
      }
    });
  }
  run_until(**loop, [&] { return refused == 5; });
  CHECK(answered == 0);
  {
    std::unique_lock lock(gate->mutex);
    REQUIRE(gate->changed.wait_for(lock, 20s, [&] { return gate->inside == limits::kLookupsMax; }));
  }
  gate->unlock();
  run_until(**loop, [&] { return answered == taken; });
  CHECK(gate->inside_most == limits::kLookupsMax);
}

TEST_CASE("a callback may destroy the resolver") {
  auto loop = EventLoop::open();
  auto opened = Resolver::open(**loop);
  std::unique_ptr<Resolver> resolver = std::move(*opened);
  int calls = 0;
  for (int i = 0; i < 2; ++i) {
    resolver->resolve("127.0.0.1", 1, [&](auto) {
      ++calls;
      resolver.reset();
    });
  }
  run_until(**loop, [&] { return calls > 0; });
  (*loop)->run_once(0us);
  CHECK(calls == 1);
}
