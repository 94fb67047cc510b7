#include "room_key_file.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/core/room_secret.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kFileBytesMax = 64 * 1024;  // 64 lines of at most 130 bytes, and more

std::optional<RoomSecret> parse(std::string_view line) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  RoomSecret secret;
  secret.room = line.substr(0, space);
  const auto key = parse_hex(line.substr(space + 1));
  if (!key || key->size() != secret.key.size()) return std::nullopt;
  std::copy(key->begin(), key->end(), secret.key.begin());
  return is_room_secret(secret) ? std::optional(secret) : std::nullopt;
}

}  // namespace

Result<void> RoomKeyFile::read() {
  keys_.clear();
  const auto content = seal_.read(path_, kFileBytesMax);
  if (!content) return tl::unexpected(content.error());
  if (!*content) return {};
  std::string_view rest = as_text(**content);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    auto secret = parse(rest.substr(0, end));
    if (!secret) {
      return fail(ExitStatus::kDamagedInput,
                  "the file " + path_ +
                      " holds no keys of rooms (a label and 64 hexadecimal digits a line are expected); put "
                      "back a copy, or move it away and join your private rooms again with their key files");
    }
    keys_.push_back(*std::move(secret));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

bool RoomKeyFile::has(const std::string& room) const {
  return std::any_of(keys_.begin(), keys_.end(), [&](const RoomSecret& held) { return held.room == room; });
}

Result<void> RoomKeyFile::add(const RoomSecret& secret) {
  if (has(secret.room)) return {};
  if (keys_.size() >= limits::kPrivateRoomsMax) {
    return fail(ExitStatus::kTryAgain, "The keys of " + std::to_string(limits::kPrivateRoomsMax) +
                                           " private rooms are kept, and more cannot be.");
  }
  std::string content;
  const auto append = [&](const RoomSecret& held) {
    content += held.room + " " + format_hex(held.key) + "\n";
  };
  for (const RoomSecret& held : keys_) append(held);
  append(secret);
  if (auto written = seal_.write(path_, as_bytes(content)); !written) return written;
  keys_.push_back(secret);
  return {};
}

}  // namespace p2pmesh
