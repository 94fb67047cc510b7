#include "mesh_lines.h"

#include <doctest/doctest.h>

namespace p2pmesh {

TEST_CASE("what is heard on the local network is told in lines that are safe") {
  control::LanReply lan;
  CHECK(describe_lan(lan).size() == 1);
  lan.on = true;
  lan.interfaces = {{"eth0", ""}, {"docker0", "it is a tunnel"}};
  CHECK(describe_lan(lan) == std::vector<std::string>{"No mesh is heard on the local network",
                                                      "interface eth0 is used",
                                                      "interface docker0 is left out: it is a tunnel"});
  control::LanMeshEntry mesh;
  mesh.label = "Al\x1bice";
  mesh.online = 3;
  mesh.names = {"Alice", "Bob"};
  mesh.ours = true;
  mesh.interface = "eth0";
  mesh.address = "10.0.0.7:9750";
  lan.meshes = {mesh};
  lan.counters = {{"lan_taken", 7},
                  {"lan_dropped_own", 4},
                  {"lan_dropped_forged", 0},
                  {"lan_dropped_wrong_interface", 2}};
  const auto lines = describe_lan(lan);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] == "Al\\x1bice, yours, 3 online: Alice, Bob; eth0, 10.0.0.7:9750, mesh 00000000");
  CHECK(lines[3] == "dropped: 2 wrong interface");
  mesh.names.assign(20, "N");
  CHECK(describe_lan_mesh(mesh).find("and 12 more") != std::string::npos);
}

}  // namespace p2pmesh
