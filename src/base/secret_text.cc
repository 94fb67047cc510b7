#include "p2pmesh/base/secret_text.h"

#include <cstring>
#include <utility>

#include "p2pmesh/base/check.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kCapacity = limits::kPassphraseBytesMax + 2;

}  // namespace

void wipe_secret(std::span<std::uint8_t> secret) {
  if (!secret.empty()) ::explicit_bzero(secret.data(), secret.size());
}

SecretText::SecretText() {
  bytes_.reserve(kCapacity);
}

SecretText::SecretText(std::string_view text) : SecretText() {
  P2P_CHECK(append(as_bytes(text)));
}

SecretText::~SecretText() {
  wipe_secret(bytes_);
}

SecretText& SecretText::operator=(SecretText&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

bool SecretText::append(ByteView bytes) {
  if (bytes.size() > kCapacity - bytes_.size()) return false;
  if (bytes_.capacity() < kCapacity) bytes_.reserve(kCapacity);  // it was moved from, and is empty
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return true;
}

void SecretText::remove_line_end() {
  if (!view().ends_with('\n')) return;
  bytes_.pop_back();
  if (view().ends_with('\r')) bytes_.pop_back();
}

bool is_same(const SecretText& one, const SecretText& other) {
  return one.view() == other.view();
}

}  // namespace p2pmesh
