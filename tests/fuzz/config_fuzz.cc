// A configuration file: refused with a sentence, or taken; never more.
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "daemon_options.h"
#include "fuzz_input.h"

using namespace p2pmesh;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const int file = ::memfd_create("config", MFD_CLOEXEC);
  demand(file >= 0 && ::ftruncate(file, 0) == 0);
  demand(::pwrite(file, data, size, 0) == static_cast<ssize_t>(size));
  const auto config = read_daemon_config("/proc/self/fd/" + std::to_string(file));
  if (!config) demand(!config.error().message.empty());
  return 0;
}
