#include "port_mapping.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/clock.h"

namespace p2pmesh {

// What the thread and the loop hold together; the last of them frees it.
struct PortMapping::Shared {
  explicit Shared(std::unique_ptr<Router> asked) : router(std::move(asked)) {}

  void publish(const MappingState& now_known) {
    if (now_known == state) return;
    state = now_known;
    if (waker != nullptr) waker->wake();
  }
  void finish() {
    has_ended = true;
    if (waker != nullptr) waker->wake();
  }

  const std::unique_ptr<Router> router;  // the thread's, but for give_up()
  std::mutex mutex;                      // guards all below
  std::condition_variable work;
  Waker* waker = nullptr;  // null once the loop's side is gone
  MappingState state{MappingState::Phase::kAsking, {}, {}, {}, {}};
  std::optional<Instant> busy_since;
  bool is_doubted = false;
  bool is_ending = false;
  bool has_ended = false;
};

Result<std::unique_ptr<PortMapping>> PortMapping::start(EventLoop& loop, std::unique_ptr<Router> router,
                                                        const SocketAddress& listen, std::uint64_t seed,
                                                        std::function<void()> changed) {
  std::unique_ptr<PortMapping> mapping(new PortMapping());
  mapping->shared_ = std::make_shared<Shared>(std::move(router));
  auto waker = Waker::open(loop, std::move(changed));
  if (!waker) return tl::unexpected<Error>(waker.error());
  mapping->waker_ = std::move(*waker);
  mapping->shared_->waker = mapping->waker_.get();
  try {
    std::thread([shared = mapping->shared_, listen, seed] {
      try {
        run(shared, listen, seed);
      } catch (const std::exception&) {
        // Memory that ran out: the node goes on without.
      }
      const std::lock_guard lock(shared->mutex);
      shared->finish();
    }).detach();
  } catch (const std::system_error&) {
    return fail(ExitStatus::kTryAgain, "no thread is left for --port-mapping");
  }
  return mapping;
}

PortMapping::~PortMapping() {
  shared_->router->give_up();
  const std::lock_guard lock(shared_->mutex);
  shared_->waker = nullptr;
  shared_->is_ending = true;
  shared_->work.notify_one();
}

void PortMapping::run(const std::shared_ptr<Shared>& shared, const SocketAddress& listen,
                      std::uint64_t seed) {
  PortMapper mapper(*shared->router, listen, read_clock, seed);
  std::unique_lock lock(shared->mutex);
  while (!shared->is_ending) {
    if (shared->is_doubted) mapper.ask_again();
    shared->is_doubted = false;
    shared->busy_since = read_clock().monotonic;
    lock.unlock();
    const Instant next = mapper.step();
    lock.lock();
    shared->busy_since.reset();
    shared->publish(mapper.state());
    const Duration wait = next - read_clock().monotonic;
    shared->work.wait_for(lock, wait, [&] { return shared->is_ending || shared->is_doubted; });
  }
  lock.unlock();
  mapper.end();
}

MappingState PortMapping::state(Instant now) const {
  const std::lock_guard lock(shared_->mutex);
  const bool is_stuck = shared_->busy_since && *shared_->busy_since + limits::kMappingPatience <= now;
  if (!is_stuck) return shared_->state;
  MappingState stuck = shared_->state;
  stuck.why = "the router takes requests and does not end its answers";
  if (stuck.phase != MappingState::Phase::kOpen) stuck.phase = MappingState::Phase::kFailed;
  return stuck;
}

void PortMapping::ask_again() {
  const std::lock_guard lock(shared_->mutex);
  shared_->is_doubted = true;
  shared_->work.notify_one();
}

void PortMapping::end() {
  shared_->router->give_up();
  const std::lock_guard lock(shared_->mutex);
  shared_->is_ending = true;
  shared_->work.notify_one();
}

bool PortMapping::has_ended() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->has_ended;
}

}  // namespace p2pmesh
