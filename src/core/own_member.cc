#include "own_member.h"

#include <algorithm>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/name.h"

namespace p2pmesh {
namespace {

constexpr auto kSponsorTimeout = std::chrono::seconds(3);   // a round trip and a signature take milliseconds
constexpr auto kAskAgain = std::chrono::milliseconds(300);  // another neighbor may have begun meanwhile
constexpr auto kGrantKept = std::chrono::seconds(30);       // until the record has surely arrived
constexpr std::size_t kGrantsMax = 1024;

}  // namespace

OwnMember::OwnMember(const NodeOptions& options, Author& author)
    : options_(options),
      author_(author),
      key_(to_member(options.member_signer->public_key())),
      node_(to_node(options.node_signer->public_key())) {
  if (options.founder_nonce) {
    NameClaim claim;
    claim.name = options.name;
    claim.proof = ClaimProof::kFounder;
    claim.nonce = *options.founder_nonce;
    claim_ = claim;
  }
  if (!options.listen.is_wildcard()) add_address(options.listen);
}

void OwnMember::restore(const Envelope& record, const NameClaim& claim) {
  claim_ = claim;
  outdo(record.epoch, record.version);
}

void OwnMember::outdo(std::uint64_t epoch, std::uint64_t version) {
  if (epoch == author_.epoch()) version_ = std::max(version_, version);
}

void OwnMember::ask_sponsor(const Links& links, Turn& turn) {
  if (quiet_ || has_claim() || asked_ != 0 || links.size() == 0 || ask_again_at_ > turn.now.monotonic) return;
  auto next = links.all().upper_bound(last_asked_);
  if (next == links.all().end()) next = links.all().begin();
  const Link& link = next->second;
  asked_ = last_asked_ = link.id;
  asked_at_ = turn.now.monotonic;
  if (write_anyway_at_ == Instant{}) write_anyway_at_ = turn.now.monotonic + kSponsorTimeout;
  asked_heads_.clear();
  for (const Head& head : link.heads_received) asked_heads_.push_back(head.id);
  turn.send(link.id, encode_frame_of(SponsorRequest{key_, options_.name, asked_heads_}));
}

bool OwnMember::on_reply(const Link& link, const SponsorReply& reply, Instant now) {
  if (has_claim() || asked_ != link.id) return false;
  asked_ = 0;
  if (reply.verdict == SponsorVerdict::kNotYet) {
    ask_again_at_ = now + kAskAgain;
    return false;
  }
  NameClaim claim;
  claim.name = options_.name;
  if (reply.verdict == SponsorVerdict::kGranted) {
    claim.depth = reply.depth;
    claim.heads = asked_heads_;
    claim.proof = ClaimProof::kSponsor;
    claim.sponsor = reply.sponsor;
    claim.signature = reply.signature;
    const Bytes signed_bytes =
        sponsor_signing_bytes(options_.mesh, key_, claim.name, claim.depth, claim.heads);
    // A signature that nobody would accept is worse than none: it would be tried again for ever.
    if (!options_.verifier->verify(reply.sponsor.view(), signed_bytes, reply.signature)) {
      claim = NameClaim{};
      claim.name = options_.name;
    }
  }
  claim_ = claim;
  return true;
}

void OwnMember::on_link_down(LinkId link) {
  if (asked_ == link) asked_ = 0;
}

void OwnMember::on_wake(const Links& links, Turn& turn) {
  if (asked_ != 0 && asked_at_ + kSponsorTimeout <= turn.now.monotonic) asked_ = 0;
  ask_sponsor(links, turn);
}

std::optional<Instant> OwnMember::next_deadline(const Links& links) const {
  if (has_claim() || quiet_) return std::nullopt;
  if (asked_ != 0) return asked_at_ + kSponsorTimeout;
  if (links.size() > 0) return ask_again_at_;
  return std::nullopt;
}

SponsorReply OwnMember::sponsor(const Link& link, const SponsorRequest& request, const Roster& roster,
                                const Now& now) {
  SponsorReply reply;
  reply.sponsor = key_;
  const auto name = check_name(request.name);
  std::vector<EnvelopeId> heads_given;
  for (const Head& head : link.heads_given) {
    heads_given.push_back(head.id);
    reply.depth = std::max(reply.depth, head.depth);
  }
  reply.depth += 1;
  // Not a refusal of the name: who has no claim yet cannot say who holds one.
  if (request.heads != heads_given || !has_claim()) return reply;
  reply.verdict = SponsorVerdict::kHeldByAnother;
  if (!name || *name != request.name || request.member == key_) return reply;
  if (roster.is_held_by_another(request.name, request.member)) return reply;
  std::erase_if(granted_, [&](const auto& item) { return item.second.second + kGrantKept <= now.monotonic; });
  auto granted = granted_.find(name_key(*name));
  if (granted != granted_.end() && granted->second.first != request.member) return reply;
  if (granted_.size() < kGrantsMax) granted_[name_key(*name)] = {request.member, now.monotonic};
  reply.verdict = SponsorVerdict::kGranted;
  reply.signature = options_.member_signer->sign(
      sponsor_signing_bytes(options_.mesh, request.member, request.name, reply.depth, request.heads));
  return reply;
}

bool OwnMember::add_address(NetAddress address) {
  address.port = options_.listen.port;
  if (address.is_wildcard() || addresses_.size() >= limits::kAddressesMax) return false;
  if (std::find(addresses_.begin(), addresses_.end(), address) != addresses_.end()) return false;
  addresses_.push_back(address);
  return true;
}

bool OwnMember::on_observed(const LinkUp& up) {
  if (!options_.listen.is_wildcard()) return false;
  NetAddress observed = up.observed;
  observed.port = 0;
  NetAddress local = up.local;
  local.port = 0;
  // Our own end of the connection: no router in between, so the address is ours.
  if (observed == local) return add_address(observed);
  auto [found, is_new] = observed_.try_emplace(observed, up.node);
  if (observed_.size() > limits::kPeersMax) observed_.clear();
  return !is_new && found->second != up.node && add_address(observed);
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
  const Bytes signed_bytes = node_signing_bytes(options_.mesh, key_, author_.epoch(), record.version, body);
  body.node_signature = options_.node_signer->sign(signed_bytes);
  record.body = encode_member_body(body);
  return author_.write_other(std::move(record), wall_ms);
}

}  // namespace p2pmesh
