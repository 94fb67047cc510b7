#include "p2pmesh/posix/signals.h"

#include <signal.h>

#include <array>
#include <atomic>
#include <utility>

#include "p2pmesh/base/check.h"

namespace p2pmesh {
namespace {

struct Taken {
  int number;
  Signal signal;
};
constexpr std::array<Taken, 3> kTaken = {{
    {SIGINT, Signal::kInterrupt},
    {SIGTERM, Signal::kTerminate},
    {SIGHUP, Signal::kHangUp},
}};

// Lock-free, as a signal handler needs; the waker is set before a handler is installed and cleared after it
// is gone.
std::atomic<unsigned> pending_signals{0};
std::atomic<Waker*> signal_waker{nullptr};
static_assert(std::atomic<Waker*>::is_always_lock_free);

void on_signal(int number) {
  for (std::size_t i = 0; i < kTaken.size(); ++i) {
    if (kTaken[i].number == number) pending_signals.fetch_or(1U << i);
  }
  if (Waker* waker = signal_waker.load()) waker->wake();
}

}  // namespace

struct Signals::Saved {
  std::array<struct sigaction, kTaken.size()> taken{};
  struct sigaction pipe {};
};

Signals::Signals() : saved_(std::make_unique<Saved>()) {}

Result<std::unique_ptr<Signals>> Signals::open(EventLoop& loop, std::function<void(Signal)> handler) {
  P2P_CHECK(signal_waker.load() == nullptr);
  auto waker = Waker::open(loop, [handler = std::move(handler)] {
    const unsigned pending = pending_signals.exchange(0);
    for (std::size_t i = 0; i < kTaken.size(); ++i) {
      if (pending & (1U << i)) handler(kTaken[i].signal);
    }
  });
  if (!waker) return tl::unexpected<Error>(waker.error());
  std::unique_ptr<Signals> signals(new Signals);
  signals->waker_ = std::move(*waker);
  pending_signals.store(0);
  signal_waker.store(signals->waker_.get());

  struct sigaction action {};
  ::sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  action.sa_handler = on_signal;
  for (std::size_t i = 0; i < kTaken.size(); ++i) {
    P2P_CHECK(::sigaction(kTaken[i].number, &action, &signals->saved_->taken[i]) == 0);
  }
  action.sa_handler = SIG_IGN;
  P2P_CHECK(::sigaction(SIGPIPE, &action, &signals->saved_->pipe) == 0);
  return signals;
}

Signals::~Signals() {
  for (std::size_t i = 0; i < kTaken.size(); ++i) ::sigaction(kTaken[i].number, &saved_->taken[i], nullptr);
  ::sigaction(SIGPIPE, &saved_->pipe, nullptr);
  signal_waker.store(nullptr);
}

}  // namespace p2pmesh
