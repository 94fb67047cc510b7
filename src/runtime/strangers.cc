#include "strangers.h"

#include <algorithm>
#include <utility>

#include "address.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/text/name.h"
#include "p2pmesh/text/safe_text.h"
#include "p2pmesh/wire/codec.h"
#include "people_list.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr Duration kLook = 1s;                            // for who has come; guess
constexpr Duration kTrialMin = 2s;                        // somebody who is not there yet; guess
constexpr Duration kTrialMax = 60s;                       // as of a discovery server
constexpr std::uint64_t kAskAgainMs = 10ULL * 60 * 1000;  // between two requests of one; guess
constexpr std::size_t kSealedHead = 32;                   // the public key that is used once

/// Both keys are in it, so that nobody else can pass on what was sealed as their own words.
SharedSecret seal_key(const SharedSecret& shared, ByteView once, const MemberKey& from, const MemberKey& to) {
  return hash_tagged("p2pmesh stranger key 1", Writer().raw(shared).raw(once).id(from).id(to).take());
}

bool is_waiting(const Stranger& stranger) {
  return stranger.state == StrangerState::kAsks;
}

}  // namespace

Strangers::Strangers(EventLoop& loop, JoinAttempts& joins, LinkServer& links, RendezvousLinks& servers,
                     const Signer& signer, const KeyAgreement& agreement, StrangerBook book,
                     StrangerActions actions, LogSink& log)
    : loop_(loop),
      joins_(joins),
      links_(links),
      servers_(servers),
      signer_(signer),
      agreement_(agreement),
      book_(std::move(book)),
      actions_(std::move(actions)),
      log_(log),
      random_(draw_random_64()),
      self_(to_member(signer.public_key())) {}

Bytes Strangers::seal(const StrangerRequest& request, const MemberKey& to) const {
  const auto key = agreement_.key_of(to);
  const AgreementKeys once = agreement_.make_keys(draw_seed());
  const auto shared = key ? agreement_.agree(once, *key) : std::nullopt;
  if (!shared) return {};
  const Bytes sealed =
      seal_once(seal_key(*shared, once.public_key, self_, to), encode_stranger_request(request));
  return Writer().raw(once.public_key).raw(sealed).take();
}

std::optional<StrangerRequest> Strangers::unseal(const Ask& ask) const {
  if (ask.sealed.size() < kSealedHead) return std::nullopt;
  const ByteView whole = ask.sealed;
  PublicKey once{};
  std::copy_n(whole.begin(), kSealedHead, once.begin());
  const auto shared = agreement_.agree(agreement_.own(), once);
  if (!shared) return std::nullopt;
  const auto plain = open_sealed(seal_key(*shared, once, ask.asker, self_), whole.subspan(kSealedHead));
  return plain ? decode_stranger_request(*plain) : std::nullopt;
}

Ask Strangers::sign(const NodeKey& server, const Stranger& stranger) const {
  Ask ask;
  ask.asker = self_;
  ask.recipient = stranger.member;
  ask.made_ms = stranger.since_ms;
  ask.sealed = stranger.sealed;
  ask.signature = signer_.sign(ask_signing_bytes(server, ask));
  return ask;
}

Result<void> Strangers::keep(const Stranger& stranger) {
  auto kept = book_.keep(stranger);
  if (kept) actions_.changed();
  return kept;
}

std::string Strangers::shown_name(const Stranger& stranger) const {
  return actions_.is_taken(stranger.name, stranger.member) ? StrangerBook::full_name(stranger)
                                                           : book_.shown_name(stranger);
}

void Strangers::tell(const char* what, const Stranger& stranger, const std::string& why) {
  actions_.tell({what, stranger.member, shown_name(stranger), stranger.invite.mesh, why});
}

void Strangers::ask(const std::string& name, Met done) {
  servers_.look_up({name, MemberKey::from_hex(name), true},
                   [this, done = std::move(done)](const Result<FoundMember>& found) {
                     if (!found) return done(tl::unexpected<Error>(found.error()));
                     done(ask_member(found->registration.member, found->registration.name, {}));
                   });
}

