#include "room_list.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/room_label.h"
#include "p2pmesh/control/request.h"
#include "p2pmesh/text/name.h"

namespace p2pmesh {
namespace {

constexpr std::string_view kRoomKey = "room:";  // and the name
constexpr std::string_view kCurrentKey = "current_room";

std::string default_room() {
  return control::ListRequest().room;
}

bool can_be_typed(const std::string& room) {
  const auto checked = is_private_room(room) ? check_room_label(room) : check_room(room);
  return checked && *checked == room;
}

/// "1 17.0 3": joined, the mark, what was skipped before it.
struct RoomSetting {
  bool joined = false;
  control::Cursor mark;
  std::uint64_t skipped = 0;
};

std::string format_setting(const RoomSetting& setting) {
  return std::string(setting.joined ? "1 " : "0 ") + control::format_cursor(setting.mark) + " " +
         std::to_string(setting.skipped);
}

std::optional<RoomSetting> parse_setting(std::string_view text) {
  RoomSetting setting;
  if (!text.starts_with("0 ") && !text.starts_with("1 ")) return std::nullopt;
  setting.joined = text.front() == '1';
  text.remove_prefix(2);
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto mark = control::parse_cursor(text.substr(0, space));
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + space + 1, end, setting.skipped);
  if (!mark || error != std::errc{} || stop != end) return std::nullopt;
  setting.mark = *mark;
  return setting;
}

}  // namespace

RoomList::RoomList() : current_(default_room()) {
  rooms_[current_].joined = true;
}

void RoomList::restore(const Settings& settings) {
  for (const auto& [key, value] : settings) {
    if (!key.starts_with(kRoomKey)) continue;
    const auto setting = parse_setting(value);
    if (!setting) continue;
    Room& room = rooms_[key.substr(kRoomKey.size())];
    room.joined = setting->joined;
    room.mark = setting->mark;
    room.skipped = setting->skipped;
  }
  for (const auto& [key, value] : settings) {
    if (key == kCurrentKey) current_ = value;
  }
  if (joined_count() == 0) rooms_[default_room()].joined = true;
  if (is_joined(current_)) return;
  current_ =
      std::find_if(rooms_.begin(), rooms_.end(), [](const auto& at) { return at.second.joined; })->first;
}

std::map<std::string, Cursor> RoomList::marks() const {
  std::map<std::string, Cursor> marks;
  for (const auto& [name, room] : rooms_) marks[name] = {room.mark.row, room.mark.index};
  return marks;
}

void RoomList::take_counts(const std::vector<RoomCount>& counts) {
  std::vector<const RoomCount*> latest;
  for (const RoomCount& count : counts) latest.push_back(&count);
  std::sort(latest.begin(), latest.end(),
            [](const auto* one, const auto* other) { return one->last_row > other->last_row; });
  for (const RoomCount* count : latest) {
    const bool is_known = rooms_.contains(count->room);
    if (!is_known && !can_be_typed(count->room)) {
      unnameable_ += count->messages;
    } else if (!is_known && rooms_.size() >= limits::kRoomsListedMax) {
      ++forgotten_;
    } else {
      Room& room = rooms_[count->room];
      room.messages = count->messages;
      room.older = count->unread;
      room.older_from = count->first_unread_row;
      room.older_until = room.last_row = count->last_row;
      room.newest_depth = count->newest_depth;
      room.newest_wall_ms = count->newest_wall_ms;
    }
  }
  // Marks of what is no longer held, after a damaged database was set aside.
  std::erase_if(rooms_, [](const auto& at) { return !at.second.is_worth_listing(); });
}

void RoomList::retake_counts(const std::vector<RoomCount>& counts) {
  for (auto& [name, room] : rooms_) {
    room.unread.clear();
    room.older = room.messages = room.newest_depth = 0;
    room.newest_wall_ms = 0;
  }
  take_counts(counts);
}

void RoomList::add_key(const std::string& label) {
  if (Room* room = find_or_add(label)) room->has_key = true;
}

