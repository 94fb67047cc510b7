#include "people_list.h"

#include <charconv>
#include <string_view>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/socket_address.h"
#include "p2pmesh/text/name.h"

namespace p2pmesh {
namespace {

constexpr std::string_view kReadKey = "read_with:";     // and the member's key
constexpr std::string_view kShownKey = "shown_until:";  // likewise
constexpr std::string_view kPlaceKey = "place:";        // and the folded name: the name, a blank, HOST:PORT

/// The row that a setting of this kind holds, and of whom.
std::optional<std::pair<MemberKey, std::uint64_t>> read_row(std::string_view kind, const std::string& key,
                                                            const std::string& value) {
  if (!key.starts_with(kind)) return std::nullopt;
  const auto member = MemberKey::from_hex(std::string_view(key).substr(kind.size()));
  std::uint64_t row = 0;
  const char* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, row);
  if (!member || error != std::errc{} || stop != end) return std::nullopt;
  return std::pair{*member, row};
}

}  // namespace

std::string NotedPlace::format() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

void PeopleList::restore(std::vector<StoredPerson> people, const Settings& settings) {
  for (StoredPerson& person : people) people_.emplace(person.member, std::move(person));
  for (const auto& [key, value] : settings) {
    if (const auto read = read_row(kReadKey, key, value)) marks_[read->first] = read->second;
    if (const auto shown = read_row(kShownKey, key, value)) shown_until_[shown->first] = shown->second;
    const std::size_t blank = value.find(' ');
    if (!key.starts_with(kPlaceKey) || blank == std::string::npos) continue;  // empty: dropped
    auto place = parse_host_port(std::string_view(value).substr(blank + 1));
    if (place) places_[key.substr(kPlaceKey.size())] = {value.substr(0, blank), place->host, place->port};
  }
}

void PeopleList::take_unread(const std::vector<std::pair<MemberKey, std::uint64_t>>& rows) {
  for (const auto& [member, row] : rows) on_direct(member, row, 1);
}

const StoredPerson* PeopleList::find(const MemberKey& member) const {
  const auto found = people_.find(member);
  return found == people_.end() ? nullptr : &found->second;
}

bool PeopleList::is_ignored(const MemberKey& member) const {
  const StoredPerson* person = find(member);
  return person != nullptr && (person->ignored || person->blocked);
}

bool PeopleList::is_blocked(const MemberKey& member) const {
  const StoredPerson* person = find(member);
  return person != nullptr && person->blocked;
}

std::vector<MemberKey> PeopleList::all_blocked() const {
  std::vector<MemberKey> blocked;
  for (const auto& [member, person] : people_) {
    if (person.blocked) blocked.push_back(member);
  }
  return blocked;
}

Result<StoredPerson> PeopleList::note(const MemberKey& member, const std::optional<bool>& ignored,
                                      const std::optional<bool>& blocked) {
  StoredPerson person;
  if (const StoredPerson* known = find(member)) person = *known;
  person.member = member;
  person.ignored = ignored.value_or(person.ignored);
  person.blocked = blocked.value_or(person.blocked);
  return change(std::move(person));
}

Result<StoredPerson> PeopleList::note_alias(const MemberKey& member, const std::string& alias) {
  StoredPerson person;
  if (const StoredPerson* known = find(member)) person = *known;
  person.member = member;
  person.alias = alias;
  return change(std::move(person));
}

Result<StoredPerson> PeopleList::note_place(const MemberKey& member, const std::string& host,
                                            std::uint16_t port) {
  StoredPerson person;
  if (const StoredPerson* known = find(member)) person = *known;
  person.member = member;
  person.host = host;
  person.port = port;
  return change(std::move(person));
}

Result<StoredPerson> PeopleList::change(StoredPerson person) {
  if (person.is_empty()) {
    people_.erase(person.member);
  } else if (people_.size() >= limits::kPeopleMax && !people_.contains(person.member)) {
    return fail(ExitStatus::kTryAgain, "Something is noted of " + std::to_string(limits::kPeopleMax) +
                                           " members already; /forget, /unignore or /unblock some first.");
  } else {
    people_[person.member] = person;
  }
  return person;
}

std::optional<MemberKey> PeopleList::find_alias(const std::string& name) const {
  const std::string folded = name_key(name);
  for (const auto& [member, person] : people_) {
    if (!person.alias.empty() && name_key(person.alias) == folded) return member;
  }
  return std::nullopt;
}

Result<void> PeopleList::add_place(const NotedPlace& place) {
  const std::string folded = name_key(place.name);
  if (places_.size() >= limits::kPlacesMax && !places_.contains(folded)) {
    return fail(ExitStatus::kTryAgain, "Places are noted for " + std::to_string(limits::kPlacesMax) +
                                           " names that nobody has; /forget some of them first.");
  }
  places_[folded] = place;
  changes_.emplace_back(std::string(kPlaceKey) + folded, place.name + " " + place.format());
  return {};
}

void PeopleList::drop_place(const std::string& name) {
  const std::string folded = name_key(name);
  if (places_.erase(folded) > 0) changes_.emplace_back(std::string(kPlaceKey) + folded, "");
}

const NotedPlace* PeopleList::find_place(const std::string& name) const {
  const auto found = places_.find(name_key(name));
  return found == places_.end() ? nullptr : &found->second;
}

void PeopleList::keep_shown(const MemberKey& member, std::uint64_t row) {
  shown_until_[member] = row;
  changes_.emplace_back(std::string(kShownKey) + member.hex(), std::to_string(row));
}

std::uint64_t PeopleList::shown_until(const MemberKey& member) const {
  const auto found = shown_until_.find(member);
  return found == shown_until_.end() ? 0 : found->second;
}

void PeopleList::on_direct(const MemberKey& author, std::uint64_t row, std::size_t messages) {
  if (const auto mark = marks_.find(author); mark != marks_.end() && row <= mark->second) return;
  std::deque<std::uint64_t>& rows = unread_[author];
  rows.insert(rows.end(), messages, row);
  while (rows.size() > limits::kUnreadDirectsMax) rows.pop_front();
}

bool PeopleList::mark_read(const MemberKey& author, std::uint64_t row) {
  std::uint64_t& mark = marks_[author];
  if (row <= mark) return false;
  mark = row;
  changes_.emplace_back(std::string(kReadKey) + author.hex(), std::to_string(row));
  const auto unread = unread_.find(author);
  if (unread == unread_.end()) return true;
  while (!unread->second.empty() && unread->second.front() <= row) unread->second.pop_front();
  if (unread->second.empty()) unread_.erase(unread);
  return true;
}

std::uint64_t PeopleList::unread_of(const MemberKey& author) const {
  const auto found = unread_.find(author);
  return found == unread_.end() ? 0 : found->second.size();
}

}  // namespace p2pmesh
