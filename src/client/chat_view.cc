#include "chat_view.h"

#include <algorithm>
#include <utility>

#include "clock_text.h"
#include "contact_lines.h"
#include "mesh_lines.h"
#include "moderation_words.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/name.h"
#include "p2pmesh/text/safe_text.h"
#include "room_names.h"
#include "screen_lines.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr auto kLateDelay = 300ms;       // one answer of anti-entropy comes in one piece
constexpr std::size_t kLateMax = 1000;   // then they are shown without waiting; guess
constexpr std::size_t kHeldMax = 10000;  // events while history is listed; guess
constexpr std::size_t kListedRememberedMax = 10000;
constexpr std::size_t kSentRememberedMax = 100000;
constexpr std::size_t kDoubtedMax = 1000;       // more than the people one talks to
constexpr std::size_t kMissedDirectsMax = 100;  // as of a room's

}  // namespace

void ChatView::on_event(control::Event event, Instant now) {
  const bool has_line = std::holds_alternative<control::MessageEvent>(event) ||
                        std::holds_alternative<control::NoticeEvent>(event) ||
                        std::holds_alternative<control::TopicEvent>(event) ||
                        std::holds_alternative<control::RoomOpenedEvent>(event) ||
                        std::holds_alternative<control::InvitationEvent>(event) ||
                        std::holds_alternative<control::ModerationEvent>(event) ||
                        std::holds_alternative<control::StorageEvent>(event);
  if ((stage_ == Stage::kListing && has_line) || is_news_since_here(event)) {
    if (held_.size() < kHeldMax) {
      held_.push_back(std::move(event));
    } else {
      ++held_dropped_;
    }
    return;
  }
  if (auto* message = std::get_if<control::MessageEvent>(&event)) {
    on_message(std::move(*message), now);
  } else if (const auto* notice = std::get_if<control::NoticeEvent>(&event)) {
    on_notice(*notice);
  } else if (std::holds_alternative<control::LiveEvent>(event)) {
    is_live_ = true;
  } else if (std::holds_alternative<control::SyncedEvent>(event)) {
    is_synced_ = true;
  } else if (const auto* conversation = std::get_if<control::ConversationEvent>(&event)) {
    if (stage_ != Stage::kShowing) return;
    show_info(format_safe_line(conversation->name) + (conversation->open
                                                          ? " has opened a conversation with you."
                                                          : " has closed the conversation."));
  } else if (const auto* room = std::get_if<control::RoomEvent>(&event)) {
    on_room(*room);
  } else if (const auto* topic = std::get_if<control::TopicEvent>(&event)) {
    on_topic(*topic);
  } else if (const auto* opened = std::get_if<control::RoomOpenedEvent>(&event)) {
    if (stage_ == Stage::kShowing && is_joined(opened->room)) {
      show_info(count_of(opened->messages, "earlier message") + " of " + shown_room(opened->room) +
                " can be read now.");
    }
  } else if (const auto* invitation = std::get_if<control::InvitationEvent>(&event)) {
    if (stage_ == Stage::kShowing) show_invitation(invitation->room, invitation->name);
  } else if (const auto* act = std::get_if<control::ModerationEvent>(&event)) {
    const bool concerns_us = act->room.empty() || act->self || is_joined(act->room);
    if (stage_ == Stage::kShowing && concerns_us)
      show_info(describe_act(*act, act->room.empty() ? "" : short_room(act->room, joined_)));
  } else if (const auto* storage = std::get_if<control::StorageEvent>(&event)) {
    show_info(storage->state == "ok" ? "The node stores messages again."
                                     : "The node cannot store messages: " + format_safe_line(storage->state));
  }
}

/// Who is here has been said, and what came before is still being gathered: this is neither. Requests and
/// invitations are asked for afterwards.
bool ChatView::is_news_since_here(const control::Event& event) const {
  if (stage_ != Stage::kGathering || !has_shown_here_) return false;
  const auto* notice = std::get_if<control::NoticeEvent>(&event);
  const bool is_notice = notice != nullptr && !notice->replayed && notice->member != self_ &&
                         notice->kind != control::NoticeKind::kRevoked &&
                         notice->kind != control::NoticeKind::kAsks;
  return is_notice || std::holds_alternative<control::ModerationEvent>(event) ||
         std::holds_alternative<control::RoomOpenedEvent>(event) ||
         std::holds_alternative<control::ConversationEvent>(event);
}