void RoomList::on_sealed(const std::string& label) {
  if (Room* room = find_or_add(label)) room->is_sealed = true;
}

void RoomList::on_opened(const std::string& label, const OpenedRow& opened, bool own) {
  Room* room = find_or_add(label);
  if (room == nullptr) return;
  room->messages += opened.messages;
  room->last_row = std::max(room->last_row, opened.row);
  std::tie(room->newest_depth, room->newest_wall_ms) = std::max(
      std::tuple(room->newest_depth, room->newest_wall_ms), std::tuple(opened.depth, opened.wall_ms));
  if (own || opened.row == 0) return;
  if (opened.row <= room->mark.row) {
    room->skipped += opened.messages;
    save(label);
    return;
  }
  // What has come since the key is told apart, and stands behind all of these.
  if (room->older == 0) room->older_from = opened.row;
  room->older += opened.messages;
  room->older_until = std::max(room->older_until, opened.row);
}

std::vector<std::string> RoomList::private_rooms(const std::string& name) const {
  std::vector<std::string> joined;
  std::vector<std::string> all;
  for (const auto& [label, room] : rooms_) {
    if (!room.has_key || !is_private_room(label) || room_name(label) != name) continue;
    all.push_back(label);
    if (room.joined) joined.push_back(label);
  }
  return joined.empty() ? all : joined;
}

bool RoomList::set_topic(const std::string& name, const std::optional<StoredTopic>& topic) {
  Room* room = find_or_add(name);
  if (room == nullptr) return false;
  const auto id_of = [](const std::optional<StoredTopic>& set) { return set ? set->id : EnvelopeId{}; };
  const bool is_other = id_of(room->topic) != id_of(topic);
  room->topic = topic;
  if (!room->is_worth_listing()) rooms_.erase(name);
  return is_other;
}

std::string RoomList::room_of_topic(const EnvelopeId& envelope) const {
  for (const auto& [name, room] : rooms_) {
    if (room.topic && room.topic->id == envelope) return name;
  }
  return {};
}

void RoomList::on_messages(const Envelope& envelope, std::uint64_t row, std::uint32_t messages, bool own) {
  Room* room = find_or_add(envelope.room);
  if (room == nullptr) {
    unnameable_ += messages;
    return;
  }
  room->messages += messages;
  room->last_row = row;
  std::tie(room->newest_depth, room->newest_wall_ms) = std::max(
      std::tuple(room->newest_depth, room->newest_wall_ms), std::tuple(envelope.depth, envelope.wall_ms));
  if (own) return;
  room->unread.push_back({row, 0, messages});
  if (room->unread.size() <= limits::kUnreadRowsMax) return;
  const UnreadRow& oldest = room->unread.front();
  if (room->older == 0) room->older_from = oldest.row;
  room->older += oldest.last - oldest.first;
  room->older_until = oldest.row;
  room->unread.pop_front();
}

RoomList::Room* RoomList::find_or_add(const std::string& name) {
  if (const auto found = rooms_.find(name); found != rooms_.end()) return &found->second;
  if (!can_be_typed(name)) return nullptr;
  if (rooms_.size() >= limits::kRoomsListedMax) make_space();
  return &rooms_[name];
}

/// Forgets the room that has been silent for longest; joined ones stay, and private ones whose key is held.
void RoomList::make_space() {
  auto oldest = rooms_.end();
  for (auto at = rooms_.begin(); at != rooms_.end(); ++at) {
    if (at->second.joined || at->second.has_key) continue;
    if (oldest == rooms_.end() || at->second.last_row < oldest->second.last_row) oldest = at;
  }
  if (oldest == rooms_.end()) return;
  rooms_.erase(oldest);
  ++forgotten_;
}

std::size_t RoomList::joined_count() const {
  return static_cast<std::size_t>(
      std::count_if(rooms_.begin(), rooms_.end(), [](const auto& at) { return at.second.joined; }));
}

bool RoomList::is_joined(const std::string& room) const {
  const auto found = rooms_.find(room);
  return found != rooms_.end() && found->second.joined;
}

