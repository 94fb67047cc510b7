// The lines that tell of a mesh.
#pragma once

#include <string>
#include <vector>

#include "p2pmesh/control/reply.h"

namespace p2pmesh {

/// "Alice, current, open, 5 members, 3 online, 2 unread, mesh 5815114c", the label made safe.
std::string describe_mesh(const control::MeshEntry& mesh);
/// "Bob is online", "Zoe was last seen at ...".
std::string describe_registered(const control::RegisteredPerson& person);
std::string describe_registered_mesh(const control::RegisteredMesh& mesh);

/// "Alice, 3 online: Alice, Carol; eth0, 10.0.0.7:9750, mesh 5815114c", what others say made safe.
std::string describe_lan_mesh(const control::LanMeshEntry& mesh);
/// What is heard on the local network, and by which interfaces.
std::vector<std::string> describe_lan(const control::LanReply& lan);

/// "10.0.0.7:7070, registered", or what is wrong.
std::string describe_rendezvous(const control::RendezvousEntry& server);

}  // namespace p2pmesh
