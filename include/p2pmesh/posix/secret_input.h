// Where passphrases come from: a private file, a descriptor, somebody at the terminal. Never an argument or a
// variable of the environment, which others can see.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "p2pmesh/base/result.h"
#include "p2pmesh/base/secret_text.h"

namespace p2pmesh {

/// What a file holds, without one line end. A pipe will do, if it is written within 10 s. Errors:
/// kNoPermission when others than its owner may read it, when it is not there or cannot be read; kUsage when
/// it is empty or longer than a passphrase can be.
Result<SecretText> read_secret_file(const std::string& path);

/// What comes on an inherited descriptor to its end, likewise, but it may be empty: somebody typed nothing.
/// Closes it. Errors: kUsage, kNoPermission.
Result<SecretText> read_secret_descriptor(int fd);

/// Whether there is somebody to ask: standard input is a terminal, and standard error or output too.
bool can_ask();

/// Asks on the terminal without echo. The terminal is as before when this returns, and before a signal
/// (SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP) takes its effect; after SIGTSTP it asks again. Nothing when
/// such a signal was handled by this program. Errors: kNoPermission (end of input), kUsage (too long), kIo.
Result<std::optional<SecretText>> ask_hidden(std::string_view question);

/// As ask_hidden(), of what may be seen while it is typed.
Result<std::optional<SecretText>> ask_shown(std::string_view question);

/// A line to who is asked.
void tell_terminal(std::string_view line);

}  // namespace p2pmesh
