#include "member_key_file.h"

#include <algorithm>
#include <utility>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/files.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kFileBytesMax = 4096;

void wipe(std::string& text) {
  wipe_secret({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
}

/// Whether one can be set.
Result<void> check_passphrase(const SecretText& passphrase) {
  if (passphrase.is_empty()) return fail(ExitStatus::kUsage, "a passphrase cannot be empty");
  if (passphrase.view().size() > limits::kPassphraseBytesMax) {
    return fail(ExitStatus::kUsage,
                "a passphrase has at most " + std::to_string(limits::kPassphraseBytesMax) + " bytes");
  }
  if (is_well_formed(passphrase.view())) return {};
  return fail(ExitStatus::kUsage, "a passphrase must be UTF-8; type or write it in another way");
}

}  // namespace

MemberKeyFile::MemberKeyFile(const std::string& directory, std::string owner)
    : path_(directory + "/identity.key"),
      lock_path_(directory + "/identity.lock"),
      owner_(format_safe_line(owner)) {}

/// Empty: there is none.
Result<std::string> MemberKeyFile::read() const {
  auto content = read_file(path_, kFileBytesMax);
  if (!content) return tl::unexpected(content.error());
  if (!*content) return std::string();
  std::string text(as_text(**content));
  wipe_secret(**content);
  if (text.empty()) text = "\n";  // an empty file is damaged, not missing
  return text;
}

/// An interrupted change leaves its new file under another name. It may hold the seed.
void MemberKeyFile::remove_half_written() const {
  if (auto lock = LockFile::acquire(lock_path_)) (void)remove_file(path_ + ".tmp");
}

Result<KeySeed> MemberKeyFile::open(const SecretText* passphrase) {
  remove_half_written();
  auto content = read();
  if (!content) return tl::unexpected(content.error());
  if (!content->empty()) {
    auto seed = unlock(*content, passphrase);
    wipe(*content);
    return seed;
  }
  KeySeed seed = draw_seed();
  auto text = format(seed, passphrase);
  if (!text) return tl::unexpected(text.error());
  auto written = write_file_atomically(path_, as_bytes(*text));
  wipe(*text);
  if (!written) return tl::unexpected(written.error());
  return seed;
}

Result<void> MemberKeyFile::change(const SecretText* current, const SecretText* wanted) {
  auto content = read();
  if (!content) return tl::unexpected(content.error());
  if (content->empty())
    return fail(ExitStatus::kUsage, "there is no key " + path_ + "; it is made when the node first starts");
  const auto lock = LockFile::acquire(lock_path_);
  if (!lock) {
    if (lock.error().status != ExitStatus::kTryAgain) return tl::unexpected(lock.error());
    return fail(ExitStatus::kTryAgain,
                "the passphrase of " + owner_ + " is being changed by another call; try again");
  }
  wipe(*content);
  content = read();  // nobody else writes it now
  if (!content) return tl::unexpected(content.error());
  if (!wanted && !is_locked_seed(*content)) {
    wipe(*content);
    return fail(ExitStatus::kUsage, "the key of " + owner_ + " is not locked by a passphrase");
  }
  auto seed = unlock(*content, current);
  wipe(*content);
  if (!seed) return tl::unexpected(seed.error());
  auto text = format(*seed, wanted);
  wipe_secret(*seed);
  if (!text) return tl::unexpected(text.error());
  auto written = write_file_atomically(path_, as_bytes(*text));
  wipe(*text);
  return written;
}

Result<KeySeed> MemberKeyFile::unlock(const std::string& content, const SecretText* passphrase) const {
  if (!is_locked_seed(content)) {
    KeySeed seed;
    std::string_view line = content;
    auto bytes = parse_hex(line.substr(0, line.find('\n')));
    if (!bytes || bytes->size() != seed.size()) {
      return fail(ExitStatus::kDamagedInput,
                  "the key file " + path_ +
                      " holds no key (64 hexadecimal digits are expected); put back a copy, or "
                      "move it away to begin as a new member");
    }
    std::copy(bytes->begin(), bytes->end(), seed.begin());
    wipe_secret(*bytes);
    if (!passphrase) return seed;
    wipe_secret(seed);
    return fail(ExitStatus::kUsage, "the key of " + owner_ +
                                        " is not locked, and a passphrase was given; leave it away, or lock "
                                        "the key with: p2pmeshctl passphrase");
  }
  if (!passphrase) {
    return fail(ExitStatus::kNoPermission,
                "the key of " + owner_ +
                    " is locked by a passphrase, and none was given; start p2pchat at a terminal, or give "
                    "--passphrase-file FILE");
  }
  auto seed = unlock_seed(content, *passphrase);
  if (seed) return *seed;
  switch (seed.error()) {
    case UnlockFault::kWrongPassphrase:
      return fail(ExitStatus::kNoPermission,
                  "the passphrase of " + owner_ + " is wrong; capitals and blanks count");
    case UnlockFault::kOtherVersion:
      return fail(ExitStatus::kConfig, "the locked key file " + path_ +
                                           " was written by another version of p2pmesh; start that one");
    case UnlockFault::kTooCostly:
      return fail(ExitStatus::kDamagedInput,
                  "the locked key file " + path_ +
                      " asks for more passes or memory than is spent on a passphrase; put back a copy");
    case UnlockFault::kNoMemory:
      return fail(ExitStatus::kTryAgain,
                  "there is not enough memory to check a passphrase (256 MiB are needed); try again");
    case UnlockFault::kDamaged:
      break;
  }
  return fail(ExitStatus::kDamagedInput,
              "the locked key file " + path_ + " is damaged: its checksum is another; put back a copy");
}

Result<std::string> MemberKeyFile::format(const KeySeed& seed, const SecretText* passphrase) const {
  if (!passphrase) return format_hex(seed) + "\n";
  if (auto checked = check_passphrase(*passphrase); !checked) return tl::unexpected(checked.error());
  auto text = lock_seed(seed, *passphrase);
  if (text) return *std::move(text);
  return fail(ExitStatus::kTryAgain,
              "there is not enough memory to lock a key (256 MiB are needed); try again");
}

}  // namespace p2pmesh
