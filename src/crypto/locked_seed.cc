#include "p2pmesh/crypto/locked_seed.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/crypto/sealing.h"

namespace p2pmesh {
namespace {

constexpr std::string_view kVersion = "1";
using Salt = std::array<std::uint8_t, crypto_pwhash_SALTBYTES>;
using SealedSeed = std::array<std::uint8_t, std::tuple_size_v<KeySeed> + kSealBytes>;

struct LockedSeed {
  PublicKey public_key{};
  HashingCost cost;
  Salt salt{};
  SealNonce nonce{};
  SealedSeed sealed{};
};

/// What the seal is bound to: nobody exchanges the key or the cost without being noticed.
std::string format_head(const LockedSeed& locked) {
  return std::string(kLockedKeyMark) + std::string(kVersion) + "\npublic " + format_hex(locked.public_key) +
         "\nargon2id " + std::to_string(locked.cost.passes) + " " + std::to_string(locked.cost.memory_bytes) +
         " " + format_hex(locked.salt) + "\n";
}

std::string format(const LockedSeed& locked) {
  std::string text =
      format_head(locked) + "sealed " + format_hex(locked.nonce) + " " + format_hex(locked.sealed) + "\n";
  return text + "checksum " + format_hex(hash_tagged("p2pmesh locked key file 1", as_bytes(text))) + "\n";
}

/// A field up to the character that ends it, and what is behind that.
std::string_view take(std::string_view& text, char end) {
  const std::size_t at = std::min(text.find(end), text.size());
  const std::string_view field = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return field;
}

template <std::size_t kSize>
void take_hex(std::string_view& text, char end, std::array<std::uint8_t, kSize>& out) {
  const auto bytes = parse_hex(take(text, end));
  if (bytes && bytes->size() == kSize) std::copy(bytes->begin(), bytes->end(), out.begin());
}

std::uint64_t take_number(std::string_view& text) {
  const std::string_view digits = take(text, ' ');
  std::uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

/// Reads leniently: what was not written so does not come out the same again.
std::optional<LockedSeed> parse(std::string_view text) {
  LockedSeed locked;
  std::string_view rest = text;
  take(rest, '\n');
  take(rest, ' ');
  take_hex(rest, '\n', locked.public_key);
  take(rest, ' ');
  locked.cost.passes = take_number(rest);
  locked.cost.memory_bytes = take_number(rest);
  take_hex(rest, '\n', locked.salt);
  take(rest, ' ');
  take_hex(rest, ' ', locked.nonce);
  take_hex(rest, '\n', locked.sealed);
  return format(locked) == text ? std::optional(locked) : std::nullopt;
}

/// 32 bytes in memory that is not swapped out, wiped at the end.
class DerivedKey {
 public:
  DerivedKey() : bytes_(static_cast<std::uint8_t*>(sodium_malloc(sizeof(SharedSecret)))) {}
  ~DerivedKey() { sodium_free(bytes_); }
  DerivedKey(const DerivedKey&) = delete;
  DerivedKey& operator=(const DerivedKey&) = delete;

  bool derive(const SecretText& passphrase, const LockedSeed& locked) {
    const std::string_view text = passphrase.view();
    return bytes_ != nullptr &&
           crypto_pwhash(bytes_, sizeof(SharedSecret), text.data(), text.size(), locked.salt.data(),
                         locked.cost.passes, static_cast<std::size_t>(locked.cost.memory_bytes),
                         crypto_pwhash_ALG_ARGON2ID13) == 0;
  }
  [[nodiscard]] const std::uint8_t* get() const { return bytes_; }

 private:
  std::uint8_t* bytes_;
};

PublicKey public_key_of(const KeySeed& seed) {
  return make_ed25519_signer(seed)->public_key();
}

bool is_affordable(const HashingCost& cost) {
  return cost.passes >= crypto_pwhash_OPSLIMIT_MIN && cost.passes <= limits::kPassphrasePassesMax &&
         cost.memory_bytes >= crypto_pwhash_MEMLIMIT_MIN && cost.memory_bytes <= limits::kPassphraseMemoryMax;
}

}  // namespace

std::optional<std::string> lock_seed(const KeySeed& seed, const SecretText& passphrase,
                                     const HashingCost& cost) {
  LockedSeed locked;
  locked.public_key = public_key_of(seed);
  locked.cost = cost;
  draw_random(locked.salt);
  draw_random(locked.nonce);
  DerivedKey key;
  if (!key.derive(passphrase, locked)) return std::nullopt;
  const std::string head = format_head(locked);
  crypto_aead_xchacha20poly1305_ietf_encrypt(locked.sealed.data(), nullptr, seed.data(), seed.size(),
                                             as_bytes(head).data(), head.size(), nullptr, locked.nonce.data(),
                                             key.get());
  return format(locked);
}

bool is_locked_seed(std::string_view text) {
  return text.starts_with(kLockedKeyMark);
}

tl::expected<KeySeed, UnlockFault> unlock_seed(std::string_view text, const SecretText& passphrase) {
  if (!is_locked_seed(text)) return tl::unexpected(UnlockFault::kDamaged);
  const std::string_view version = text.substr(kLockedKeyMark.size()).substr(0, kVersion.size() + 1);
  if (version != std::string(kVersion) + "\n") return tl::unexpected(UnlockFault::kOtherVersion);
  const auto locked = parse(text);
  if (!locked) return tl::unexpected(UnlockFault::kDamaged);
  if (!is_affordable(locked->cost)) return tl::unexpected(UnlockFault::kTooCostly);
  DerivedKey key;
  if (!key.derive(passphrase, *locked)) return tl::unexpected(UnlockFault::kNoMemory);
  const std::string head = format_head(*locked);
  KeySeed seed{};
  const bool is_open = crypto_aead_xchacha20poly1305_ietf_decrypt(
                           seed.data(), nullptr, nullptr, locked->sealed.data(), locked->sealed.size(),
                           as_bytes(head).data(), head.size(), locked->nonce.data(), key.get()) == 0;
  if (is_open && public_key_of(seed) == locked->public_key) return seed;
  wipe_secret(seed);
  return tl::unexpected(UnlockFault::kWrongPassphrase);
}

}  // namespace p2pmesh
