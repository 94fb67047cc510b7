// The meshes that those who are online and discoverable have said are open.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/wire/rendezvous_messages.h"

namespace p2pmesh {

class OpenMeshes {
 public:
  /// Who named it, and what of it; the one who has been here longest speaks for it.
  void add(const MemberKey& member, const std::string& name, const std::vector<OpenMesh>& meshes);
  void remove(const MemberKey& member, const std::vector<OpenMesh>& meshes);
  /// As many as fit a page, after one.
  void fill(Meshes& page, const std::optional<MeshId>& after) const;
  [[nodiscard]] std::size_t size() const { return meshes_.size(); }

 private:
  struct Voice {
    MemberKey member;
    std::string name;
    std::uint32_t online = 0;
    std::string label;
  };
  struct Voices {
    std::map<std::uint64_t, Voice> in_order;
    std::map<MemberKey, std::uint64_t> places;
  };
  std::map<MeshId, Voices> meshes_;
  std::uint64_t next_ = 1;
};

}  // namespace p2pmesh
