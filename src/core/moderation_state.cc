#include "moderation_state.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

bool covers(const std::string& scope, const std::string& room) {
  return scope.empty() || scope == room;
}

/// The order of a room's transcript.
auto place_of(const Act& act) {
  return std::tie(act.depth, act.wall_ms, act.id);
}

/// One scope's acts, rank by rank from the top.
class Judgement {
 public:
  Judgement(const std::vector<const Act*>& acts, std::string scope, const std::vector<MemberKey>& authors)
      : scope_(std::move(scope)), order_(acts, authors) {}

  void hold(const Act& act, Rank rank) {
    held_.push_back({&act, rank});
    by_subject_[act.body.subject].push_back(held_.back());
  }

  /// Those whom acts that hold have named here, the first ones when there are too many.
  [[nodiscard]] std::set<MemberKey> named() const {
    std::vector<const HeldAct*> naming;
    for (const HeldAct& held : held_) {
      if (held.act->body.verb == ActVerb::kMod && held.act->room == scope_) naming.push_back(&held);
    }
    std::sort(naming.begin(), naming.end(), [](const HeldAct* one, const HeldAct* other) {
      if (one->rank != other->rank) return one->rank > other->rank;
      return place_of(*one->act) < place_of(*other->act);
    });
    std::set<MemberKey> members;
    for (const HeldAct* held : naming) {
      if (members.size() < limits::kModeratorsMax) members.insert(held->act->body.subject);
    }
    return members;
  }

  /// Takes in what holds of a rank's acts: those of its members that come after their naming and before what
  /// ends it. `is_founder`: they were not named.
  void judge(const std::vector<const Act*>& candidates, Rank rank, bool is_founder) {
    std::vector<const Act*> standing;
    for (const Act* act : candidates) {
      if ((is_founder || is_named(*act)) && !is_revoked(*act, rank)) standing.push_back(act);
    }
    for (const Act* act : without_excluded(standing)) hold(*act, rank);
  }

  /// Whether a member has a rank of a scope now, or, with `at`, as far as the author of that act can have
  /// known.
  [[nodiscard]] bool has_rank(const MemberKey& member, Rank rank, const std::string& scope, bool is_founder,
                              const Act* at) const {
    const auto about = by_subject_.find(member);
    if (about == by_subject_.end()) return is_founder;
    const bool is_named = std::any_of(about->second.begin(), about->second.end(), [&](const HeldAct& held) {
      return held.act->body.verb == ActVerb::kMod && held.act->room == scope &&
             (at == nullptr || !order_.precedes(*at, *held.act));
    });
    if (!is_named && !is_founder) return false;
    return std::none_of(about->second.begin(), about->second.end(), [&](const HeldAct& held) {
      return ends_rank(held, rank, scope) && (at == nullptr || order_.precedes(*held.act, *at)) &&
             !is_answered(held, at);
    });
  }

  [[nodiscard]] std::vector<HeldAct> take_held() { return std::move(held_); }
  [[nodiscard]] const std::vector<HeldAct>& held() const { return held_; }
  [[nodiscard]] const ActOrder& order() const { return order_; }

  /// What of the bans and silences of this scope holds: not against who had a higher rank.
  void restrict_members(ModerationState& state, const MemberKey& founder,
                        const std::optional<MemberKey>& room_founder) const {
    for (const HeldAct& held : held_) {
      const ActBody& body = held.act->body;
      const bool is_ban = body.verb == ActVerb::kBan;
      if ((!is_ban && body.verb != ActVerb::kSilence) || held.act->room != scope_) continue;
      if (body.subject == held.act->author || body.subject == founder) continue;
      if (held.rank < Rank::kModerator && has_rank(body.subject, Rank::kModerator, {}, false, held.act))
        continue;
      if (held.rank < Rank::kRoomFounder && body.subject == room_founder &&
          has_rank(body.subject, Rank::kRoomFounder, scope_, true, held.act))
        continue;
      const auto end = end_of(held);
      if (!end) continue;
      const bool has_set_end = *end != 0 && *end == body.end_ms;
      state.restrictions[body.subject].push_back({{scope_, is_ban, body.cut, *end, has_set_end}, held});
    }
  }