/// In its own mesh, unless there is one of the two already, or it has asked itself.
Result<MeshId> Strangers::ask_member(const MemberKey& member, const std::string& name, const HostPort& place,
                                     const std::optional<NetAddress>& local) {
  if (member == self_) return fail(ExitStatus::kUsage, "That is you; write to somebody else.");
  if (const Stranger* known = book_.find_talk(member)) {
    const MeshId mesh = known->invite.mesh;
    if (known->state == StrangerState::kAsked) ask_again(mesh, place);
    return mesh;
  }
  if (const Stranger* incoming = book_.find_incoming(member); incoming != nullptr && is_waiting(*incoming)) {
    const MeshId mesh = incoming->invite.mesh;
    if (auto accepted = answer(*incoming, true); !accepted) return tl::unexpected<Error>(accepted.error());
    return mesh;
  }
  if (!check_name(name)) return fail(ExitStatus::kProtocol, "who is there gives no name that could be shown");
  const auto presence = actions_.presence();
  auto invite = actions_.open();
  if (!invite) return tl::unexpected<Error>(invite.error());
  if (local && presence && !presence->addresses.empty()) {
    std::vector<std::string>& addresses = invite->addresses;
    addresses.insert(addresses.begin(),
                     to_socket(*local).with_port(presence->addresses.front().port).format());
    if (addresses.size() > limits::kAddressesMax) addresses.pop_back();
  }
  Stranger stranger;
  stranger.member = member;
  stranger.name = name;
  stranger.invite = *invite;
  stranger.since_ms = loop_.now().wall_ms;
  stranger.place = place;
  stranger.sealed = seal({StrangerRequest::Kind::kAsk, presence ? presence->name : "", *invite}, member);
  auto kept = stranger.sealed.empty() || !presence
                  ? fail(ExitStatus::kProtocol, "nothing can be sealed to the key that is there")
                  : keep(stranger);
  if (!kept) {
    actions_.leave(invite->mesh);
    return tl::unexpected<Error>(kept.error());
  }
  tell("asked", stranger);
  servers_.say_asks();
  return invite->mesh;
}

/// The same request: who has it takes it for that.
void Strangers::ask_again(const MeshId& mesh, const HostPort& place) {
  const Stranger* known = book_.find(mesh);
  if (known == nullptr || known->state != StrangerState::kAsked) return;
  if (!known->is_delivered && place.host.empty()) return;  // it is on its way
  Stranger again = *known;
  again.is_delivered = false;
  if (!place.host.empty()) again.place = place;
  if (auto kept = keep(again); !kept) return log_.log(LogLevel::kError, kept.error().message);
  servers_.say_asks(true);
}

std::vector<Ask> Strangers::asks_for(const NodeKey& server) {
  std::vector<Ask> asks;
  for (const Stranger& stranger : book_.all()) {
    if (!is_said(stranger)) asks.push_back(sign(server, stranger));
  }
  return asks;
}

void Strangers::on_ask_state(const NodeKey& server, const AskState& state) {
  if (state.state != AskState::State::kDelivered) return;
  for (const Stranger& stranger : book_.all()) {
    if (is_said(stranger) || hash_ask(server, sign(server, stranger)) != state.id) continue;
    return set_said(stranger);
  }
}

void Strangers::on_ask_denied(const AskId&, const std::string& why) {
  log_.log(LogLevel::kWarning, "a request is not kept by a discovery server: " + why);
}

/// Whoever is waited for, and nobody else: a server needs not know with whom one talks.
std::vector<MemberKey> Strangers::watched() const {
  std::vector<MemberKey> members;
  for (const Stranger& stranger : book_.all()) {
    const bool is_lost = stranger.state == StrangerState::kTogether && actions_.is_in(stranger.invite.mesh) &&
                         actions_.is_alone(stranger.invite.mesh);
    if (is_lost || stranger.state == StrangerState::kAccepted) members.push_back(stranger.member);
  }
  return members;
}

