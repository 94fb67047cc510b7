// The lines of plain mode, design.md section 6. Everything foreign is made safe here, on its way out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "p2pmesh/base/room_label.h"
#include "p2pmesh/control/event.h"
#include "p2pmesh/control/reply.h"

namespace p2pmesh {

/// ">INFO: " and a sentence, whose foreign parts are safe already.
void append_info(std::string& out, std::string_view sentence);

/// "Bob: hello", or "#dev Bob: hello" with a room in front; "Bob (direct): hello", and of one's own "Alice
/// (direct to Bob): hello".
void append_message(std::string& out, const control::ChatMessage& message, std::string_view room_in_front);

/// When nobody else is here but some are known: asks whom to write to.
void append_whom(std::string& out, const control::MembersReply& members);
/// ">INFO: A message of Bob is missing here."
void append_gap(std::string& out, const control::ChatMessage& message);

/// "Bob joined." and its like. `own_name`: as the local member is shown.
void append_notice(std::string& out, const control::NoticeEvent& notice, std::string_view own_name = {});

/// " Careful: the name looks like Bob, who is another member.", or why else the name is doubtful; empty when
/// it is not.
std::string describe_doubt(const control::NameDoubt& doubt, std::string_view own_name = {});

/// "looks like Bob", "mixes scripts", or both; empty likewise.
std::string list_doubt(const control::NameDoubt& doubt);

/// ">INFO: Careful: Bob is now another member (key 4f2a...), not the Bob you talked with, who is Bob~9c1d."
void append_taken_over(std::string& out, const std::string& name, const MemberKey& holder,
                       const std::string& contact);

/// ">INFO: Alice wants to chat. /accept Alice or /decline Alice"
void append_request(std::string& out, const std::string& shown_name, const std::string& doubt = {});

/// ">INFO: Alice at address 127.0.0.1 is listening at 55107."
void append_listening(std::string& out, const control::StatusReply& status);

/// "Here: Bob, Carol." or how others can join; the own entry does not count.
void append_here(std::string& out, const control::StatusReply& status, const control::MembersReply& members);

/// One line a member: online or offline, and since when.
void append_who(std::string& out, const control::MembersReply& members);

/// One line a room: "#dev, joined, 3 unread, 12 messages."
void append_rooms(std::string& out, const control::RoomsReply& rooms);

/// "Topic of #dev: ... (Bob, 2026-11-21 14:05)", or that there is none.
void append_topic(std::string& out, std::string_view room, const std::optional<control::TopicFacts>& topic);

/// "Bob set the topic of #dev: ..." or "Bob cleared the topic of #dev."
void append_topic_set(std::string& out, const control::TopicEvent& event);

/// "3 unread in #dev."
void append_unread(std::string& out, std::string_view safe_room, std::uint64_t unread);

/// "Alice invites you to #board. /join #board to enter."
void append_invitation(std::string& out, std::string_view name, const std::string& room,
                       std::string_view to_join);

/// "1 line", "3 lines".
std::string count_of(std::size_t count, std::string_view noun);

}  // namespace p2pmesh
