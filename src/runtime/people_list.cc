#include "people_list.h"

#include <charconv>
#include <string_view>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

constexpr std::string_view kReadKey = "read_with:";  // and the member's key

}  // namespace

void PeopleList::restore(std::vector<StoredPerson> people, const Settings& settings) {
  for (StoredPerson& person : people) people_.emplace(person.member, std::move(person));
  for (const auto& [key, value] : settings) {
    if (!key.starts_with(kReadKey)) continue;
    const auto member = MemberKey::from_hex(key.substr(kReadKey.size()));
    std::uint64_t row = 0;
    const char* end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, row);
    if (member && error == std::errc{} && stop == end) marks_[*member] = row;
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
  if (person.is_empty()) {
    people_.erase(member);
  } else if (people_.size() >= limits::kPeopleMax && !people_.contains(member)) {
    return fail(ExitStatus::kTryAgain, "Something is noted of " + std::to_string(limits::kPeopleMax) +
                                           " members already; /unignore or /unblock some of them first.");
  } else {
    people_[member] = person;
  }
  return person;
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
