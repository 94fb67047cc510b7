#include "screen_lines.h"

#include <algorithm>
#include <set>

#include "clock_text.h"
#include "p2pmesh/base/room_label.h"
#include "p2pmesh/text/safe_text.h"
#include "room_names.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kNamesMax = 64;       // in one line of "Here:"; guess
constexpr std::size_t kKeyDigitsShown = 4;  // as in a suffix

}  // namespace

void append_info(std::string& out, std::string_view sentence) {
  out += ">INFO: ";
  out += sentence;
  out += '\n';
}

void append_message(std::string& out, const control::ChatMessage& message, std::string_view room_in_front) {
  if (!message.direct && !room_in_front.empty()) {
    out += format_safe_line(room_in_front);
    out += ' ';
  }
  out += format_safe_line(message.name);
  if (message.direct)
    out += message.own ? " (direct to " + format_safe_line(message.direct->name) + ")" : " (direct)";
  out += ": ";
  out += format_safe_line(message.text);
  out += '\n';
}

void append_whom(std::string& out, const control::MembersReply& members) {
  constexpr std::size_t kNamesMax = 8;  // a line
  std::string names;
  std::size_t others = 0;
  for (const control::MemberEntry& member : members.members) {
    if (member.self) continue;
    if (member.online) return;
    if (others++ < kNamesMax) names += (names.empty() ? "" : ", ") + format_safe_line(member.name);
  }
  if (others == 0) return;
  if (others > kNamesMax) names += ", ...";
  append_info(out, "Whom do you want to chat with? /chat NAME, who may be away: " + names + ".");
}

void append_gap(std::string& out, const control::ChatMessage& message) {
  append_info(out, "A message of " + format_safe_line(message.name) + " is missing here.");
}

void append_notice(std::string& out, const control::NoticeEvent& notice, std::string_view own_name) {
  const std::string name = format_safe_line(notice.name);
  const std::string doubt = describe_doubt(notice.doubt, own_name);
  switch (notice.kind) {
    case control::NoticeKind::kJoined:
      return append_info(out, name + " joined." + doubt);
    case control::NoticeKind::kLeft:
      return append_info(out, name + " left.");
    case control::NoticeKind::kOffline:
      return append_info(out, name + " is offline.");
    case control::NoticeKind::kBack:
      return append_info(out, name + " is back.");
    case control::NoticeKind::kRenamed:
      return append_info(out, format_safe_line(notice.old_name) + " is now " + name + "." + doubt);
    case control::NoticeKind::kAsks:
      return append_request(out, notice.name, doubt);
    case control::NoticeKind::kAccepted:
      return append_info(out, name + " wants to chat with you too.");
    case control::NoticeKind::kDeclined:
      return append_info(out, name + " declined; what you write waits, in case that changes.");
    case control::NoticeKind::kHidden:
      return append_info(out, name + " appears offline to others now; you see that " + name + " is here.");
    case control::NoticeKind::kRevoked:
      return append_info(out, name + "'s key was revoked.");
    case control::NoticeKind::kTakenOver:
      return append_taken_over(out, notice.name, notice.member, notice.old_name);
  }
}

std::string describe_doubt(const control::NameDoubt& doubt, std::string_view own_name) {
  if (doubt.looks_like && *doubt.looks_like == own_name) return " Careful: the name looks like yours.";
  if (doubt.looks_like) {
    return " Careful: the name looks like " + format_safe_line(*doubt.looks_like) +
           ", who is another member.";
  }
  return doubt.mixes_scripts ? " Careful: the name mixes letters of several scripts." : "";
}

std::string list_doubt(const control::NameDoubt& doubt) {
  std::string list;
  if (doubt.looks_like) list = "looks like " + format_safe_line(*doubt.looks_like);
  if (doubt.mixes_scripts) list += list.empty() ? "mixes scripts" : ", mixes scripts";
  return list;
}

void append_taken_over(std::string& out, const std::string& name, const MemberKey& holder,
                       const std::string& contact) {
  const std::string safe = format_safe_line(name);
  append_info(out, "Careful: " + safe + " is now another member (key " +
                       holder.hex().substr(0, kKeyDigitsShown) + "...), not the " + safe +
                       " you talked with, who is " + format_safe_line(contact) + ".");
}

