// The requests about rooms: which there are, joining and leaving, what was read.
#include "control_requests.h"
#include "p2pmesh/text/name.h"

namespace p2pmesh {

void ControlRequests::answer(ControlSession& session, const std::string& id, const control::RoomsRequest&) {
  server_->reply(session.id, id, runner_->rooms().list());
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::JoinRoomRequest& request) {
  const auto room = check_room(request.room);
  if (!room) return server_->refuse(session.id, id, control::invalid_params(room.error().message));
  const auto joined = runner_->change_rooms([&](RoomList& rooms) { return rooms.join(*room); });
  if (!joined) return server_->refuse(session.id, id, control::application_error(joined.error()));
  server_->reply(session.id, id, control::RoomReply{runner_->rooms().entry(*room)});
  // Behind the reply, so that who asked knows that it was its own doing.
  if (*joined) server_->publish_unordered(control::RoomEvent{*room, true});
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::PartRoomRequest& request) {
  const auto room = check_room(request.room);
  if (!room) return server_->refuse(session.id, id, control::invalid_params(room.error().message));
  const auto parted = runner_->change_rooms([&](RoomList& rooms) { return rooms.part(*room); });
  if (!parted) return server_->refuse(session.id, id, control::application_error(parted.error()));
  const control::RoomEntry current = runner_->rooms().entry(runner_->rooms().current());
  server_->reply(session.id, id, control::RoomReply{current});
  // The default room may have been joined in its place: whoever was in the other one goes there.
  server_->publish_unordered(control::RoomEvent{current.name, true});
  server_->publish_unordered(control::RoomEvent{*room, false});
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::MarkReadRequest& request) {
  if (request.with) {
    const auto member = find_member(*request.with);
    if (!member) return server_->refuse(session.id, id, control::application_error(member.error()));
    runner_->mark_read_with(*member, request.cursor.row);
    return server_->reply(session.id, id, control::EmptyReply{});
  }
  if (!request.room) {
    runner_->mark_read(request.cursor);
    return server_->reply(session.id, id, control::EmptyReply{});
  }
  const auto room = check_room(*request.room);
  if (!room) return server_->refuse(session.id, id, control::invalid_params(room.error().message));
  runner_->change_rooms([&](RoomList& rooms) {
    rooms.mark_read(*room, request.cursor, request.after);
    return true;
  });
  server_->reply(session.id, id, control::EmptyReply{});
}

}  // namespace p2pmesh
