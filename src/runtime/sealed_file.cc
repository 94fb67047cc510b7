#include "sealed_file.h"

#include <algorithm>
#include <string_view>

#include "p2pmesh/base/secret_text.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/posix/files.h"

namespace p2pmesh {
namespace {

constexpr std::string_view kMagic = "p2pmesh sealed 1\n";
constexpr std::size_t kHeaderBytes = kMagic.size() + SealNonce().size();

}  // namespace

FileSeal::FileSeal(const KeySeed& member) : key_(hash_tagged("p2pmesh file key 1", member)) {}

FileSeal::~FileSeal() {
  wipe_secret(key_);
}

Result<std::optional<Bytes>> FileSeal::read(const std::string& path, std::size_t bytes_max) const {
  auto content = read_file(path, bytes_max + kHeaderBytes + kSealBytes);
  if (!content || !*content) return content;
  const ByteView whole = **content;
  if (whole.size() < kHeaderBytes || !as_text(whole).starts_with(kMagic))
    return fail(ExitStatus::kDamagedInput, "the file " + path + " is none that was sealed by a node");
  SealNonce nonce;
  std::copy_n(whole.begin() + kMagic.size(), nonce.size(), nonce.begin());
  auto plain = open_bound(key_, nonce, whole.subspan(kHeaderBytes), as_bytes(kMagic));
  if (!plain) {
    return fail(ExitStatus::kDamagedInput,
                "the file " + path + " was changed, or belongs to another member's key; put back a copy");
  }
  return plain;
}

Result<void> FileSeal::write(const std::string& path, ByteView plain) const {
  SealNonce nonce;
  draw_random(nonce);
  const ByteView magic = as_bytes(kMagic);
  const Bytes sealed = seal_bound(key_, nonce, plain, magic);
  Bytes content(magic.begin(), magic.end());
  content.insert(content.end(), nonce.begin(), nonce.end());
  content.insert(content.end(), sealed.begin(), sealed.end());
  return write_file_atomically(path, content);
}

}  // namespace p2pmesh
