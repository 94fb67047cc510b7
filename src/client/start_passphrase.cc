#include "start_passphrase.h"

#include <utility>

#include "complaint.h"
#include "p2pmesh/posix/files.h"
#include "p2pmesh/posix/secret_input.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kKeyFileBytesMax = 4096;

Result<SecretText> ask(const std::string& question) {
  auto answer = ask_hidden(question);
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (!*answer) return fail(ExitStatus::kOk, "");
  return **std::move(answer);
}

}  // namespace

Result<KeyState> read_key_state(const std::string& data_dir) {
  auto content = read_file(data_dir + "/identity.key", kKeyFileBytesMax);
  if (!content) return tl::unexpected<Error>(content.error());
  if (!*content) return KeyState::kMissing;
  const bool is_locked = as_text(**content).starts_with(kLockedKeyMark);
  wipe_secret(**content);
  return is_locked ? KeyState::kLocked : KeyState::kPlain;
}

Result<SecretText> ask_passphrase(const std::string& name) {
  if (can_ask()) return ask("Passphrase of " + format_safe_line(name) + ":");
  return fail(ExitStatus::kNoPermission,
              "The key of " + name +
                  " is locked by a passphrase, and there is no terminal to ask for it. Write it to a file of "
                  "mode 0600 and give --passphrase-file FILE.");
}

Result<std::optional<SecretText>> ask_new_passphrase(const std::string& name, bool may_be_none) {
  for (int i = 0; i < kPassphraseTries; ++i) {
    auto first =
        ask("New passphrase for " + format_safe_line(name) + (may_be_none ? " (empty: none):" : ":"));
    if (!first) return tl::unexpected<Error>(first.error());
    if (first->is_empty() && may_be_none) return std::nullopt;
    if (first->is_empty() || !is_well_formed(first->view())) {
      tell_terminal(first->is_empty() ? "A passphrase cannot be empty." : "A passphrase must be UTF-8.");
      continue;
    }
    const auto second = ask("The same again:");
    if (!second) return tl::unexpected<Error>(second.error());
    if (is_same(*first, *second)) return std::optional(*std::move(first));
    tell_terminal("The two are not the same.");
  }
  return fail(ExitStatus::kNoPermission, "No passphrase was typed twice the same in three tries.");
}

Result<void> StartPassphrase::prepare(const std::string& data_dir) {
  if (is_prepared_) return {};
  if (!file_.empty()) {
    auto read = read_secret_file(file_);
    if (!read) return tl::unexpected<Error>(read.error());
    passphrase_ = *std::move(read);
    is_prepared_ = true;
    return {};
  }
  const auto state = read_key_state(data_dir);
  if (!state) return tl::unexpected<Error>(state.error());
  if (*state == KeyState::kLocked) {
    auto typed = ask_passphrase(name_);
    if (!typed) return tl::unexpected<Error>(typed.error());
    passphrase_ = *std::move(typed);
    tries_ = 1;
  } else if (*state == KeyState::kMissing && offers_ && can_ask()) {
    auto wanted = ask_new_passphrase(name_, true);
    if (!wanted) return tl::unexpected<Error>(wanted.error());
    passphrase_ = *std::move(wanted);
  }
  is_prepared_ = true;
  return {};
}

Result<void> StartPassphrase::ask_again(const Error& refused) {
  was_refused_ = false;
  if (tries_ == 0 || tries_ == kPassphraseTries) return tl::unexpected<Error>(refused);
  complain("p2pchat", refused.message);
  auto typed = ask_passphrase(name_);
  if (!typed) return tl::unexpected<Error>(typed.error());
  passphrase_ = *std::move(typed);
  ++tries_;
  return {};
}

}  // namespace p2pmesh