  void lock_topic(ModerationState& state) const {
    std::vector<const HeldAct*> locks;
    for (const HeldAct& held : held_) {
      const ActVerb verb = held.act->body.verb;
      if (held.act->room == scope_ && (verb == ActVerb::kLockTopic || verb == ActVerb::kUnlockTopic))
        locks.push_back(&held);
    }
    const HeldAct* last = nullptr;
    for (const HeldAct* lock : locks) {
      // Who is below may lock again what was unlocked above, and not the other way round.
      const bool is_over = std::any_of(locks.begin(), locks.end(), [&](const HeldAct* other) {
        return order_.precedes(*lock->act, *other->act) &&
               (other->rank >= lock->rank || lock->act->body.verb == ActVerb::kUnlockTopic);
      });
      if (is_over) continue;
      if (last == nullptr || lock->rank > last->rank ||
          (lock->rank == last->rank && lock->act->id < last->act->id))
        last = lock;
    }
    if (last == nullptr) return;
    state.topic_act = last->act;
    state.is_topic_locked = last->act->body.verb == ActVerb::kLockTopic;
  }

 private:
  [[nodiscard]] bool is_named(const Act& act) const {
    const auto about = by_subject_.find(act.author);
    if (about == by_subject_.end()) return false;
    return std::any_of(about->second.begin(), about->second.end(), [&](const HeldAct& held) {
      return held.act->body.verb == ActVerb::kMod && held.act->room == scope_ &&
             order_.precedes(*held.act, act);
    });
  }

  /// An act against somebody of this rank, by somebody of a higher one, that takes the rank.
  [[nodiscard]] static bool ends_rank(const HeldAct& held, Rank rank, const std::string& scope) {
    if (held.rank < rank || held.act->author == held.act->body.subject) return false;
    if (held.act->body.verb == ActVerb::kBan) return covers(held.act->room, scope);
    return held.act->body.verb == ActVerb::kUnmod && held.act->room == scope && held.rank > rank;
  }

  /// Somebody of at least its rank has named the subject again, or lifted the ban, and the author of `act`
  /// had seen that; null: as one that has seen all.
  [[nodiscard]] bool is_answered(const HeldAct& ending, const Act* act) const {
    const auto about = by_subject_.find(ending.act->body.subject);
    const bool is_ban = ending.act->body.verb == ActVerb::kBan;
    return std::any_of(about->second.begin(), about->second.end(), [&](const HeldAct& held) {
      const ActVerb verb = held.act->body.verb;
      const bool names = verb == ActVerb::kMod || (is_ban && verb == ActVerb::kUnban);
      return names && held.rank >= ending.rank && held.act->room == ending.act->room &&
             order_.precedes(*ending.act, *held.act) && (act == nullptr || order_.precedes(*held.act, *act));
    });
  }

  [[nodiscard]] static bool is_hit(const Act& ending, const Act& act) {
    const ActBody& body = ending.body;
    // A ban for a time too: a rank does not come back by itself.
    return body.subject == act.author && ending.author != act.author &&
           body.cut.is_beyond(act.epoch, act.seq);
  }

  [[nodiscard]] bool is_revoked(const Act& act, Rank rank) const {
    const auto about = by_subject_.find(act.author);
    if (about == by_subject_.end()) return false;
    return std::any_of(about->second.begin(), about->second.end(), [&](const HeldAct& held) {
      return held.rank > rank && ends_rank(held, rank, scope_) && is_hit(*held.act, act) &&
             !is_answered(held, &act);
    });
  }

