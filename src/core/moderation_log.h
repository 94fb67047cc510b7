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

#include "moderation_state.h"
#include "p2pmesh/core/moderation.h"

namespace p2pmesh {

class ModerationLog {
 public:
  explicit ModerationLog(const MeshId& mesh) : mesh_(mesh) {}

  /// An act that counts at its place in its author's log. False when it is malformed, or more than are kept
  /// in memory: acts of members without rank give way first.
  bool add(const SealedEnvelope& sealed);
  /// Another envelope counts at its place.
  void remove(const EnvelopeId& id);
  /// This author's acts weigh nothing any more, whether they came before or come later: who joins later does
  /// not get them.
  void revoke(const MemberKey& author);
  /// Whose key and nonce make the id of the mesh.
  void note_founder(const MemberKey& founder);
  [[nodiscard]] const std::optional<MemberKey>& founder() const { return founder_; }

  /// In a room, or, without one, in the mesh.
  [[nodiscard]] Rank rank(const MemberKey& member, const std::string& room);
  /// An act that holds, and with which rank; kNone: it weighs nothing.
  [[nodiscard]] Rank weight(const Act& act);
  [[nodiscard]] const Act* find(const EnvelopeId& id) const;

  /// Whether a ban or a silence refuses it. For almost every author one look into a small table. What says
  /// that it was written after the end of a ban is not taken in before that.
  [[nodiscard]] bool refuses(const Envelope& envelope, WallMs now_ms);
  /// What this member may not write here now, if anything.
  [[nodiscard]] const HeldRestriction* restriction_on(const MemberKey& member, const std::string& room,
                                                      WallMs now_ms);

  /// Of whom that has changed since the last call what refuses its envelopes, in all rooms.
  std::vector<std::pair<MemberKey, Restrictions>> take_changes();
  /// Of this one as it is now.
  [[nodiscard]] Restrictions refused_of(const MemberKey& member);

  /// The acts that a new one names as seen; ascending.
  [[nodiscard]] std::vector<EnvelopeId> heads(const std::string& room);
  [[nodiscard]] std::vector<RankView> ranks(const std::string& room);
  [[nodiscard]] std::vector<RestrictionView> restrictions(const std::string& room);
  [[nodiscard]] bool is_topic_locked(const std::string& room) { return state_of(room).is_topic_locked; }
  [[nodiscard]] const Act* topic_act(const std::string& room);
  /// No further act of this author would count.
  [[nodiscard]] bool is_full(const MemberKey& author) const;
  /// An act about it is known: nobody opens it any more.
  [[nodiscard]] bool is_founded(const std::string& room) const { return rooms_.contains(room); }
  [[nodiscard]] std::size_t size() const { return acts_.size(); }

 private:
  using Position = std::pair<std::uint64_t, std::uint64_t>;
  struct Room {
    std::set<EnvelopeId> acts;
    bool is_judged = false;
    ModerationState state;
  };
  [[nodiscard]] bool make_space(const MemberKey& author);
  void note_weight(const Act& act, bool in);
  [[nodiscard]] bool is_of_mesh(const MemberKey& author) const;
  void take_out(EnvelopeId id);
  void touch(const Act& act);
  void note_moderators();
  [[nodiscard]] std::size_t acts_max(const MemberKey& author) const;
  void judge_all();
  const ModerationState& state_of(const std::string& room);

  MeshId mesh_;
  std::optional<MemberKey> founder_;
  std::map<EnvelopeId, Act> acts_;
  std::map<MemberKey, std::map<Position, EnvelopeId>> by_author_;
  std::map<std::string, Room> rooms_;           // with acts; the empty name: the mesh
  std::map<MemberKey, std::size_t> may_weigh_;  // acts that name it, or say that it has opened a room
  std::set<MemberKey> moderators_;              // named for the mesh by its founder, likewise
  bool is_judged_ = true;
  std::map<MemberKey, Restrictions> accused_;
  std::map<MemberKey, Restrictions> told_;
  std::set<MemberKey> revoked_;
  const ModerationState nothing_;
};

}  // namespace p2pmesh
