#include "data_directory.h"

#include "p2pmesh/crypto/signature.h"

namespace p2pmesh {

Result<LockFile> claim_data_directory(std::string& directory) {
  use_private_umask();
  if (!init_crypto()) return fail(ExitStatus::kIo, "the random source of this system does not answer");
  if (auto made = make_directories(directory); !made) return tl::unexpected<Error>(made.error());
  auto absolute = absolute_path(directory);
  if (!absolute) return tl::unexpected<Error>(absolute.error());
  directory = *absolute;
  return LockFile::acquire(directory + "/lock");
}

}  // namespace p2pmesh