Result<bool> RoomList::join(const std::string& name) {
  const bool is_new = !is_joined(name);
  if (const std::size_t joined = joined_count(); is_new && joined >= limits::kRoomsJoinedMax) {
    return fail(ExitStatus::kTryAgain,
                std::to_string(joined) + " rooms are joined, and more cannot be. Leave one first.");
  }
  Room* room = find_or_add(name);
  if (room == nullptr) return fail(ExitStatus::kUsage, "There can be no such room.");
  room->joined = true;
  if (is_new) save(name);
  set_current(name);
  return is_new;
}

Result<void> RoomList::part(const std::string& name) {
  if (!is_joined(name)) return fail(ExitStatus::kUsage, "You are not in " + name + ".");
  if (joined_count() == 1) {
    if (name == default_room())
      return fail(ExitStatus::kUsage, "You cannot leave " + name + ": you are in no other room.");
    rooms_[default_room()].joined = true;
    save(default_room());
  }
  rooms_[name].joined = false;
  save(name);
  if (current_ == name) {
    const auto first =
        std::find_if(rooms_.begin(), rooms_.end(), [](const auto& at) { return at.second.joined; });
    set_current(is_joined(default_room()) ? default_room() : first->first);
  }
  if (!rooms_[name].is_worth_listing()) rooms_.erase(name);
  return {};
}

void RoomList::mark_read(const std::string& name, const control::Cursor& until,
                         const std::optional<control::Cursor>& after) {
  const auto found = rooms_.find(name);
  if (found == rooms_.end()) return;
  Room& room = found->second;
  // Only rows still told apart can be taken away one by one; a screen that is so far behind marks again.
  if (room.older > 0 && until.row < room.older_until) return;
  const bool reads_all = !after || *after == control::Cursor{};
  if (reads_all) room.skipped = 0;
  const bool skips = !reads_all && *after > room.mark;
  if (skips && after->row >= room.older_from) room.skipped += room.older;
  room.older = 0;
  while (!room.unread.empty() && room.unread.front().row <= until.row) {
    UnreadRow& row = room.unread.front();
    if (skips && row.row <= after->row) {
      const std::uint32_t end = row.row < after->row ? row.last : std::min(after->index, row.last - 1) + 1;
      room.skipped += std::max(end, row.first) - row.first;
    }
    if (row.row == until.row && until.index < row.last - 1) {
      row.first = std::max(row.first, until.index + 1);
      break;
    }
    room.unread.pop_front();
  }
  room.mark = std::max(room.mark, until);
  save(name);
}

std::uint64_t RoomList::Room::unread_count() const {
  std::uint64_t count = skipped + older;
  for (const UnreadRow& row : unread) count += row.last - row.first;
  return count;
}

control::RoomEntry RoomList::to_entry(const std::string& name, const Room& room) const {
  control::RoomEntry entry{name,          room.joined,        name == current_, room.unread_count(),
                           room.messages, room.newest_wall_ms};
  entry.is_private = is_private_room(name);
  entry.has_key = room.has_key;
  if (room.topic && !room.topic->text.empty())
    entry.topic = control::TopicFacts{room.topic->text, room.topic->author, {}, room.topic->wall_ms};
  return entry;
}

control::RoomsReply RoomList::list() const {
  control::RoomsReply reply;
  for (const auto& [name, room] : rooms_) reply.rooms.push_back(to_entry(name, room));
  return reply;
}

control::RoomEntry RoomList::entry(const std::string& name) const {
  const auto found = rooms_.find(name);
  return to_entry(name, found == rooms_.end() ? Room{} : found->second);
}

void RoomList::save(const std::string& name) {
  const Room& room = rooms_[name];
  changes_.emplace_back(std::string(kRoomKey) + name, format_setting({room.joined, room.mark, room.skipped}));
}

void RoomList::set_current(const std::string& name) {
  if (current_ == name) return;
  current_ = name;
  changes_.emplace_back(kCurrentKey, name);
}

}  // namespace p2pmesh
