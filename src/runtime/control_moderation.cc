// The control requests about keeping order: acts, and who has a rank.
#include <algorithm>

#include "control_requests.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

ActVerb parse_verb(const std::string& verb) {
  if (verb == "mod") return ActVerb::kMod;
  if (verb == "unmod") return ActVerb::kUnmod;
  if (verb == "kick") return ActVerb::kKick;
  if (verb == "ban") return ActVerb::kBan;
  if (verb == "unban") return ActVerb::kUnban;
  if (verb == "silence") return ActVerb::kSilence;
  if (verb == "unsilence") return ActVerb::kUnsilence;
  return verb == "lock" ? ActVerb::kLockTopic : ActVerb::kUnlockTopic;
}

const char* format_rank(Rank rank) {
  switch (rank) {
    case Rank::kFounder:
      return "founder";
    case Rank::kModerator:
      return "moderator";
    case Rank::kRoomFounder:
      return "room founder";
    case Rank::kRoomModerator:
      return "room moderator";
    case Rank::kNone:
      break;
  }
  return "none";
}

std::string place_called(const std::string& room) {
  return room.empty() ? "the mesh" : format_safe_line(room);
}

}  // namespace

/// "Alice and Bob may." of a room, or of the mesh.
std::string ControlRequests::name_ranks(const std::string& room) const {
  const auto ranks = runner_->node().ranks(room);
  constexpr std::size_t kNamed = 5;
  std::string names;
  for (std::size_t i = 0; i < std::min(ranks.size(), kNamed); ++i)
    names += (i == 0 ? "" : ", ") + format_safe_line(runner_->node().shown_name(ranks[i].member));
  if (ranks.size() > kNamed) names += " and " + std::to_string(ranks.size() - kNamed) + " more";
  return names.empty() ? "Nobody who may is known here yet." : names + " may.";
}

std::optional<Error> ControlRequests::check_allowed(const WriteAct& act) const {
  const std::string place = place_called(act.room);
  const std::string name = format_safe_line(runner_->node().shown_name(act.subject));
  switch (runner_->node().check_act(act)) {
    case ActVerdict::kAllowed:
      return std::nullopt;
    case ActVerdict::kNoRank:
      return Error{ExitStatus::kNoPermission,
                   "You keep no order in " + place + ", so nothing was done. " + name_ranks(act.room)};
    case ActVerdict::kNotNamer:
      return Error{ExitStatus::kNoPermission,
                   "Moderators of " + place + " name and dismiss no others. See who is above you: /mods"};
    case ActVerdict::kOutranked:
      return Error{ExitStatus::kNoPermission, name + " has a higher rank in " + place + " than you."};
    case ActVerdict::kSelf:
      return Error{ExitStatus::kUsage, "That is you; name somebody else."};
    case ActVerdict::kTooMany:
      return Error{ExitStatus::kTryAgain, "No further one counts: a room or the mesh has at most " +
                                              std::to_string(limits::kModeratorsMax) +
                                              " moderators, and of one member " +
                                              std::to_string(limits::kActsPerAuthorMax) + " acts count."};
  }
  return std::nullopt;
}

std::optional<Error> ControlRequests::check_may_join(const std::string& room) const {
  const auto restriction = runner_->node().restriction_on(runner_->member(), room, runner_->wall_ms());
  if (!restriction || !restriction->is_ban || restriction->room.empty()) return std::nullopt;
  return Error{ExitStatus::kNoPermission, format_safe_line(runner_->node().shown_name(restriction->by)) +
                                              " has banned you from " + place_called(room) +
                                              "; you have not joined it."};
}

std::optional<Error> ControlRequests::check_may_say(const std::string& room) const {
  const WallMs now_ms = runner_->wall_ms();
  const auto restriction = runner_->node().restriction_on(runner_->member(), room, now_ms);
  // A silence is about rooms: who is silenced may still write to somebody.
  if (!restriction || (room.empty() && !restriction->is_ban)) return std::nullopt;
  std::string sentence = format_safe_line(runner_->node().shown_name(restriction->by)) +
                         (restriction->is_ban ? " has banned you from " : " has silenced you in ") +
                         place_called(restriction->room);
  if (restriction->end_ms > now_ms) {
    const std::uint64_t minutes = (restriction->end_ms - now_ms + 59'999) / 60'000;
    sentence += ", for another " + std::to_string(minutes) + (minutes == 1 ? " minute" : " minutes");
  }
  if (!restriction->reason.empty()) sentence += ": " + format_safe_line(restriction->reason);
  return Error{ExitStatus::kNoPermission, sentence + "."};
}

std::optional<Error> ControlRequests::check_topic_free(const std::string& room) const {
  const auto lock = runner_->node().topic_lock(room);
  if (!lock || !lock->is_locked) return std::nullopt;
  const auto& allowed = lock->allowed;
  if (std::find(allowed.begin(), allowed.end(), runner_->member()) != allowed.end()) return std::nullopt;
  return Error{ExitStatus::kNoPermission,
               "The topic of " + place_called(room) + " is locked; it was not set. " + name_ranks(room)};
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::ModerateRequest& request) {
  const auto refuse = [&](const Error& error) { server_->refuse(session.id, id, error); };
  WriteAct act;
  act.verb = parse_verb(request.verb);
  if (!request.mesh) {
    const auto room = find_room(request.room);
    if (!room) return server_->refuse(session.id, id, control::invalid_params(room.error().message));
    act.room = *room;
  }
  if (!is_well_formed(request.reason)) return refuse({ExitStatus::kUsage, "The reason is not UTF-8."});
  act.reason = request.reason;
  if (request.member) {
    const auto member = find_member(*request.member);
    if (!member) return refuse(member.error());
    act.subject = *member;
  }
  if (request.for_ms) act.end_ms = runner_->wall_ms() + *request.for_ms;
  if (const auto error = check_allowed(act)) return refuse(*error);
  if (const auto error = check_can_say_now()) return refuse(*error);
  if (request.member) return runner_->write_act(session.id, id, std::move(act));
  // As the store has it: the topic that somebody has just seen is the one that is locked.
  using Topic = std::optional<StoredTopic>;
  ask_store<Topic>(
      session, id,
      [room = act.room, lock = runner_->topic_lock(act.room)](MeshStore& store) {
        return store.topic_of(room, lock);
      },
      [this, id, act](ControlSession& asking, Topic& topic) {
        WriteAct of_topic = act;
        if (topic) of_topic.topic = topic->id;
        runner_->write_act(asking.id, id, std::move(of_topic));
      });
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::ModerationRequest& request) {
  std::string room;
  if (!request.mesh) {
    auto found = find_room(request.room);
    if (!found) return server_->refuse(session.id, id, control::invalid_params(found.error().message));
    room = *std::move(found);
  }
  const Node& node = runner_->node();
  control::ModerationReply reply;
  reply.room = room;
  for (const RankView& view : node.ranks(room))
    reply.ranks.push_back({node.shown_name(view.member), view.member, format_rank(view.rank)});
  const WallMs now_ms = runner_->wall_ms();
  for (const RestrictionView& view : node.restrictions(room)) {
    if (view.end_ms != 0 && view.end_ms <= now_ms) continue;
    reply.restrictions.push_back({node.shown_name(view.member), view.member, view.is_ban,
                                  node.shown_name(view.by), view.since_ms, view.end_ms, view.reason});
  }
  const auto lock = room.empty() ? std::nullopt : node.topic_lock(room);
  reply.locked = lock && lock->is_locked;
  server_->reply(session.id, id, reply);
}

}  // namespace p2pmesh
