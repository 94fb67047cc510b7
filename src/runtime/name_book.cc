#include "name_book.h"

#include "p2pmesh/text/look_alikes.h"
#include "p2pmesh/text/name.h"

namespace p2pmesh {

std::string claimed_part(const std::string& shown) {
  return shown.substr(0, shown.find('~'));
}

void NameBook::note(const MemberKey& member, const std::string& shown) {
  std::string name = claimed_part(shown);
  const auto [found, is_new] = entries_.try_emplace(member);
  Entry& entry = found->second;
  if (!is_new && entry.name == name) return;
  if (!is_new) forget(member, entry);
  entry.folded = name_key(name);
  entry.skeleton = name_skeleton(name);
  entry.mixes_scripts = p2pmesh::mixes_scripts(name);
  entry.name = std::move(name);
  by_skeleton_[entry.skeleton][entry.folded].insert(member);
}

void NameBook::forget(const MemberKey& member, const Entry& entry) {
  const auto names = by_skeleton_.find(entry.skeleton);
  const auto members = names->second.find(entry.folded);
  members->second.erase(member);
  if (members->second.empty()) names->second.erase(members);
  if (names->second.empty()) by_skeleton_.erase(names);
}

std::vector<MemberKey> NameBook::that_look_like(const std::string& name) const {
  std::vector<MemberKey> found;
  const auto names = by_skeleton_.find(name_skeleton(name));
  if (name.empty() || names == by_skeleton_.end()) return found;
  const std::string folded = name_key(name);
  for (const auto& [other, members] : names->second) {
    if (other != folded) found.push_back(*members.begin());
  }
  return found;
}

std::optional<MemberKey> NameBook::look_alike_of(const MemberKey& member) const {
  const auto entry = entries_.find(member);
  if (entry == entries_.end() || entry->second.name.empty()) return std::nullopt;
  for (const auto& [other, members] : by_skeleton_.at(entry->second.skeleton)) {
    if (other != entry->second.folded) return *members.begin();
  }
  return std::nullopt;
}

bool NameBook::mixes_scripts(const MemberKey& member) const {
  const auto entry = entries_.find(member);
  return entry != entries_.end() && entry->second.mixes_scripts;
}

}  // namespace p2pmesh
