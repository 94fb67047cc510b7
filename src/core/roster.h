// The members of the mesh as their records say, and who holds which name.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/crypto/signature.h"
#include "p2pmesh/wire/envelope.h"
#include "p2pmesh/wire/member_body.h"

namespace p2pmesh {

enum class Presence : std::uint8_t {
  kUnknown,  ///< from an earlier run; nothing heard yet
  kOnline,
  kLeft,     ///< by a Remove Peer
  kOffline,  ///< without one
};

struct Member {
  MemberKey key;
  std::uint64_t epoch = 0;    ///< of the record
  std::uint64_t version = 0;  ///< of the record
  MemberBody body;
  std::string name_key;       ///< what makes two names equal; empty for a name outside the alphabet
  EnvelopeId claim_id;        ///< breaks a tie of depths
  bool claim_backed = false;  ///< founder or sponsor, checked
  std::string shown_name;

  Presence presence = Presence::kUnknown;
  WallMs presence_since_ms = 0;
  std::optional<Instant> suspected_until;
  std::optional<Instant> unlinked_check_at;
  Duration unlinked_interval = limits::kUnlinkedCheckFirst;
};

/// A member whose shown name changed.
struct Rename {
  MemberKey member;
  std::string from;
  std::string to;
};

class Roster {
 public:
  Roster(const MeshId& mesh, const Verifier& verifier) : mesh_(mesh), verifier_(verifier) {}

  /// Takes a record that is newer than the one known. Nothing is changed and null returned when its body is
  /// malformed or the node did not countersign it. Renames are appended, its own first appearance not among
  /// them.
  Member* apply(const Envelope& record, std::vector<Rename>& renames);

  [[nodiscard]] Member* find(const MemberKey& key);
  [[nodiscard]] const Member* find(const MemberKey& key) const;
  /// The members whose records name this node.
  [[nodiscard]] std::vector<Member*> hosted_by(const NodeKey& node);
  [[nodiscard]] const std::map<MemberKey, Member>& members() const { return members_; }
  [[nodiscard]] std::map<MemberKey, Member>& members() { return members_; }

  /// Another key than `member` holds the name.
  [[nodiscard]] bool is_held_by_another(const std::string& name, const MemberKey& member) const;
  /// With a suffix when another key holds the name; `~` and a piece of the key when nothing is known.
  [[nodiscard]] std::string shown_name(const MemberKey& key) const;

 private:
  bool is_backed(const MemberKey& member, const NameClaim& claim) const;
  void settle_name(const std::string& name_key, std::vector<Rename>& renames);

  MeshId mesh_;
  const Verifier& verifier_;
  std::map<MemberKey, Member> members_;
  std::map<std::string, std::set<MemberKey>> by_name_;
  std::map<NodeKey, std::set<MemberKey>> by_node_;
};

}  // namespace p2pmesh
