// What acts do at this node: what they refuse is hidden in the store, what they say is told, and who is put
// out leaves.
#include "mesh_runner.h"
#include "p2pmesh/storage/refused_rows.h"

namespace p2pmesh {
namespace {

constexpr WallMs kClocksApart = 60'000;  // of who kicks and who is kicked; guess

/// Empty for what is not told: that somebody has opened a room.
std::string format_verb(ActVerb verb) {
  switch (verb) {
    case ActVerb::kFound:
      return {};
    case ActVerb::kMod:
      return "mod";
    case ActVerb::kUnmod:
      return "unmod";
    case ActVerb::kKick:
      return "kick";
    case ActVerb::kBan:
      return "ban";
    case ActVerb::kUnban:
      return "unban";
    case ActVerb::kSilence:
      return "silence";
    case ActVerb::kUnsilence:
      return "unsilence";
    case ActVerb::kLockTopic:
      return "lock";
    case ActVerb::kUnlockTopic:
      return "unlock";
  }
  return {};
}

}  // namespace

void MeshRunner::write_entry(SessionId session, std::string request_id, const EntryBody& body,
                             control::Reply reply) {
  const std::uint64_t token = expect_acknowledge(session, std::move(request_id));
  sends_.at(token).reply = std::move(reply);
  handle(WriteEntry{token, body});
}

void MeshRunner::write_invite(const InviteSecret& secret) {
  EntryBody body;
  body.verb = EntryVerb::kInvite;
  body.invite = InviteKey{make_ed25519_signer(secret)->public_key()};
  body.uses = 1;
  handle(WriteEntry{next_token_++, body});
}

void MeshRunner::write_act(SessionId session, std::string request_id, WriteAct act) {
  act.token = expect_acknowledge(session, std::move(request_id));
  handle(act);
}

void MeshRunner::found_room(const std::string& room) {
  if (!node_->can_found(room)) return;
  WriteAct act;
  act.token = next_token_++;  // nobody waits for it
  act.verb = ActVerb::kFound;
  act.room = room;
  handle(act);
}

std::optional<StoredTopicLock> MeshRunner::topic_lock(const std::string& room) const {
  auto lock = node_->topic_lock(room);
  if (!lock) return std::nullopt;
  StoredTopicLock stored{lock->depth, lock->wall_ms, lock->id, lock->topic, std::nullopt};
  if (lock->is_locked) stored.allowed = std::move(lock->allowed);
  return stored;
}

void MeshRunner::run(const HideRefused& refused) {
  auto hidden = std::make_shared<Result<HiddenOf>>();
  auto counts = std::make_shared<Result<std::vector<RoomCount>>>();
  std::vector<MemberKey> never_unread{self_};
  for (const auto& [member, person] : people_.all()) {
    if (people_.is_ignored(member)) never_unread.push_back(member);
  }
  storage_->ask(
      [refused, hidden, counts, never_unread = std::move(never_unread),
       marks = rooms_.marks()](MeshStore& store) {
        *hidden = store.hide_refused(refused.author, refused.restrictions, refused.now_ms);
        if (!*hidden || !(*hidden)->changed) return;
        *counts = store.count_rooms(never_unread, marks);
      },
      [this, author = refused.author, hidden, counts] {
        RefusedHidden answer;
        answer.author = author;
        answer.failed = !*hidden;
        if (answer.failed) {
          around_.log.log(LogLevel::kError, hidden->error().message);
          return handle(answer);
        }
        for (StoredHidden& log : (*hidden)->logs)
          answer.logs.push_back({log.epoch, std::move(log.intervals), log.ids_digest});
        handle(answer);
        if (!(*hidden)->changed) return;
        // What was counted before is nearer than nothing.
        if (*counts)
          rooms_.retake_counts(**counts);
        else
          around_.log.log(LogLevel::kError, counts->error().message);
        messages_held_ = (*hidden)->messages;
        for (const control::RoomEntry& room : rooms_.list().rooms) look_at_topic(room.name);
      });
}

void MeshRunner::run(const LoadActs& wanted) {
  auto acts = std::make_shared<Result<std::vector<EnvelopePtr>>>();
  storage_->ask([wanted, acts](MeshStore& store) { *acts = store.acts_of(wanted.author); },
                [this, author = wanted.author, acts] {
                  if (!*acts) around_.log.log(LogLevel::kError, acts->error().message);
                  handle(ActsLoaded{author, *acts ? std::move(**acts) : std::vector<EnvelopePtr>{}, !*acts});
                });
}

/// The store has told the last ones.
void MeshRunner::look_at_locked_topics() {
  for (const control::RoomEntry& room : rooms_.list().rooms) {
    if (node_->topic_lock(room.name)) look_at_topic(room.name);
  }
}

void MeshRunner::leave_room(const std::string& room) {
  if (!rooms_.is_joined(room)) return;
  // The default room cannot be left when it is the last.
  if (!change_rooms([&](RoomList& rooms) { return rooms.part(room); })) return;
  around_.control.publish_unordered(place_.mesh, control::RoomEvent{rooms_.current(), true});
  around_.control.publish_unordered(place_.mesh, control::RoomEvent{room, false});
}

void MeshRunner::on_act(const Announce& announce) {
  const auto act = node_->act(announce.envelope->id);
  if (!act) return;
  const std::string verb = format_verb(act->verb);
  const bool is_lock = act->verb == ActVerb::kLockTopic || act->verb == ActVerb::kUnlockTopic;
  if (is_lock) look_at_topic(act->room);
  const bool is_self = act->subject == self_;
  // Who begins is not told of all that was ever done.
  const bool is_news = !announce.context.repaired || synced_;
  if (!verb.empty() && is_news) {
    control::ModerationEvent event;
    event.verb = verb;
    event.room = act->room;
    event.by = act->by;
    event.by_name = node_->shown_name(act->by);
    if (has_subject(act->verb)) {
      event.member = act->subject;
      event.name = node_->shown_name(act->subject);
    }
    event.self = is_self;
    event.end_ms = act->end_ms;
    event.reason = act->reason;
    around_.control.publish_unordered(place_.mesh, event);
  }
  if (!is_self) return;
  const auto restriction = node_->restriction_on(self_, act->room, around_.loop.now().wall_ms);
  const bool is_out =
      act->verb == ActVerb::kKick || (act->verb == ActVerb::kBan && restriction && restriction->is_ban);
  if (!is_out) return;
  if (!act->room.empty()) return leave_room(act->room);
  // One of long ago is not for this run.
  const WallMs at_ms = announce.envelope->envelope.wall_ms;
  is_kicked_ = is_kicked_ || (act->verb == ActVerb::kKick && at_ms + kClocksApart >= started_ms_);
}

}  // namespace p2pmesh
