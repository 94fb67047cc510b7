// What the screen of plain mode shows, and when. Takes events and the time, appends text; does no I/O.
#pragma once

#include <cstddef>
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

namespace p2pmesh {

/// The opening goes through three stages: events are gathered until they are complete; history is listed if
/// it was asked for, while events wait; from then on everything is shown as it comes.
class ChatView {
 public:
  /// `missed_max`: how many of the missed messages are shown.
  explicit ChatView(std::size_t missed_max) : missed_(missed_max) {}

  /// An event of the node; a GapEvent is the session's business and changes nothing here.
  void on_event(control::Event event, Instant now);
  /// This screen's own message: its event is not shown.
  void on_sent(const control::MessageId& id);

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

  void show_info(std::string_view sentence);
  void show_who(const control::MembersReply& members);

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
  [[nodiscard]] bool is_live() const { return is_live_; }      ///< the replay is done
  [[nodiscard]] bool is_synced() const { return is_synced_; }  ///< compared with a neighbor
  /// Everything up to there has been appended to the output, or needs not be shown.
  [[nodiscard]] const control::Cursor& shown() const { return shown_; }

  /// The text since the last call.
  std::string take_output() { return std::exchange(out_, {}); }

 private:
  enum class Stage { kGathering, kListing, kShowing };

  void on_message(control::MessageEvent event, Instant now);
  void on_notice(const control::NoticeEvent& notice);
  void on_own_name(const std::string& shown_name);
  void advance(const control::Cursor& cursor);

  Stage stage_ = Stage::kGathering;
  std::string out_;
  MemberKey self_;
  std::string claimed_name_;
  std::string shown_name_;
  bool is_live_ = false;
  bool is_synced_ = false;
  bool shows_replayed_ = false;  // notices of a replay are from the time of this screen

  EarlierMessages missed_;
  std::set<control::MessageId> listed_;  // the newest of them
  std::vector<control::Event> held_;     // came while history was listed
  std::size_t held_dropped_ = 0;
  std::set<control::MessageId> sent_;        // acknowledged, their events to come
  std::vector<control::MessageEvent> late_;  // repaired, gathered for a moment
  std::optional<Instant> late_deadline_;
  control::Cursor seen_;
  control::Cursor shown_;
};

}  // namespace p2pmesh
