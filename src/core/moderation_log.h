// The acts of a mesh, and what they come to. What it says depends on the set of acts alone, so that it is the
// same on every node that holds the same ones, whatever came first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "act_choice.h"
#include "act_table.h"
#include "moderation_state.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/core/moderation.h"

namespace p2pmesh {

class ModerationLog {
 public:
  explicit ModerationLog(const MeshId& mesh) : mesh_(mesh) {}

  /// An act that counts at its place in its author's log. False when it is malformed, or of an author none of
  /// whose acts count. When there are more than are kept, those without weight give way; should they weigh
  /// later, they are wanted.
  bool add(const SealedEnvelope& sealed);
  /// Another envelope counts at its place.
  void remove(const EnvelopeId& id);
  /// This author's acts weigh nothing any more, whether they came before or come later.
  /// What lies beyond the cut is refused, as by a ban for good.
  void revoke(const MemberKey& author, const LogCut& cut);
  /// It is not revoked after all: what was left out of it is wanted.
  void give_back(const MemberKey& author);
  /// Whose key and nonce make the id of the mesh.
  void note_founder(const MemberKey& founder);
  [[nodiscard]] const std::optional<MemberKey>& founder() const { return founder_; }

  /// In a room, or, without one, in the mesh.
  [[nodiscard]] Rank rank(const MemberKey& member, const std::string& room);
  /// An act that holds, and with which rank; kNone: it weighs nothing.
  [[nodiscard]] Rank weight(const Act& act);
  [[nodiscard]] const Act* find(const EnvelopeId& id) const;

  /// What has come is judged now: the other questions below ask for it, and the costs are those of one
  /// judging, however many acts have come since the last one.
  void judge();

  /// Whether a ban or a silence refuses it, as was judged last. For almost every author one look into a small
  /// table. What says that it was written after the end of a ban is not taken in before that.
  [[nodiscard]] bool refuses(const Envelope& envelope, WallMs now_ms) const;
  /// Whether it is banned from the mesh, likewise.
  [[nodiscard]] bool is_banned(const MemberKey& member, WallMs now_ms) const;
  /// What is refused of this one, likewise.
  [[nodiscard]] Restrictions refused_of(const MemberKey& member) const;
  /// What this member may not write here now, if anything.
  [[nodiscard]] const HeldRestriction* restriction_on(const MemberKey& member, const std::string& room,
                                                      WallMs now_ms);

  /// Of whom that has changed since the last call what refuses its envelopes, in all rooms.
  std::vector<std::pair<MemberKey, Restrictions>> take_changes();
  /// An author whose acts weigh by now, and of which some are not kept: all that the store has is to be
  /// added.
  std::optional<MemberKey> take_wanted();
  /// It could not be read.
  void want_again(const MemberKey& author);
  /// Acts of anybody were left out that the store has.
  void note_incomplete();

  /// The acts that a new one names as seen; ascending.
  [[nodiscard]] std::vector<EnvelopeId> heads(const std::string& room);
  [[nodiscard]] std::vector<RankView> ranks(const std::string& room);
  [[nodiscard]] std::vector<RestrictionView> restrictions(const std::string& room);
  [[nodiscard]] bool is_topic_locked(const std::string& room) { return state_of(room).is_topic_locked; }
  [[nodiscard]] const Act* topic_act(const std::string& room);
  /// No further act of this author would count there.
  [[nodiscard]] bool is_full(const MemberKey& author, const std::string& room);
  /// An act about it is known: nobody opens it any more.
  [[nodiscard]] bool is_founded(const std::string& room) const { return table_.in_room(room) != nullptr; }
  [[nodiscard]] std::size_t size() const { return table_.size(); }
  /// How often they were judged.
  [[nodiscard]] std::uint64_t judgings() const { return judgings_; }

 private:
  struct Room {
    bool is_chosen = false;
    RoomChoice choice;
    std::size_t share = limits::kActsUnrankedMax;  // the least so far: acts beyond it may be kept no more
    bool counts = true;
    bool is_judged = false;
    ModerationState state;
  };
  [[nodiscard]] bool is_of_mesh(const MemberKey& author) const;
  [[nodiscard]] bool weighs(const Act& act) const;
  void take_out(const Act& act);
  void touch(const Act& act);
  void make_space();
  void forget_shares();
  void judge_mesh_scope();
  void choose(const std::string& name, Room& room);
  void judge_room_scope(const std::string& name, Room& room);
  void note_standing();
  [[nodiscard]] bool was_dropped(const MemberKey& author) const;
  [[nodiscard]] bool restricts(const std::string& name, const Room& room) const;
  const ModerationState* scope(const std::string& room);
  const ModerationState& state_of(const std::string& room);

  MeshId mesh_;
  std::optional<MemberKey> founder_;
  ActTable table_;
  bool is_judged_ = true;
  bool is_mesh_judged_ = false;
  std::uint64_t judgings_ = 0;
  std::set<MemberKey> moderators_;                      // named for the mesh by its founder
  std::size_t mesh_share_ = limits::kActsPerAuthorMax;  // as a room's
  MeshChoice of_mesh_;
  ModerationState mesh_state_;
  std::map<std::string, Room> rooms_;  // with acts
  std::map<MemberKey, Restrictions> accused_;
  std::map<MemberKey, Restrictions> told_;
  std::map<MemberKey, LogCut> revoked_;
  std::set<MemberKey> dropped_;   // authors of whom some are not kept
  bool are_all_dropped_ = false;  // too many to be told apart
  std::set<MemberKey> standing_;  // whose acts weigh, and all that are wanted of whom were asked for
  std::set<MemberKey> wanted_;
};

}  // namespace p2pmesh
