// The answer to "status": how the node writes it, and how a client reads it.
#pragma once

#include <string>

#include "object_reader.h"
#include "p2pmesh/control/reply.h"

namespace p2pmesh::control {

/// Appends the JSON object.
void append_status(std::string& out, const StatusReply& reply);
/// What is missing or of another type is a fault of `fields`.
StatusReply read_status(ObjectReader& fields);

}  // namespace p2pmesh::control
