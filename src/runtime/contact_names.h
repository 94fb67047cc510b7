// By which names the local member knows those it talks with, so that nobody else is taken for them.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "p2pmesh/base/ids.h"

namespace p2pmesh {

/// Kept among the mesh's settings. At most kCorrespondentsMax contacts, each with kNamesOfContactMax names.
class ContactNames {
 public:
  using Settings = std::vector<std::pair<std::string, std::string>>;

  /// The mesh's settings; those of others are skipped.
  void restore(const Settings& settings);
  /// A contact holds this name, and the local member sees it.
  void learn(const MemberKey& contact, const std::string& name);
  /// It is a contact no more: its names are anybody's.
  void forget(const MemberKey& contact);
  [[nodiscard]] bool is_contact(const MemberKey& member) const { return people_.contains(member); }
  [[nodiscard]] bool is_empty() const { return people_.empty(); }
  /// The contact that is known by this name, which `holder` now holds; nothing when `holder` is a contact
  /// too, or nobody is known by it.
  [[nodiscard]] std::optional<MemberKey> taken_from(const std::string& name, const MemberKey& holder) const;
  /// True the first time: that `holder` has the name of this contact is to be told.
  bool tell_once(const MemberKey& contact, const std::string& name, const MemberKey& holder);

  /// What is to be kept, since the last call.
  Settings take_changes() { return std::exchange(changes_, {}); }

 private:
  struct Person {
    std::vector<std::string> names;  // the newest last
    std::string told;                // the holder's key and the name
  };
  std::map<MemberKey, Person> people_;
  std::map<std::string, std::set<MemberKey>> by_name_;  // folded
  Settings changes_;
};

}  // namespace p2pmesh
