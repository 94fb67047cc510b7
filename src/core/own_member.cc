#include "own_member.h"

#include <algorithm>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"
#include "p2pmesh/text/name.h"

namespace p2pmesh {
namespace {

constexpr auto kSponsorTimeout = std::chrono::seconds(3);   // a round trip and a signature take milliseconds
constexpr auto kAskAgain = std::chrono::milliseconds(300);  // another neighbor may have begun meanwhile
constexpr auto kGrantKept = std::chrono::seconds(30);       // until the record has surely arrived
constexpr auto kWishTimeout = std::chrono::seconds(10);     // three neighbors that do not answer

NameClaim founder_claim(const NodeOptions& options, const std::string& name) {
  NameClaim claim;
  claim.name = name;
  claim.proof = ClaimProof::kFounder;
  claim.nonce = *options.founder_nonce;
  return claim;
}

}  // namespace

OwnMember::OwnMember(const NodeOptions& options, Author& author)
    : options_(options),
      author_(author),
      key_(to_member(options.member_signer->public_key())),
      node_(to_node(options.node_signer->public_key())) {
  if (options.founder_nonce) claim_ = founder_claim(options, options.name);
  if (!options.listen.is_wildcard()) add_address(options.listen);
}

void OwnMember::restore(const Envelope& record, const NameClaim& claim) {
  claim_ = claim;
  outdo(record.epoch, record.version);
  // Who talked on this machine does so again; another network may be another one now.
  const auto body = decode_member_body(record.body);
  if (!body || !options_.listen.is_wildcard()) return;
  for (const NetAddress& address : body->addresses) {
    if (address.is_loopback()) add_address(address);
  }
}

void OwnMember::outdo(std::uint64_t epoch, std::uint64_t version) {
  if (epoch == author_.epoch()) version_ = std::max(version_, version);
}

void OwnMember::ask_sponsor(const Links& links, Turn& turn) {
  if (quiet_ || !wants_sponsor() || asked_ != 0 || links.size() == 0) return;
  if (ask_again_at_ > turn.now.monotonic) return;
  auto next = links.all().upper_bound(last_asked_);
  if (next == links.all().end()) next = links.all().begin();
  const Link& link = next->second;
  asked_ = last_asked_ = link.id;
  asked_at_ = turn.now.monotonic;
  SponsorRequest request{key_, has_claim() ? wish_->name : options_.name, {}};
  if (!has_claim()) {
    if (write_anyway_at_ == Instant{}) write_anyway_at_ = turn.now.monotonic + kSponsorTimeout;
    for (const Head& head : link.heads_received) request.heads.push_back(head.id);
  }
  turn.send(link.id, encode_frame_of(request));
}

/// Nothing for a signature that nobody would accept.
std::optional<NameClaim> OwnMember::read_claim(const SponsorReply& reply, const std::string& name) const {
  NameClaim claim;
  claim.name = name;
  claim.depth = reply.depth;
  claim.heads = reply.heads;
  claim.proof = ClaimProof::kSponsor;
  claim.sponsor = reply.sponsor;
  claim.signature = reply.signature;
  const Bytes signed_bytes = sponsor_signing_bytes(options_.mesh, key_, name, claim.depth, claim.heads);
  if (!options_.verifier->verify(reply.sponsor.view(), signed_bytes, reply.signature)) return std::nullopt;
  return claim;
}

bool OwnMember::on_reply(const Link& link, const SponsorReply& reply, Turn& turn) {
  if (asked_ != link.id) return false;
  asked_ = 0;
  if (!wants_sponsor()) return false;
  const std::string name = has_claim() ? wish_->name : options_.name;
  std::optional<NameClaim> claim;
  if (reply.verdict == SponsorVerdict::kGranted) claim = read_claim(reply, name);
  const bool is_denied = reply.verdict == SponsorVerdict::kHeldByAnother;
  if (has_claim()) {
    if (is_denied) answer_wish(NameVerdict::kTaken, turn);
    if (claim) wish_->is_claimed = true;
  } else if (is_denied && options_.exact_name) {
    is_refused_ = true;
  } else if (!claim && reply.verdict != SponsorVerdict::kNotYet) {
    // Without a sponsor it is a claim too, and loses. So is one with a bad signature: another try might go on
    // for ever.
    claim.emplace();
    claim->name = name;
  }
  if (!claim) {
    ask_again_at_ = turn.now.monotonic + kAskAgain;
    return false;
  }
  claim_ = std::move(claim);
  return true;
}

bool OwnMember::change_name(const ChangeName& wish, const Roster& roster, const Links& links, Turn& turn) {
  const auto answer = [&](NameVerdict verdict) {
    turn.out.push_back(NameAnswer{wish.token, verdict});
    return false;
  };
  if (wish_) return answer(NameVerdict::kBusy);
  if (quiet_) return answer(NameVerdict::kHidden);
  const bool is_same = wish.name == claimed_name();
  if (is_same && roster.find(key_) != nullptr && roster.shown_name(key_) == wish.name)
    return answer(NameVerdict::kSame);
  if (roster.is_held_by_another(wish.name, key_)) return answer(NameVerdict::kTaken);
  if (is_same) return answer(NameVerdict::kSame);
  Wish begun{wish.token, wish.name, turn.now.monotonic + kWishTimeout, false, std::nullopt};
  if (options_.founder_nonce && has_claim() && roster.counts().members <= 1) {
    // Nobody else is there whose claim this one could pass.
    claim_ = founder_claim(options_, wish.name);
    begun.is_claimed = true;
  } else if (links.size() == 0) {
    return answer(NameVerdict::kNoNeighbor);
  }
  wish_ = std::move(begun);
  ask_sponsor(links, turn);
  return wish_->is_claimed;
}

void OwnMember::answer_wish(NameVerdict verdict, Turn& turn) {
  turn.out.push_back(NameAnswer{wish_->token, verdict});
  wish_.reset();
}

void OwnMember::on_committed(const Envelope& record, Turn& turn) {
  if (!wish_ || !wish_->record) return;
  if (std::pair(record.epoch, record.version) >= *wish_->record) answer_wish(NameVerdict::kChanged, turn);
}

void OwnMember::on_link_down(LinkId link) {
  if (asked_ == link) asked_ = 0;
}

void OwnMember::on_wake(const Links& links, Turn& turn) {
  if (asked_ != 0 && asked_at_ + kSponsorTimeout <= turn.now.monotonic) asked_ = 0;
  if (wish_ && !wish_->is_claimed) {
    if (links.size() == 0)
      answer_wish(NameVerdict::kNoNeighbor, turn);
    else if (wish_->until <= turn.now.monotonic)
      answer_wish(NameVerdict::kNoAnswer, turn);
  }
  ask_sponsor(links, turn);
}

std::optional<Instant> OwnMember::next_deadline(const Links& links) const {
  if (!wants_sponsor()) return std::nullopt;
  std::optional<Instant> next;
  if (asked_ != 0 && !quiet_)
    next = asked_at_ + kSponsorTimeout;
  else if (links.size() > 0 && !quiet_)
    next = ask_again_at_;
  if (wish_) next = std::min(next.value_or(wish_->until), wish_->until);
  return next;
}

SponsorReply OwnMember::sponsor(const Link& link, const SponsorRequest& request, const Roster& roster,
                                const RoomHeads& heads, const Now& now) {
  SponsorReply reply;
  reply.sponsor = key_;
  const auto name = check_name(request.name);
  // Who is a member already claims from now on, not from the time of its welcome.
  const MemberRow* known = roster.find(request.member);
  const bool is_member = known != nullptr && known->facts->well_formed;
  for (const Head& head : is_member ? heads.deepest(limits::kParentsMax) : link.heads_given) {
    reply.heads.push_back(head.id);
    reply.depth = std::max(reply.depth, head.depth);
  }
  reply.depth += 1;
  // Not a refusal of the name: who has no claim yet cannot say who holds one.
  // Nor does one say anything that is not to be seen: what is signed here lies in a record for good.
  if (quiet_ || (!is_member && request.heads != reply.heads) || !has_claim()) return reply;
  reply.verdict = SponsorVerdict::kHeldByAnother;
  if (!name || *name != request.name || request.member == key_) return reply;
  if (P2P_PLANTED(HeldNameSponsored))
    reply.depth = 1;
  else if (roster.is_held_by_another(request.name, request.member))
    return reply;
  std::erase_if(granted_, [&](const auto& item) { return item.second.second + kGrantKept <= now.monotonic; });
  auto granted = granted_.find(name_key(*name));
  if (granted != granted_.end() && granted->second.first != request.member) return reply;
  if (granted_.size() < limits::kGrantsMax) granted_[name_key(*name)] = {request.member, now.monotonic};
  reply.verdict = SponsorVerdict::kGranted;
  reply.signature = options_.member_signer->sign(
      sponsor_signing_bytes(options_.mesh, request.member, request.name, reply.depth, reply.heads));
  return reply;
}

bool OwnMember::add_address(NetAddress address) {
  address.port = options_.listen.port;
  if (address.is_wildcard()) return false;
  if (std::find(addresses_.begin(), addresses_.end(), address) != addresses_.end()) return false;
  // Who moves from network to network: the oldest one is the one most likely gone.
  if (addresses_.size() >= limits::kAddressesMax) addresses_.erase(addresses_.begin() + (outside_ ? 1 : 0));
  addresses_.push_back(address);
  return true;
}

bool OwnMember::set_outside(const std::optional<NetAddress>& outside) {
  if (outside == outside_) return false;
  if (outside_) addresses_.erase(addresses_.begin());
  outside_ = outside;
  if (!outside_) return true;
  // The router's own address with another port leads nowhere.
  std::erase_if(addresses_, [this](const NetAddress& address) { return is_of_router(address); });
  if (addresses_.size() >= limits::kAddressesMax) addresses_.erase(addresses_.begin());
  addresses_.insert(addresses_.begin(), *outside_);
  return true;
}

bool OwnMember::is_of_router(NetAddress address) const {
  if (!outside_) return false;
  address.port = outside_->port;
  return address == *outside_;
}

bool OwnMember::on_observed(const LinkUp& up) {
  if (!options_.listen.is_wildcard()) return false;
  NetAddress observed = up.observed;
  observed.port = 0;
  NetAddress local = up.local;
  local.port = 0;
  // Our own end of the connection is ours. Behind a router it is what the others there can dial.
  const bool is_local_new = add_address(local);
  if (observed == local || is_of_router(observed)) return is_local_new;
  auto [found, is_new] = observed_.try_emplace(observed, up.node);
  if (observed_.size() > limits::kPeersMax) observed_.clear();
  const bool is_confirmed = !is_new && found->second != up.node;
  return (is_confirmed && add_address(observed)) || is_local_new;
}

EnvelopePtr OwnMember::write_record(bool online, WallMs since_ms, WallMs wall_ms) {
  MemberBody body;
  body.online = online;
  body.since_ms = since_ms;
  body.node = node_;
  body.prekey = prekey_;
  body.addresses = addresses_;
  body.claim = *claim_;
  Envelope record;
  record.envelope_class = EnvelopeClass::kRecord;
  record.kind = static_cast<std::uint16_t>(Kind::kMember);
  record.version = ++version_;
  if (wish_ && wish_->is_claimed && !wish_->record) wish_->record = {author_.epoch(), record.version};
  const Bytes signed_bytes = node_signing_bytes(options_.mesh, key_, author_.epoch(), record.version, body);
  body.node_signature = options_.node_signer->sign(signed_bytes);
  record.body = encode_member_body(body);
  return author_.write_other(std::move(record), wall_ms);
}

}  // namespace p2pmesh
