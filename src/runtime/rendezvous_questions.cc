// What a node asks its discovery servers: who is where, and what it has them hand over.
#include <algorithm>
#include <utility>

#include "address.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/text/name.h"
#include "p2pmesh/text/safe_text.h"
#include "people_list.h"
#include "rendezvous_links.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr Duration kSearchTimeout = 5s;  // "after 5 s of asking"
constexpr Duration kSearchAgain = 1s;    // somebody may have just come

}  // namespace

std::string format_rendezvous(const HostPort& place) {
  return format_safe_line(NotedPlace{"", place.host, place.port}.format());
}

std::vector<HostPort> places_of(const FoundMember& found) {
  std::vector<HostPort> places;
  for (const NetAddress& address : found.addresses) {
    const SocketAddress target = to_socket(address);
    places.push_back({target.host(), target.port()});
  }
  return places;
}

AskId hash_ask(const NodeKey& server, const Ask& ask) {
  return AskId{hash_tagged(kAskIdTag, ask_signing_bytes(server, ask))};
}

void RendezvousLinks::say_asks(bool again) {
  for (Server& server : servers_) {
    if (again) server.said.clear();
    if (server.is_registered) say_asks_to(server);
  }
}

void RendezvousLinks::say_asks_to(Server& server) {
  if (keeper_ == nullptr) return;
  for (Ask& ask : keeper_->asks_for(server.node)) {
    const AskId id = hash_ask(server.node, ask);
    if (!server.said.insert(id).second) continue;
    const RendezvousTicket ticket = next_ticket_++;
    server.asks[ticket] = id;
    send(server, encode_frame_of(AskFrame{ticket, std::move(ask)}));
  }
}

void RendezvousLinks::take_back(const std::function<AskId(const NodeKey& server)>& id_at) {
  for (Server& server : servers_) {
    if (server.is_registered) send(server, encode_frame_of(TakeBack{next_ticket_++, id_at(server.node)}));
  }
}

bool RendezvousLinks::on_ask_state(Server& server, const std::optional<AskState>& state) {
  if (!state) return false;
  server.asks.erase(state->ticket);
  if (keeper_ != nullptr) keeper_->on_ask_state(server.node, *state);
  if (state->state == AskState::State::kDelivered)
    send(server, encode_frame_of(TakeBack{next_ticket_++, state->id}));
  return true;
}

bool RendezvousLinks::on_delivery(Server& server, const std::optional<AskDelivery>& delivery) {
  if (!delivery) return false;
  if (keeper_ != nullptr && keeper_->take(server.node, delivery->ask))
    send(server, encode_frame_of(AsksTaken{next_ticket_++, {hash_ask(server.node, delivery->ask)}}));
  return true;
}

void RendezvousLinks::look_up(WantedMember wanted, LookedUp done) {
  if (servers_.empty()) return done(fail(ExitStatus::kUnavailable, nobody_answers()));
  const Instant now = loop_.now().monotonic;
  Search search;
  search.wanted = std::move(wanted);
  search.done = std::move(done);
  search.deadline = now + kSearchTimeout;
  search.ask_at = now;
  searches_.emplace(next_search_++, std::move(search));
}

void RendezvousLinks::ask(Search& search, std::uint64_t number) {
  const Instant now = loop_.now().monotonic;
  search.ask_at = search.wanted.is_asked_once ? search.deadline : now + kSearchAgain;
  for (Server& server : servers_) {
    if (!server.link || server.questions.size() >= limits::kRendezvousQuestionsMax) continue;
    LookUp question;
    question.ticket = next_ticket_++;
    question.member = search.wanted.member;
    if (!question.member) question.name = search.wanted.name;
    server.questions[question.ticket] = number;
    ++search.open;
    send(server, encode_frame_of(question));
  }
}

/// One server does not know, or does not say.
void RendezvousLinks::on_unknown(std::uint64_t number) {
  const auto at = searches_.find(number);
  if (at == searches_.end()) return;
  Search& search = at->second;
  if (search.open > 0) --search.open;
  if (search.open == 0 && search.wanted.is_asked_once && search.was_answered)
    search.deadline = loop_.now().monotonic;
}

void RendezvousLinks::on_found(Server& server, const Found& found) {
  const auto question = server.questions.extract(found.ticket);
  if (!question) return;
  const auto at = searches_.find(question.mapped());
  if (at == searches_.end()) return;
  Search& search = at->second;
  search.was_answered = true;
  if (!found.known) return on_unknown(question.mapped());
  const auto registration = decode_registration(found.registration);
  // What the member itself has not signed, for this server, is the server's invention.
  const bool is_wanted =
      registration && (search.wanted.member ? registration->member == *search.wanted.member
                                            : name_key(registration->name) == name_key(search.wanted.name));
  const bool is_true =
      is_wanted && ed25519_verifier().verify(registration->member.view(),
                                             registration_signing_bytes(server.node, *registration),
                                             registration->signature);
  if (!is_true) {
    log_.log(LogLevel::kWarning, "discovery server " + format_rendezvous(server.place) +
                                     " gave a registration that is not what was asked for, or not signed");
    return on_unknown(question.mapped());
  }
  FoundMember member{*registration, found.online, found.seen_ms, {}};
  if (found.observed) member.addresses.push_back(*found.observed);
  for (const NetAddress& address : registration->addresses) {
    if (std::find(member.addresses.begin(), member.addresses.end(), address) == member.addresses.end())
      member.addresses.push_back(address);
  }
  if (search.wanted.is_asked_once) {
    if (search.found && search.found->registration.member != registration->member)
      search.namesake = registration->member;
    else if (!search.found || !search.found->online)
      search.found = std::move(member);
    return on_unknown(question.mapped());
  }
  if (found.online) return end_search(question.mapped(), std::move(member));
  search.offline = std::move(member);
}

void RendezvousLinks::end_search(std::uint64_t number, Result<FoundMember> found) {
  auto ended = searches_.extract(number);
  if (ended) ended.mapped().done(std::move(found));
}

void RendezvousLinks::check_searches(Instant now) {
  std::vector<std::uint64_t> listed;
  for (const auto& [number, listing] : listings_) {
    if (listing.deadline <= now) listed.push_back(number);
  }
  for (std::uint64_t number : listed) end_listing(number);
  std::vector<std::uint64_t> over;
  for (auto& [number, search] : searches_) {
    if (search.deadline <= now)
      over.push_back(number);
    else if (search.ask_at <= now)
      ask(search, number);
  }
  for (std::uint64_t number : over) {
    const Search& search = searches_.at(number);
    const std::string name = format_safe_line(search.wanted.name);
    if (search.namesake) {
      end_search(number,
                 fail(ExitStatus::kUsage, "Two discovery servers know another one as " + name +
                                              "; type a key: " + search.found->registration.member.hex() +
                                              " or " + search.namesake->hex() + "."));
      continue;
    }
    if (search.found) {
      end_search(number, FoundMember(*search.found));
      continue;
    }
    if (search.offline) {
      end_search(number,
                 fail(ExitStatus::kUnavailable, name + " is not online now. /add notes where somebody is; "
                                                       "the discovery server keeps who asked for whom."));
    } else if (search.was_answered) {
      end_search(number,
                 fail(ExitStatus::kUnknownHost, "Nobody called " + name +
                                                    " is known to the discovery server. Is the name right? "
                                                    "Who is undiscoverable is not told either."));
    } else {
      end_search(number, fail(ExitStatus::kUnavailable, nobody_answers()));
    }
  }
}

}  // namespace p2pmesh
