#include "moderation_log.h"

#include <algorithm>
#include <tuple>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/room_label.h"
#include "p2pmesh/crypto/hash.h"

namespace p2pmesh {
namespace {

constexpr std::string_view kMeshFoundersRoom = kDefaultRoom;  // where everybody is; nobody else opens it

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
      all.back().cut.narrow(one->cut);
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
  auto body = decode_act_body(envelope.body);
  if (!body || (body->verb == ActVerb::kFound && envelope.room.empty())) return false;
  // Whose key was revoked has founded the mesh all the same.
  if (body->proof && hash_mesh(envelope.author, *body->proof) == mesh_) note_founder(envelope.author);
  if (revoked_.contains(envelope.author)) return false;
  Act act{sealed.id,      envelope.author,  envelope.epoch, envelope.seq,
          envelope.depth, envelope.wall_ms, envelope.room,  *std::move(body)};
  if (const Act* there = table_.at(act.author, act.position())) {
    if (!(act.id < there->id)) return true;
    take_out(*there);
  }
  const MemberKey author = act.author;
  const EnvelopeId id = act.id;
  touch(table_.insert(std::move(act)));
  // The same ones stay whatever came first.
  const ActTable::OfAuthor& acts = *table_.of_author(author);
  if (acts.size() > limits::kActsPerAuthorMax) take_out(*std::prev(acts.end())->second);
  if (table_.size() > limits::kActsMax) make_space();
  return table_.find(id) != nullptr;
}

/// The founder, or named by it for the mesh, as was judged last.
bool ModerationLog::is_of_mesh(const MemberKey& author) const {
  return founder_ == author || moderators_.contains(author);
}

/// Those that do not count, but for a few: what makes them count may be about to come.
void ModerationLog::make_space() {
  judge();
  std::set<const Act*> counting;
  for (const auto& [name, acts] : of_mesh_.by_room) counting.insert(acts.begin(), acts.end());
  for (const auto& [name, room] : rooms_) {
    if (room.counts) counting.insert(room.choice.acts.begin(), room.choice.acts.end());
  }
  constexpr std::size_t kWaiting = (limits::kActsMax - limits::kActsOfMeshMax - limits::kActsOfRoomsMax) / 2;
  std::vector<const Act*> over;
  std::size_t waiting = 0;
  for (const auto& [id, act] : table_.all()) {
    if (!counting.contains(&act) && ++waiting > kWaiting) over.push_back(&act);
  }
  for (const Act* act : over) {
    if (!are_all_dropped_) dropped_.insert(act->author);
    table_.erase(*act);
  }
  if (dropped_.size() > limits::kActsMax) note_incomplete();
  std::erase_if(rooms_, [&](const auto& room) { return table_.in_room(room.first) == nullptr; });
  for (auto& [name, room] : rooms_) {
    if (room.counts) continue;
    room.choice = {};  // of which some are gone
    room.is_chosen = false;
  }
}

void ModerationLog::note_incomplete() {
  are_all_dropped_ = true;
  dropped_.clear();
}

bool ModerationLog::was_dropped(const MemberKey& author) const {
  return are_all_dropped_ || dropped_.contains(author);
}

void ModerationLog::want_again(const MemberKey& author) {
  wanted_.insert(author);
}

std::optional<MemberKey> ModerationLog::take_wanted() {
  if (wanted_.empty()) return std::nullopt;
  const MemberKey author = *wanted_.begin();
  wanted_.erase(wanted_.begin());
  return author;
}

void ModerationLog::remove(const EnvelopeId& id) {
  const Act* act = table_.find(id);
  if (act == nullptr) return;
  const bool made_space = weighs(*act);
  take_out(*act);
  if (made_space) forget_shares();
}

/// Whether others may have been left out for it.
bool ModerationLog::weighs(const Act& act) const {
  if (is_of_mesh(act.author)) return true;
  const auto room = rooms_.find(act.room);
  return room != rooms_.end() && (act.body.verb == ActVerb::kFound || !room->second.is_chosen ||
                                  room->second.choice.authors.contains(act.author));
}

void ModerationLog::revoke(const MemberKey& author, const LogCut& cut) {
  revoked_[author] = cut;
  is_judged_ = false;
  bool made_space = false;
  while (const ActTable::OfAuthor* acts = table_.of_author(author)) {
    const Act& act = *acts->begin()->second;
    made_space = made_space || weighs(act);
    take_out(act);
  }
  if (made_space) forget_shares();
}

void ModerationLog::give_back(const MemberKey& author) {
  if (revoked_.erase(author) == 0) return;
  if (!are_all_dropped_) dropped_.insert(author);
  forget_shares();
}

void ModerationLog::take_out(const Act& act) {
  touch(act);
  const std::string room = act.room;
  table_.erase(act);
  if (table_.in_room(room) == nullptr && rooms_.erase(room) > 0) is_judged_ = false;
}

/// There is space for others, of which some may have been left out.
void ModerationLog::forget_shares() {
  mesh_share_ = limits::kActsPerAuthorMax;
  for (auto& [name, room] : rooms_) room.share = limits::kActsUnrankedMax;
  standing_.clear();
  is_mesh_judged_ = false;
  is_judged_ = false;
}

void ModerationLog::note_founder(const MemberKey& founder) {
  if (founder_) return;
  founder_ = founder;
  is_mesh_judged_ = false;
  is_judged_ = false;
}

/// What was judged with it, or without, is judged again; nothing for an author whose acts cannot weigh, so
/// that a flood of them costs nothing.
void ModerationLog::touch(const Act& act) {
  if (is_of_mesh(act.author)) {
    is_mesh_judged_ = false;
    is_judged_ = false;
    if (!act.room.empty()) rooms_[act.room];
    return;
  }
  if (act.room.empty()) return;
  Room& room = rooms_[act.room];
  if (act.body.verb != ActVerb::kFound && room.is_chosen && !room.choice.authors.contains(act.author)) return;
  room.is_chosen = false;
  is_judged_ = false;
}

void ModerationLog::judge() {
  if (is_judged_) return;
  is_judged_ = true;
  ++judgings_;
  if (!is_mesh_judged_) judge_mesh_scope();
  for (auto& [name, room] : rooms_) {
    if (!room.is_chosen) choose(name, room);
  }
  std::map<std::string, const RoomChoice*> choices;
  for (const auto& [name, room] : rooms_) choices.emplace(name, &room.choice);
  const std::set<std::string> chosen = choose_rooms(choices);
  accused_.clear();
  const auto accuse = [&](const ModerationState& state) {
    for (const auto& [member, held] : state.restrictions) append_restrictions(accused_[member], held);
  };
  accuse(mesh_state_);
  for (auto& [name, room] : rooms_) {
    if (const bool counts = chosen.contains(name); counts != room.counts) {
      room.counts = counts;
      room.is_judged = false;
    }
    // Nobody is restricted in the others, so they are judged when somebody asks.
    if (!restricts(name, room)) continue;
    judge_room_scope(name, room);
    accuse(room.state);
  }
  for (const auto& [member, cut] : revoked_) {
    Restriction& one = accused_[member].emplace_back();
    one.is_ban = true;
    one.cut = cut;
    one.is_of_key = true;
  }
  if (are_all_dropped_ || !dropped_.empty()) note_standing();
}

void ModerationLog::judge_mesh_scope() {
  is_mesh_judged_ = true;
  std::set<MemberKey> before = std::move(moderators_);
  moderators_ = founder_ ? first_moderators(table_, *founder_) : std::set<MemberKey>();
  if (!std::includes(moderators_.begin(), moderators_.end(), before.begin(), before.end())) {
    mesh_share_ = limits::kActsPerAuthorMax;
    standing_.clear();
  }
  of_mesh_ = choose_of_mesh(table_, founder_, moderators_, mesh_share_);
  mesh_share_ = of_mesh_.share;
  ActList all;
  for (const auto& [name, acts] : of_mesh_.by_room) all.insert(all.end(), acts.begin(), acts.end());
  mesh_state_ = founder_ ? judge_mesh(all, *founder_) : ModerationState{};
  for (auto& [name, room] : rooms_) room.is_chosen = false;
}

void ModerationLog::choose(const std::string& name, Room& room) {
  const auto choose_now = [&] {
    return choose_in_room(
        table_, name, name != kMeshFoundersRoom, of_mesh_, mesh_state_,
        [this](const MemberKey& member) { return is_of_mesh(member); }, room.share);
  };
  RoomChoice choice = choose_now();
  const std::set<MemberKey>& before = room.choice.authors;
  if (!std::includes(choice.authors.begin(), choice.authors.end(), before.begin(), before.end())) {
    room.share = limits::kActsUnrankedMax;
    for (const MemberKey& member : choice.authors) standing_.erase(member);
    choice = choose_now();
  }
  room.share = choice.share;
  room.choice = std::move(choice);
  room.is_chosen = true;
  room.is_judged = false;
}

bool ModerationLog::restricts(const std::string& name, const Room& room) const {
  if (room.counts && room.choice.restricts) return true;
  const auto by_mesh = of_mesh_.by_room.find(name);
  return by_mesh != of_mesh_.by_room.end() &&
         std::any_of(by_mesh->second.begin(), by_mesh->second.end(), [](const Act* act) {
           return act->body.verb == ActVerb::kBan || act->body.verb == ActVerb::kSilence;
         });
}

void ModerationLog::judge_room_scope(const std::string& name, Room& room) {
  if (room.is_judged) return;
  room.is_judged = true;
  ActList acts;
  for (const std::string& scope : {std::string(), name}) {
    const auto by_mesh = of_mesh_.by_room.find(scope);
    if (by_mesh != of_mesh_.by_room.end())
      acts.insert(acts.end(), by_mesh->second.begin(), by_mesh->second.end());
  }
  if (room.counts) {
    for (const Act* act : room.choice.acts) {
      if (!is_of_mesh(act->author)) acts.push_back(act);
    }
  }
  room.state = judge_room(acts, name, room.counts ? room.choice.founder : std::nullopt,
                          founder_.value_or(MemberKey{}), mesh_state_);
}

/// Of whom something was left out, and whose acts weigh by now.
void ModerationLog::note_standing() {
  std::set<MemberKey> now = moderators_;
  if (founder_) now.insert(*founder_);
  for (const auto& [name, room] : rooms_) {
    if (room.counts) now.insert(room.choice.authors.begin(), room.choice.authors.end());
  }
  for (const MemberKey& member : now) {
    if (!standing_.contains(member) && was_dropped(member)) wanted_.insert(member);
  }
  standing_ = std::move(now);
}

/// Null without acts.
const ModerationState* ModerationLog::scope(const std::string& room) {
  judge();
  if (room.empty()) return &mesh_state_;
  const auto found = rooms_.find(room);
  if (found == rooms_.end()) return nullptr;
  judge_room_scope(room, found->second);
  return &found->second.state;
}

const ModerationState& ModerationLog::state_of(const std::string& room) {
  const ModerationState* state = scope(room);
  return state == nullptr ? mesh_state_ : *state;
}

Rank ModerationLog::rank(const MemberKey& member, const std::string& room) {
  if (founder_ == member) return Rank::kFounder;
  return state_of(room).rank_of(member);
}

const Act* ModerationLog::topic_act(const std::string& room) {
  const ModerationState& state = state_of(room);
  return state.topic_act;
}

bool ModerationLog::is_full(const MemberKey& author, const std::string& room) {
  judge();
  if (founder_ == author || moderators_.contains(author)) {
    const ActTable::OfAuthor* acts = table_.of_author(author);
    return acts != nullptr && acts->size() >= (founder_ == author ? limits::kActsPerAuthorMax : mesh_share_);
  }
  const ActTable::Room* there = table_.in_room(room);
  if (there == nullptr) return false;
  const auto acts = there->by_author.find(author);
  if (acts == there->by_author.end()) return false;
  const Room& judged = rooms_.at(room);
  const bool has_opened = judged.choice.founder == author;
  return acts->second.size() >= (has_opened ? limits::kActsUnrankedMax : judged.share);
}

Rank ModerationLog::weight(const Act& act) {
  for (const HeldAct& held : state_of(act.room).held) {
    if (held.act->id == act.id) return held.rank;
  }
  return Rank::kNone;
}

const Act* ModerationLog::find(const EnvelopeId& id) const {
  return table_.find(id);
}

bool ModerationLog::refuses(const Envelope& envelope, WallMs now_ms) const {
  if (accused_.empty()) return false;
  const auto found = accused_.find(envelope.author);
  if (found == accused_.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(),
                     [&](const Restriction& one) { return one.refuses(envelope, now_ms); });
}

bool ModerationLog::is_banned(const MemberKey& member, WallMs now_ms) const {
  const auto found = accused_.find(member);
  if (found == accused_.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(), [&](const Restriction& one) {
    return one.is_ban && one.room.empty() && (one.end_ms == 0 || one.end_ms > now_ms);
  });
}

Restrictions ModerationLog::refused_of(const MemberKey& member) const {
  const auto found = accused_.find(member);
  return found == accused_.end() ? Restrictions{} : found->second;
}

const HeldRestriction* ModerationLog::restriction_on(const MemberKey& member, const std::string& room,
                                                     WallMs now_ms) {
  const HeldRestriction* longest = nullptr;
  for (const std::string& name : {std::string(), room}) {
    const ModerationState* state = scope(name);
    if (state == nullptr) continue;
    const auto found = state->restrictions.find(member);
    if (found == state->restrictions.end()) continue;
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

std::vector<std::pair<MemberKey, Restrictions>> ModerationLog::take_changes() {
  judge();
  std::vector<std::pair<MemberKey, Restrictions>> changes;
  for (const auto& [member, refused] : accused_) {
    const auto told = told_.find(member);
    if (told == told_.end() || told->second != refused) changes.emplace_back(member, refused);
  }
  for (const auto& [member, refused] : told_) {
    if (!accused_.contains(member)) changes.emplace_back(member, Restrictions{});
  }
  if (!changes.empty()) told_ = accused_;
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
  const ModerationState* state = scope(room);
  if (state == nullptr) return views;
  for (const auto& [member, held] : state->restrictions) {
    for (const HeldRestriction& one : held) {
      views.push_back({member, room, one.restriction.is_ban, one.held.act->author, one.held.act->wall_ms,
                       one.restriction.end_ms, one.held.act->body.reason});
    }
  }
  return views;
}

}  // namespace p2pmesh