/// Who has come, or is somewhere else now, is tried soon.
void Strangers::on_change(const Change& change) {
  if (change.what == Change::What::kOffline) return;
  const Instant soon = loop_.now().monotonic + kTrialMin;
  for (const Stranger& stranger : book_.all()) {
    const auto trial = trials_.find(stranger.invite.mesh);
    if (stranger.member == change.member && trial != trials_.end())
      trial->second.at = std::min(trial->second.at, soon);
  }
}

void Strangers::set_said(const Stranger& stranger) {
  Stranger said = stranger;
  said.is_delivered = true;
  if (auto kept = keep(said); !kept) return log_.log(LogLevel::kError, kept.error().message);
  if (said.state == StrangerState::kAsked) tell("delivered", said);
}

/// The servers need not keep it any longer.
void Strangers::take_back(const Stranger& stranger) {
  if (stranger.sealed.empty()) return;
  servers_.take_back([&](const NodeKey& server) { return hash_ask(server, sign(server, stranger)); });
}

/// What nobody could have meant is as good as taken: it need not come again.
bool Strangers::take(const NodeKey& server, const Ask& ask) {
  const bool is_true =
      ask.recipient == self_ && ask.asker != self_ &&
      ed25519_verifier().verify(ask.asker.view(), ask_signing_bytes(server, ask), ask.signature);
  // Older ones are kept nowhere; who hands one over replays it.
  if (is_true && ask.made_ms + limits::kAskKeptMs + limits::kRendezvousAheadMs < loop_.now().wall_ms)
    return true;
  const auto request = is_true ? unseal(ask) : std::nullopt;
  if (!request || is_reserved(request->invite.mesh) || !check_name(request->name)) {
    log_.log(LogLevel::kWarning, "a request to talk came that cannot be read, or is not signed by who asks");
    return true;
  }
  if (request->kind == StrangerRequest::Kind::kAsk) return take_request(ask, *request);
  take_decline(ask, *request);
  return true;
}

/// Of one member one request is kept: a further one takes its place, after a while, and is not told again.
bool Strangers::take_request(const Ask& ask, const StrangerRequest& request) {
  const bool is_known = book_.find(request.invite.mesh) != nullptr || actions_.was_in(request.invite.mesh);
  if (is_known || actions_.is_unwanted(ask.asker)) return true;
  Stranger stranger;
  stranger.member = ask.asker;
  stranger.name = request.name;
  stranger.invite = request.invite;
  stranger.since_ms = loop_.now().wall_ms;
  stranger.state = StrangerState::kAsks;
  const Stranger* incoming = book_.find_incoming(ask.asker);
  if (incoming != nullptr) {
    if (incoming->since_ms + kAskAgainMs > stranger.since_ms) return true;
    stranger.state = incoming->state;
    trials_.erase(incoming->invite.mesh);
    auto kept = book_.replace(incoming->invite.mesh, stranger);
    if (!kept) log_.log(LogLevel::kError, kept.error().message);
    actions_.changed();
    return kept.has_value();
  }
  // Each has asked the other: there is nothing left to be asked.
  const Stranger* talk = book_.find_talk(ask.asker);
  const bool is_crossing = talk != nullptr && talk->state == StrangerState::kAsked && actions_.has_room();
  if (is_crossing) stranger.state = StrangerState::kAccepted;
  if (!is_crossing && book_.count(StrangerState::kAsks) >= limits::kStrangersAskingMax) {
    log_.log(LogLevel::kWarning, std::to_string(limits::kStrangersAskingMax) +
                                     " requests to talk wait for an answer; further ones are not taken");
    return false;
  }
  if (auto kept = keep(stranger); !kept) {
    log_.log(LogLevel::kError, kept.error().message);
    return false;
  }
  if (!is_crossing) tell("asks", stranger);
  return true;
}

void Strangers::take_decline(const Ask& ask, const StrangerRequest& request) {
  const Stranger* asked = book_.find(request.invite.mesh);
  if (asked == nullptr || asked->member != ask.asker || asked->state != StrangerState::kAsked) return;
  if (asked->is_declined) return;
  Stranger declined = *asked;
  declined.is_delivered = declined.is_declined = true;
  if (auto kept = keep(declined); !kept) log_.log(LogLevel::kError, kept.error().message);
  tell("declined", declined);
}

