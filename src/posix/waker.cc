// The eventfd by which other threads, and signal handlers, reach a loop.
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "errno_text.h"
#include "p2pmesh/posix/event_loop.h"

namespace p2pmesh {

Result<std::unique_ptr<Waker>> Waker::open(EventLoop& loop, std::function<void()> handler) {
  UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) {
    return fail(ExitStatus::kTryAgain, "A wake-up descriptor cannot be opened: " + errno_text(errno) +
                                           ". Raise the limit of open files (ulimit -n), or try again.");
  }
  const int raw = fd.get();
  auto added = loop.add(raw, kReadable, [raw, handler = std::move(handler)](Ready) {
    std::uint64_t wakes = 0;
    if (::read(raw, &wakes, sizeof wakes) == static_cast<ssize_t>(sizeof wakes)) handler();
  });
  if (!added) return tl::unexpected<Error>(added.error());
  return std::unique_ptr<Waker>(new Waker(loop, std::move(fd)));
}

Waker::~Waker() {
  loop_.remove(fd_.get());
}

void Waker::wake() {
  const int saved = errno;
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the loop is about to wake anyway.
  [[maybe_unused]] const ssize_t written = ::write(fd_.get(), &one, sizeof one);
  errno = saved;
}

}  // namespace p2pmesh
