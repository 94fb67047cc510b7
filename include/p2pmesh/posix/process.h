// Child processes: start one, learn its end as an event of the loop.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "p2pmesh/base/result.h"
#include "p2pmesh/posix/unique_fd.h"

namespace p2pmesh {

struct SpawnOptions {
  std::vector<std::string> argv;  ///< argv[0] is the program; without a slash it is looked up in PATH
  /// Descriptor number in the child to our descriptor. Standard input, output and error that are not named
  /// here are /dev/null; every other descriptor is closed.
  std::map<int, int> descriptors;
  bool new_session = false;  ///< away from our terminal and its Ctrl+C
};

/// A started child. Destruction neither ends nor waits for it.
class ChildProcess {
 public:
  /// Signals start out unblocked and with their default actions. Returns once the program runs.
  /// Errors: kUnavailable (not found, not executable) with the program's name, kTryAgain (out of processes).
  static Result<ChildProcess> spawn(const SpawnOptions& options);

  [[nodiscard]] std::int64_t pid() const { return pid_; }
  /// Turns readable when the child has ended; for EventLoop::add().
  [[nodiscard]] int event_fd() const { return pidfd_.get(); }

  /// The exit status if the child has ended, 128 + the signal if one ended it. Never blocks; the same answer
  /// again after the first.
  std::optional<int> try_wait();
  /// Waits at most `timeout_ms`; nothing when the child still runs then.
  std::optional<int> wait(int timeout_ms);
  /// SIGTERM, or SIGKILL with `forced`. Reaches this child or nobody.
  void terminate(bool forced = false);

 private:
  ChildProcess(std::int64_t pid, UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  std::int64_t pid_;
  UniqueFd pidfd_;
  std::optional<int> status_;
};

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};
/// A pipe, close-on-exec, blocking. Errors: kTryAgain when out of descriptors.
Result<Pipe> make_pipe();

/// Takes over a descriptor that the starter of this program handed on (--ready-fd): nothing when it is not
/// open. It is close-on-exec from now on.
std::optional<UniqueFd> inherited_descriptor(int fd);

/// The directory of this program's own file, links followed. Errors: kIo.
Result<std::string> executable_directory();

std::int64_t own_pid();

}  // namespace p2pmesh
