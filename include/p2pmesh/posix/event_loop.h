// The epoll loop: every socket, pipe and timer of a thread passes through one of these.
// On the way of a frame: the first step, which calls the connection whose socket has bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "p2pmesh/base/result.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/posix/unique_fd.h"

namespace p2pmesh {

/// What a handler waits for; the bits may be joined. Level-triggered unless kEdgeTriggered is among them.
using Interest = std::uint32_t;
inline constexpr Interest kNoInterest = 0;  ///< hang-ups and errors alone
inline constexpr Interest kReadable = 1;
inline constexpr Interest kWritable = 2;
inline constexpr Interest kEdgeTriggered = 4;

/// What happened on a descriptor. A hang-up or error is also reported as readable when kReadable was asked
/// for, so that the read tells what it was.
struct Ready {
  bool readable = false;
  bool writable = false;
  bool closed = false;  ///< EPOLLHUP or EPOLLERR: no more can be written; unread bytes may still be there
};

/// One epoll loop.
///
/// Threads: all methods on the thread that runs it; a Waker reaches it from others.
class EventLoop {
 public:
  using Handler = std::function<void(Ready)>;

  /// Errors: kTryAgain when the process or the system is out of descriptors.
  static Result<std::unique_ptr<EventLoop>> open();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Calls `handler` whenever `fd` is ready. A regular file or /dev/null, which epoll does not take, is ready
  /// always. The descriptor stays the caller's, who removes it before closing it. It must not be in the loop
  /// yet. Errors: kTryAgain when the system is out of watches.
  Result<void> add(int fd, Interest interest, Handler handler);

  /// Changes what is waited for; cheap when nothing changes. The descriptor must be in the loop.
  void modify(int fd, Interest interest);

  /// Forgets the descriptor; nothing happens when it is not there. May be called from inside any handler,
  /// also for other descriptors of the same turn: no event that was already gathered reaches a removed
  /// descriptor, nor a new one that got the same number.
  void remove(int fd);

  [[nodiscard]] bool contains(int fd) const;

  /// One turn: waits at most `timeout` for events (none: for ever; 0: not at all), reads the clock once,
  /// calls the handlers. Returns how many it called. A signal ends the wait early.
  std::size_t run_once(std::optional<Duration> timeout);

  /// One turn that waits until `deadline` at most (none: for ever). Never wakes before it without an event.
  std::size_t run_until(std::optional<Instant> deadline);

  /// The clock as this turn read it.
  [[nodiscard]] const Now& now() const { return now_; }

 private:
  struct Watch;
  explicit EventLoop(UniqueFd epoll);
  std::size_t wait_and_call(int timeout_ms);
  Watch* find(int fd) const;
  bool call(int fd, std::uint32_t generation, std::uint32_t events);

  UniqueFd epoll_;
  std::vector<std::unique_ptr<Watch>> watches_;  // by descriptor
  std::vector<int> always_ready_;                // descriptors that epoll does not take
  std::uint32_t generation_ = 0;
  Now now_;
};

/// Wakes a loop from any thread: many wakes before the loop's turn are one call of the handler.
///
/// Made and destroyed on the loop's thread, which it must not outlive; by then no other thread may call
/// wake().
class Waker {
 public:
  static Result<std::unique_ptr<Waker>> open(EventLoop& loop, std::function<void()> handler);
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  /// Threads: any. Never blocks.
  void wake();

 private:
  Waker(EventLoop& loop, UniqueFd fd) : loop_(loop), fd_(std::move(fd)) {}
  EventLoop& loop_;
  UniqueFd fd_;
};

}  // namespace p2pmesh
