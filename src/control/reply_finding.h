// Replies about where members and meshes are: those of the node, of discovery servers, of the local network.
#pragma once

#include <string>

#include "p2pmesh/control/reply.h"

namespace p2pmesh::control {

void append_one(std::string& out, const MeshReply& reply);
void append_one(std::string& out, const MeshesReply& reply);
void append_one(std::string& out, const RendezvousReply& reply);
void append_one(std::string& out, const RendezvousPeopleReply& reply);
void append_one(std::string& out, const LanReply& reply);

}  // namespace p2pmesh::control
