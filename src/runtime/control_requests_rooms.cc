// The requests about rooms: which there are, joining and leaving, what was read, what they are about.
#include <algorithm>

#include "control_requests.h"
#include "p2pmesh/core/room_secret.h"
#include "p2pmesh/text/name.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {

void ControlRequests::answer(ControlSession& session, const std::string& id, const control::RoomsRequest&) {
  server_->reply(session.id, id, runner_->list_rooms());
}

Result<std::string> ControlRequests::find_room(const std::string& typed) const {
  const auto room = check_room_label(typed);
  if (!room) return room;
  return runner_->find_room(*room);
}

Result<std::string> ControlRequests::find_writable_room(const std::string& typed) const {
  auto room = find_room(typed);
  if (!room || !is_private_room(*room) || runner_->has_room_key(*room)) return room;
  return fail(
      ExitStatus::kUsage,
      "The key of " + *room + " is not here, so nothing can be said there. Join it with --key-file FILE.");
}

Result<std::string> ControlRequests::find_room_to_join(const control::JoinRoomRequest& request) {
  const auto typed = check_room_label(request.room);
  if (!typed) return typed;
  if (!request.key) return runner_->find_room_to_join(*typed);
  if (typed->ends_with(kPublicSuffix)) return fail(ExitStatus::kUsage, "A public room has no key.");
  const std::string label = private_room_label(room_name(*typed), *request.key);
  if (is_private_room(*typed) && *typed != label)
    return fail(ExitStatus::kUsage, "That is not the key of " + *typed + " but of " + label + ".");
  return runner_->take_room_key(room_name(*typed), *request.key);
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::JoinRoomRequest& request) {
  if (const auto typed = check_room_label(request.room); !typed)
    return server_->refuse(session.id, id, control::invalid_params(typed.error().message));
  const auto room = find_room_to_join(request);
  if (!room) return server_->refuse(session.id, id, room.error());
  if (const auto error = check_may_join(*room)) return server_->refuse(session.id, id, *error);
  const auto joined = runner_->change_rooms([&](RoomList& rooms) { return rooms.join(*room); });
  if (!joined) return server_->refuse(session.id, id, joined.error());
  // Of a private one nobody is to hear before something is said there.
  if (*joined && !is_private_room(*room)) runner_->found_room(*room);
  const auto tell = [this, session_id = session.id, id, room = *room, is_new = *joined] {
    server_->reply(session_id, id, control::RoomReply{runner_->describe_room(room)});
    // Behind the reply, so that who asked knows that it was its own doing.
    if (is_new) server_->publish_unordered(runner_->mesh(), control::RoomEvent{room, true});
  };
  if (!is_private_room(*room)) return tell();
  // Behind what was to be kept, and before what is opened: that is told on its own.
  ++session.unanswered;
  runner_->storage().ask([](MeshStore&) {},
                         [this, session_id = session.id, tell] {
                           if (ControlSession* asking = server_->find(session_id)) asking->end_one();
                           tell();
                         });
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::InviteRequest& request) {
  const auto refuse = [&](const Error& error) { server_->refuse(session.id, id, error); };
  const auto room = find_writable_room(request.room);
  if (!room) return refuse(room.error());
  if (!is_private_room(*room)) {
    return refuse({ExitStatus::kUsage, *room + " is public: whoever wants to can join it. A private room is "
                                               "joined with --key-file FILE."});
  }
  const auto member = find_member(request.member);
  if (!member) return refuse(member.error());
  if (*member == runner_->member()) return refuse({ExitStatus::kUsage, "That is you, and you are in it."});
  const std::string name = format_safe_line(runner_->node().shown_name(*member));
  const auto people = runner_->node().correspondents();
  const auto person = std::find_if(people.begin(), people.end(),
                                   [&](const CorrespondentView& known) { return known.member == *member; });
  const bool is_talked_to =
      person != people.end() && person->mine == Relation::kAccepted && person->theirs != Relation::kDeclined;
  if (!is_talked_to) {
    return refuse({ExitStatus::kUsage, name +
                                           " has not accepted to talk with you, so no key is sent. Ask "
                                           "first: /request " +
                                           name});
  }
  if (const auto open = check_recipient(*member); !open) return refuse(open.error());
  if (runner_->node().access_to(*member) != DirectAccess::kOpen) {
    return refuse(
        {ExitStatus::kTryAgain, "No key of " + name + " to seal to is known yet; invite again later."});
  }
  if (const auto error = check_can_say_now()) return refuse(*error);
  runner_->send_invite(session.id, id, *member, *room);
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::PartRoomRequest& request) {
  const auto room = find_room(request.room);
  if (!room) return server_->refuse(session.id, id, control::invalid_params(room.error().message));
  const auto parted = runner_->change_rooms([&](RoomList& rooms) { return rooms.part(*room); });
  if (!parted) return server_->refuse(session.id, id, parted.error());
  const control::RoomEntry current = runner_->describe_room(runner_->rooms().current());
  server_->reply(session.id, id, control::RoomReply{current});
  // The default room may have been joined in its place: whoever was in the other one goes there.
  server_->publish_unordered(runner_->mesh(), control::RoomEvent{current.name, true});
  server_->publish_unordered(runner_->mesh(), control::RoomEvent{*room, false});
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::MarkReadRequest& request) {
  if (request.with) {
    const auto member = find_member(*request.with);
    if (!member) return server_->refuse(session.id, id, member.error());
    runner_->mark_read_with(*member, request.cursor.row);
    return server_->reply(session.id, id, control::EmptyReply{});
  }
  if (!request.room) {
    runner_->mark_read(request.cursor);
    return server_->reply(session.id, id, control::EmptyReply{});
  }
  const auto room = find_room(*request.room);
  if (!room) return server_->refuse(session.id, id, control::invalid_params(room.error().message));
  runner_->change_rooms([&](RoomList& rooms) {
    rooms.mark_read(*room, request.cursor, request.after);
    return true;
  });
  server_->reply(session.id, id, control::EmptyReply{});
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::GetTopicRequest& request) {
  const auto room = find_room(request.room);
  if (!room) return server_->refuse(session.id, id, control::invalid_params(room.error().message));
  // From the store: who has just set one is to see it.
  using Topic = std::optional<StoredTopic>;
  ask_store<Topic>(
      session, id,
      [room = *room, lock = runner_->topic_lock(*room)](MeshStore& store) {
        return store.topic_of(room, lock);
      },
      [this, id, room = *room](ControlSession& asking, Topic& topic) {
        control::TopicReply reply{room, std::nullopt};
        const bool is_shown = topic && !runner_->people().is_ignored(topic->author);
        if (is_shown && !topic->text.empty()) reply.topic = runner_->to_facts(*topic);
        server_->reply(asking.id, id, reply);
      });
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::SetTopicRequest& request) {
  auto room = find_writable_room(request.room);
  if (!room) return server_->refuse(session.id, id, control::invalid_params(room.error().message));
  if (const auto error = check_may_say(*room)) return server_->refuse(session.id, id, *error);
  if (const auto error = check_topic_free(*room)) return server_->refuse(session.id, id, *error);
  if (const auto error = check_can_say_now()) return server_->refuse(session.id, id, *error);
  runner_->set_topic(session.id, id, *std::move(room), request.text);
}

}  // namespace p2pmesh
