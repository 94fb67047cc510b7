// What the screen of plain mode shows, and when. Takes events and the time, appends text; does no I/O.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "earlier_messages.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/control/event.h"
#include "p2pmesh/control/reply.h"
#include "p2pmesh/control/request.h"
#include "screen_lines.h"

namespace p2pmesh {

/// The opening goes through three stages: events are gathered until they are complete; history is listed if
/// it was asked for, while events wait; from then on everything is shown as it comes.
class ChatView {
 public:
  /// `missed_max`: how many of the missed messages are shown.
  explicit ChatView(std::size_t missed_max) : missed_(missed_max) {}

  /// An event of the node; a GapEvent is the session's business and changes nothing here.
  void on_event(control::Event event, Instant now);
  /// This screen's own message was taken in: its event is not shown. That it waits is told once.
  void on_sent(const control::SendReply& sent);

  void show_listening(const control::StatusReply& status);
  /// The node was started by hand and stays.
  void show_attached(const control::StatusReply& status);
  void show_here(const control::StatusReply& status, const control::MembersReply& members);
  /// Ends the gathering with the block of missed messages.
  void show_missed();

  /// Ends the gathering without that block; listed messages are shown by show_listed().
  void begin_listing() { stage_ = Stage::kListing; }
  void show_listed(const std::vector<control::ChatMessage>& messages);
  void end_listing(Instant now);

  /// Which rooms are joined, and which is current; the messages of other rooms are not shown. `read_until`:
  /// where the replay begins.
  void set_rooms(const control::RoomsReply& rooms, const control::Cursor& read_until);
  /// Which room is current, unless it is the default one, and how much is unread in the other joined rooms.
  /// At the end of the gathering, which skipped those.
  void show_unread(const control::RoomsReply& rooms);
  /// What another screen joined or left while this one heard nothing.
  void follow_rooms(const control::RoomsReply& rooms);
  /// A room is joined, if it was not, and current.
  void enter_room(const std::string& room);
  /// A room is left; `next` is current if that one was.
  void leave_room(const std::string& room, const std::string& next);
  [[nodiscard]] const std::string& current_room() const { return current_; }
  /// How a room is called here, made safe; and the room that is called so.
  [[nodiscard]] std::string shown_room(const std::string& room) const;
  [[nodiscard]] std::string room_called(const std::string& typed) const;
  [[nodiscard]] bool is_joined(const std::string& room) const { return joined_.contains(room); }
  /// Everything of a room up to now counts as read, whether it was shown here or not.
  void note_read(const std::string& room);
  /// A block of the history; `place` is "of #dev", "with Bob", made safe. Nothing comes between its lines.
  void show_history(const std::string& place, const std::vector<control::ChatMessage>& messages,
                    bool has_earlier);

  /// The local member is shown by another name. Told once, whoever tells it first.
  void on_own_name(const std::string& shown_name);

  void show_info(std::string_view sentence);
  void show_message(const control::ChatMessage& message);
  /// Those who wait for an answer, and those whose name has gone to somebody else.
  void show_requests(const control::ContactsReply& contacts);
  void show_who(const control::MembersReply& members);
  void show_rooms(const control::RoomsReply& rooms);
  void show_unread_of(const control::RoomEntry& room);
  void show_topic(const std::string& room, const std::optional<control::TopicFacts>& topic);

  /// Shows what has waited long enough. To be called at next_deadline() or later.
  void on_time(Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const { return late_deadline_; }
  /// Shows what waits, at the end.
  void flush_late();

  /// A new subscription replays what the last one did not deliver.
  void expect_replay() {
    is_live_ = false;
    shows_replayed_ = stage_ != Stage::kGathering;
  }
  [[nodiscard]] bool is_live() const { return is_live_; }  ///< the replay is done
  [[nodiscard]] bool is_showing() const { return stage_ == Stage::kShowing; }
  [[nodiscard]] bool is_synced() const { return is_synced_; }  ///< compared with a neighbor
  /// Everything up to there has been appended to the output, or needs not be shown.
  [[nodiscard]] const control::Cursor& shown() const { return shown_; }
  /// The rooms of which something was shown since the last call, as the node is to be told.
  std::vector<control::MarkReadRequest> take_read_rooms();
  [[nodiscard]] bool has_read_rooms() const;

  /// Shown with everything; empty in the current mesh.
  void set_mesh_label(std::string label) { label_ = std::move(label); }
  /// The mesh is a conversation with somebody who is called so: what is said there is shown as direct.
  void set_conversation(std::string name) { with_ = std::move(name); }
  [[nodiscard]] bool is_conversation() const { return !with_.empty(); }
  void show_stranger(const control::StrangerEvent& event);
  /// Who is there and what, as discovery servers tell; the local member left out.
  void show_registered(const control::RendezvousPeopleReply& listed, std::size_t most);
  /// Who the local member is, when nothing of the opening is shown.
  void begin_quietly(const control::StatusReply& status);

  /// The text since the last call.
  std::string take_output();

 private:
  enum class Stage { kGathering, kListing, kShowing };

  void on_message(control::MessageEvent event, Instant now);
  void on_notice(const control::NoticeEvent& notice);
  void begin_showing();
  [[nodiscard]] bool is_news_since_here(const control::Event& event) const;
  void tell_lost_name();
  void on_room(const control::RoomEvent& event);
  void on_topic(const control::TopicEvent& event);
  void show_invitation(const std::string& room, const std::string& name);
  void advance(const control::Cursor& cursor);
  void append(const control::ChatMessage& message);
  void show_missed_directs();
  void note_shown(const std::string& room, const control::Cursor& cursor);
  void note_shown_directs(const control::ChatMessage& message, const control::Cursor& cursor);

  Stage stage_ = Stage::kGathering;
  std::vector<control::NoticeEvent> revoked_;  // to be told when showing begins
  std::string out_;
  std::string label_;
  std::string with_;  // whose conversation the mesh is; empty: a mesh of many
  MemberKey self_;
  std::string claimed_name_;
  std::string shown_name_;
  bool has_shown_here_ = false;
  bool is_live_ = false;
  bool is_synced_ = false;
  bool shows_replayed_ = false;  // notices of a replay are from the time of this screen

  EarlierMessages missed_;
  std::deque<control::ChatMessage> missed_directs_;  // in the order in which they came
  std::set<control::MessageId> listed_;              // the newest of them
  std::vector<control::Event> held_;                 // came while history was listed, or gathered
  std::size_t held_dropped_ = 0;
  std::set<std::pair<MemberKey, std::string>> doubted_;  // who wrote and was warned of, by name
  std::set<control::MessageId> sent_;                    // acknowledged, their events to come
  bool told_waiting_ = false;                            // the last line waits, and that was said
  std::vector<control::MessageEvent> late_;              // repaired, gathered for a moment
  std::optional<Instant> late_deadline_;
  control::Cursor seen_;
  control::Cursor shown_;

  /// What of a room was shown.
  struct ReadRoom {
    control::Cursor after;   // everything after it, as far as shown_ goes; 0.0: what came before too
    control::Cursor newest;  // of what was shown
    control::Cursor told;    // to the node
  };
  [[nodiscard]] bool is_untold(const ReadRoom& read) const;
  std::map<MemberKey, ReadRoom> read_with_;  // of direct messages, by the other one
  std::string current_{kDefaultRoom};
  std::set<std::string> joined_{std::string(kDefaultRoom)};
  std::map<std::string, ReadRoom> read_;  // the joined rooms, and those whose history was shown
};

}  // namespace p2pmesh
