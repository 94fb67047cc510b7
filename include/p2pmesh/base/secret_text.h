// A passphrase in memory: never copied, in one place, wiped at the end.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "p2pmesh/base/bytes.h"

namespace p2pmesh {

/// Overwrites what was secret, in a way that no compiler leaves out.
void wipe_secret(std::span<std::uint8_t> secret);

/// At most limits::kPassphraseBytesMax bytes and a line end. Moved from, it is empty.
class SecretText {
 public:
  SecretText();
  explicit SecretText(std::string_view text);
  ~SecretText();
  SecretText(SecretText&& other) noexcept = default;
  SecretText& operator=(SecretText&& other) noexcept;
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;

  /// False when it does not fit; then it is as it was.
  bool append(ByteView bytes);
  /// Takes one line end off: LF, or CR LF.
  void remove_line_end();
  [[nodiscard]] std::string_view view() const { return as_text(bytes_); }
  [[nodiscard]] bool is_empty() const { return bytes_.empty(); }

 private:
  Bytes bytes_;  // never grows beyond what it reserved: a move of the bytes would leave a copy behind
};

/// Whether two that were typed are the same.
bool is_same(const SecretText& one, const SecretText& other);

/// What the file of a key that is locked by a passphrase begins with; then the version.
inline constexpr std::string_view kLockedKeyMark = "p2pmesh locked key ";

}  // namespace p2pmesh