void ChatView::on_sent(const control::SendReply& sent) {
  if (sent.pending != 0) {
    if (!told_waiting_) show_info("That waits until it can be sent; /pending shows what does.");
    told_waiting_ = true;
    return;
  }
  told_waiting_ = false;
  sent_.insert(sent.id);
  if (sent_.size() > kSentRememberedMax) sent_.erase(sent_.begin());
}

void ChatView::on_message(control::MessageEvent event, Instant now) {
  const control::Cursor cursor = event.cursor;
  // What had to wait was typed long before, here or on another screen.
  const bool is_ours = event.message.own && (sent_.erase(event.message.id) != 0 || event.was_pending);
  const std::string room = event.message.room;
  const bool is_direct = event.message.direct.has_value();
  if (stage_ == Stage::kGathering) {
    if (is_direct && !event.message.own) {
      note_shown_directs(event.message, cursor);
      missed_directs_.push_back(std::move(event.message));
      if (missed_directs_.size() > kMissedDirectsMax) missed_directs_.pop_front();
    } else if (!event.message.own && room == current_) {
      missed_.add(std::move(event.message));
    }
  } else if (is_direct || is_joined(room)) {
    is_direct ? note_shown_directs(event.message, cursor) : note_shown(room, cursor);
    if (is_ours || listed_.contains(event.message.id)) {
      // It is on the screen already.
    } else if (event.repaired) {
      late_.push_back(std::move(event));
      if (!late_deadline_) late_deadline_ = now + kLateDelay;
    } else {
      // What waits of the same author was written before this one.
      const bool author_waits =
          std::any_of(late_.begin(), late_.end(), [&](const control::MessageEvent& waiting) {
            return waiting.message.author == event.message.author;
          });
      if (author_waits) flush_late();
      if (event.gap) append_gap(out_, event.message);
      append(event.message);
    }
  }
  advance(cursor);
  if (late_.size() >= kLateMax) flush_late();
}

void ChatView::on_notice(const control::NoticeEvent& notice) {
  advance(notice.cursor);
  if (notice.kind == control::NoticeKind::kRevoked && stage_ != Stage::kShowing && notice.member != self_) {
    // Said once, so not lost while the screen opens or was not there.
    if (revoked_.size() < limits::kRevocationsMax) revoked_.push_back(notice);
    return;
  }
  if (notice.replayed && !shows_replayed_) return;
  if (notice.member == self_) {
    // Before show_listening() nobody is "self" yet, and the status will tell the name.
    if (notice.kind == control::NoticeKind::kRenamed) on_own_name(notice.name);
    if (notice.kind == control::NoticeKind::kRevoked)
      show_info("Your key was revoked: nobody takes anything from it any more.");
    return;
  }
  if (stage_ == Stage::kShowing) append_notice(out_, notice, shown_name_);
}

void ChatView::on_own_name(const std::string& shown_name) {
  if (shown_name == shown_name_) return;
  shown_name_ = shown_name;
  const std::string claimed = shown_name.substr(0, shown_name.find('~'));
  const bool was_claimed = claimed == claimed_name_;
  claimed_name_ = claimed;
  if (stage_ != Stage::kShowing) return;
  if (shown_name != claimed) return tell_lost_name();
  const std::string name = format_safe_line(shown_name);
  show_info(was_claimed ? "You are shown as " + name + " again." : "You are " + name + " now.");
}

void ChatView::tell_lost_name() {
  show_info(format_safe_line(claimed_name_) + " is held by another member; you are shown as " +
            format_safe_line(shown_name_) + ". /nick NAME chooses another name.");
}

