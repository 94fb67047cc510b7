#include "moderation_log.h"

#include <algorithm>
#include <tuple>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/hash.h"

namespace p2pmesh {
namespace {

constexpr const char* kMeshFoundersRoom = "#lobby";  // where everybody is; nobody else opens it

/// What an epoch that only one of them lists has is beyond the other one.
void narrow(LogCut& cut, const LogCut& other) {
  LogCut both;
  auto there = other.epochs.begin();
  for (const auto& [epoch, last] : cut.epochs) {
    while (there != other.epochs.end() && there->first > epoch) ++there;
    if (there != other.epochs.end() && there->first == epoch)
      both.epochs.emplace_back(epoch, std::min(last, there->second));
  }
  cut = std::move(both);
}

/// Of one member in one scope, the longest first. Of those that differ in their cuts alone one is left, which
/// refuses what any of them does; of too many those that end first give way.
void append_restrictions(Restrictions& all, const std::vector<HeldRestriction>& held) {
  std::vector<const Restriction*> sorted;
  for (const HeldRestriction& one : held) sorted.push_back(&one.restriction);
  const auto key = [](const Restriction& one) {
    return std::tuple(!one.is_ban, ~(one.end_ms - 1), one.has_set_end);  // 0, for good, before all others
  };
  std::sort(sorted.begin(), sorted.end(),
            [&](const Restriction* one, const Restriction* other) { return key(*one) < key(*other); });
  const std::size_t before = all.size();
  for (const Restriction* one : sorted) {
    if (all.size() > before && key(all.back()) == key(*one)) {
      narrow(all.back().cut, one->cut);
    } else if (all.size() - before < limits::kRestrictionsMax) {
      all.push_back(*one);
    } else {
      return;
    }
  }
}

}  // namespace

bool ModerationLog::add(const SealedEnvelope& sealed) {
  const Envelope& envelope = sealed.envelope;
  if (revoked_.contains(envelope.author)) return false;
  auto body = decode_act_body(envelope.body);
  if (!body || (body->verb == ActVerb::kFound && envelope.room.empty())) return false;
  Act act{sealed.id,      envelope.author,  envelope.epoch, envelope.seq,
          envelope.depth, envelope.wall_ms, envelope.room,  *std::move(body)};
  if (act.body.proof && hash_mesh(act.author, *act.body.proof) == mesh_) note_founder(act.author);
  auto& of_author = by_author_[act.author];
  if (const auto there = of_author.find(act.position()); there != of_author.end()) {
    if (!(act.id < there->second)) return true;
    take_out(there->second);
  }
  if (!make_space(act.author)) {
    if (by_author_[act.author].empty()) by_author_.erase(act.author);
    return false;
  }
  note_weight(act, true);
  if (act.body.verb == ActVerb::kMod && act.author == founder_ && act.room.empty())
    moderators_.insert(act.body.subject);
  const EnvelopeId id = act.id;
  const MemberKey author = act.author;
  by_author_[author].emplace(act.position(), id);
  rooms_[act.room].acts.insert(id);
  touch(act);
  acts_.emplace(id, std::move(act));
  // The same ones stay whatever came first.
  if (by_author_[author].size() <= limits::kActsPerAuthorMax) return true;
  const EnvelopeId last = std::prev(by_author_[author].end())->second;
  take_out(last);
  return last != id;
}

/// The founder, or named by it for the mesh.
bool ModerationLog::is_of_mesh(const MemberKey& author) const {
  return founder_ == author || moderators_.contains(author);
}

std::size_t ModerationLog::acts_max(const MemberKey& author) const {
  return is_of_mesh(author) ? limits::kActsPerAuthorMax : limits::kActsUnrankedMax;
}

void ModerationLog::note_weight(const Act& act, bool in) {
  const bool names = act.body.verb == ActVerb::kMod;
  if (!names && act.body.verb != ActVerb::kFound) return;
  const MemberKey& member = names ? act.body.subject : act.author;
  is_judged_ = false;  // whose acts are kept has changed
  if (in) {
    ++may_weigh_[member];
  } else if (const auto count = may_weigh_.find(member); --count->second == 0) {
    may_weigh_.erase(count);
  }
}

/// False when there is none for this author. Whoever nobody has named gives way, and to those of the mesh who
/// says to have opened a room.
bool ModerationLog::make_space(const MemberKey& author) {
  if (acts_.size() < limits::kActsMax) return true;
  const auto standing = [this](const MemberKey& member) {
    return is_of_mesh(member) ? 2 : may_weigh_.contains(member) ? 1 : 0;
  };
  const int own = standing(author);
  for (int other = 0; other < own; ++other) {
    for (auto act = acts_.rbegin(); act != acts_.rend(); ++act) {
      if (standing(act->second.author) != other) continue;
      take_out(act->first);
      return true;
    }
  }
  return false;
}

void ModerationLog::remove(const EnvelopeId& id) {
  if (acts_.contains(id)) take_out(id);
}

void ModerationLog::revoke(const MemberKey& author) {
  revoked_.insert(author);
  const auto found = by_author_.find(author);
  if (found == by_author_.end()) return;
  const std::map<Position, EnvelopeId> acts = found->second;
  for (const auto& [position, id] : acts) take_out(id);
}

void ModerationLog::take_out(EnvelopeId id) {
  const auto found = acts_.find(id);
  const Act& act = found->second;
  const bool has_named = act.author == founder_ && act.room.empty() && act.body.verb == ActVerb::kMod;
  touch(act);
  note_weight(act, false);
  const auto author = by_author_.find(act.author);
  author->second.erase(act.position());
  if (author->second.empty()) by_author_.erase(author);
  const auto room = rooms_.find(act.room);
  room->second.acts.erase(id);
  if (room->second.acts.empty()) rooms_.erase(room);
  acts_.erase(found);
  if (has_named) note_moderators();
}

/// Nobody stays one by an act that does not count.
void ModerationLog::note_moderators() {
  moderators_.clear();
  const auto found = by_author_.find(*founder_);
  if (found == by_author_.end()) return;
  for (const auto& [position, id] : found->second) {
    const Act& act = acts_.at(id);
    if (act.room.empty() && act.body.verb == ActVerb::kMod) moderators_.insert(act.body.subject);
  }
}

void ModerationLog::note_founder(const MemberKey& founder) {
  if (founder_) return;
  founder_ = founder;
  is_judged_ = false;
  note_moderators();
  for (auto& [name, room] : rooms_) room.is_judged = false;
}

/// What was judged with it, or without, is judged again; nothing for an author whose acts cannot weigh, so
/// that a flood of them costs nothing.
void ModerationLog::touch(const Act& act) {
  const bool concerns_all = is_of_mesh(act.author);
  if (!concerns_all && !may_weigh_.contains(act.author)) return;
  is_judged_ = false;
  for (auto& [name, room] : rooms_) {
    if (!concerns_all && name != act.room) continue;
    room.is_judged = false;
    room.state = {};
  }
}

void ModerationLog::judge_all() {
  if (is_judged_) return;
  is_judged_ = true;
  accused_.clear();
  Room& mesh = rooms_[""];
  const MemberKey founder = founder_.value_or(MemberKey{});
  if (!mesh.is_judged) {
    std::vector<const Act*> all;
    for (const auto& [id, act] : acts_) {
      if (is_of_mesh(act.author)) all.push_back(&act);
    }
    mesh.state = founder_ ? judge_mesh(all, founder) : ModerationState{};
    mesh.is_judged = true;
  }
  const auto accuse = [&](const ModerationState& state) {
    for (const auto& [member, held] : state.restrictions) append_restrictions(accused_[member], held);
  };
  accuse(mesh.state);
  // Of who has no rank in the mesh the first ones; more are known, since it may come to be named.
  std::map<MemberKey, Position> ends;
  const auto counts = [&](const Act& act) {
    if (founder_ != act.author && !may_weigh_.contains(act.author)) return false;
    const auto& of_author = by_author_.at(act.author);
    const std::size_t most = acts_max(act.author);
    if (of_author.size() <= most) return true;
    auto end = ends.find(act.author);
    if (end == ends.end()) {
      const auto first_over = std::next(of_author.begin(), static_cast<std::ptrdiff_t>(most));
      end = ends.emplace(act.author, first_over->first).first;
    }
    return act.position() < end->second;
  };
  // What members without a rank in the mesh do there weighs nothing in its rooms either.
  std::vector<const Act*> of_mesh;
  for (const EnvelopeId& id : mesh.acts) {
    const Act& act = acts_.at(id);
    if (is_of_mesh(act.author)) of_mesh.push_back(&act);
  }
  for (auto& [name, room] : rooms_) {
    if (name.empty()) continue;
    if (!room.is_judged) {
      std::vector<const Act*> acts = of_mesh;
      for (const EnvelopeId& id : room.acts) {
        const Act& act = acts_.at(id);
        if (counts(act)) acts.push_back(&act);
      }
      room.state = judge_room(acts, name, name != kMeshFoundersRoom, founder, mesh.state);
      room.is_judged = true;
    }
    accuse(room.state);
  }
}

/// Of a room without acts, or whose first ones weigh nothing and came since: the mesh's.
const ModerationState& ModerationLog::state_of(const std::string& room) {
  judge_all();
  const auto found = rooms_.find(room);
  if (found != rooms_.end() && found->second.is_judged) return found->second.state;
  const auto mesh = rooms_.find("");
  return mesh == rooms_.end() ? nothing_ : mesh->second.state;
}

Rank ModerationLog::rank(const MemberKey& member, const std::string& room) {
  if (founder_ == member) return Rank::kFounder;
  return state_of(room).rank_of(member);
}

const Act* ModerationLog::topic_act(const std::string& room) {
  const ModerationState& state = state_of(room);
  return state.topic_act;
}

bool ModerationLog::is_full(const MemberKey& author) const {
  const auto found = by_author_.find(author);
  return found != by_author_.end() && found->second.size() >= acts_max(author);
}

Rank ModerationLog::weight(const Act& act) {
  for (const HeldAct& held : state_of(act.room).held) {
    if (held.act->id == act.id) return held.rank;
  }
  return Rank::kNone;
}

const Act* ModerationLog::find(const EnvelopeId& id) const {
  const auto found = acts_.find(id);
  return found == acts_.end() ? nullptr : &found->second;
}

bool ModerationLog::refuses(const Envelope& envelope, WallMs now_ms) {
  judge_all();
  if (accused_.empty()) return false;
  const auto found = accused_.find(envelope.author);
  if (found == accused_.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(),
                     [&](const Restriction& one) { return one.refuses(envelope, now_ms); });
}

const HeldRestriction* ModerationLog::restriction_on(const MemberKey& member, const std::string& room,
                                                     WallMs now_ms) {
  judge_all();
  const HeldRestriction* longest = nullptr;
  for (const std::string& scope : {std::string(), room}) {
    const auto at = rooms_.find(scope);
    if (at == rooms_.end()) continue;
    const auto found = at->second.state.restrictions.find(member);
    if (found == at->second.state.restrictions.end()) continue;
    for (const HeldRestriction& one : found->second) {
      const WallMs end = one.restriction.end_ms;
      if (end != 0 && end <= now_ms) continue;
      // A ban goes beyond a silence, however long.
      const bool is_longer =
          longest == nullptr || std::pair(one.restriction.is_ban, end - 1) >
                                    std::pair(longest->restriction.is_ban, longest->restriction.end_ms - 1);
      if (is_longer) longest = &one;
    }
  }
  return longest;
}

Restrictions ModerationLog::refused_of(const MemberKey& member) {
  judge_all();
  const auto found = accused_.find(member);
  return found == accused_.end() ? Restrictions{} : found->second;
}

std::vector<std::pair<MemberKey, Restrictions>> ModerationLog::take_changes() {
  judge_all();
  std::vector<std::pair<MemberKey, Restrictions>> changes;
  for (const auto& [member, refused] : accused_) {
    const auto told = told_.find(member);
    if (told == told_.end() || told->second != refused) changes.emplace_back(member, refused);
  }
  for (const auto& [member, refused] : told_) {
    if (!accused_.contains(member)) changes.emplace_back(member, Restrictions{});
  }
  told_ = accused_;
  return changes;
}

/// Those that hold and that no other of them names; the highest rank first when there are more than an act
/// can name.
std::vector<EnvelopeId> ModerationLog::heads(const std::string& room) {
  const std::vector<HeldAct>& held = state_of(room).held;
  // The order of what those of the mesh do must not hang on what somebody below them has written.
  std::set<EnvelopeId> named_above;
  std::set<EnvelopeId> named;
  std::map<MemberKey, const HeldAct*> last;
  for (const HeldAct& one : held) {
    if (!one.act->room.empty() && one.act->room != room) continue;
    (one.rank >= Rank::kModerator ? named_above : named)
        .insert(one.act->body.seen.begin(), one.act->body.seen.end());
    const HeldAct*& latest = last[one.act->author];
    if (latest == nullptr || latest->act->position() < one.act->position()) latest = &one;
  }
  std::vector<const HeldAct*> heads;
  for (const auto& [author, one] : last) {
    const bool is_below = one->rank < Rank::kModerator && named.contains(one->act->id);
    if (!is_below && !named_above.contains(one->act->id)) heads.push_back(one);
  }
  std::sort(heads.begin(), heads.end(), [](const HeldAct* one, const HeldAct* other) {
    return one->rank != other->rank ? one->rank > other->rank : one->act->id < other->act->id;
  });
  heads.resize(std::min(heads.size(), limits::kActSeenMax));
  std::vector<EnvelopeId> ids;
  for (const HeldAct* head : heads) ids.push_back(head->act->id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::vector<RankView> ModerationLog::ranks(const std::string& room) {
  std::map<MemberKey, Rank> all = state_of(room).ranks;
  if (founder_) all[*founder_] = Rank::kFounder;
  std::vector<RankView> views;
  for (const auto& [member, rank] : all) {
    if (rank != Rank::kNone && !member.is_zero()) views.push_back({member, rank});
  }
  std::stable_sort(views.begin(), views.end(),
                   [](const RankView& one, const RankView& other) { return one.rank > other.rank; });
  return views;
}

std::vector<RestrictionView> ModerationLog::restrictions(const std::string& room) {
  std::vector<RestrictionView> views;
  judge_all();
  const auto found = rooms_.find(room);
  if (found == rooms_.end()) return views;
  for (const auto& [member, held] : found->second.state.restrictions) {
    for (const HeldRestriction& one : held) {
      views.push_back({member, room, one.restriction.is_ban, one.held.act->author, one.held.act->wall_ms,
                       one.restriction.end_ms, one.held.act->body.reason});
    }
  }
  return views;
}

}  // namespace p2pmesh
