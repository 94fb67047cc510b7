#include "room_history.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "contact_lines.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {

void RoomHistory::show_newest(const std::string& room, const std::optional<std::string>& member,
                              std::size_t count) {
  room_ = view_.room_called(room);
  member_ = member;
  before_.reset();
  is_newest_ = true;
  wanted_ = count;
  ask_page();
}

void RoomHistory::show_earlier(std::size_t count) {
  if (!before_) return view_.show_info("Nothing to go back from: type /history first.");
  if (!has_earlier_) return view_.show_info("There are no earlier messages " + place() + ".");
  is_newest_ = false;
  wanted_ = count;
  ask_page();
}

/// Several pages at most: a page ends at a number of bytes too.
void RoomHistory::ask_page() {
  control::ListRequest request;
  request.room = room_;
  request.with = member_;
  request.before = before_;
  request.limit = std::min(wanted_ - gathered_.size(), limits::kControlPageMax);
  ask_(request, [this](const control::Reply& reply) {
    const auto* page = std::get_if<control::ListReply>(&reply);
    if (page != nullptr) return take_page(*page);
    gathered_.clear();
  });
}

void RoomHistory::take_page(const control::ListReply& page) {
  gathered_.insert(gathered_.begin(), page.messages.begin(), page.messages.end());
  has_earlier_ = page.more;
  if (!page.messages.empty()) before_ = page.messages.front().id;
  if (has_earlier_ && !page.messages.empty() && gathered_.size() < wanted_) return ask_page();
  finish();
}

void RoomHistory::finish() {
  std::vector<control::ChatMessage> messages(std::make_move_iterator(gathered_.begin()),
                                             std::make_move_iterator(gathered_.end()));
  gathered_.clear();
  if (messages.empty() && member_) {
    view_.show_info("There are no messages " + place() + ".");
  } else if (messages.empty()) {
    view_.show_info(view_.is_joined(room_) ? "There are no messages in " + view_.shown_room(room_) + "."
                                           : "Nobody has said anything in " + view_.shown_room(room_) +
                                                 ". /rooms lists those with messages.");
  } else {
    if (is_newest_ && !member_) view_.note_read(room_);
    view_.show_history(place(), messages, has_earlier_);
  }
  if (is_newest_) show_pending();
}

/// What was typed and is no message yet stands behind the newest.
void RoomHistory::show_pending() {
  ask_(control::PendingRequest{}, [this](const control::Reply& reply) {
    const auto* pending = std::get_if<control::PendingReply>(&reply);
    if (pending == nullptr) return;
    for (const control::PendingEntry& line : pending->lines) {
      const bool is_here = member_ ? line.name == *member_ : line.name.empty() && line.room == room_;
      if (line.number != 0 && is_here) view_.show_info("Not sent yet: " + describe_pending(line));
    }
  });
}

std::string RoomHistory::place() const {
  return member_ ? "with " + format_safe_line(*member_) : "of " + view_.shown_room(room_);
}

}  // namespace p2pmesh
