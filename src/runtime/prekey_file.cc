#include "prekey_file.h"

#include <algorithm>
#include <charconv>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/files.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kFileBytesMax = 4096;
constexpr WallMs kDayMs = 24 * 60 * 60 * 1000;
constexpr WallMs kRenewAfterMs = 7 * kDayMs;  // issue "people": renewed weekly

std::optional<Prekey> parse(std::string_view line, const KeyAgreement& agreement) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  WallMs created_ms = 0;
  const auto read = std::from_chars(line.data(), line.data() + space, created_ms);
  const auto bytes = parse_hex(line.substr(space + 1));
  KeySeed seed;
  if (read.ec != std::errc{} || read.ptr != line.data() + space || !bytes || bytes->size() != seed.size())
    return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), seed.begin());
  return Prekey{created_ms, agreement.make_keys(seed)};
}

}  // namespace

Result<void> PrekeyFile::read() {
  keys_.clear();
  auto content = seal_.read(path_, kFileBytesMax);
  if (!content) return tl::unexpected(content.error());
  if (!*content) return {};
  std::string_view rest = as_text(**content);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    auto key = parse(rest.substr(0, end), agreement_);
    if (!key) {
      return fail(
          ExitStatus::kDamagedInput,
          "the file " + path_ +
              " holds no keys (a time and 64 hexadecimal digits a line are expected); put back a "
              "copy, or move it away: what was written to you and has not come yet stays sealed then");
    }
    keys_.push_back(std::move(*key));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

bool PrekeyFile::is_due(WallMs now_ms) const {
  if (keys_.empty()) return true;
  return now_ms >= keys_.front().created_ms + kRenewAfterMs;
}

Result<void> PrekeyFile::renew(WallMs now_ms) {
  std::vector<Prekey> keys = keys_;
  keys.insert(keys.begin(), Prekey{now_ms, agreement_.make_keys(draw_seed())});
  keys.resize(std::min(keys.size(), limits::kPrekeysMax));
  std::string content;
  for (const Prekey& key : keys)
    content += std::to_string(key.created_ms) + " " + format_hex(key.keys.secret) + "\n";
  if (auto written = seal_.write(path_, as_bytes(content)); !written) return written;
  keys_ = std::move(keys);
  return {};
}

}  // namespace p2pmesh