Result<void> Strangers::answer(const Stranger& stranger, bool accepts) {
  if (accepts && !actions_.has_room()) {
    return fail(ExitStatus::kTryAgain, "This node is in " + std::to_string(limits::kMeshesMax) +
                                           " meshes, which is all that it may; leave one first: /leave MESH");
  }
  Stranger answered = stranger;
  answered.state = accepts ? StrangerState::kAccepted : StrangerState::kDeclined;
  answered.sealed.clear();
  answered.is_delivered = false;
  if (!accepts) {
    const auto presence = actions_.presence();
    answered.sealed = seal({StrangerRequest::Kind::kDecline, presence ? presence->name : answered.name,
                            InviteLink{{}, answered.invite.mesh, {}}},
                           answered.member);
  }
  answered.since_ms = loop_.now().wall_ms;
  if (auto kept = keep(answered); !kept) return kept;
  trials_.erase(answered.invite.mesh);
  if (accepts)
    enter(answered);
  else
    servers_.say_asks();
  return {};
}

/// So that nobody is led there again by a request that lies somewhere yet.
void Strangers::forget(const MeshId& mesh) {
  trials_.erase(mesh);
  const Stranger* known = book_.find(mesh);
  if (known == nullptr) return;
  take_back(*known);
  Stranger left = *known;
  left.state = StrangerState::kLeft;
  left.sealed.clear();
  if (auto kept = keep(left); !kept) log_.log(LogLevel::kError, kept.error().message);
}

void Strangers::check_deadlines() {
  const Instant now = loop_.now().monotonic;
  std::vector<LinkId> over;
  for (const auto& [link, talk] : talks_) {
    if (talk.deadline <= now) over.push_back(link);
  }
  for (LinkId link : over) end_talk(link);
  if (now < look_at_) return;
  look_at_ = now + kLook;
  const std::vector<Stranger> strangers = book_.all();  // what follows may change it
  for (const Stranger& stranger : strangers) {
    const bool is_apart =
        stranger.state == StrangerState::kAsked || stranger.state == StrangerState::kAccepted;
    if (is_apart && actions_.is_in(stranger.invite.mesh) &&
        actions_.has_come(stranger.invite.mesh, stranger.member)) {
      set_together(stranger);
      continue;
    }
    const auto trial = trials_.find(stranger.invite.mesh);
    if (trial != trials_.end() && (trial->second.is_under_way || now < trial->second.at)) continue;
    try_again(stranger);
  }
}

std::optional<Instant> Strangers::next_deadline() const {
  if (book_.all().empty() && talks_.empty()) return std::nullopt;
  Instant next = look_at_;
  for (const auto& [link, talk] : talks_) next = std::min(next, talk.deadline);
  return next;
}

void Strangers::set_together(const Stranger& stranger) {
  take_back(stranger);
  Stranger together = stranger;
  together.state = StrangerState::kTogether;
  together.is_declined = false;
  together.sealed.clear();
  if (!keep(together)) return;
  tell("together", together);
  // Who has asked anew has left the earlier one, unless it is there as well.
  const std::vector<Stranger> strangers = book_.all();
  for (const Stranger& other : strangers) {
    const bool is_earlier = other.member == stranger.member && other.state == StrangerState::kTogether &&
                            other.invite.mesh != stranger.invite.mesh && actions_.is_in(other.invite.mesh);
    if (is_earlier && actions_.is_alone(other.invite.mesh)) actions_.leave(other.invite.mesh);
  }
}

/// What has to be said or done to bring the two together.
void Strangers::try_again(const Stranger& stranger) {
  const MeshId mesh = stranger.invite.mesh;
  switch (stranger.state) {
    case StrangerState::kAsked:
      if (!is_said(stranger) && !stranger.place.host.empty()) dial(stranger);
      return;
    case StrangerState::kAccepted:
      // As long as a server keeps a request.
      if (stranger.since_ms + limits::kAskKeptMs > loop_.now().wall_ms) return enter(stranger);
      tell("refused", stranger, "nobody was reached there for 30 days");
      return forget(mesh);
    case StrangerState::kTogether:
      if (servers_.has_servers() && actions_.is_in(mesh) && actions_.is_alone(mesh)) look_for(stranger);
      return;
    case StrangerState::kAsks:
    case StrangerState::kDeclined:
    case StrangerState::kLeft:
      return;
  }
}

