// The prekeys of one mesh in a file of their own: they must outlive a damaged database.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "p2pmesh/base/result.h"
#include "p2pmesh/core/inputs.h"
#include "sealed_file.h"

namespace p2pmesh {

/// Sealed lines of "<created, ms since 1970> <64 hexadecimal digits of seed>", the newest first; mode 0600.
class PrekeyFile {
 public:
  /// How often one looks whether a renewal is due: it need not be to the minute.
  static constexpr auto kLookInterval = std::chrono::hours(1);

  PrekeyFile(std::string path, const KeyAgreement& agreement, const FileSeal& seal)
      : path_(std::move(path)), agreement_(agreement), seal_(seal) {}

  /// No file: no keys. Errors: kIo, and kDamagedInput with what to do.
  Result<void> read();
  [[nodiscard]] const std::vector<Prekey>& keys() const { return keys_; }
  /// There is none, or the newest is a week old. Not when a clock has stepped back: each renewal closes what
  /// is sealed to the oldest.
  [[nodiscard]] bool is_due(WallMs now_ms) const;
  /// Draws a further one and drops what is over kPrekeysMax; on the disk when it returns.
  Result<void> renew(WallMs now_ms);

 private:
  std::string path_;
  const KeyAgreement& agreement_;
  const FileSeal& seal_;
  std::vector<Prekey> keys_;
};

}  // namespace p2pmesh
