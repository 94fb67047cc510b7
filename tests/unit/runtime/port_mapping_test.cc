// The thread that asks the router: what reaches the loop, and that a router which hangs holds nothing up.
#include "port_mapping.h"

#include <doctest/doctest.h>

#include <condition_variable>
#include <mutex>

#include "fake_router.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/clock.h"

using namespace std::chrono_literals;

namespace p2pmesh {
namespace {

using Phase = MappingState::Phase;

/// What a test holds of a router that its thread may use after the test.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool is_open = false;
  int asked = 0;
  int closed = 0;

  void pass() {
    std::unique_lock lock(mutex);
    ++asked;
    changed.notify_all();
    changed.wait(lock, [this] { return is_open; });
  }
  void unlock() {
    const std::lock_guard lock(mutex);
    is_open = true;
    changed.notify_all();
  }
  void wait_for(int& count, int wanted) {
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_for(lock, 20s, [&] { return count >= wanted; }));
  }
};

struct GatedRouter final : FakeRouter {
  explicit GatedRouter(std::shared_ptr<Gate> shared) : gate(std::move(shared)) {
    offers = {{MappingMethod::kNatPmp, "203.0.113.5:9750"}};
  }
  Result<RouterMapping> open(MappingMethod by, const DefaultRoute& route, const MappingWish& wish) override {
    gate->pass();
    return FakeRouter::open(by, route, wish);
  }
  Result<void> close(const RouterMapping& mapping) override {
    const std::lock_guard lock(gate->mutex);
    ++gate->closed;
    gate->changed.notify_all();
    return FakeRouter::close(mapping);
  }
  std::shared_ptr<Gate> gate;
};

struct Fixture {
  Fixture() {
    auto made = PortMapping::start(*loop, std::make_unique<GatedRouter>(gate),
                                   *SocketAddress::parse("0.0.0.0:9750"), 7, [this] { ++changes; });
    REQUIRE(made);
    mapping = std::move(*made);
  }
  template <class Done>
  void run_until(Done done) {
    const Instant deadline = read_clock().monotonic + 20s;
    while (!done() && loop->now().monotonic < deadline) loop->run_until(deadline);
    REQUIRE(done());
  }
  [[nodiscard]] MappingState state() const { return mapping->state(read_clock().monotonic); }

  std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  std::unique_ptr<EventLoop> loop = std::move(*EventLoop::open());
  int changes = 0;
  std::unique_ptr<PortMapping> mapping;
};

TEST_CASE("TheLoopHearsOfWhatTheRouterDid") {
  Fixture node;
  CHECK(node.state().phase == Phase::kAsking);
  node.gate->unlock();
  node.run_until([&] { return node.changes > 0; });
  CHECK(node.state().phase == Phase::kOpen);
  CHECK(node.state().outside.format() == "203.0.113.5:9750");
  CHECK_FALSE(node.mapping->has_ended());
  node.mapping->end();
  node.run_until([&] { return node.mapping->has_ended(); });
  CHECK(node.gate->closed == 1);
}

TEST_CASE("ARouterThatHangsHoldsNobodyUpAndIsSaid") {
  auto gate = std::shared_ptr<Gate>();
  {
    Fixture node;
    gate = node.gate;
    gate->wait_for(gate->asked, 1);
    CHECK(node.state().phase == Phase::kAsking);
    const MappingState later = node.mapping->state(read_clock().monotonic + limits::kMappingPatience);
    CHECK(later.phase == Phase::kFailed);
    CHECK(later.why.find("does not end its answers") != std::string::npos);
    node.mapping->end();
    CHECK_FALSE(node.mapping->has_ended());
  }
  // What comes of it after all is taken back, though nobody is told.
  gate->unlock();
  gate->wait_for(gate->closed, 1);
}

}  // namespace
}  // namespace p2pmesh