void Strangers::put_off(const MeshId& mesh) {
  if (book_.find(mesh) == nullptr) return void(trials_.erase(mesh));
  Trial& trial = trials_[mesh];
  trial.is_under_way = false;
  const int doublings = static_cast<int>(std::min<std::uint32_t>(trial.failures++, 5));
  const Duration most = std::min<Duration>(kTrialMin * (1 << doublings), kTrialMax);
  const auto jitter = random_.below(static_cast<std::uint64_t>(most.count()));
  trial.at = loop_.now().monotonic + most / 2 + Duration(static_cast<Duration::rep>(jitter));
}

/// Both are of the mesh, and lost each other.
void Strangers::look_for(const Stranger& stranger) {
  const MeshId mesh = stranger.invite.mesh;
  trials_[mesh].is_under_way = true;
  servers_.look_up({stranger.name, stranger.member, true}, [this, mesh](const Result<FoundMember>& found) {
    put_off(mesh);
    if (!found || !found->online || !actions_.is_in(mesh)) return;
    actions_.look_there(mesh, places_of(*found));
  });
}

/// Where it is now is known to a discovery server better than to the invite.
void Strangers::enter(const Stranger& stranger) {
  const MeshId mesh = stranger.invite.mesh;
  trials_[mesh].is_under_way = true;
  if (!servers_.has_servers()) return enter_at(mesh, {});
  servers_.look_up({stranger.name, stranger.member, true}, [this, mesh](const Result<FoundMember>& found) {
    enter_at(mesh, found ? places_of(*found) : std::vector<HostPort>());
  });
}

void Strangers::enter_at(const MeshId& mesh, const std::vector<HostPort>& places) {
  const Stranger* stranger = book_.find(mesh);
  if (stranger == nullptr || stranger->state != StrangerState::kAccepted) return put_off(mesh);
  InviteLink invite = stranger->invite;
  std::vector<std::string> wanted;
  for (const HostPort& place : places) wanted.push_back(NotedPlace{"", place.host, place.port}.format());
  wanted.insert(wanted.end(), invite.addresses.begin(), invite.addresses.end());
  invite.addresses.clear();
  for (const std::string& address : wanted) {
    const auto& known = invite.addresses;
    const bool is_new = std::find(known.begin(), known.end(), address) == known.end();
    if (is_new && may_dial(address) && known.size() < limits::kAddressesMax)
      invite.addresses.push_back(address);
  }
  if (invite.addresses.empty()) return put_off(mesh);
  actions_.enter(invite, stranger->member,
                 [this, mesh](const Result<MeshId>& entered) { on_entered(mesh, entered); });
}

/// Who asks says where it is, and may say anything: no names to be looked up, and nothing on this machine
/// unless the node is known to be there itself.
bool Strangers::may_dial(const std::string& address) const {
  const auto target = SocketAddress::parse(address);
  if (!target || target->port() == 0 || target->is_unspecified()) return false;
  if (!target->is_loopback()) return true;
  const auto presence = actions_.presence();
  return presence && std::any_of(presence->addresses.begin(), presence->addresses.end(),
                                 [](const NetAddress& own) { return to_socket(own).is_loopback(); });
}

void Strangers::on_entered(const MeshId& mesh, const Result<MeshId>& entered) {
  put_off(mesh);
  const Stranger* stranger = book_.find(mesh);
  if (stranger == nullptr) return;
  if (entered) return actions_.changed();
  // It may be another node that answers there now, so it is tried again; whoever accepted is told once.
  Trial& trial = trials_[mesh];
  if (entered.error().status == ExitStatus::kNoPermission && !std::exchange(trial.is_told, true))
    tell("refused", *stranger, entered.error().message);
}

}  // namespace p2pmesh
