// Envelopes of one message each, made beforehand.
#pragma once

#include <vector>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/ids.h"
#include "p2pmesh/crypto/signature.h"

namespace p2pmesh::attacks {

/// The first so many of a new epoch of this author.
std::vector<Bytes> sign_texts(const Signer& signer, const MeshId& mesh, std::size_t count);

}  // namespace p2pmesh::attacks
