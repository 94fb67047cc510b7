#include "p2pmesh/crypto/locked_seed.h"

#include <doctest/doctest.h>

#include <string>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/hash.h"

namespace p2pmesh {
namespace {

constexpr HashingCost kCheap{1, 8192};

KeySeed numbered_seed() {
  KeySeed seed{};
  for (std::size_t i = 0; i < seed.size(); ++i) seed[i] = static_cast<std::uint8_t>(i + 1);
  return seed;
}

std::string locked(const std::string& passphrase, const HashingCost& cost = kCheap) {
  CHECK(init_crypto());
  return lock_seed(numbered_seed(), SecretText(passphrase), cost).value();
}

/// As somebody could write it who knows the format.
std::string with_checksum(std::string text) {
  text.resize(text.find("checksum "));
  return text + "checksum " + format_hex(hash_tagged("p2pmesh locked key file 1", as_bytes(text))) + "\n";
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

UnlockFault fault_of(const std::string& text, const std::string& passphrase = "secret") {
  const auto seed = unlock_seed(text, SecretText(passphrase));
  REQUIRE_FALSE(seed);
  return seed.error();
}

TEST_CASE("the passphrase opens what it locked, whatever its bytes are") {
  for (const std::string& passphrase : {std::string("secret"), std::string(" "), std::string("\xc3\xa9\n\n"),
                                        std::string("a\0b", 3), std::string(1024, 'x')}) {
    const auto seed = unlock_seed(locked(passphrase), SecretText(passphrase));
    REQUIRE(seed);
    CHECK(*seed == numbered_seed());
  }
}

TEST_CASE("another passphrase does not open it: near, shorter, longer, cut at a zero") {
  const std::string text = locked(std::string("se\0cret", 7));
  for (const std::string& passphrase : {std::string("se"), std::string("secret"), std::string("Se\0cret", 7),
                                        std::string("se\0cret ", 8), std::string()})
    CHECK(fault_of(text, passphrase) == UnlockFault::kWrongPassphrase);
}

TEST_CASE("no two files are alike, and none holds the seed") {
  const std::string one = locked("secret");
  CHECK(one != locked("secret"));
  CHECK(one.find(format_hex(numbered_seed())) == std::string::npos);
  CHECK(is_locked_seed(one));
  CHECK_FALSE(is_locked_seed(format_hex(numbered_seed())));
}

TEST_CASE("every changed character is damage, not a wrong passphrase") {
  const std::string text = locked("secret");
  for (std::size_t i = 0; i < text.size(); ++i) {
    CAPTURE(i);
    std::string damaged = text;
    damaged[i] = damaged[i] == '0' ? '1' : '0';
    const UnlockFault fault = fault_of(damaged);
    CHECK((fault == UnlockFault::kDamaged || (i <= 20 && fault == UnlockFault::kOtherVersion)));
    CHECK_FALSE(unlock_seed(text.substr(0, i), SecretText("secret")));
  }
  CHECK(fault_of(text + "\n") == UnlockFault::kDamaged);
  CHECK(fault_of(replaced(text, "p2pmesh locked key 1", "p2pmesh locked key 2")) ==
        UnlockFault::kOtherVersion);
}

TEST_CASE("another public key or cost, with its checksum, does not open") {
  const std::string text = locked("secret");
  KeySeed other = numbered_seed();
  other[0] = 9;
  const auto mine = format_hex(make_ed25519_signer(numbered_seed())->public_key());
  const auto theirs = format_hex(make_ed25519_signer(other)->public_key());
  CHECK(unlock_seed(with_checksum(text), SecretText("secret")));
  CHECK(fault_of(with_checksum(replaced(text, mine, theirs))) == UnlockFault::kWrongPassphrase);
  CHECK(fault_of(with_checksum(replaced(text, "argon2id 1 8192", "argon2id 2 8192"))) ==
        UnlockFault::kWrongPassphrase);
}

TEST_CASE("a file that asks for more than the limits is refused, not obeyed") {
  const std::string text = locked("secret");
  for (const std::string cost :
       {"17 8192", "1 1073741825", "18446744073709551615 8192", "0 8192", "1 8191"}) {
    CAPTURE(cost);
    CHECK(fault_of(with_checksum(replaced(text, "1 8192", cost))) == UnlockFault::kTooCostly);
  }
  static_assert(limits::kPassphrasePassesMax == 16 && limits::kPassphraseMemoryMax == 1073741824);
}

}  // namespace
}  // namespace p2pmesh