void ChatView::append(const control::ChatMessage& message) {
  const bool is_doubtful = message.direct && !message.own && message.direct->doubt != control::NameDoubt{};
  if (is_doubtful && doubted_.size() < kDoubtedMax && doubted_.emplace(message.author, message.name).second) {
    show_info(format_safe_line(message.name) + " writes to you." +
              describe_doubt(message.direct->doubt, shown_name_));
  }
  if (!with_.empty()) {
    control::ChatMessage direct = message;
    // Whom one talks with is called as here, whatever it calls itself there.
    if (!direct.own) direct.name = with_;
    if (!direct.direct) direct.direct = control::DirectFacts{{}, with_, std::nullopt};
    return append_message(out_, direct, "");
  }
  if (label_.empty())
    return append_message(out_, message, message.room == current_ ? "" : short_room(message.room, joined_));
  control::ChatMessage labelled = message;
  if (message.direct) labelled.name += "@" + label_;
  append_message(out_, labelled, short_room(message.room, joined_) + "@" + label_);
}

/// A message never begins like an information: no room and no name does.
std::string ChatView::take_output() {
  constexpr std::string_view kInfo = ">INFO: ";
  if (label_.empty()) return std::exchange(out_, {});
  std::string labelled;
  for (std::size_t at = 0; at < out_.size();) {
    const std::size_t end = out_.find('\n', at) + 1;
    std::string_view line = std::string_view(out_).substr(at, end - at);
    if (line.starts_with(kInfo)) {
      labelled += std::string(kInfo) + "(" + label_ + ") ";
      line.remove_prefix(kInfo.size());
    }
    labelled += line;
    at = end;
  }
  out_.clear();
  return labelled;
}

void ChatView::advance(const control::Cursor& cursor) {
  seen_ = std::max(seen_, cursor);
  if (late_.empty()) shown_ = seen_;
}

void ChatView::show_listening(const control::StatusReply& status) {
  self_ = status.key;
  claimed_name_ = status.claimed_name;
  shown_name_ = status.name;
  append_listening(out_, status);
}

void ChatView::begin_quietly(const control::StatusReply& status) {
  self_ = status.key;
  claimed_name_ = status.claimed_name;
  shown_name_ = status.name;
}

void ChatView::show_attached(const control::StatusReply& status) {
  show_info("Attached to the running node of " + format_safe_line(status.name) +
            "; it stays when this screen ends.");
}

void ChatView::show_here(const control::StatusReply& status, const control::MembersReply& members) {
  has_shown_here_ = true;
  append_here(out_, status, members);
  show_info("Type :q to leave, /help for commands.");
  append_whom(out_, members);
  shown_name_ = status.name;
  claimed_name_ = status.claimed_name;
  if (name_key(claimed_name_) != name_key(status.profile))
    show_info(format_safe_line(status.profile) + " is " + format_safe_line(claimed_name_) + " here.");
  if (shown_name_ != claimed_name_) tell_lost_name();
}

void ChatView::show_registered(const control::RendezvousPeopleReply& listed, std::size_t most) {
  std::vector<std::string> lines;
  for (const bool online : {true, false}) {
    for (const control::RegisteredPerson& person : listed.people) {
      if (person.key != self_ && person.online == online) lines.push_back(describe_registered(person));
    }
  }
  if (lines.empty()) show_info("Nobody else is registered there.");
  for (const control::RegisteredMesh& mesh : listed.meshes) lines.push_back(describe_registered_mesh(mesh));
  for (std::size_t i = 0; i < std::min(lines.size(), most); ++i) show_info(lines[i] + ".");
  if (lines.size() > most || listed.more) show_info("There are more: /people, or p2pmeshctl people.");
}

void ChatView::show_stranger(const control::StrangerEvent& event) {
  const std::string name = format_safe_line(event.name);
  const std::string whom = name + ", key " + event.member.hex().substr(0, 8) + ",";
  if (event.what == "asks")
    show_info(whom + " who is in no mesh of yours, wants to talk. /accept " + name + ", or /decline " + name +
              ".");
  else if (event.what == "asked")
    show_info(whom + " is asked to talk. What you write waits until " + name + " accepts: /msg " + name +
              " TEXT.");
  else if (event.what == "delivered")
    show_info(name + " has your request.");
  else if (event.what == "declined")
    show_info(name + " has declined.");
  else if (event.what == "together")
    show_info("You talk with " + name + ": /msg " + name + " TEXT, or /switch " + name + ".");
  else if (event.what == "refused")
    show_info("You are not let in to talk with " + name + ": " + end_sentence(event.why));
}

