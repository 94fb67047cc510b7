#include "room_names.h"

#include "p2pmesh/base/room_label.h"
#include "p2pmesh/text/name.h"

namespace p2pmesh {
namespace {

/// The only joined private room of this name, when the public one is not joined; else empty.
std::string only_private(const std::string& name, const std::set<std::string>& joined) {
  if (joined.contains(name)) return {};
  std::string found;
  for (const std::string& label : joined) {
    if (!is_private_room(label) || room_name(label) != name) continue;
    if (!found.empty()) return {};
    found = label;
  }
  return found;
}

}  // namespace

std::string short_room(const std::string& label, const std::set<std::string>& joined) {
  const std::string name = room_name(label);
  const std::string meant = only_private(name, joined);
  if (meant.empty()) return label;
  if (meant == label) return name;
  return is_private_room(label) ? label : name + std::string(kPublicSuffix);
}

std::string room_called(const std::string& typed, const std::set<std::string>& joined) {
  // Without the suffix the node could take it for the private one.
  if (typed.ends_with(kPublicSuffix)) {
    const std::string name = typed.substr(0, typed.size() - kPublicSuffix.size());
    return joined.contains(name) ? name : typed;
  }
  const std::string meant = only_private(typed, joined);
  return meant.empty() ? typed : meant;
}

std::string room_to_join(const std::string& label, const std::set<std::string>& joined) {
  const std::string name = room_name(label);
  return joined.contains(name) || !only_private(name, joined).empty() ? label : name;
}

}  // namespace p2pmesh
