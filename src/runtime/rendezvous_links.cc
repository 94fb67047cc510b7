#include "rendezvous_links.h"

#include <algorithm>
#include <utility>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr Duration kBackOffMin = 1s;
constexpr Duration kBackOffMax = 60s;
constexpr Duration kAnswerTimeout = 10s;                                        // it writes to its disk first
constexpr Duration kPresenceLook = 1s;                                          // for what has changed; guess
constexpr Duration kSearchTimeout = 5s;                                         // "after 5 s of asking"
constexpr Duration kSearchAgain = 1s;                                           // somebody may have just come
constexpr std::uint64_t kClocksApartMaxMs = 10ULL * 365 * 24 * 60 * 60 * 1000;  // of what a server may say
constexpr std::uint64_t kValidForMs = 12ULL * 60 * 60 * 1000;                   // clocks may be hours apart

std::string in_seconds(std::uint64_t ms) {
  return std::to_string((ms + 999) / 1000) + " s";
}

}  // namespace

RendezvousLinks::RendezvousLinks(EventLoop& loop, JoinAttempts& joins, LinkServer& links,
                                 const Signer& signer, LogSink& log, Present present)
    : loop_(loop),
      joins_(joins),
      links_(links),
      signer_(signer),
      log_(log),
      present_(std::move(present)),
      random_(draw_random_64()) {}

void RendezvousLinks::use(const std::vector<HostPort>& places) {
  for (const HostPort& place : places) {
    const auto same = [&](const Server& server) {
      return server.place.host == place.host && server.place.port == place.port;
    };
    if (servers_.size() >= limits::kRendezvousUsedMax || std::any_of(servers_.begin(), servers_.end(), same))
      continue;
    servers_.emplace_back();
    servers_.back().place = place;
    servers_.back().dial_at = loop_.now().monotonic;
  }
}

const RendezvousLinks::Server* RendezvousLinks::find(LinkId link) const {
  const auto found = std::find_if(servers_.begin(), servers_.end(),
                                  [&](const Server& server) { return server.link == link; });
  return found == servers_.end() ? nullptr : &*found;
}

RendezvousLinks::Server* RendezvousLinks::find(LinkId link) {
  return const_cast<Server*>(std::as_const(*this).find(link));
}

void RendezvousLinks::dial(Server& server) {
  server.dial_at.reset();
  const auto number = static_cast<std::size_t>(&server - servers_.data());
  const std::uint64_t ticket = joins_.start(server.place.host, server.place.port, kRendezvousMesh, false,
                                            [this, number](const Result<JoinFound>& found) {
                                              Server& dialled = servers_[number];
                                              dialled.join.reset();
                                              if (!found) fall_back(dialled, found.error().message);
                                            });
  // It may have failed at once.
  if (!server.dial_at && !server.link) server.join = ticket;
}

/// All come back at once when a server does, so each waits a different while.
void RendezvousLinks::fall_back(Server& server, const std::string& what) {
  const std::string trouble = format_safe_line(what);  // it may hold a host as somebody typed it
  server.link.reset();
  server.is_registered = false;
  server.told.reset();
  for (const auto& [ticket, number] : std::exchange(server.questions, {})) on_unknown(number);
  server.asks.clear();
  server.said.clear();
  for (const auto& [ticket, number] : std::exchange(server.pages, {})) end_page(number);
  server.watched.clear();
  server.register_at.reset();
  server.answer_by.reset();
  if (server.trouble != trouble)
    log_.log(LogLevel::kWarning, "discovery server " + format_rendezvous(server.place) + ": " + trouble);
  server.trouble = trouble;
  const int doublings = static_cast<int>(std::min<std::uint32_t>(server.failures++, 6));
  const Duration most = std::min<Duration>(kBackOffMin * (1 << doublings), kBackOffMax);
  const auto jitter = random_.below(static_cast<std::uint64_t>(most.count()));
  server.dial_at = loop_.now().monotonic + most / 2 + Duration(static_cast<Duration::rep>(jitter));
}

void RendezvousLinks::give_up(Server& server, const std::string& trouble) {
  links_.close(*server.link, CloseReason::kDisconnect);
  fall_back(server, trouble);
}

void RendezvousLinks::on_link_up(LinkId link, const NodeKey& node, std::uint64_t join) {
  for (Server& server : servers_) {
    if (server.join != join) continue;
    server.link = link;
    server.node = node;
    tell_presence(server);
    for (auto& [number, search] : searches_) search.ask_at = loop_.now().monotonic;
    for (auto& [number, listing] : listings_) ask_all(server, number);
    return;
  }
}

