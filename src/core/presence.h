// Who is here: from links, heartbeats, records, and suspicion that the suspect itself refutes (SWIM).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "links.h"
#include "p2pmesh/base/random.h"
#include "p2pmesh/core/parameters.h"
#include "p2pmesh/wire/messages.h"
#include "roster.h"
#include "turn.h"

namespace p2pmesh {

/// Keeps each member's presence true to what is known, and says what changed. Until the node has settled,
/// changes are taken in without a notice: a newcomer is told who is here, not that everyone joined.
class PresenceTracker {
 public:
  PresenceTracker(const ProtocolParameters& parameters, Roster& roster, Links& links, const MemberKey& self,
                  std::uint64_t seed)
      : parameters_(parameters), roster_(roster), links_(links), self_(self), random_(seed) {}

  /// With partial views heartbeats are rarer, and a link of one's own shows less.
  void set_partial(bool partial) { partial_ = partial; }

  /// A member's record was applied. `was_known`: there was an earlier one; `live`: it came by broadcast, so
  /// it was published just now.
  void on_record(const MemberKey& key, bool was_known, bool live, Turn& turn);
  /// Those who were offline are back, without a new record. Suspected aloud they refute, so that those hear
  /// of it who are not linked to them.
  void on_link_up(const NodeKey& node, Turn& turn);
  void on_link_lost(const NodeKey& node, Turn& turn);
  /// It did not answer where it is said to be.
  void on_unreachable(const NodeKey& node, Turn& turn);
  /// Links that were silent for too long.
  void on_silence(Turn& turn);
  /// When on_silence() will have something to say of it, unless it is heard before; the end of time when it
  /// was said.
  [[nodiscard]] Instant silent_from(const Link& link) const {
    return link.suspected ? Instant::max() : link.heard_at + silence();
  }
  /// True when the suspicion is about this member itself, as it is now: refute.
  [[nodiscard]] bool on_suspicion(const SuspectBody& suspicion, Turn& turn);
  /// A neighbor believes that a member is gone. True: it is this member itself, as it is now.
  [[nodiscard]] bool on_reported_offline(const SuspectBody::Item& item, Turn& turn);

  /// From here on changes are told. `compared`: with a neighbor, so that who was not reported as gone is
  /// here.
  void settle(bool compared, Turn& turn);
  /// No neighbor for a while: of nobody is it known whether it is here.
  void on_alone(Turn& turn);
  [[nodiscard]] bool is_settled() const { return settled_; }

  /// Members shown as online whom no link of ours vouches for, in a full mesh. Called with the heartbeats.
  void on_unlinked(Turn& turn);
  void on_wake(Turn& turn);
  /// What is to be said aloud now; empty: nothing. One suspicion for all that were gathered.
  std::vector<SuspectBody> take_suspicions(Turn& turn);
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  /// Members of whom it was asked lately whether they live.
  [[nodiscard]] std::size_t asked() const { return asked_at_.size(); }

 private:
  struct Unlinked {
    Instant check_at;
    Duration interval;
  };
  void set(const MemberRow& member, Presence presence, bool tell, Turn& turn);
  void suspect(const MemberKey& member, Turn& turn);
  void say_by(const MemberKey& member, Instant due);
  Duration random_up_to(Duration bound);
  [[nodiscard]] bool may_ask(const MemberKey& member, Turn& turn);
  /// At once, or a little later unless somebody else was first.
  void say_aloud(const MemberKey& member, bool at_once, Turn& turn);
  [[nodiscard]] Duration silence() const {
    return partial_ ? parameters_.silence_partial : parameters_.silence_full;
  }

  const ProtocolParameters& parameters_;
  Roster& roster_;
  Links& links_;
  MemberKey self_;
  Random random_;
  bool partial_ = false;
  bool settled_ = false;
  bool resolved_ = false;
  // Suspicions under way, soonest first; one whose number the member's row no longer has is over.
  struct Suspicion {
    Instant due;  // believed gone from then on
    MemberKey member;
    std::uint32_t number = 0;
  };
  std::deque<Suspicion> suspicions_;
  std::uint32_t last_suspicion_ = 0;
  std::map<MemberKey, Instant> to_say_;
  std::optional<Instant> say_at_;  // not later than the soonest of them
  std::map<MemberKey, Unlinked> unlinked_;
  Instant scanned_at_{};
  // What neighbors said of members whose records have not come yet.
  std::map<MemberKey, std::pair<std::uint64_t, std::uint64_t>> reported_offline_;
  std::map<MemberKey, Instant> asked_at_;
};

}  // namespace p2pmesh
