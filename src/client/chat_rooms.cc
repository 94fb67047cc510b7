// The commands about rooms: which there are, joining and leaving, inviting, their topics.
#include "chat_commands.h"
#include "clock_text.h"
#include "key_file.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/room_label.h"
#include "p2pmesh/text/safe_text.h"
#include "screen_lines.h"

namespace p2pmesh {

/// So that the node's counts are those of what is on this screen.
void ChatCommands::tell_read_rooms() {
  for (const control::MarkReadRequest& mark : view_.take_read_rooms())
    node_.request(mark, [](const auto&) {});
}

void ChatCommands::rooms(const CommandArguments&) {
  tell_read_rooms();
  ask(control::RoomsRequest{}, [this](const control::Reply& reply) {
    const auto* rooms = std::get_if<control::RoomsReply>(&reply);
    if (rooms == nullptr) return;
    // The node knows where the profile is; another screen may have changed it since this one looked.
    control::RoomsReply shown = *rooms;
    for (control::RoomEntry& room : shown.rooms) room.current = room.name == view_.current_room();
    view_.show_rooms(shown);
  });
}

void ChatCommands::join(const CommandArguments& arguments) {
  if (!arguments.room && arguments.key_file)
    return view_.show_info("Which room is it? Type /join #ROOM --key-file FILE");
  if (!arguments.room) return view_.show_info("You are in " + view_.shown_room(view_.current_room()) + ".");
  control::JoinRoomRequest request{*arguments.room};
  if (arguments.key_file) {
    if (const auto named = check_private_name(request.room); !named)
      return view_.show_info(named.error().message);
    const auto file = open_key_file(*arguments.key_file);
    if (!file) return view_.show_info(format_safe_line(file.error().message));
    request.key = file->key;
    if (file->is_new) {
      view_.show_info("A new key is in " + format_safe_line(*arguments.key_file) +
                      ": whoever has it can read the room.");
    }
  } else {
    request.room = view_.room_called(request.room);
  }
  tell_read_rooms();
  ask(request, [this](const control::Reply& reply) {
    const auto* joined = std::get_if<control::RoomReply>(&reply);
    if (joined == nullptr) return;
    const control::RoomEntry& room = joined->room;
    view_.enter_room(room.name);
    const std::string name = view_.shown_room(room.name) + (room.is_private ? " (private)" : "");
    if (room.messages > 0) {
      view_.show_info("You are in " + name + " now; " + count_of(room.messages, "message") + ", the newest " +
                      format_local_date(room.newest_ms) + ".");
    } else {
      view_.show_info(room.is_private ? "You are in " + name + " now."
                                      : "You are the first in " + name + ".");
    }
    if (room.topic) view_.show_topic(room.name, room.topic);
    if (room.unread > 0) view_.show_unread_of(room);
  });
}

void ChatCommands::part(const CommandArguments& arguments) {
  const std::string left = view_.room_called(arguments.room.value_or(view_.current_room()));
  ask(control::PartRoomRequest{left}, [this, left](const control::Reply& reply) {
    const auto* next = std::get_if<control::RoomReply>(&reply);
    if (next == nullptr) return;
    const bool was_current = left == view_.current_room();
    const std::string name = view_.shown_room(left);
    view_.leave_room(left, next->room.name);
    view_.show_info("You left " + name +
                    (was_current ? "; you are in " + view_.shown_room(view_.current_room()) + " now." : "."));
    if (is_private_room(left)) view_.show_info("Its key is kept: /join " + name + " needs no file.");
  });
}

void ChatCommands::invite(const CommandArguments& arguments) {
  const std::string room = view_.current_room();
  const std::string member = *arguments.member;
  ask(control::InviteRequest{room, member}, [this, room, member](const control::Reply& reply) {
    const auto* sent = std::get_if<control::SendReply>(&reply);
    if (sent == nullptr) return;
    view_.show_info("You have invited " + format_safe_line(member) + " to " + view_.shown_room(room) + ".");
  });
}

void ChatCommands::topic(const CommandArguments& arguments) {
  const std::string room = view_.current_room();
  if (arguments.text.empty()) {
    return ask(control::GetTopicRequest{room}, [this](const control::Reply& reply) {
      if (const auto* topic = std::get_if<control::TopicReply>(&reply))
        view_.show_topic(topic->room, topic->topic);
    });
  }
  if (!is_well_formed(arguments.text)) return view_.show_info("That is not UTF-8; it was not set.");
  if (arguments.text.size() > limits::kTopicBytesMax) {
    return view_.show_info("That has " + std::to_string(arguments.text.size()) + " bytes, more than " +
                           std::to_string(limits::kTopicBytesMax) + "; it was not set.");
  }
  const std::string text = arguments.text == "-" ? "" : arguments.text;
  ask(control::SetTopicRequest{room, text}, [this, room, text](const control::Reply& reply) {
    const auto* set = std::get_if<control::SendReply>(&reply);
    if (set == nullptr) return;
    view_.on_sent(*set);
    const std::string name = view_.shown_room(room);
    view_.show_info(text.empty() ? "You cleared the topic of " + name + "."
                                 : "You set the topic of " + name + ": " + format_safe_line(text));
  });
}

}  // namespace p2pmesh
