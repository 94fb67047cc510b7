// Who and what is at the discovery servers, page by page, and what changes there.
#include <algorithm>
#include <utility>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/name.h"
#include "rendezvous_links.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr Duration kListTimeout = 5s;  // as of a search

}  // namespace

void RendezvousLinks::list(Listed done) {
  const std::uint64_t number = next_listing_++;
  Listing& listing = listings_[number];
  listing.done = std::move(done);
  listing.deadline = loop_.now().monotonic + kListTimeout;
  for (Server& server : servers_) {
    if (server.link) ask_all(server, number);
  }
  // Else the first link may be on its way.
  if (servers_.empty()) end_listing(number);
}

void RendezvousLinks::ask_all(Server& server, std::uint64_t number) {
  ask_people(server, number, {});
  ask_meshes(server, number, {});
}

void RendezvousLinks::ask_people(Server& server, std::uint64_t number,
                                 const std::optional<MemberKey>& after) {
  if (server.pages.size() >= limits::kRendezvousQuestionsMax) return;
  ListPeople question;
  question.ticket = next_ticket_++;
  question.after = after;
  server.pages[question.ticket] = number;
  ++listings_.at(number).open;
  send(server, encode_frame_of(question));
}

void RendezvousLinks::ask_meshes(Server& server, std::uint64_t number, const std::optional<MeshId>& after) {
  if (server.pages.size() >= limits::kRendezvousQuestionsMax) return;
  ListMeshes question;
  question.ticket = next_ticket_++;
  question.after = after;
  server.pages[question.ticket] = number;
  ++listings_.at(number).open;
  send(server, encode_frame_of(question));
}

RendezvousLinks::Listing* RendezvousLinks::take_page(Server& server, RendezvousTicket ticket,
                                                     std::uint64_t& number) {
  const auto page = server.pages.extract(ticket);
  if (!page) return nullptr;
  number = page.mapped();
  const auto at = listings_.find(number);
  if (at == listings_.end()) return nullptr;
  at->second.was_answered = true;
  return &at->second;
}

bool RendezvousLinks::on_people(Server& server, const std::optional<People>& page) {
  if (!page) return false;
  std::uint64_t number = 0;
  Listing* listing = take_page(server, page->ticket, number);
  if (listing == nullptr) return true;
  for (const PersonEntry& person : page->people) {
    if (!check_name(person.name)) continue;
    const auto [known, is_new] = listing->people.try_emplace(person.member, person);
    // Of two servers the one counts that has heard of it last.
    const bool is_newer =
        person.online != known->second.online ? person.online : person.seen_ms > known->second.seen_ms;
    if (!is_new && is_newer) known->second = person;
  }
  const bool is_full = listing->people.size() >= limits::kRendezvousListedMax;
  listing->more = listing->more || (is_full && !page->last);
  if (!page->last && !page->people.empty() && !is_full)
    ask_people(server, number, page->people.back().member);
  end_page(number);
  return true;
}

bool RendezvousLinks::on_meshes(Server& server, const std::optional<Meshes>& page) {
  if (!page) return false;
  std::uint64_t number = 0;
  Listing* listing = take_page(server, page->ticket, number);
  if (listing == nullptr) return true;
  for (const MeshEntry& mesh : page->meshes) {
    const auto [known, is_new] = listing->meshes.try_emplace(mesh.mesh, mesh);
    if (!is_new && mesh.online > known->second.online) known->second = mesh;
  }
  const bool is_full = listing->meshes.size() >= limits::kRendezvousListedMax;
  listing->more = listing->more || (is_full && !page->last);
  if (!page->last && !page->meshes.empty() && !is_full) ask_meshes(server, number, page->meshes.back().mesh);
  end_page(number);
  return true;
}

void RendezvousLinks::end_page(std::uint64_t number) {
  const auto at = listings_.find(number);
  if (at != listings_.end() && --at->second.open == 0) end_listing(number);
}

void RendezvousLinks::end_listing(std::uint64_t number) {
  auto ended = listings_.extract(number);
  if (!ended) return;
  Listing& listing = ended.mapped();
  if (!listing.was_answered) return listing.done(fail(ExitStatus::kUnavailable, nobody_answers()));
  RendezvousListing result;
  for (auto& [member, person] : listing.people) result.people.push_back(std::move(person));
  for (auto& [mesh, entry] : listing.meshes) result.meshes.push_back(std::move(entry));
  std::stable_sort(result.people.begin(), result.people.end(),
                   [](const PersonEntry& one, const PersonEntry& other) {
                     return name_key(one.name) < name_key(other.name);
                   });
  std::stable_sort(result.meshes.begin(), result.meshes.end(),
                   [](const MeshEntry& one, const MeshEntry& other) { return one.online > other.online; });
  const auto keep_most = [&](auto& entries) {
    if (entries.size() <= limits::kRendezvousListedMax) return;
    entries.resize(limits::kRendezvousListedMax);
    result.more = true;
  };
  keep_most(result.people);
  keep_most(result.meshes);
  result.more = result.more || listing.more || listing.open > 0;
  listing.done(std::move(result));
}

/// As many as a server takes; who is beyond is tried again by time alone.
void RendezvousLinks::watch(Server& server) {
  if (keeper_ == nullptr) return;
  std::vector<MemberKey> members = keeper_->watched();
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  if (members.size() > limits::kRendezvousWatchedMax) members.resize(limits::kRendezvousWatchedMax);
  if (members == server.watched) return;
  Watch message;
  message.ticket = next_ticket_++;
  message.what = members.empty() ? Watch::What::kNothing : Watch::What::kSome;
  message.members = members;
  server.watched = std::move(members);
  send(server, encode_frame_of(message));
}

bool RendezvousLinks::on_changes(Server& server, const std::optional<Changes>& changes) {
  if (!changes) return false;
  send(server, encode_frame_of(ChangesSeen{changes->position}));
  if (keeper_ == nullptr) return true;
  for (const Change& change : changes->changes) keeper_->on_change(change);
  return true;
}

}  // namespace p2pmesh