  /// Of equals who ban each other: an act is void when one that holds has hit it. Of two that hit each other
  /// the lower id holds; a longer circle is opened at its lowest id.
  [[nodiscard]] static std::vector<const Act*> without_excluded(std::vector<const Act*> acts) {
    std::sort(acts.begin(), acts.end(), [](const Act* one, const Act* other) { return one->id < other->id; });
    std::map<MemberKey, std::vector<const Act*>> by_author;
    for (const Act* act : acts) by_author[act->author].push_back(act);
    std::vector<const Act*> bans;
    // Of each author the first one against each of the others in a room: the number of these decides what
    // the rest costs, and who was banned once is not banned more by being banned again.
    std::map<std::tuple<MemberKey, MemberKey, std::string>, const Act*> first_bans;
    for (const Act* act : acts) {
      if (act->body.verb != ActVerb::kBan || act->author == act->body.subject ||
          !by_author.contains(act->body.subject))
        continue;
      const Act*& first = first_bans[{act->author, act->body.subject, act->room}];
      if (first == nullptr || act->position() < first->position()) first = act;
    }
    for (const auto& [pair, ban] : first_bans) bans.push_back(ban);
    if (bans.empty()) return acts;
    std::sort(bans.begin(), bans.end(), [](const Act* one, const Act* other) { return one->id < other->id; });
    const auto hits = [](const Act& ban, const Act& act) {
      return covers(ban.room, act.room) && is_hit(ban, act);
    };
    enum class Fate : std::uint8_t { kOpen, kHolds, kVoid };
    std::vector<Fate> fates(bans.size(), Fate::kOpen);
    std::vector<std::vector<std::size_t>> hit_by(bans.size());
    for (std::size_t i = 0; i < bans.size(); ++i) {
      for (std::size_t j = 0; j < bans.size(); ++j) {
        // Sorted: of two that hit each other the first one counts.
        if (hits(*bans[j], *bans[i]) && !(i < j && hits(*bans[i], *bans[j]))) hit_by[i].push_back(j);
      }
    }
    for (std::size_t decided = 0; decided < bans.size();) {
      bool has_changed = false;
      for (std::size_t i = 0; i < bans.size(); ++i) {
        if (fates[i] != Fate::kOpen) continue;
        const auto is = [&](Fate fate) { return [&, fate](std::size_t j) { return fates[j] == fate; }; };
        const bool is_void = std::any_of(hit_by[i].begin(), hit_by[i].end(), is(Fate::kHolds));
        if (!is_void && std::any_of(hit_by[i].begin(), hit_by[i].end(), is(Fate::kOpen))) continue;
        fates[i] = is_void ? Fate::kVoid : Fate::kHolds;
        ++decided;
        has_changed = true;
      }
      if (has_changed) continue;
      *std::find(fates.begin(), fates.end(), Fate::kOpen) = Fate::kHolds;
      ++decided;
    }
    std::vector<const Act*> holding;
    for (std::size_t i = 0; i < bans.size(); ++i) {
      if (fates[i] == Fate::kHolds) holding.push_back(bans[i]);
    }
    std::map<MemberKey, std::vector<const Act*>> against;
    for (const Act* ban : holding) against[ban->body.subject].push_back(ban);
    std::erase_if(acts, [&](const Act* act) {
      if (std::binary_search(bans.begin(), bans.end(), act,
                             [](const Act* one, const Act* other) { return one->id < other->id; }))
        return !std::binary_search(holding.begin(), holding.end(), act,
                                   [](const Act* one, const Act* other) { return one->id < other->id; });
      const auto found = against.find(act->author);
      return found != against.end() && std::any_of(found->second.begin(), found->second.end(),
                                                   [&](const Act* ban) { return hits(*ban, *act); });
    });
    return acts;
  }

  /// When what it refuses is over, 0: never; nothing when somebody of a higher rank has said otherwise
  /// without having seen it.
  [[nodiscard]] std::optional<WallMs> end_of(const HeldAct& restricting) const {
    WallMs end = restricting.act->body.end_ms;
    const bool is_ban = restricting.act->body.verb == ActVerb::kBan;
    for (const HeldAct& held : by_subject_.at(restricting.act->body.subject)) {
      const ActVerb verb = held.act->body.verb;
      const bool lifts =
          is_ban ? verb == ActVerb::kUnban || verb == ActVerb::kMod : verb == ActVerb::kUnsilence;
      if (!lifts || held.rank < restricting.rank || held.act->room != scope_) continue;
      if (order_.precedes(*restricting.act, *held.act)) {
        // By the author's clock, which is all that every node agrees on; at least 1, since 0 is for good.
        const WallMs lifted = std::max<WallMs>(held.act->wall_ms, 1);
        end = end == 0 ? lifted : std::min(end, lifted);
      } else if (held.rank > restricting.rank && !order_.precedes(*held.act, *restricting.act)) {
        return std::nullopt;
      }
    }
    return end;
  }

  const std::string scope_;
  ActOrder order_;
  std::vector<HeldAct> held_;
  std::map<MemberKey, std::vector<HeldAct>> by_subject_;
};

std::vector<MemberKey> subjects_named(const std::vector<const Act*>& acts, const std::string& room) {
  std::set<MemberKey> members;
  for (const Act* act : acts) {
    if (act->body.verb == ActVerb::kMod && act->room == room) members.insert(act->body.subject);
  }
  return {members.begin(), members.end()};
}

}  // namespace

