#include "p2pmesh/runtime/passphrase_change.h"

#include <algorithm>

#include "member_key_file.h"
#include "p2pmesh/posix/files.h"

namespace p2pmesh {

Result<void> change_passphrase(const std::string& data_dir, const SecretText* current,
                               const SecretText* wanted) {
  use_private_umask();
  if (!init_crypto()) return fail(ExitStatus::kIo, "the random source of this system does not answer");
  auto name = read_file(data_dir + "/name", 4096);
  if (!name) return tl::unexpected(name.error());
  std::string owner = *name ? std::string(as_text(**name)) : "this directory";
  owner.resize(std::min(owner.size(), owner.find('\n')));
  return MemberKeyFile(data_dir, owner).change(current, wanted);
}

}  // namespace p2pmesh
