// Who is here: from links, heartbeats, records, and suspicion that the suspect itself refutes (SWIM).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "links.h"
#include "p2pmesh/wire/messages.h"
#include "roster.h"
#include "turn.h"

namespace p2pmesh {

/// Keeps Member::presence true to what is known, and says what changed. Until the node has settled, changes
/// are taken in without a notice: a newcomer is told who is here, not that everyone joined.
class PresenceTracker {
 public:
  PresenceTracker(Roster& roster, Links& links, const MemberKey& self)
      : roster_(roster), links_(links), self_(self) {}

  /// A member's record was applied. `was_known`: there was an earlier one; `live`: it came by flood, so it
  /// was published just now.
  void on_record(Member& member, bool was_known, bool live, Turn& turn);
  /// Returns the members that are back without a new record: suspected aloud they refute, so that those hear of it
  /// who are not linked to them.
  std::vector<Member*> on_link_up(const NodeKey& node, Turn& turn);
  /// Returns the members that are to be suspected aloud.
  std::vector<Member*> on_link_lost(const NodeKey& node, Turn& turn);
  /// Silent links: returns the members to be suspected aloud.
  std::vector<Member*> on_silence(Turn& turn);
  /// True when the suspicion is about this member itself, as it is now: refute.
  [[nodiscard]] bool on_suspicion(const SuspectBody& suspicion, Turn& turn);
  /// As on_suspicion(), from a neighbor's list; those that are alive after all are to be suspected aloud, so
  /// that they hear of it and refute.
  struct ListOutcome {
    bool refute = false;
    std::vector<Member*> ask;
  };
  ListOutcome on_offline_list(const OfflineList& list, Turn& turn);

  /// From here on changes are told. Members of an earlier run that were not heard of are offline.
  void settle(Turn& turn);
  [[nodiscard]] bool is_settled() const { return settled_; }

  /// Members shown as online whom no link of ours vouches for: those to be suspected aloud.
  std::vector<Member*> on_unlinked(Turn& turn);
  void on_wake(Turn& turn);
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  [[nodiscard]] OfflineList offline_list() const;

 private:
  void set(Member& member, Presence presence, bool tell, Turn& turn);
  void suspect(Member& member, Turn& turn);

  Roster& roster_;
  Links& links_;
  MemberKey self_;
  bool settled_ = false;
  // What neighbors said of members whose records have not come yet.
  std::map<MemberKey, std::pair<std::uint64_t, std::uint64_t>> reported_offline_;
  std::map<MemberKey, Instant> asked_at_;
};

}  // namespace p2pmesh