void ChatView::show_missed() {
  const std::size_t total = missed_.total();
  const std::vector<control::ChatMessage> messages = missed_.take();
  if (!messages.empty()) {
    const std::string shown = messages.size() == total ? "" : std::to_string(messages.size()) + " of ";
    show_info(shown + count_of(total, "earlier message") + ":");
    for (const auto& message : messages) append(message);
    show_info("End of earlier messages.");
  }
  begin_showing();
  show_missed_directs();
}

void ChatView::begin_showing() {
  stage_ = Stage::kShowing;
  for (const control::NoticeEvent& notice : std::exchange(revoked_, {}))
    append_notice(out_, notice, shown_name_);
}

void ChatView::show_missed_directs() {
  if (missed_directs_.empty()) return;
  show_info(count_of(missed_directs_.size(), "direct message") + ":");
  for (const auto& message : std::exchange(missed_directs_, {})) append(message);
  show_info("End of direct messages.");
}

void ChatView::show_requests(const control::ContactsReply& contacts) {
  for (const control::ContactEntry& contact : contacts.contacts) {
    if (contact.asks && contact.mesh)
      show_stranger({"asks", contact.key, contact.name, *contact.mesh, ""});
    else if (contact.asks)
      append_request(out_, contact.name, describe_doubt(contact.doubt, shown_name_));
    if (contact.taken_over)
      append_taken_over(out_, contact.taken_over->name, contact.taken_over->key, contact.name);
  }
}

void ChatView::show_message(const control::ChatMessage& message) {
  note_shown_directs(message, seen_);
  append(message);
}

void ChatView::show_listed(const std::vector<control::ChatMessage>& messages) {
  for (const auto& message : messages) {
    append(message);
    listed_.insert(message.id);
  }
  std::erase_if(held_, [&](const control::Event& event) {
    const auto* held = std::get_if<control::MessageEvent>(&event);
    if (held == nullptr || !listed_.contains(held->message.id)) return false;
    advance(held->cursor);
    return true;
  });
  // Only what is held, or still on its way here, can come a second time.
  while (listed_.size() > kListedRememberedMax) listed_.erase(listed_.begin());
}

void ChatView::end_listing(Instant now) {
  begin_showing();
  show_missed_directs();
  for (control::Event& event : std::exchange(held_, {})) on_event(std::move(event), now);
  if (held_dropped_ > 0) {
    show_info(count_of(held_dropped_, "newer event") +
              " came meanwhile; p2pmeshctl history shows the messages.");
  }
}

void ChatView::show_info(std::string_view sentence) {
  append_info(out_, sentence);
}

void ChatView::show_who(const control::MembersReply& members) {
  append_who(out_, members);
}

void ChatView::show_rooms(const control::RoomsReply& rooms) {
  append_rooms(out_, rooms);
}

void ChatView::show_unread_of(const control::RoomEntry& room) {
  append_unread(out_, shown_room(room.name), room.unread);
}

void ChatView::on_time(Instant now) {
  if (late_deadline_ && now >= *late_deadline_) flush_late();
}

void ChatView::flush_late() {
  late_deadline_.reset();
  if (late_.size() == 1) {
    if (late_.front().gap) append_gap(out_, late_.front().message);
    append(late_.front().message);
  } else if (!late_.empty()) {
    std::vector<control::ChatMessage> messages;
    WallMs newest = 0;
    for (control::MessageEvent& event : late_) {
      newest = std::max(newest, event.message.wall_ms);
      messages.push_back(std::move(event.message));
    }
    sort_by_place(messages);
    show_info(count_of(messages.size(), "message") + " from before " +
              format_local_minute(next_minute(newest)) + ":");
    for (const auto& message : messages) append(message);
  }
  late_.clear();
  shown_ = seen_;
}

}  // namespace p2pmesh
