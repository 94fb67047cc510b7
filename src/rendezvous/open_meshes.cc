#include "open_meshes.h"

#include "p2pmesh/base/limits.h"

namespace p2pmesh {

void OpenMeshes::add(const MemberKey& member, const std::string& name, const std::vector<OpenMesh>& meshes) {
  for (const OpenMesh& open : meshes) {
    if (!meshes_.contains(open.mesh) && meshes_.size() >= limits::kRendezvousMeshesMax) continue;
    Voices& voices = meshes_[open.mesh];
    const auto [place, is_new] = voices.places.try_emplace(member, next_);
    if (is_new) ++next_;
    voices.in_order[place->second] = {member, name, open.online, open.label};
  }
}

void OpenMeshes::remove(const MemberKey& member, const std::vector<OpenMesh>& meshes) {
  for (const OpenMesh& open : meshes) {
    const auto found = meshes_.find(open.mesh);
    if (found == meshes_.end()) continue;
    Voices& voices = found->second;
    const auto place = voices.places.find(member);
    if (place == voices.places.end()) continue;
    voices.in_order.erase(place->second);
    voices.places.erase(place);
    if (voices.places.empty()) meshes_.erase(found);
  }
}

void OpenMeshes::fill(Meshes& page, const std::optional<MeshId>& after) const {
  auto next = after ? meshes_.upper_bound(*after) : meshes_.begin();
  for (; next != meshes_.end() && page.meshes.size() < limits::kRendezvousPageMax; ++next) {
    const auto& in_order = next->second.in_order;
    MeshEntry entry;
    entry.mesh = next->first;
    entry.registered = static_cast<std::uint32_t>(in_order.size());
    entry.online = in_order.begin()->second.online;
    entry.label = in_order.begin()->second.label;
    for (const auto& [place, voice] : in_order) {
      if (entry.names.size() == limits::kRendezvousMeshNamesMax) break;
      entry.names.push_back(voice.name);
    }
    page.meshes.push_back(std::move(entry));
  }
  page.last = next == meshes_.end();
}

}  // namespace p2pmesh
