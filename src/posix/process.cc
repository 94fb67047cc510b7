#include "p2pmesh/posix/process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "errno_text.h"
#include "p2pmesh/base/check.h"

namespace p2pmesh {
namespace {

struct Mapping {
  int target;
  int source;
  int above;  // a copy of the source beyond all targets, so that no target overwrites a later source
};

// Between fork and exec: only async-signal-safe calls, nothing that allocates. Returns the errno that stopped
// it.
int become(char* const* argv, std::vector<Mapping>& mappings, int lowest_copy, bool new_session,
           int* error_pipe) {
  if (new_session) ::setsid();
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);

  *error_pipe = ::fcntl(*error_pipe, F_DUPFD_CLOEXEC, lowest_copy);
  if (*error_pipe < 0) return errno;
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  for (Mapping& mapping : mappings) {
    mapping.above = mapping.source >= 0 ? ::fcntl(mapping.source, F_DUPFD_CLOEXEC, lowest_copy) : -1;
    if (mapping.source >= 0 && mapping.above < 0) return errno;
  }
  for (const Mapping& mapping : mappings) {
    if (::dup2(mapping.above, mapping.target) < 0) return errno;
  }
  ::execvp(argv[0], argv);
  return errno;
}

int exit_status_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + (WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

}  // namespace

Result<ChildProcess> ChildProcess::spawn(const SpawnOptions& options) {
  P2P_CHECK(!options.argv.empty());
  const std::string& program = options.argv.front();
  const auto out_of = [&](int error) {
    return fail(ExitStatus::kTryAgain, program + " cannot be started: " + errno_text(error) + ". Try again.");
  };

  auto errors = make_pipe();
  if (!errors) return tl::unexpected<Error>(errors.error());
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return out_of(errno);

  std::vector<char*> argv;
  for (const std::string& word : options.argv) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  std::vector<Mapping> mappings;
  int highest = 2;
  for (int standard = 0; standard <= 2; ++standard) {
    if (!options.descriptors.contains(standard)) mappings.push_back({standard, null.get(), -1});
  }
  for (const auto& [target, source] : options.descriptors) {
    P2P_CHECK(target >= 0 && source >= 0);
    mappings.push_back({target, source, -1});
    highest = std::max(highest, target);
  }

  const pid_t pid = ::fork();
  if (pid < 0) return out_of(errno);
  if (pid == 0) {
    int error_pipe = errors->write_end.get();
    const int error = become(argv.data(), mappings, highest + 1, options.new_session, &error_pipe);
    [[maybe_unused]] const ssize_t told = ::write(error_pipe, &error, sizeof error);
    ::_exit(127);
  }

  errors->write_end.reset();
  int error = 0;
  ssize_t size = 0;
  do {
    size = ::read(errors->read_end.get(), &error, sizeof error);
  } while (size < 0 && errno == EINTR);
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (size == static_cast<ssize_t>(sizeof error) || !pidfd) {
    const int cause = size == static_cast<ssize_t>(sizeof error) ? error : errno;
    if (size <= 0) ::kill(pid, SIGKILL);  // runs, but its end could not be watched
    ::waitpid(pid, nullptr, 0);
    if (cause == EAGAIN || cause == ENOMEM || cause == EMFILE || cause == ENFILE) return out_of(cause);
    return fail(ExitStatus::kUnavailable,
                program + " cannot be started: " + errno_text(cause) + ". Is it installed?");
  }
  return ChildProcess(pid, std::move(pidfd));
}

std::optional<int> ChildProcess::try_wait() {
  if (status_) return status_;
  int status = 0;
  const pid_t ended = ::waitpid(static_cast<pid_t>(pid_), &status, WNOHANG);
  if (ended == static_cast<pid_t>(pid_)) status_ = exit_status_of(status);
  if (ended < 0 && errno == ECHILD) status_ = 128;  // somebody else took its status
  return status_;
}

std::optional<int> ChildProcess::wait(int timeout_ms) {
  if (!try_wait()) {
    pollfd ended{pidfd_.get(), POLLIN, 0};
    ::poll(&ended, 1, timeout_ms);
  }
  return try_wait();
}

void ChildProcess::terminate(bool forced) {
  if (!status_) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), forced ? SIGKILL : SIGTERM, nullptr, 0);
}

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return fail(ExitStatus::kTryAgain, "A pipe cannot be opened: " + errno_text(errno) +
                                           ". Raise the limit of open files (ulimit -n), or try again.");
  }
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::optional<UniqueFd> inherited_descriptor(int fd) {
  if (fd < 3 || ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return std::nullopt;
  return UniqueFd(fd);
}

Result<std::string> executable_directory() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error)
    return fail(ExitStatus::kIo, "This program's own directory is not known: " + error.message() + ".");
  return program.parent_path().string();
}

std::int64_t own_pid() {
  return ::getpid();
}

}  // namespace p2pmesh
