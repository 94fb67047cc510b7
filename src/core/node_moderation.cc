// How order is kept: what acts refuse is not taken in, and what the local member may do.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "node_state.h"
#include "p2pmesh/base/check.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/act_body.h"

namespace p2pmesh {
namespace {

constexpr WallMs kLookMs =
    3'600'000;  // clocks are set: until the end of a longer ban there are looks between

RestrictionView to_view(const MemberKey& member, const HeldRestriction& one) {
  return {member,
          one.restriction.room,
          one.restriction.is_ban,
          one.held.act->author,
          one.held.act->wall_ms,
          one.restriction.end_ms,
          one.held.act->body.reason};
}

}  // namespace

/// All that is known of a member's log counts; what it has written and nobody here has seen does not.
LogCut Node::State::cut_of(const MemberKey& member) const {
  return {index.newest(member, limits::kCutEpochsMax)};
}

void Node::State::on(const WriteAct& act, Turn&) {
  ActBody body;
  body.verb = act.verb;
  body.subject = act.subject;
  body.end_ms = act.end_ms;
  if (moderation.founder() == own.key()) body.proof = options.founder_nonce;
  if (act.verb == ActVerb::kBan || act.verb == ActVerb::kSilence || act.verb == ActVerb::kUnmod)
    body.cut = cut_of(act.subject);
  body.seen = moderation.heads(act.room);
  body.topic = act.topic;
  body.reason = act.reason;
  const Bytes encoded = encode_act_body(body);
  P2P_CHECK(decode_act_body(encoded).has_value());
  author.enqueue({act.token, act.room, std::string(as_text(encoded)), std::nullopt, {}, DraftKind::kAct});
}

void Node::State::note_founder(const MemberKey& founder) {
  if (moderation.founder()) return;
  moderation.note_founder(founder);
  revoked.note_founder(founder);
  acts_came = true;
}

void Node::State::take_act(const SealedEnvelope& sealed) {
  if (!moderation.add(sealed)) ++counters.acts_dropped;
  if (moderation.founder()) revoked.note_founder(*moderation.founder());
  acts_came = true;
}

/// Once a turn, however many have come: what was taken in before its act came is hidden by the store, and
/// counts no more.
void Node::State::apply_acts(Turn& turn) {
  if (!acts_came) return;
  acts_came = false;
  const auto changes = moderation.take_changes();
  want_acts(turn);
  if (changes.empty()) return;
  entries.judge_again();
  // The store is to find what waits.
  for (Store& store : held_back.release_all()) {
    store.context.gap = is_missing_before(store.envelope->envelope);
    show(std::move(store), turn);
  }
  for (const auto& [member, refused] : changes) hide_refused(member, turn);
  shut_out_banned(turn);
}

/// One author at a time: a thousand acts of each of a hundred are much to hold at once.
void Node::State::want_acts(Turn& turn) {
  if (are_acts_asked) return;
  const auto author_wanted = moderation.take_wanted();
  if (!author_wanted) return;
  are_acts_asked = true;
  turn.out.push_back(LoadActs{*author_wanted});
}

void Node::State::on(const ActsLoaded& loaded, Turn& turn) {
  if (loaded.failed) {
    moderation.want_again(loaded.author);
    acts_again_at = turn.now.monotonic + limits::kHideAgain;
    return note_hiding(*acts_again_at);
  }
  are_acts_asked = false;
  for (const EnvelopePtr& act : loaded.acts) take_act(*act);
  acts_came = true;  // another author may be wanted
}

/// One question at a time for each author: who writes a thousand acts about it costs no more than two.
void Node::State::hide_refused(const MemberKey& member, Turn& turn) {
  Hiding& one = hiding[member];
  if (one.is_asked) {
    one.again = true;
    return;
  }
  Restrictions refused = moderation.refused_of(member);
  one = {true, false, std::nullopt};
  for (const Restriction& restriction : refused) {
    if (!restriction.has_set_end || restriction.end_ms <= turn.now.wall_ms) continue;
    const WallMs left_ms = std::min(restriction.end_ms - turn.now.wall_ms, kLookMs);
    const Instant due = turn.now.monotonic + std::chrono::milliseconds(left_ms);
    one.due = one.due ? std::min(*one.due, due) : due;
    note_hiding(due);
  }
  turn.out.push_back(HideRefused{member, std::move(refused), turn.now.wall_ms});
}

void Node::State::on(const RefusedHidden& hidden, Turn& turn) {
  const auto found = hiding.find(hidden.author);
  if (!hidden.failed) index.set_hidden(hidden.author, hidden.logs, turn.now.monotonic);
  if (found == hiding.end()) return;
  Hiding& one = found->second;
  one.is_asked = false;
  if (hidden.failed) {
    one.due = turn.now.monotonic + limits::kHideAgain;
    note_hiding(*one.due);
  } else if (one.again) {
    hide_refused(hidden.author, turn);
  } else if (!one.due) {
    hiding.erase(found);
  }
}

void Node::State::hide_again(Turn& turn) {
  if (!hiding_due || *hiding_due > turn.now.monotonic) return;
  hiding_due.reset();
  std::vector<MemberKey> due;
  for (auto& [member, one] : hiding) {
    if (!one.due) continue;
    if (*one.due > turn.now.monotonic) {
      note_hiding(*one.due);
    } else {
      one.due.reset();
      due.push_back(member);
    }
  }
  for (const MemberKey& member : due) hide_refused(member, turn);
  if (!acts_again_at) return;
  if (*acts_again_at > turn.now.monotonic) return note_hiding(*acts_again_at);
  acts_again_at.reset();
  are_acts_asked = false;
  want_acts(turn);
}

void Node::State::note_hiding(Instant due) {
  hiding_due = hiding_due ? std::min(*hiding_due, due) : due;
}

bool Node::State::refuse(const EnvelopePtr& envelope, Turn& turn) {
  if (!moderation.refuses(envelope->envelope, turn.now.wall_ms)) return false;
  ++counters.refused;
  broadcast.on_useless(envelope->id);
  turn.out.push_back(ForgetSeen{envelope});
  return true;
}

/// A link not at once: its node is to hear why. But only now and then, for it will try again and again.
void Node::State::shut_out_banned(Turn& turn) {
  std::map<NodeKey, std::optional<Instant>> now_banned;
  for (const RestrictionView& view : moderation.restrictions({})) {
    if (!view.is_ban || (view.end_ms != 0 && view.end_ms <= turn.now.wall_ms)) continue;
    const MemberRow* member = roster.find(view.member);
    const bool is_known = member != nullptr && member->facts->well_formed;
    const NodeKey node = is_known ? member->facts->node() : NodeKey{view.member.bytes};
    const auto before = banned.find(node);
    now_banned[node] = before == banned.end() ? std::nullopt : before->second;
  }
  now_banned.erase(own.node());
  if (now_banned.empty() && banned.empty()) return;
  banned = std::move(now_banned);
  std::set<NodeKey> nodes;
  for (const auto& [node, told_at] : banned) nodes.insert(node);
  addresses.shut_out(std::move(nodes));
  std::vector<LinkId> ended;
  for (const auto& [id, link] : links.all()) {
    const auto found = banned.find(link.node);
    if (found == banned.end()) continue;
    if (!found->second) found->second = turn.now.monotonic;
    if (*found->second + limits::kBannedLinkKept <= turn.now.monotonic) ended.push_back(id);
  }
  for (const LinkId id : ended) disconnect(id, turn);
}

/// Whether a banned node has had its moment to be told; after a while it has another one.
bool Node::State::was_told_of_ban(const NodeKey& node, Instant now) {
  const auto found = banned.find(node);
  if (found == banned.end() || !found->second) return false;
  if (*found->second + limits::kBannedLinkPause > now) return true;
  found->second.reset();
  return false;
}

ActVerdict Node::check_act(const WriteAct& act) const {
  ModerationLog& log = state_->moderation;
  const Rank mine = log.rank(state_->own.key(), act.room);
  const bool names = act.verb == ActVerb::kMod || act.verb == ActVerb::kUnmod;
  if (mine == Rank::kNone) return ActVerdict::kNoRank;
  // Who names outranks those named: in a room its founder and the mesh's moderators, in the mesh its founder.
  if (names && mine < (act.room.empty() ? Rank::kFounder : Rank::kRoomFounder)) return ActVerdict::kNotNamer;
  if (has_subject(act.verb)) {
    if (act.subject == state_->own.key()) return ActVerdict::kSelf;
    if (log.rank(act.subject, act.room) > mine) return ActVerdict::kOutranked;
  }
  const auto ranks = log.ranks(act.room);
  const auto named = std::count_if(ranks.begin(), ranks.end(), [](const RankView& view) {
    return view.rank == Rank::kModerator || view.rank == Rank::kRoomModerator;
  });
  const bool is_full = act.verb == ActVerb::kMod && static_cast<std::size_t>(named) >= limits::kModeratorsMax;
  return is_full || log.is_full(state_->own.key(), act.room) ? ActVerdict::kTooMany : ActVerdict::kAllowed;
}

std::optional<RestrictionView> Node::restriction_on(const MemberKey& member, const std::string& room,
                                                    WallMs now_ms) const {
  const HeldRestriction* restriction = state_->moderation.restriction_on(member, room, now_ms);
  if (restriction == nullptr) return std::nullopt;
  return to_view(member, *restriction);
}

std::optional<ActView> Node::act(const EnvelopeId& id) const {
  const Act* act = state_->moderation.find(id);
  if (act == nullptr || state_->moderation.weight(*act) == Rank::kNone) return std::nullopt;
  return ActView{act->body.verb, act->author,      act->body.subject,
                 act->room,      act->body.end_ms, act->body.reason};
}

std::vector<RankView> Node::ranks(const std::string& room) const {
  return state_->moderation.ranks(room);
}

std::vector<RestrictionView> Node::restrictions(const std::string& room) const {
  return state_->moderation.restrictions(room);
}

bool Node::can_found(const std::string& room) const {
  return state_->own.has_claim() && !state_->conversations.is_hidden() &&
         !state_->moderation.is_founded(room) && state_->heads.place(room).parents.empty() &&
         !state_->moderation.is_full(state_->own.key(), room);
}

std::optional<TopicLock> Node::topic_lock(const std::string& room) const {
  const Act* act = state_->moderation.topic_act(room);
  if (act == nullptr) return std::nullopt;
  TopicLock lock{act->depth, act->wall_ms, act->id, act->body.topic, act->body.verb == ActVerb::kLockTopic,
                 {}};
  for (const RankView& view : state_->moderation.ranks(room)) lock.allowed.push_back(view.member);
  return lock;
}

}  // namespace p2pmesh
