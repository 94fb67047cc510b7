// The verb passphrase: sets, changes or takes away what the key is locked by. p2pmeshd does the work, as only
// that knows the keys; one that runs is not disturbed.
#include <array>
#include <optional>
#include <utility>

#include "complaint.h"
#include "ctl_session.h"
#include "node_start.h"
#include "p2pmesh/posix/files.h"
#include "p2pmesh/posix/process.h"
#include "p2pmesh/posix/secret_input.h"
#include "p2pmesh/posix/stream_io.h"
#include "p2pmesh/text/safe_text.h"
#include "passphrase_pipe.h"
#include "start_passphrase.h"

namespace p2pmesh {
namespace {

constexpr int kReadyFd = 3;
constexpr int kPassphraseFd = 4;
constexpr int kNewPassphraseFd = 5;
constexpr std::size_t kReadyBytesMax = 64 * 1024;
constexpr int kEndTimeoutMs = 3000;

struct Change {
  std::string data_dir;
  std::optional<SecretText> current;
  std::optional<SecretText> wanted;
};

/// Whose directory it is, for questions.
std::string read_owner(const std::string& data_dir) {
  const auto content = read_file(data_dir + "/name", 4096);
  if (!content || !*content) return data_dir;
  const std::string_view text = as_text(**content);
  return std::string(text.substr(0, text.find('\n')));
}

std::string read_to_end(int fd) {
  std::string text;
  std::array<std::uint8_t, 4096> piece;
  while (text.size() < kReadyBytesMax) {
    const IoResult got = read_some(fd, piece);
    if (got.status != IoStatus::kOk) break;
    text += as_text(ByteView(piece).first(got.bytes));
  }
  return text;
}

Result<void> carry_out(const Change& change) {
  auto ready = make_pipe();
  if (!ready) return tl::unexpected<Error>(ready.error());
  SpawnOptions spawn;
  spawn.argv = {node_program(),  "--change-passphrase", "--data-dir",
                change.data_dir, "--ready-fd",          std::to_string(kReadyFd)};
  spawn.descriptors[kReadyFd] = ready->write_end.get();
  std::array<UniqueFd, 2> secrets;
  const auto hand_on = [&](const std::optional<SecretText>& secret, UniqueFd& end, const char* option,
                           int target) -> Result<void> {
    if (!secret) return {};
    auto made = make_passphrase_pipe(*secret);
    if (!made) return tl::unexpected<Error>(made.error());
    end = *std::move(made);
    spawn.argv.insert(spawn.argv.end(), {option, std::to_string(target)});
    spawn.descriptors[target] = end.get();
    return {};
  };
  if (auto handed = hand_on(change.current, secrets[0], "--passphrase-fd", kPassphraseFd); !handed)
    return handed;
  if (auto handed = hand_on(change.wanted, secrets[1], "--new-passphrase-fd", kNewPassphraseFd); !handed)
    return handed;
  auto child = ChildProcess::spawn(spawn);
  if (!child) return tl::unexpected<Error>(child.error());
  ready->write_end.reset();
  const auto word = parse_ready_word(read_to_end(ready->read_end.get()));
  const auto status = child->wait(kEndTimeoutMs);
  if (word && word->is_ready) return {};
  if (word) return tl::unexpected<Error>(word->error);
  return fail(ExitStatus::kUnavailable,
              "p2pmeshd did not say what became of it" +
                  (status ? "; it ended with status " + std::to_string(*status) : std::string()) +
                  ". The key is locked by the old passphrase or by the new one.");
}

Result<void> take_new(const CtlOptions& options, const std::string& owner, Change& change) {
  if (options.removes_passphrase) return {};
  if (!options.new_passphrase_file.empty()) {
    auto read = read_secret_file(options.new_passphrase_file);
    if (!read) return tl::unexpected<Error>(read.error());
    change.wanted = *std::move(read);
    return {};
  }
  if (!can_ask()) {
    return fail(
        ExitStatus::kNoPermission,
        "There is no terminal to ask for the new passphrase. Write it to a file of mode 0600 and give "
        "--new-passphrase-file FILE.");
  }
  auto typed = ask_new_passphrase(owner, false);
  if (!typed) return tl::unexpected<Error>(typed.error());
  change.wanted = *std::move(typed);
  return {};
}

}  // namespace

Result<ExitStatus> change_passphrase(const CtlOptions& options, const Environment& environment) {
  const auto directory = find_data_dir(options, environment);
  if (!directory) return tl::unexpected<Error>(directory.error());
  Change change;
  change.data_dir = *directory;
  const std::string owner = read_owner(*directory);
  const auto state = read_key_state(*directory);
  if (!state) return tl::unexpected<Error>(state.error());
  if (*state == KeyState::kMissing) {
    return fail(ExitStatus::kUsage,
                "There is no key in " + *directory +
                    ". It is made when the name is first used; name another with --name.");
  }
  const bool is_locked = *state == KeyState::kLocked;
  const bool asks = is_locked && options.passphrase_file.empty();
  if (!is_locked && (options.removes_passphrase || !options.passphrase_file.empty()))
    return fail(ExitStatus::kUsage, "The key of " + owner + " is not locked by a passphrase.");
  if (!options.passphrase_file.empty()) {
    auto read = read_secret_file(options.passphrase_file);
    if (!read) return tl::unexpected<Error>(read.error());
    change.current = *std::move(read);
  }
  for (int tries = 1;; ++tries) {
    if (asks) {
      auto typed = ask_passphrase(owner);
      if (!typed) return tl::unexpected<Error>(typed.error());
      change.current = *std::move(typed);
    }
    if (tries == 1) {
      if (auto taken = take_new(options, owner, change); !taken) return tl::unexpected<Error>(taken.error());
    }
    const auto done = carry_out(change);
    if (done) break;
    if (!asks || done.error().status != ExitStatus::kNoPermission || tries == kPassphraseTries)
      return tl::unexpected<Error>(done.error());
    complain("p2pmeshctl", done.error().message);
  }
  const std::string what = options.removes_passphrase ? "removed" : is_locked ? "changed" : "set";
  const auto printed =
      write_all(1, as_bytes("The passphrase of " + format_safe_line(owner) + " is " + what + ".\n"));
  return printed.map([] { return ExitStatus::kOk; });
}

}  // namespace p2pmesh
