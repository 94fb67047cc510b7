// The passphrase of the member's key: out of a file, asked for at the terminal, or none.
#pragma once

#include <optional>
#include <string>

#include "p2pmesh/base/result.h"
#include "p2pmesh/base/secret_text.h"

namespace p2pmesh {

/// What lies in a data directory.
enum class KeyState : std::uint8_t { kMissing, kPlain, kLocked };
/// Errors: as read_file().
Result<KeyState> read_key_state(const std::string& data_dir);

/// Each error with the status kOk means: a signal came; leave quietly.
///
/// "Passphrase of NAME:". Errors: kNoPermission when there is nobody to ask.
Result<SecretText> ask_passphrase(const std::string& name);
/// Asks for a new one, twice and at most three times; nothing when none is wanted, if that may be.
/// Errors: kNoPermission.
Result<std::optional<SecretText>> ask_new_passphrase(const std::string& name, bool may_be_none);

/// How often a passphrase is asked for.
inline constexpr int kPassphraseTries = 3;

/// What a private node is started with.
class StartPassphrase {
 public:
  /// `file` empty: asks if need be. `offers`: to lock a new key.
  StartPassphrase(std::string name, std::string file, bool offers)
      : name_(std::move(name)), file_(std::move(file)), offers_(offers) {}

  /// Before a node is started, again and again. Errors: kNoPermission, kUsage, kIo; kOk as above.
  Result<void> prepare(const std::string& data_dir);
  void note_refused() { was_refused_ = true; }
  /// The node could not open the key with it.
  [[nodiscard]] bool was_refused() const { return was_refused_; }
  /// Then: says why and asks again. Errors: that of the node when it was the last try.
  Result<void> ask_again(const Error& refused);

  [[nodiscard]] const SecretText* get() const { return passphrase_ ? &*passphrase_ : nullptr; }
  /// Somebody waits at the terminal while the node checks it.
  [[nodiscard]] bool was_asked() const { return tries_ > 0; }

 private:
  std::string name_;
  std::string file_;
  bool offers_;
  bool is_prepared_ = false;
  bool was_refused_ = false;
  int tries_ = 0;  // of an existing one
  std::optional<SecretText> passphrase_;
};

}  // namespace p2pmesh
