// The rooms as a profile sees them: which are joined, which is current, how much of each was not read.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "p2pmesh/base/result.h"
#include "p2pmesh/control/reply.h"
#include "p2pmesh/storage/mesh_store.h"

namespace p2pmesh {

/// Counts in memory; the store counts once, at the start. What must survive is handed out as settings.
///
/// A message counts as unread until a screen has shown it. What a screen skipped before it showed later ones
/// stays unread: it is kept as a number beside the room's mark.
class RoomList {
 public:
  using Settings = std::vector<std::pair<std::string, std::string>>;

  /// A new profile has joined the default room alone.
  RoomList();

  /// What take_changes() gave in earlier runs; other settings are skipped.
  void restore(const Settings& settings);
  /// Up to where each room was read, for MeshStore::count_rooms().
  [[nodiscard]] std::map<std::string, Cursor> marks() const;
  /// What the store holds. Once, after restore().
  void take_counts(const std::vector<RoomCount>& counts);
  /// As take_counts(), after something was hidden or is shown again.
  void retake_counts(const std::vector<RoomCount>& counts);

  /// An envelope of a room was announced. A name that check_room() does not give back is counted and not
  /// listed: nobody could type it.
  void on_messages(const Envelope& envelope, std::uint64_t row, std::uint32_t messages, bool own);

  /// A private room whose key is held; always listed.
  void add_key(const std::string& label);
  /// Something is held of a private room that nobody here can read.
  void on_sealed(const std::string& label);
  /// Messages that have been held before were opened; `own` ones are never unread.
  void on_opened(const std::string& label, const OpenedRow& opened, bool own);
  /// The private rooms of this name whose key is held: the joined ones, or all when none is joined.
  [[nodiscard]] std::vector<std::string> private_rooms(const std::string& name) const;

  /// The topic that holds in a room now, nothing when it never had one. True when it was another one.
  bool set_topic(const std::string& room, const std::optional<StoredTopic>& topic);
  /// The room whose topic this envelope has set; empty when none has it.
  [[nodiscard]] std::string room_of_topic(const EnvelopeId& envelope) const;

  /// Joins a room, which becomes the current one. True when it was not joined before. Errors: kTryAgain when
  /// too many are joined.
  Result<bool> join(const std::string& room);
  /// Leaves a room. When it was the last, the default room is joined again; when it was current, another one
  /// is. Errors: kUsage when it is not joined, or the default one and the last.
  Result<void> part(const std::string& room);

  /// A screen has shown what came after `after` (nothing: all) up to `until`.
  void mark_read(const std::string& room, const control::Cursor& until,
                 const std::optional<control::Cursor>& after);

  [[nodiscard]] std::size_t size() const { return rooms_.size(); }
  [[nodiscard]] std::size_t joined_count() const;
  [[nodiscard]] const std::string& current() const { return current_; }
  [[nodiscard]] bool is_joined(const std::string& room) const;
  /// The rooms with messages and the joined ones, sorted.
  [[nodiscard]] control::RoomsReply list() const;
  /// One of them, or an empty one of that name.
  [[nodiscard]] control::RoomEntry entry(const std::string& room) const;

  /// The settings that changed since the last call.
  Settings take_changes() { return std::exchange(changes_, {}); }

  [[nodiscard]] std::uint64_t unnameable() const { return unnameable_; }  ///< messages in rooms like that
  [[nodiscard]] std::uint64_t forgotten() const { return forgotten_; }    ///< rooms over kRoomsListedMax

 private:
  /// Unread messages [first, last) of one envelope.
  struct UnreadRow {
    std::uint64_t row = 0;
    std::uint32_t first = 0;
    std::uint32_t last = 0;
  };
  struct Room {
    bool joined = false;
    control::Cursor mark;       // shown up to there, but for those in `skipped`
    std::uint64_t skipped = 0;  // unread before the mark
    std::uint64_t older = 0;    // unread after the mark, in the rows from `older_from` to `older_until`
    std::uint64_t older_from = 0;
    std::uint64_t older_until = 0;
    std::deque<UnreadRow> unread;  // after them; at most kUnreadRowsMax
    std::uint64_t messages = 0;
    std::uint64_t newest_depth = 0;
    WallMs newest_wall_ms = 0;
    std::uint64_t last_row = 0;
    std::optional<StoredTopic> topic;  // nothing: it never had one
    bool has_key = false;              // of a private one
    bool is_sealed = false;            // of a private one: something came that was not opened
    [[nodiscard]] bool is_worth_listing() const {
      return joined || messages > 0 || has_key || is_sealed || (topic && !topic->text.empty());
    }
    [[nodiscard]] std::uint64_t unread_count() const;
  };

  Room* find_or_add(const std::string& name);
  void make_space();
  void save(const std::string& name);
  void set_current(const std::string& name);
  [[nodiscard]] control::RoomEntry to_entry(const std::string& name, const Room& room) const;

  std::map<std::string, Room> rooms_;
  std::string current_;
  Settings changes_;
  std::uint64_t unnameable_ = 0;
  std::uint64_t forgotten_ = 0;
};

}  // namespace p2pmesh
