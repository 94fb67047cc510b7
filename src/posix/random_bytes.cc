#include "p2pmesh/posix/random_bytes.h"

#include <sys/random.h>

#include <cerrno>

#include "errno_text.h"

namespace p2pmesh {

Result<void> fill_random(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const auto filled = ::getrandom(out.data(), out.size(), 0);
    if (filled < 0 && errno == EINTR) continue;
    if (filled < 0)
      return fail(ExitStatus::kIo, "The random source of this system does not answer: " + errno_text(errno));
    out = out.subspan(static_cast<std::size_t>(filled));
  }
  return {};
}

}  // namespace p2pmesh
