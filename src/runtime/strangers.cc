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

constexpr Duration kLook = 1s;           // for who has come; guess
constexpr Duration kTrialMin = 2s;       // somebody who is not there yet; guess
constexpr Duration kTrialMax = 60s;      // as of a discovery server
constexpr std::size_t kSealedHead = 32;  // the public key that is used once

/// Both keys are in it, so that nobody else can pass on what was sealed as their own words.
SharedSecret seal_key(const SharedSecret& shared, ByteView once, const MemberKey& from, const MemberKey& to) {
  return hash_tagged("p2pmesh stranger key 1", Writer().raw(shared).raw(once).id(from).id(to).take());
}

std::vector<HostPort> places_of(const FoundMember& found) {
  std::vector<HostPort> places;
  for (const NetAddress& address : found.addresses) {
    const SocketAddress target = to_socket(address);
    places.push_back({target.host(), target.port()});
  }
  return places;
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

void Strangers::tell(const char* what, const Stranger& stranger, const std::string& why) {
  actions_.tell({what, stranger.member, book_.shown_name(stranger), stranger.invite.mesh, why});
}

void Strangers::ask(const std::string& name, Met done) {
  servers_.look_up({name, {}, true}, [this, done = std::move(done)](const Result<FoundMember>& found) {
    if (!found) return done(tl::unexpected<Error>(found.error()));
    done(ask_member(found->registration.member, found->registration.name, {}));
  });
}

/// In its own mesh, unless there is one of the two already.
Result<MeshId> Strangers::ask_member(const MemberKey& member, const std::string& name,
                                     const HostPort& place) {
  if (member == self_) return fail(ExitStatus::kUsage, "That is you; write to somebody else.");
  if (const Stranger* known = book_.find(member);
      known != nullptr && known->state != StrangerState::kDeclined) {
    const MeshId mesh = known->invite.mesh;
    if (known->state == StrangerState::kAsked) ask_again(mesh, place);
    return mesh;
  }
  if (!check_name(name)) return fail(ExitStatus::kProtocol, "who is there gives no name that could be shown");
  const auto invite = actions_.open();
  if (!invite) return tl::unexpected<Error>(invite.error());
  Stranger stranger;
  stranger.member = member;
  stranger.name = name;
  stranger.invite = *invite;
  stranger.since_ms = loop_.now().wall_ms;
  stranger.place = place;
  const auto presence = actions_.presence();
  stranger.sealed = seal({StrangerRequest::Kind::kAsk, presence ? presence->name : "", *invite}, member);
  if (stranger.sealed.empty() || !presence)
    return fail(ExitStatus::kProtocol, "nothing can be sealed to the key that is there");
  if (auto kept = keep(stranger); !kept) return tl::unexpected<Error>(kept.error());
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

std::vector<MemberKey> Strangers::watched() const {
  std::vector<MemberKey> members;
  for (const Stranger& stranger : book_.all()) members.push_back(stranger.member);
  return members;
}

/// Who has come, or is somewhere else now, is tried at once.
void Strangers::on_change(const Change& change) {
  if (change.what == Change::What::kOffline) return;
  for (const Stranger& stranger : book_.all()) {
    const auto trial = trials_.find(stranger.invite.mesh);
    if (stranger.member == change.member && trial != trials_.end() && !trial->second.is_under_way)
      trials_.erase(trial);
  }
}

void Strangers::set_said(const Stranger& stranger) {
  Stranger said = stranger;
  said.is_delivered = true;
  if (auto kept = keep(said); !kept) return log_.log(LogLevel::kError, kept.error().message);
  if (said.state == StrangerState::kAsked) tell("delivered", said);
}

/// What nobody could have meant is as good as taken: it need not come again.
bool Strangers::take(const NodeKey& server, const Ask& ask) {
  const bool is_true =
      ask.recipient == self_ && ask.asker != self_ &&
      ed25519_verifier().verify(ask.asker.view(), ask_signing_bytes(server, ask), ask.signature);
  const auto request = is_true ? unseal(ask) : std::nullopt;
  if (!request || !check_name(request->name)) {
    log_.log(LogLevel::kWarning, "a request to talk came that cannot be read, or is not signed by who asks");
    return true;
  }
  if (request->kind == StrangerRequest::Kind::kAsk) return take_request(ask, *request);
  take_decline(ask, *request);
  return true;
}

bool Strangers::take_request(const Ask& ask, const StrangerRequest& request) {
  if (actions_.is_unwanted(ask.asker) || book_.find(request.invite.mesh) != nullptr) return true;
  if (actions_.is_in(request.invite.mesh)) return true;
  Stranger stranger;
  stranger.member = ask.asker;
  stranger.name = request.name;
  stranger.invite = request.invite;
  stranger.since_ms = loop_.now().wall_ms;
  stranger.state = StrangerState::kAsks;
  const Stranger* known = book_.find(ask.asker);
  // Each wants to talk: there is nothing to be asked.
  if (known != nullptr && known->state == StrangerState::kAsked) stranger.state = StrangerState::kAccepted;
  if (known != nullptr && known->state == StrangerState::kDeclined) stranger.state = StrangerState::kDeclined;
  const bool is_anew =
      known != nullptr && (known->state == StrangerState::kAsks || known->state == StrangerState::kAccepted ||
                           known->state == StrangerState::kDeclined);
  if (is_anew && known->state == StrangerState::kAccepted) stranger.state = StrangerState::kAccepted;
  if (!is_anew && stranger.state == StrangerState::kAsks &&
      book_.count(StrangerState::kAsks) >= limits::kStrangersAskingMax) {
    log_.log(LogLevel::kWarning, std::to_string(limits::kStrangersAskingMax) +
                                     " requests to talk wait for an answer; further ones are not taken");
    return false;
  }
  const MeshId replaced = is_anew ? known->invite.mesh : MeshId{};
  if (auto kept = keep(stranger); !kept) {
    log_.log(LogLevel::kError, kept.error().message);
    return false;
  }
  if (is_anew) {
    if (auto dropped = book_.drop(replaced); !dropped) log_.log(LogLevel::kError, dropped.error().message);
  }
  if (stranger.state == StrangerState::kAsks) tell("asks", stranger);
  trials_.erase(stranger.invite.mesh);
  return true;
}

void Strangers::take_decline(const Ask& ask, const StrangerRequest& request) {
  const Stranger* asked = book_.find(request.invite.mesh);
  if (asked == nullptr || asked->member != ask.asker || asked->state != StrangerState::kAsked) return;
  Stranger declined = *asked;
  declined.sealed.clear();
  declined.is_delivered = true;
  if (auto kept = keep(declined); !kept) log_.log(LogLevel::kError, kept.error().message);
  tell("declined", declined);
}

void Strangers::answer(const Stranger& stranger, bool accepts, Met done) {
  Stranger answered = stranger;
  answered.state = accepts ? StrangerState::kAccepted : StrangerState::kDeclined;
  answered.sealed.clear();
  if (!accepts) {
    answered.since_ms = loop_.now().wall_ms;
    const auto presence = actions_.presence();
    answered.sealed = seal({StrangerRequest::Kind::kDecline, presence ? presence->name : answered.name,
                            InviteLink{{}, answered.invite.mesh, {}}},
                           answered.member);
    const auto& places = answered.invite.addresses;
    const auto place = places.empty() ? std::nullopt : std::optional(parse_host_port(places.front()));
    if (place && *place) answered.place = **place;
  }
  if (auto kept = keep(answered); !kept) return done(tl::unexpected<Error>(kept.error()));
  trials_.erase(answered.invite.mesh);
  if (accepts) return enter(answered, std::move(done));
  servers_.say_asks();
  done(answered.invite.mesh);
}

void Strangers::forget(const MeshId& mesh) {
  const bool is_known = book_.find(mesh) != nullptr;
  if (auto dropped = book_.drop(mesh); !dropped) log_.log(LogLevel::kError, dropped.error().message);
  trials_.erase(mesh);
  if (is_known) actions_.changed();
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
      Stranger together = stranger;
      together.state = StrangerState::kTogether;
      together.sealed.clear();
      if (keep(together)) tell("together", together);
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

/// What has to be said or done to bring the two together.
void Strangers::try_again(const Stranger& stranger) {
  const MeshId mesh = stranger.invite.mesh;
  const WallMs now_ms = loop_.now().wall_ms;
  switch (stranger.state) {
    case StrangerState::kAsked:
    case StrangerState::kDeclined:
      if (is_said(stranger) || stranger.place.host.empty()) return;
      // A server does not keep it longer either.
      if (stranger.state == StrangerState::kDeclined && stranger.since_ms + limits::kAskKeptMs < now_ms)
        return;
      return dial(stranger);
    case StrangerState::kAccepted:
      return enter(stranger, [](const Result<MeshId>&) {});
    case StrangerState::kTogether:
      if (servers_.has_servers() && actions_.is_in(mesh) && actions_.is_alone(mesh)) look_for(stranger);
      return;
    case StrangerState::kAsks:
      return;
  }
}

void Strangers::put_off(const MeshId& mesh) {
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
void Strangers::enter(const Stranger& stranger, Met done) {
  const MeshId mesh = stranger.invite.mesh;
  trials_[mesh].is_under_way = true;
  if (!servers_.has_servers()) return enter_at(mesh, {}, std::move(done));
  servers_.look_up({stranger.name, stranger.member, true},
                   [this, mesh, done = std::move(done)](const Result<FoundMember>& found) {
                     enter_at(mesh, found ? places_of(*found) : std::vector<HostPort>(), done);
                   });
}

void Strangers::enter_at(const MeshId& mesh, const std::vector<HostPort>& places, Met done) {
  const Stranger* stranger = book_.find(mesh);
  if (stranger == nullptr || stranger->state != StrangerState::kAccepted) {
    trials_.erase(mesh);
    return done(fail(ExitStatus::kTryAgain, "It was answered otherwise meanwhile."));
  }
  InviteLink invite = stranger->invite;
  invite.addresses.clear();
  for (const HostPort& place : places)
    invite.addresses.push_back(NotedPlace{"", place.host, place.port}.format());
  for (const std::string& address : stranger->invite.addresses) {
    const auto& known = invite.addresses;
    if (std::find(known.begin(), known.end(), address) == known.end()) invite.addresses.push_back(address);
  }
  if (invite.addresses.size() > limits::kAddressesMax) invite.addresses.resize(limits::kAddressesMax);
  if (invite.addresses.empty()) {
    put_off(mesh);
    return done(fail(ExitStatus::kTryAgain, "It is not known where " + format_safe_line(stranger->name) +
                                                " is; it is tried again."));
  }
  actions_.enter(invite, [this, mesh, done = std::move(done)](const Result<MeshId>& entered) {
    on_entered(mesh, entered, done);
  });
}

void Strangers::on_entered(const MeshId& mesh, const Result<MeshId>& entered, const Met& done) {
  put_off(mesh);
  const Stranger* stranger = book_.find(mesh);
  if (stranger == nullptr)
    return done(tl::unexpected<Error>({ExitStatus::kTryAgain, "It was left meanwhile."}));
  if (entered) {
    actions_.changed();
    return done(entered);
  }
  // It may be another node that answers there now, so it is tried again; whoever accepted is told once.
  Trial& trial = trials_[mesh];
  if (entered.error().status == ExitStatus::kNoPermission && !std::exchange(trial.is_told, true))
    tell("refused", *stranger, entered.error().message);
  done(entered);
}

}  // namespace p2pmesh
