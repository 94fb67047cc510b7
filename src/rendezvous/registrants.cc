#include "registrants.h"

#include <algorithm>
#include <utility>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/name.h"

namespace p2pmesh {
namespace {

bool is_forgotten(WallMs seen_ms, WallMs now_ms) {
  return now_ms > seen_ms && now_ms - seen_ms > limits::kRendezvousNameKeptMs;
}

bool is_gone(const Registrant& person, WallMs now_ms) {
  return !person.online && is_forgotten(person.seen_ms, now_ms);
}

}  // namespace

const Registrant* Registrants::find(const MemberKey& member) const {
  const auto found = people_.find(member);
  return found == people_.end() ? nullptr : &found->second;
}

Registrant* Registrants::edit(const MemberKey& member) {
  const auto found = people_.find(member);
  return found == people_.end() ? nullptr : &found->second;
}

std::optional<MemberKey> Registrants::find_by_name(const std::string& name) const {
  const auto found = names_.find(name_key(name));
  if (found == names_.end() || found->second.left_ms != 0) return std::nullopt;
  return found->second.owner;
}

void Registrants::fill(People& page, bool online_only, const std::optional<MemberKey>& after) const {
  const std::set<MemberKey>& listed = online_only ? shown_ : discoverable_;
  auto next = after ? listed.upper_bound(*after) : listed.begin();
  for (; next != listed.end() && page.people.size() < limits::kRendezvousPageMax; ++next) {
    const Registrant& person = people_.at(*next);
    page.people.push_back({*next, person.name, person.online, person.seen_ms});
  }
  page.last = next == listed.end();
}

bool Registrants::is_over(const NameHold& hold, WallMs now_ms) const {
  if (hold.left_ms != 0) return is_forgotten(hold.left_ms, now_ms);
  const Registrant* owner = find(hold.owner);
  return owner == nullptr || is_gone(*owner, now_ms);
}

std::optional<WallMs> Registrants::held_since(const std::string& key, const MemberKey& by,
                                              WallMs now_ms) const {
  const auto found = names_.find(key);
  if (found == names_.end() || found->second.owner == by || is_over(found->second, now_ms))
    return std::nullopt;
  return found->second.since_ms;
}

bool Registrants::owns(const MemberKey& member, const std::string& key) const {
  const auto found = names_.find(key);
  return found != names_.end() && found->second.owner == member;
}

void Registrants::drop_name(const std::string& key, Writes& writes) {
  const auto found = names_.find(key);
  if (found == names_.end()) return;
  if (Registrant* owner = edit(found->second.owner)) std::erase(owner->names, key);
  names_.erase(found);
  writes.push_back(DroppedName{key});
}

/// The one before it stays the member's for as long as if it had not been heard of since.
void Registrants::take_name(Registrant& person, const MemberKey& member, const std::string& key,
                            WallMs now_ms, Writes& writes) {
  if (person.name_key == key) return;
  if (const auto former = names_.find(person.name_key); former != names_.end()) {
    former->second.left_ms = now_ms;
    writes.push_back(KeptName{former->first, member, former->second.since_ms, now_ms});
  }
  person.name_key = key;
  NameHold& hold = names_.try_emplace(key, NameHold{member, now_ms, 0}).first->second;
  hold.left_ms = 0;
  writes.push_back(KeptName{key, member, hold.since_ms, 0});
  std::erase(person.names, key);
  person.names.push_back(key);
  if (person.names.size() > limits::kRendezvousNamesPerMember)
    drop_name(std::string(person.names.front()), writes);
}

void Registrants::put(const Registration& registration, std::optional<NetAddress> observed,
                      RendezvousLink link, Instant offline_at, WallMs now_ms, Writes& writes) {
  const MemberKey& member = registration.member;
  const std::string key = name_key(registration.name);
  if (const auto hold = names_.find(key); hold != names_.end() && hold->second.owner != member) {
    // Its owner has not been heard of for so long that it has none any more.
    if (hold->second.left_ms == 0 && find(hold->second.owner) != nullptr)
      drop(MemberKey(hold->second.owner), writes);
    drop_name(key, writes);
  }
  Registrant& person = people_[member];
  take_name(person, member, key, now_ms, writes);
  if (person.online) leases_.erase({person.offline_at, member});
  bytes_ -= person.registration.size();
  person.registration = encode_registration(registration);
  bytes_ += person.registration.size();
  if (person.link != link) person.handed_until = 0;
  person.name = registration.name;
  person.discoverable = registration.discoverable;
  person.version = registration.version;
  person.observed = observed;
  person.seen_ms = now_ms;
  person.online = true;
  person.link = link;
  person.offline_at = offline_at;
  leases_.emplace(offline_at, member);
  list(member, person);
  writes.push_back(KeptMember{member, person.version, person.observed, now_ms, person.registration});
}

void Registrants::list(const MemberKey& member, const Registrant& person) {
  unlist(member);
  if (person.discoverable) discoverable_.insert(member);
  if (person.is_shown()) shown_.insert(member);
}

void Registrants::unlist(const MemberKey& member) {
  discoverable_.erase(member);
  shown_.erase(member);
}

void Registrants::restore(const KeptMember& kept, const Registration& registration) {
  Registrant& person = people_[kept.member];
  person.registration = kept.registration;
  bytes_ += person.registration.size();
  person.name = registration.name;
  person.discoverable = registration.discoverable;
  person.version = kept.version;
  person.observed = kept.observed;
  person.seen_ms = kept.seen_ms;
  list(kept.member, person);
}

void Registrants::restore(const KeptName& kept) {
  Registrant* person = edit(kept.owner);
  if (person == nullptr) return;
  names_[kept.key] = NameHold{kept.owner, kept.since_ms, kept.left_ms};
  person->names.push_back(kept.key);
  if (kept.left_ms == 0) person->name_key = kept.key;
}

void Registrants::set_version(const MemberKey& member, std::uint64_t version) {
  people_.at(member).version = version;
}

void Registrants::set_handed(const MemberKey& member, std::uint64_t until) {
  people_.at(member).handed_until = until;
}

void Registrants::leave_link(const MemberKey& member, Instant offline_at, WallMs now_ms) {
  Registrant& person = people_.at(member);
  leases_.erase({person.offline_at, member});
  person.offline_at = std::min(person.offline_at, offline_at);
  leases_.emplace(person.offline_at, member);
  person.link = 0;
  person.seen_ms = now_ms;
}

void Registrants::set_offline(const MemberKey& member, WallMs seen_ms, Writes& writes) {
  Registrant& person = people_.at(member);
  leases_.erase({person.offline_at, member});
  person.online = false;
  person.link = 0;
  person.seen_ms = seen_ms;
  list(member, person);
  writes.push_back(KeptSighting{member, person.version, seen_ms});
}

std::optional<MemberKey> Registrants::find_over(Instant now) const {
  if (leases_.empty() || leases_.begin()->first > now) return std::nullopt;
  return leases_.begin()->second;
}

std::optional<Instant> Registrants::next_deadline() const {
  return leases_.empty() ? std::nullopt : std::optional(leases_.begin()->first);
}

void Registrants::drop(const MemberKey& member, Writes& writes) {
  const auto found = people_.find(member);
  for (const std::string& key : std::vector<std::string>(found->second.names)) drop_name(key, writes);
  bytes_ -= found->second.registration.size();
  leases_.erase({found->second.offline_at, member});
  unlist(member);
  people_.erase(found);
  writes.push_back(DroppedMember{member});
}

std::size_t Registrants::forget_old(WallMs now_ms, Writes& writes) {
  std::vector<MemberKey> gone;
  std::vector<std::string> former;
  for (const auto& [member, person] : people_) {
    if (is_gone(person, now_ms)) {
      gone.push_back(member);
      continue;
    }
    for (const std::string& key : person.names) {
      if (is_over(names_.at(key), now_ms)) former.push_back(key);
    }
  }
  for (const MemberKey& member : gone) drop(member, writes);
  for (const std::string& key : former) drop_name(key, writes);
  return gone.size();
}

}  // namespace p2pmesh
