// What makes a node a member of a closed mesh, in a file of its own: it must outlive a damaged database.
#pragma once

#include <optional>
#include <string>

#include "p2pmesh/base/invite_link.h"
#include "p2pmesh/base/result.h"
#include "p2pmesh/wire/messages.h"
#include "sealed_file.h"

namespace p2pmesh {

struct ClosedMesh {
  MeshGrant grant;
  MemberKey let_in_by;                 ///< zero: nobody, the local member has founded it
  std::optional<InviteSecret> invite;  ///< by which; shown until it is known that it counted
};

/// Nothing when there is no such file: the mesh is open. Errors: kIo, kNoPermission, kDamagedInput with what
/// to do.
Result<std::optional<ClosedMesh>> read_closed_mesh(const std::string& path, const MeshId& mesh,
                                                   const FileSeal& seal);

/// On the disk when it returns. Errors: as write_file_atomically().
Result<void> write_closed_mesh(const std::string& path, const ClosedMesh& mesh, const FileSeal& seal);

}  // namespace p2pmesh