bool RendezvousLinks::on_link_down(LinkId link) {
  Server* server = find(link);
  if (server == nullptr) return false;
  fall_back(*server, "the link was lost; chats go on without it, and it is dialled again");
  return true;
}

void RendezvousLinks::send(Server& server, const Bytes& frame) {
  links_.send({*server.link, std::make_shared<const Bytes>(frame), FrameClass::kControl});
}

void RendezvousLinks::tell_presence(Server& server) {
  const Now& now = loop_.now();
  auto found = present_();
  if (!found) {
    server.register_at = now.monotonic + kPresenceLook;
    return;
  }
  RendezvousPresence presence = *std::move(found);
  Register message;
  message.ticket = server.register_ticket = next_ticket_++;
  Registration& registration = message.registration;
  registration.name = presence.name;
  registration.member = to_member(signer_.public_key());
  registration.node = to_node(signer_.public_key());
  registration.addresses = presence.addresses;
  registration.meshes = presence.meshes;
  registration.discoverable = presence.discoverable;
  registration.version = server.last_version = std::max(server.last_version + 1, now.wall_ms);
  registration.valid_until_ms =
      static_cast<WallMs>(static_cast<std::int64_t>(now.wall_ms) + server.clock_ahead_ms) + kValidForMs;
  registration.signature = signer_.sign(registration_signing_bytes(server.node, registration));
  server.told = std::move(presence);
  server.register_at.reset();
  server.answer_by = now.monotonic + kAnswerTimeout;
  send(server, encode_frame_of(message));
}

bool RendezvousLinks::on_frame(LinkId link, const FrameView& frame) {
  Server& server = *find(link);
  switch (static_cast<FrameType>(frame.type)) {
    case FrameType::kRegistered: {
      const auto reply = decode_registered(frame.payload);
      if (reply) on_registered(server, *reply);
      return reply.has_value();
    }
    case FrameType::kDenied: {
      const auto denied = decode_denied(frame.payload);
      if (denied) on_denied(server, *denied);
      return denied.has_value();
    }
    case FrameType::kFound: {
      const auto found = decode_found(frame.payload);
      if (found) on_found(server, *found);
      return found.has_value();
    }
    case FrameType::kAskState:
      return on_ask_state(server, decode_ask_state(frame.payload));
    case FrameType::kAskDelivery:
      return on_delivery(server, decode_ask_delivery(frame.payload));
    case FrameType::kPeople:
      return on_people(server, decode_people(frame.payload));
    case FrameType::kMeshes:
      return on_meshes(server, decode_meshes(frame.payload));
    case FrameType::kChanges:
      return on_changes(server, decode_changes(frame.payload));
    case FrameType::kDone:
    case FrameType::kClose:
      return true;
    default:
      return (frame.type & kSkippableFrameBit) != 0;
  }
}

