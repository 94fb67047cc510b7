// The seed of a key under a passphrase: Argon2id makes a key of it, XChaCha20-Poly1305 seals with that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "p2pmesh/base/result.h"
#include "p2pmesh/base/secret_text.h"
#include "p2pmesh/crypto/signature.h"

namespace p2pmesh {

/// What each guess costs. It stands in the file.
struct HashingCost {
  std::uint64_t passes = 3;  // libsodium's MODERATE, 0.7 s of one core at 2.8 GHz as its
  std::uint64_t memory_bytes = 256ULL
                               << 20;  // documentation says; RFC 9106 wants 3 passes and 64 MiB at least
};

enum class UnlockFault : std::uint8_t {
  kDamaged,          ///< no such file, or not as it was written
  kOtherVersion,     ///< of the format
  kTooCostly,        ///< asks for more than limits.h allows
  kNoMemory,         ///< for the hashing
  kWrongPassphrase,  ///< or made with another public key than it names
};

/// Text of a few lines, as in p2pmeshd(8): the mark and version, the public key, the cost and the salt, what
/// is sealed, and a checksum over all before it, which tells a damaged file from a wrong passphrase.
/// Nothing when there is not enough memory.
std::optional<std::string> lock_seed(const KeySeed& seed, const SecretText& passphrase,
                                     const HashingCost& cost = {});

/// Whether a file's text is meant to be one of lock_seed().
bool is_locked_seed(std::string_view text);

/// The seed; the caller wipes it.
tl::expected<KeySeed, UnlockFault> unlock_seed(std::string_view text, const SecretText& passphrase);

}  // namespace p2pmesh
