#include "key_file.h"

#include <algorithm>
#include <optional>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/files.h"
#include "p2pmesh/posix/random_bytes.h"
#include "p2pmesh/text/name.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kFileBytesMax = 256;  // a line of 64 digits, and some blanks

/// Of 32 bytes: 43 characters, with or without the `=` behind them. The last one holds two bits too many,
/// which must be zero.
std::optional<Bytes> parse_base64_key(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  constexpr std::size_t kLength = 43;
  if (text.size() == kLength + 1 && text.back() == '=') text.remove_suffix(1);
  if (text.size() != kLength) return std::nullopt;
  Bytes bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char character : text) {
    const std::size_t digit = kDigits.find(character);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = (bits << 6 | static_cast<std::uint32_t>(digit)) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<std::uint8_t>(bits >> count));
  }
  return (bits & ((1U << count) - 1)) == 0 ? std::optional(bytes) : std::nullopt;
}

Result<RoomKey> parse_key(const std::string& path, std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  RoomKey key{};
  auto bytes = text.size() == 2 * key.size() ? parse_hex(text) : parse_base64_key(text);
  if (!bytes) {
    return fail(ExitStatus::kDamagedInput,
                path +
                    " holds no key of a room: one line of 64 hexadecimal digits, or of 32 bytes in base64, "
                    "is expected. Without the file a new key is made.");
  }
  std::copy(bytes->begin(), bytes->end(), key.begin());
  return key;
}

}  // namespace

Result<void> check_private_name(const std::string& room) {
  if (room.ends_with(kPublicSuffix)) return fail(ExitStatus::kUsage, "A public room has no key.");
  const std::size_t bytes_max = limits::kRoomBytesMax - kRoomSuffixBytes;
  if (room_name(room).size() <= bytes_max) return {};
  return fail(ExitStatus::kUsage, "The name of a private room has at most " + std::to_string(bytes_max) +
                                      " bytes. Type a shorter one.");
}

Result<KeyFile> open_key_file(const std::string& path) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto content = read_file(path, kFileBytesMax);
    if (!content) return tl::unexpected<Error>(content.error());
    if (*content) {
      return parse_key(path, as_text(**content)).map([](const RoomKey& key) { return KeyFile{key, false}; });
    }
    KeyFile made{{}, true};
    if (auto drawn = fill_random(made.key); !drawn) return tl::unexpected<Error>(drawn.error());
    const auto is_made = create_file(path, as_bytes(format_hex(made.key) + "\n"));
    if (!is_made) return tl::unexpected<Error>(is_made.error());
    if (*is_made) return made;
    // Somebody was faster: that one's key is the room's.
  }
  return fail(ExitStatus::kTryAgain, path + " comes and goes. Try again.");
}

}  // namespace p2pmesh