void RendezvousLinks::on_registered(Server& server, const Registered& reply) {
  if (reply.ticket == 0 || reply.ticket != server.register_ticket) return;
  server.register_ticket = 0;  // answered; it is not said twice
  if (!server.is_registered)
    log_.log(LogLevel::kInfo, "registered at the discovery server " + format_rendezvous(server.place));
  server.is_registered = true;
  server.failures = 0;
  server.trouble.clear();
  server.answer_by.reset();
  const std::uint32_t lease_s = std::clamp<std::uint32_t>(reply.lease_s, 3, 86'400);
  server.register_at = loop_.now().monotonic + std::chrono::milliseconds(lease_s * 1000ULL / 3);
  say_asks_to(server);
  watch(server);
}

std::string RendezvousLinks::describe(const Server& server, const Denied& denied) {
  const std::string name = format_safe_line(server.told ? server.told->name : "");
  switch (denied.reason) {
    case DenyReason::kNameHeld:
      return "the name " + name +
             " is held by another key there, so you cannot be found by it; take another one (/nick NAME)";
    case DenyReason::kNameNotAllowed:
      return "the name " + name + " is not allowed there";
    case DenyReason::kOverBudget:
      return "it is asked too much, and says to come again in " + in_seconds(denied.value);
    case DenyReason::kFull:
      return "it is full: " + std::to_string(denied.value) + " is all that it takes";
    case DenyReason::kExpired:
      return "its clock and that of this machine are far apart";
    case DenyReason::kStale:
      return "it holds a newer registration of this key; does another node use it?";
    case DenyReason::kMalformed:
    case DenyReason::kNotRegistered:
    case DenyReason::kUnknown:
      break;
  }
  return "it refuses the registration";
}

void RendezvousLinks::on_denied(Server& server, const Denied& denied) {
  // Of a question the next round asks again.
  if (const auto ask = server.asks.extract(denied.ticket)) {
    // Who is over its budget there says it again with the next registration.
    if (denied.reason == DenyReason::kOverBudget) return void(server.said.erase(ask.mapped()));
    return keeper_->on_ask_denied(ask.mapped(), describe(server, denied));
  }
  if (const auto page = server.pages.extract(denied.ticket)) return end_page(page.mapped());
  if (const auto question = server.questions.extract(denied.ticket)) return on_unknown(question.mapped());
  if (denied.ticket == 0 || denied.ticket != server.register_ticket) return;
  server.register_ticket = 0;
  const Now& now = loop_.now();
  server.answer_by.reset();
  server.is_registered = false;
  const std::string trouble = describe(server, denied);
  if (server.trouble != trouble)
    log_.log(LogLevel::kWarning, "discovery server " + format_rendezvous(server.place) + ": " + trouble);
  server.trouble = trouble;
  const auto wait =
      std::min<Duration>(kBackOffMin * (1 << std::min<std::uint32_t>(server.failures++, 6)), kBackOffMax);
  server.register_at = now.monotonic + wait;
  if (denied.reason == DenyReason::kOverBudget)
    server.register_at =
        now.monotonic +
        std::max<Duration>(wait, std::chrono::milliseconds(std::min<std::uint64_t>(denied.value, 3'600'000)));
  // No honest one holds a version of more than a day from now.
  if (denied.reason == DenyReason::kStale && denied.value < now.wall_ms + limits::kRendezvousAheadMs)
    server.last_version = std::max(server.last_version, denied.value);
  // A server that lies about the time gets a registration of another time, which is good for it alone.
  if (denied.reason == DenyReason::kExpired) {
    const std::uint64_t clock = std::min(denied.value, now.wall_ms + kClocksApartMaxMs);
    server.clock_ahead_ms = static_cast<std::int64_t>(clock) - static_cast<std::int64_t>(now.wall_ms);
  }
}

std::string RendezvousLinks::nobody_answers() const {
  if (servers_.empty()) return "No discovery server is known; give one with --rendezvous HOST:PORT.";
  std::string why = "No discovery server answers:";
  for (const Server& server : servers_)
    why +=
        " " + format_rendezvous(server.place) + (server.trouble.empty() ? "" : " (" + server.trouble + ")");
  return why + ". A member's HOST PORT joins without one.";
}

void RendezvousLinks::check_deadlines() {
  const Instant now = loop_.now().monotonic;
  for (Server& server : servers_) {
    if (server.dial_at && *server.dial_at <= now) dial(server);
    if (server.answer_by && *server.answer_by <= now) give_up(server, "it does not answer");
    if (server.register_at && *server.register_at <= now) tell_presence(server);
  }
  if (look_at_ <= now) {
    look_at_ = now + kPresenceLook;
    for (Server& server : servers_) {
      if (server.is_registered) watch(server);
      if (server.is_registered && server.told && !server.answer_by &&
          *server.told != present_().value_or(*server.told))
        tell_presence(server);
    }
  }
  check_searches(now);
}

std::optional<Instant> RendezvousLinks::next_deadline() const {
  if (servers_.empty() && searches_.empty() && listings_.empty()) return std::nullopt;
  Instant next = look_at_;
  for (const Server& server : servers_) {
    for (const auto& due : {server.dial_at, server.answer_by, server.register_at}) {
      if (due) next = std::min(next, *due);
    }
  }
  for (const auto& [number, search] : searches_) next = std::min({next, search.deadline, search.ask_at});
  for (const auto& [number, listing] : listings_) next = std::min(next, listing.deadline);
  return next;
}

void RendezvousLinks::withdraw() {
  for (Server& server : servers_) {
    server.dial_at.reset();
    if (!server.link || !server.is_registered) continue;
    Withdraw message;
    message.ticket = next_ticket_++;
    message.member = to_member(signer_.public_key());
    message.version = server.last_version = std::max(server.last_version + 1, loop_.now().wall_ms);
    message.signature = signer_.sign(withdrawal_signing_bytes(server.node, message));
    send(server, encode_frame_of(message));
  }
}

std::vector<RendezvousStanding> RendezvousLinks::standings() const {
  std::vector<RendezvousStanding> standings;
  for (const Server& server : servers_)
    standings.push_back(
        {format_rendezvous(server.place), server.link.has_value(), server.is_registered, server.trouble});
  return standings;
}

}  // namespace p2pmesh
