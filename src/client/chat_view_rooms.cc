// What a screen shows of which room, and what of it the node is told to count as read.
#include <algorithm>
#include <utility>

#include "chat_view.h"
#include "p2pmesh/text/safe_text.h"
#include "room_names.h"

namespace p2pmesh {

void ChatView::set_rooms(const control::RoomsReply& rooms, const control::Cursor& read_until) {
  joined_.clear();
  for (const control::RoomEntry& room : rooms.rooms) {
    if (room.joined) joined_.insert(room.name);
    if (room.current) current_ = room.name;
  }
  seen_ = shown_ = std::max(seen_, read_until);
  read_[current_] = {read_until, {}, read_until};  // what comes after it is gathered and shown
}

void ChatView::show_unread(const control::RoomsReply& rooms) {
  note_shown(current_, seen_);
  if (current_ != kDefaultRoom) show_info("You are in " + shown_room(current_) + ".");
  for (const control::RoomEntry& room : rooms.rooms) {
    if (room.name == current_ && room.topic) show_topic(room.name, room.topic);
    if (room.invited_by) show_invitation(room.name, *room.invited_by);
  }
  for (const control::RoomEntry& room : rooms.rooms) {
    if (!room.joined || room.name == current_) continue;
    joined_.insert(room.name);
    read_[room.name] = {seen_, {}, seen_};
    if (room.unread > 0) show_unread_of(room);
  }
  if (stage_ != Stage::kShowing) return;
  // Which of it concerns us is known by now.
  for (control::Event& event : std::exchange(held_, {})) on_event(std::move(event), Instant{});
}

void ChatView::enter_room(const std::string& room) {
  if (joined_.insert(room).second) read_[room] = {seen_, {}, seen_};
  current_ = room;
}

void ChatView::leave_room(const std::string& room, const std::string& next) {
  if (joined_.insert(next).second) read_[next] = {seen_, {}, seen_};
  joined_.erase(room);
  if (current_ == room) current_ = next;
}

/// Another screen, or a script, has joined or left a room.
void ChatView::on_room(const control::RoomEvent& event) {
  if (event.joined) {
    if (joined_.insert(event.room).second) read_[event.room] = {seen_, {}, seen_};
    return;
  }
  if (joined_.erase(event.room) == 0 || current_ != event.room || joined_.empty()) return;
  current_ = joined_.contains(std::string(kDefaultRoom)) ? std::string(kDefaultRoom) : *joined_.begin();
  show_info("Another screen left " + shown_room(event.room) + "; you are in " + shown_room(current_) +
            " now.");
}

/// What is set before the opening is complete is told by it.
void ChatView::on_topic(const control::TopicEvent& event) {
  const bool is_ours = sent_.erase({event.envelope, 0}) != 0;
  if (stage_ != Stage::kShowing || is_ours || !is_joined(event.room)) return;
  control::TopicEvent shown = event;
  shown.room = short_room(event.room, joined_);
  append_topic_set(out_, shown);
}

std::string ChatView::shown_room(const std::string& room) const {
  return format_safe_line(short_room(room, joined_));
}

std::string ChatView::room_called(const std::string& typed) const {
  return p2pmesh::room_called(typed, joined_);
}

void ChatView::show_invitation(const std::string& room, const std::string& name) {
  append_invitation(out_, name, room, room_to_join(room, joined_));
}

void ChatView::show_topic(const std::string& room, const std::optional<control::TopicFacts>& topic) {
  append_topic(out_, short_room(room, joined_), topic);
}

void ChatView::follow_rooms(const control::RoomsReply& rooms) {
  std::set<std::string> left = joined_;
  for (const control::RoomEntry& room : rooms.rooms) {
    if (!room.joined) continue;
    left.erase(room.name);
    on_room({room.name, true});
  }
  for (const std::string& room : left) on_room({room, false});
}

void ChatView::show_history(const std::string& place, const std::vector<control::ChatMessage>& messages,
                            bool has_earlier) {
  flush_late();  // what waits is in the block, or belongs before it
  show_info(count_of(messages.size(), "message") + " " + place + ":");
  show_listed(messages);
  for (const control::ChatMessage& message : messages) note_shown_directs(message, seen_);
  show_info(has_earlier ? "End of messages; /history back shows earlier ones."
                        : "End of messages; there are no earlier ones.");
}

void ChatView::note_read(const std::string& room) {
  read_[room] = {{}, seen_, {}};
}

void ChatView::note_shown(const std::string& room, const control::Cursor& cursor) {
  ReadRoom& read = read_[room];
  read.newest = std::max(read.newest, cursor);
}

/// What the other one wrote; the cursor may stand behind it.
void ChatView::note_shown_directs(const control::ChatMessage& message, const control::Cursor& cursor) {
  if (!message.direct || message.own) return;
  ReadRoom& read = read_with_[message.direct->peer];
  read.newest = std::max(read.newest, cursor);
}

bool ChatView::is_untold(const ReadRoom& read) const {
  return read.newest > read.told && shown_ > read.told;
}

bool ChatView::has_read_rooms() const {
  const auto is_due = [this](const auto& at) { return is_untold(at.second); };
  return std::any_of(read_.begin(), read_.end(), is_due) ||
         std::any_of(read_with_.begin(), read_with_.end(), is_due);
}

std::vector<control::MarkReadRequest> ChatView::take_read_rooms() {
  std::vector<control::MarkReadRequest> marks;
  for (auto& [room, read] : read_) {
    if (!is_untold(read)) continue;
    read.told = shown_;
    control::MarkReadRequest mark{shown_, room, std::nullopt};
    if (read.after != control::Cursor{}) mark.after = read.after;
    marks.push_back(std::move(mark));
  }
  if (stage_ == Stage::kGathering) return marks;  // direct messages come after the rest
  for (auto& [member, read] : read_with_) {
    if (!is_untold(read)) continue;
    read.told = shown_;
    marks.push_back({shown_, std::nullopt, std::nullopt, member.hex()});
  }
  return marks;
}

}  // namespace p2pmesh
