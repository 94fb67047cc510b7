// Whose names look alike. Beside the core, which needs no skeletons: filled from its members when somebody
// asks.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "p2pmesh/base/ids.h"

namespace p2pmesh {

/// A shown name without its suffix.
std::string claimed_part(const std::string& shown);

/// About 500 bytes a member; a member once known stays, as in the roster.
class NameBook {
 public:
  /// A member is shown so from now on. Cheap when the name is the one that is known.
  void note(const MemberKey& member, const std::string& shown);
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

  /// The members whose names are others than this one but look like it: of each such name one.
  [[nodiscard]] std::vector<MemberKey> that_look_like(const std::string& name) const;
  /// One of those, for a member that is known.
  [[nodiscard]] std::optional<MemberKey> look_alike_of(const MemberKey& member) const;
  [[nodiscard]] bool mixes_scripts(const MemberKey& member) const;

 private:
  struct Entry {
    std::string name;
    std::string folded;    // what makes two names equal
    std::string skeleton;  // what makes them look so
    bool mixes_scripts = false;
  };
  void forget(const MemberKey& member, const Entry& entry);

  std::map<MemberKey, Entry> entries_;
  // By skeleton, then by folded name: however many claim one name, the next other name is one step away.
  std::map<std::string, std::map<std::string, std::set<MemberKey>>> by_skeleton_;
};

}  // namespace p2pmesh
