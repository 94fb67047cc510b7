// The verbs about rooms: rooms, join, invite, topic.
#include <algorithm>

#include "clock_text.h"
#include "complaint.h"
#include "ctl_session.h"
#include "key_file.h"
#include "p2pmesh/text/safe_text.h"
#include "screen_lines.h"

namespace p2pmesh {
namespace {

std::string pad_cell(const std::string& foreign, std::size_t columns) {
  const std::string safe = format_safe_line(foreign);
  return safe + std::string(columns - std::min(columns, display_columns(safe)), ' ') + "  ";
}

}  // namespace

Result<ExitStatus> show_rooms(CtlSession& session, const CtlOptions& options) {
  const auto reply = session.ask<control::RoomsReply>(control::RoomsRequest{});
  if (!reply) return tl::unexpected<Error>(reply.error());
  if (options.json) return session.print_value(*reply);
  std::size_t columns = 0;
  for (const control::RoomEntry& room : reply->rooms)
    columns = std::max(columns, display_columns(format_safe_line(room.name)));
  std::string out;
  for (const control::RoomEntry& room : reply->rooms) {
    out += pad_cell(room.name, columns);
    if (room.invited_by) {
      out += "private, invited by " + format_safe_line(*room.invited_by) + "\n";
      continue;
    }
    if (room.is_private && !room.has_key) {
      out += "private, no key here\n";
      continue;
    }
    out += room.current ? "current     " : room.joined ? "joined      " : "not joined  ";
    out += std::to_string(room.unread) + " unread, " + count_of(room.messages, "message");
    if (room.is_private) out += ", private";
    if (room.topic) out += "  " + format_safe_line(room.topic->text);
    out += '\n';
  }
  return session.print(out).map([] { return ExitStatus::kOk; });
}

Result<ExitStatus> join_room(CtlSession& session, const CtlOptions& options) {
  control::JoinRoomRequest request{options.room};
  if (!options.key_file.empty()) {
    const auto file = open_key_file(options.key_file);
    if (!file) return tl::unexpected<Error>(file.error());
    if (file->is_new)
      complain("p2pmeshctl", "A new key is in " + options.key_file + ": whoever has it can read the room.");
    request.key = file->key;
  }
  const auto joined = session.ask<control::RoomReply>(request);
  if (!joined) return tl::unexpected<Error>(joined.error());
  if (options.json) return session.print_value(*joined);
  return session.print(format_safe_line(joined->room.name) + "\n").map([] { return ExitStatus::kOk; });
}

Result<ExitStatus> invite_member(CtlSession& session, const CtlOptions& options) {
  const auto sent = session.ask<control::SendReply>(control::InviteRequest{options.room, options.peer});
  if (!sent) return tl::unexpected<Error>(sent.error());
  return ExitStatus::kOk;
}

Result<ExitStatus> show_or_set_topic(CtlSession& session, const CtlOptions& options) {
  if (options.sets_topic) {
    const auto set = session.ask<control::SendReply>(control::SetTopicRequest{options.room, options.text});
    if (!set) return tl::unexpected<Error>(set.error());
    if (options.json) return session.print_value(*set);
    return session.print(control::format_message_id(set->id) + "\n").map([] { return ExitStatus::kOk; });
  }
  const auto reply = session.ask<control::TopicReply>(control::GetTopicRequest{options.room});
  if (!reply) return tl::unexpected<Error>(reply.error());
  if (options.json) return session.print_value(*reply);
  if (!reply->topic) return ExitStatus::kOk;
  const control::TopicFacts& topic = *reply->topic;
  return session
      .print(format_safe_line(topic.text) + " (" + format_safe_line(topic.name) + ", " +
             format_utc(topic.at_ms) + ")\n")
      .map([] { return ExitStatus::kOk; });
}

}  // namespace p2pmesh