ModerationState judge_mesh(const std::vector<const Act*>& acts, const MemberKey& founder) {
  ModerationState state;
  state.ranks[founder] = Rank::kFounder;
  std::vector<const Act*> by_founder;
  for (const Act* act : acts) {
    if (act->author == founder) by_founder.push_back(act);
  }
  std::vector<MemberKey> authors = subjects_named(by_founder, {});
  // More than may be named are not looked at: the founder's own doing.
  if (authors.size() > 4 * limits::kModeratorsMax) authors.resize(4 * limits::kModeratorsMax);
  authors.push_back(founder);
  Judgement judgement(acts, {}, authors);
  for (const Act* act : by_founder) judgement.hold(*act, Rank::kFounder);
  const std::set<MemberKey> named = judgement.named();
  std::vector<const Act*> candidates;
  for (const Act* act : acts) {
    const bool may_not =
        act->body.verb == ActVerb::kFound ||
        (act->room.empty() && (act->body.verb == ActVerb::kMod || act->body.verb == ActVerb::kUnmod));
    if (act->author != founder && named.contains(act->author) && !may_not) candidates.push_back(act);
  }
  judgement.judge(candidates, Rank::kModerator, false);
  for (const MemberKey& member : named) {
    if (member != founder && judgement.has_rank(member, Rank::kModerator, {}, false, nullptr))
      state.ranks[member] = Rank::kModerator;
  }
  judgement.restrict_members(state, founder, std::nullopt);
  state.held = judgement.take_held();
  return state;
}

std::optional<MemberKey> find_room_founder(const std::vector<const Act*>& claims, const std::string& room,
                                           const ModerationState& mesh) {
  const auto is_out = [&](const Act& claim) {
    return std::any_of(mesh.held.begin(), mesh.held.end(), [&](const HeldAct& held) {
      const ActBody& body = held.act->body;
      if (body.subject != claim.author || held.act->author == claim.author) return false;
      const bool ends = body.verb == ActVerb::kBan && covers(held.act->room, room) &&
                        body.cut.is_beyond(claim.epoch, claim.seq);
      return ends || (body.verb == ActVerb::kUnmod && held.act->room == room);
    });
  };
  for (const Act* claim : claims) {
    if (!is_out(*claim)) return claim->author;
  }
  return std::nullopt;
}

ModerationState judge_room(const std::vector<const Act*>& acts, const std::string& room,
                           const std::optional<MemberKey>& opened_by, const MemberKey& founder,
                           const ModerationState& mesh) {
  ModerationState state;
  state.ranks = mesh.ranks;
  std::vector<const Act*> here;
  for (const Act* act : acts) {
    if (act->room == room) here.push_back(act);
  }
  std::vector<MemberKey> authors = {founder};
  for (const HeldAct& held : mesh.held) authors.push_back(held.act->author);
  for (const auto& [member, rank] : mesh.ranks) authors.push_back(member);
  const std::vector<MemberKey> named_here = subjects_named(here, room);
  const std::size_t few = std::min(named_here.size(), 4 * limits::kModeratorsMax);
  authors.insert(authors.end(), named_here.begin(), named_here.begin() + static_cast<std::ptrdiff_t>(few));
  if (opened_by) authors.push_back(*opened_by);

  Judgement judgement(acts, room, authors);
  std::set<EnvelopeId> is_held;
  for (const HeldAct& held : mesh.held) {
    if (!held.act->room.empty() && held.act->room != room) continue;
    judgement.hold(*held.act, held.rank);
    is_held.insert(held.act->id);
  }
  const auto of = [&](const auto& is_one) {
    std::vector<const Act*> candidates;
    for (const Act* act : here) {
      if (!is_held.contains(act->id) && act->body.verb != ActVerb::kFound && is_one(act->author))
        candidates.push_back(act);
    }
    return candidates;
  };
  if (opened_by) {
    judgement.judge(of([&](const MemberKey& author) { return author == *opened_by; }), Rank::kRoomFounder,
                    true);
    for (const HeldAct& held : judgement.held()) is_held.insert(held.act->id);
  }
  const std::set<MemberKey> named = judgement.named();
  std::vector<const Act*> candidates = of([&](const MemberKey& author) { return named.contains(author); });
  std::erase_if(candidates, [](const Act* act) {
    return act->body.verb == ActVerb::kMod || act->body.verb == ActVerb::kUnmod;
  });
  judgement.judge(candidates, Rank::kRoomModerator, false);
  const auto give = [&](const MemberKey& member, Rank rank, bool is_founder) {
    if (state.rank_of(member) < rank && judgement.has_rank(member, rank, room, is_founder, nullptr))
      state.ranks[member] = rank;
  };
  if (opened_by) give(*opened_by, Rank::kRoomFounder, true);
  for (const MemberKey& member : named) give(member, Rank::kRoomModerator, false);
  judgement.restrict_members(state, founder, opened_by);
  judgement.lock_topic(state);
  state.held = judgement.take_held();
  return state;
}

}  // namespace p2pmesh
