#include "p2pmesh/posix/event_loop.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <utility>

#include "errno_text.h"
#include "p2pmesh/base/check.h"
#include "p2pmesh/posix/clock.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kEventsPerTurn = 256;  // the rest comes in the next turn, oldest first

std::uint32_t to_epoll(Interest interest) {
  std::uint32_t events = 0;
  if (interest & kReadable) events |= EPOLLIN;
  if (interest & kWritable) events |= EPOLLOUT;
  if (interest & kEdgeTriggered) events |= EPOLLET;
  return events;
}

epoll_event make_event(int fd, std::uint32_t generation, Interest interest) {
  epoll_event event{};
  event.events = to_epoll(interest);
  event.data.u64 = std::uint64_t{generation} << 32 | static_cast<std::uint32_t>(fd);
  return event;
}

int to_timeout_ms(Duration duration) {
  if (duration <= Duration::zero()) return 0;
  // Rounded up without a chance to overflow: a loop must not spin through the last millisecond.
  const auto ms = duration.count() / 1000 + (duration.count() % 1000 != 0 ? 1 : 0);
  return static_cast<int>(std::min<std::int64_t>(ms, std::numeric_limits<int>::max()));
}

}  // namespace

struct EventLoop::Watch {
  Interest interest = kNoInterest;
  std::uint32_t generation = 0;
  bool always_ready = false;
  std::shared_ptr<Handler> handler;  // shared with the call under way, which may remove this watch
};

Result<std::unique_ptr<EventLoop>> EventLoop::open() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) {
    return fail(ExitStatus::kTryAgain, "The event loop cannot be opened: " + errno_text(errno) +
                                           ". Raise the limit of open files (ulimit -n), or try again.");
  }
  return std::unique_ptr<EventLoop>(new EventLoop(std::move(epoll)));
}

EventLoop::EventLoop(UniqueFd epoll) : epoll_(std::move(epoll)), now_(read_clock()) {}
EventLoop::~EventLoop() = default;

EventLoop::Watch* EventLoop::find(int fd) const {
  const auto place = static_cast<std::size_t>(fd);
  return fd >= 0 && place < watches_.size() ? watches_[place].get() : nullptr;
}

bool EventLoop::contains(int fd) const {
  return find(fd) != nullptr;
}

Result<void> EventLoop::add(int fd, Interest interest, Handler handler) {
  P2P_CHECK(fd >= 0 && !contains(fd));
  auto watch = std::make_unique<Watch>();
  watch->interest = interest;
  watch->generation = ++generation_;
  watch->handler = std::make_shared<Handler>(std::move(handler));
  epoll_event event = make_event(fd, watch->generation, interest);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    if (errno != EPERM) {
      return fail(ExitStatus::kTryAgain, "A descriptor cannot be watched: " + errno_text(errno) +
                                             ". Close other programs, or try again.");
    }
    watch->always_ready = true;
    always_ready_.push_back(fd);
  }
  const auto place = static_cast<std::size_t>(fd);
  if (watches_.size() <= place) watches_.resize(place + 1);
  watches_[place] = std::move(watch);
  return {};
}

void EventLoop::modify(int fd, Interest interest) {
  Watch* watch = find(fd);
  P2P_CHECK(watch != nullptr);
  if (watch->interest == interest) return;
  watch->interest = interest;
  if (watch->always_ready) return;
  epoll_event event = make_event(fd, watch->generation, interest);
  P2P_CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0);
}

void EventLoop::remove(int fd) {
  Watch* watch = find(fd);
  if (watch == nullptr) return;
  if (watch->always_ready) {
    std::erase(always_ready_, fd);
  } else {
    // Fails only when the descriptor was closed before, against the contract, and then epoll has forgotten
    // it.
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  }
  watches_[static_cast<std::size_t>(fd)].reset();
}

std::size_t EventLoop::run_once(std::optional<Duration> timeout) {
  return wait_and_call(timeout ? to_timeout_ms(*timeout) : -1);
}

std::size_t EventLoop::run_until(std::optional<Instant> deadline) {
  if (!deadline) return wait_and_call(-1);
  // The turn before may have taken long, so its reading would oversleep.
  const Instant current = read_clock().monotonic;
  return wait_and_call(*deadline <= current ? 0 : to_timeout_ms(*deadline - current));
}

std::size_t EventLoop::wait_and_call(int timeout_ms) {
  const auto waits_for = [this](int fd) { return (find(fd)->interest & (kReadable | kWritable)) != 0; };
  if (std::any_of(always_ready_.begin(), always_ready_.end(), waits_for)) timeout_ms = 0;

  std::array<epoll_event, kEventsPerTurn> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
  P2P_CHECK(count >= 0 || errno == EINTR);
  now_ = read_clock();

  std::size_t called = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(std::max(count, 0)); ++i) {
    const std::uint64_t tag = events[i].data.u64;
    called +=
        call(static_cast<int>(tag & 0xffffffffU), static_cast<std::uint32_t>(tag >> 32), events[i].events);
  }
  if (always_ready_.empty()) return called;
  std::vector<std::pair<int, std::uint32_t>> files;
  for (int fd : always_ready_) files.emplace_back(fd, find(fd)->generation);
  for (const auto& [fd, generation] : files) called += call(fd, generation, EPOLLIN | EPOLLOUT);
  return called;
}

bool EventLoop::call(int fd, std::uint32_t generation, std::uint32_t events) {
  const Watch* watch = find(fd);
  if (watch == nullptr || watch->generation != generation) return false;  // removed earlier in this turn
  const bool closed = (events & (EPOLLHUP | EPOLLERR)) != 0;
  Ready ready;
  // Masked by the interest of now: a handler earlier in this turn may have lowered it.
  ready.readable = (watch->interest & kReadable) != 0 && (closed || (events & EPOLLIN) != 0);
  ready.writable = (watch->interest & kWritable) != 0 && (closed || (events & EPOLLOUT) != 0);
  ready.closed = closed;
  if (!ready.readable && !ready.writable && !ready.closed) return false;
  const std::shared_ptr<Handler> handler = watch->handler;
  (*handler)(ready);
  return true;
}

}  // namespace p2pmesh
