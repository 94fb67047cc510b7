// The part of secret_input.h that asks at the terminal.
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string>

#include "errno_text.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/secret_input.h"
#include "p2pmesh/posix/stream_io.h"
#include "p2pmesh/posix/unique_fd.h"

namespace p2pmesh {
namespace {

constexpr std::array kHeldSignals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

/// Signals wait until the terminal is as it was: they take their effect when this is destroyed.
class HeldSignals {
 public:
  HeldSignals() {
    ::sigemptyset(&held_);
    for (const int number : kHeldSignals) ::sigaddset(&held_, number);
    ::pthread_sigmask(SIG_BLOCK, &held_, &before_);
    fd_ = UniqueFd(::signalfd(-1, &held_, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  ~HeldSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

  /// Readable while one waits. Nobody reads it, so that each goes where it would have gone.
  [[nodiscard]] int event_fd() const { return fd_.get(); }
  [[nodiscard]] static bool has_only_a_stop() {
    sigset_t waiting;
    ::sigpending(&waiting);
    for (const int number : kHeldSignals) {
      if (number != SIGTSTP && ::sigismember(&waiting, number) == 1) return false;
    }
    return ::sigismember(&waiting, SIGTSTP) == 1;
  }

 private:
  sigset_t held_{};
  sigset_t before_{};
  UniqueFd fd_;
};

/// A terminal that takes whole lines and shows nothing of them.
class SilentTerminal {
 public:
  SilentTerminal() {
    is_changed_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
    termios silent = before_;
    silent.c_lflag |= ICANON | ISIG;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHOE | ECHOK | ECHONL);
    silent.c_iflag |= ICRNL;
    // What was typed before the question was shown on the screen already, and is no answer.
    is_changed_ = is_changed_ && ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  ~SilentTerminal() {
    if (is_changed_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;
  [[nodiscard]] bool is_silent() const { return is_changed_; }

 private:
  termios before_{};
  bool is_changed_ = false;
};

void write_terminal(std::string_view text) {
  // Who sees no question gives no answer, and that is noticed.
  [[maybe_unused]] const auto written =
      write_all(is_terminal(STDERR_FILENO) ? STDERR_FILENO : STDOUT_FILENO, as_bytes(text));
}

enum class Heard { kLine, kSignal, kEnd, kTooLong, kFault };

Heard hear(int signals, SecretText& answer) {
  std::array<std::uint8_t, 4096> line;  // what the kernel keeps of one
  for (;;) {
    std::array<pollfd, 2> waiting = {{{STDIN_FILENO, POLLIN, 0}, {signals, POLLIN, 0}}};
    if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return Heard::kFault;
    if (waiting[1].revents != 0) return Heard::kSignal;
    if (waiting[0].revents == 0) continue;
    const IoResult got = read_some(STDIN_FILENO, line);
    if (got.status == IoStatus::kWouldBlock) continue;
    if (got.status == IoStatus::kClosed) return Heard::kEnd;
    if (got.status == IoStatus::kFailed) return Heard::kFault;
    const bool fits = answer.append(ByteView(line).first(got.bytes));
    wipe_secret(line);
    if (!fits) return Heard::kTooLong;
    if (!answer.view().ends_with('\n')) continue;
    answer.remove_line_end();
    return answer.view().size() > limits::kPassphraseBytesMax ? Heard::kTooLong : Heard::kLine;
  }
}

}  // namespace

bool can_ask() {
  return is_terminal(STDIN_FILENO) && (is_terminal(STDERR_FILENO) || is_terminal(STDOUT_FILENO));
}

void tell_terminal(std::string_view line) {
  write_terminal(std::string(line) + "\n");
}

namespace {

Result<std::optional<SecretText>> ask(std::string_view question, bool is_hidden) {
  for (;;) {
    SecretText answer;
    Heard heard = Heard::kFault;
    bool is_stopped = false;
    {
      const HeldSignals signals;
      std::optional<SilentTerminal> terminal;
      if (is_hidden) terminal.emplace();
      if (terminal && !terminal->is_silent())
        return fail(ExitStatus::kIo, "The terminal cannot be kept from showing what is typed.");
      write_terminal(question);
      write_terminal(" ");
      heard = hear(signals.event_fd(), answer);
      if (is_hidden || heard != Heard::kLine) write_terminal("\n");  // that of the answer was not shown
      is_stopped = heard == Heard::kSignal && HeldSignals::has_only_a_stop();
    }
    if (is_stopped) continue;
    switch (heard) {
      case Heard::kLine:
        return std::optional(std::move(answer));
      case Heard::kSignal:
        return std::nullopt;
      case Heard::kEnd:
        return fail(ExitStatus::kNoPermission, is_hidden ? "No passphrase was typed." : "Nothing was typed.");
      case Heard::kTooLong:
        return fail(ExitStatus::kUsage, std::string(is_hidden ? "A passphrase" : "An answer") +
                                            " has at most " + std::to_string(limits::kPassphraseBytesMax) +
                                            " bytes.");
      case Heard::kFault:
        return fail(ExitStatus::kIo, "The terminal cannot be read.");
    }
  }
}

}  // namespace

Result<std::optional<SecretText>> ask_hidden(std::string_view question) {
  return ask(question, true);
}

Result<std::optional<SecretText>> ask_shown(std::string_view question) {
  return ask(question, false);
}

}  // namespace p2pmesh