void append_request(std::string& out, const std::string& shown_name, const std::string& doubt) {
  const std::string name = format_safe_line(shown_name);
  append_info(out, name + " wants to chat. /accept " + name + " or /decline " + name +
                       (doubt.empty() ? "" : "." + doubt));
}

void append_listening(std::string& out, const control::StatusReply& status) {
  append_info(out, format_safe_line(status.name) + " at address " + format_safe_line(status.address) +
                       " is listening at " + std::to_string(status.port) + ".");
}

void append_here(std::string& out, const control::StatusReply& status, const control::MembersReply& members) {
  std::vector<std::string> names;
  for (const control::MemberEntry& member : members.members) {
    if (member.online && !member.self) names.push_back(format_safe_line(member.name));
  }
  std::sort(names.begin(), names.end());
  std::string here = "Here: ";
  for (std::size_t i = 0; i < std::min(names.size(), kNamesMax); ++i) here += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kNamesMax) here += " and " + std::to_string(names.size() - kNamesMax) + " more";
  if (names.empty()) here = "Nobody else is here";
  here += '.';
  if (names.empty() && !status.closed)
    here += " Others join with: ./p2pchat NAME " + format_safe_line(status.address) + " " +
            std::to_string(status.port);
  append_info(out, here);
  append_info(out, status.closed
                       ? "This mesh is closed: who has an invite comes in, and nobody else; /link makes one."
                       : "This mesh is open: whoever reaches it can join and read.");
}

void append_who(std::string& out, const control::MembersReply& members) {
  for (const control::MemberEntry& member : members.members) {
    const std::string doubt = list_doubt(member.doubt);
    append_info(out, format_safe_line(member.name) + (member.self ? " (you)" : "") +
                         (doubt.empty() ? "" : " (" + doubt + ")") + " is " +
                         (member.online ? "online" : "offline") + " since " +
                         format_local_date(member.since_ms) +
                         (member.hidden ? ", and appears offline to others." : "."));
  }
}

void append_rooms(std::string& out, const control::RoomsReply& rooms) {
  std::set<std::string> joined;
  for (const control::RoomEntry& room : rooms.rooms) {
    if (room.joined) joined.insert(room.name);
  }
  append_info(out, count_of(rooms.rooms.size(), "room") + ":");
  for (const control::RoomEntry& room : rooms.rooms) {
    const std::string name = format_safe_line(short_room(room.name, joined));
    const std::string entrance = "/join " + format_safe_line(room_to_join(room.name, joined)) + " to enter.";
    if (room.invited_by) {
      append_info(out,
                  name + ", private, " + format_safe_line(*room.invited_by) + " invites you: " + entrance);
    } else if (room.is_private && !room.has_key) {
      append_info(out, name + ", private, no key here.");
    } else {
      append_info(out, name + (room.is_private ? ", private" : "") +
                           (room.current  ? ", current, "
                            : room.joined ? ", joined, "
                                          : ", not joined, ") +
                           std::to_string(room.unread) + " unread, " + count_of(room.messages, "message") +
                           "." + (room.topic ? " Topic: " + format_safe_line(room.topic->text) : ""));
    }
  }
}

void append_topic(std::string& out, std::string_view room, const std::optional<control::TopicFacts>& topic) {
  const std::string name = format_safe_line(room);
  if (!topic) return append_info(out, name + " has no topic.");
  append_info(out, "Topic of " + name + ": " + format_safe_line(topic->text) + " (" +
                       format_safe_line(topic->name) + ", " + format_local_date(topic->at_ms) + ")");
}

void append_topic_set(std::string& out, const control::TopicEvent& event) {
  const std::string name = format_safe_line(event.topic.name);
  const std::string room = format_safe_line(event.room);
  if (event.topic.text.empty()) return append_info(out, name + " cleared the topic of " + room + ".");
  append_info(out, name + " set the topic of " + room + ": " + format_safe_line(event.topic.text));
}

void append_unread(std::string& out, std::string_view safe_room, std::uint64_t unread) {
  append_info(out, std::to_string(unread) + " unread in " + std::string(safe_room) + ".");
}

void append_invitation(std::string& out, std::string_view name, const std::string& room,
                       std::string_view to_join) {
  append_info(out, format_safe_line(name) + " invites you to " + format_safe_line(room_name(room)) +
                       ". /join " + format_safe_line(to_join) + " to enter.");
}

std::string count_of(std::size_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

}  // namespace p2pmesh
