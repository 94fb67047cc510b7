#include "direct_sealing.h"

#include <algorithm>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/wire/codec.h"

namespace p2pmesh {
namespace {

constexpr WallMs kDayMs = 24 * 60 * 60 * 1000;
constexpr std::size_t kPairBytes = 16;

RecipientTag tag_of(const SharedSecret& shared, const Envelope& place) {
  const auto hash = hash_tagged("p2pmesh direct tag 1",
                                Writer().raw(shared).id(place.mesh).u64(place.wall_ms / kDayMs).take());
  RecipientTag tag{};
  std::copy_n(hash.begin(), tag.size(), tag.begin());
  return tag;
}

/// With the ephemeral part each envelope has a key of its own. The author's key opens all that it wrote; of
/// the recipient's keys only the prekey opens it, and nothing does once that is dropped.
SharedSecret message_key(const SharedSecret& shared, const SharedSecret& ephemeral,
                         const AgreementKey& ephemeral_key, const AgreementKey& prekey) {
  return hash_tagged("p2pmesh direct key 1",
                     Writer().raw(shared).raw(ephemeral).raw(ephemeral_key).raw(prekey).take());
}

}  // namespace

DirectSealing::DirectSealing(const NodeOptions& options)
    : options_(options), self_(to_member(options.member_signer->public_key())) {
  for (auto prekey = options.prekeys.rbegin(); prekey != options.prekeys.rend(); ++prekey) add(*prekey);
}

AgreementKey DirectSealing::prekey() const {
  return is_on() && !prekeys_.empty() ? prekeys_.front().keys.public_key : AgreementKey{};
}

void DirectSealing::add(const Prekey& prekey) {
  prekeys_.insert(prekeys_.begin(), prekey);
  if (prekeys_.size() > limits::kPrekeysMax) prekeys_.resize(limits::kPrekeysMax);
  secrets_.clear();
}

const DirectSealing::Secrets& DirectSealing::secrets_of(const MemberKey& other) {
  auto found = secrets_.find(other);
  if (found != secrets_.end()) return found->second;
  if (secrets_.size() >= limits::kDirectSecretsMax) secrets_.clear();
  Secrets secrets;
  const auto key = options_.agreement->key_of(other);
  if (key) secrets.identity = options_.agreement->agree(options_.agreement->own(), *key);
  for (const Prekey& prekey : prekeys_)
    secrets.prekeys.push_back(key ? options_.agreement->agree(prekey.keys, *key) : std::nullopt);
  return secrets_.emplace(other, std::move(secrets)).first->second;
}

SharedSecret DirectSealing::copy_key(const AgreementKey& ephemeral) const {
  return hash_tagged("p2pmesh direct copy 1",
                     Writer().raw(options_.agreement->own().secret).raw(ephemeral).take());
}

bool DirectSealing::can_seal_to(const AgreementKey& prekey) const {
  return is_on() && prekey != AgreementKey{} &&
         options_.agreement->agree(options_.agreement->own(), prekey).has_value();
}

std::optional<Bytes> DirectSealing::seal(const DirectContent& content, const AgreementKey& to,
                                         const Envelope& place) const {
  if (!is_on() || to == AgreementKey{}) return std::nullopt;
  const KeyAgreement& agreement = *options_.agreement;
  const Bytes inner = encode_direct_content(content);
  // Drawn from what is sealed, so that no place and no text ever shares a key with another one.
  const KeySeed seed = hash_tagged("p2pmesh direct ephemeral 1", Writer()
                                                                     .raw(agreement.own().secret)
                                                                     .id(options_.mesh)
                                                                     .u16(place.kind)
                                                                     .u64(place.epoch)
                                                                     .u64(place.seq)
                                                                     .u64(place.wall_ms)
                                                                     .raw(to)
                                                                     .raw(inner)
                                                                     .take());
  const AgreementKeys ephemeral = agreement.make_keys(seed);
  const auto shared = agreement.agree(agreement.own(), to);
  const auto once = agreement.agree(ephemeral, to);
  if (!shared || !once) return std::nullopt;
  SealedBody body;
  body.tag = tag_of(*shared, place);
  body.ephemeral = ephemeral.public_key;
  const SharedSecret key = message_key(*shared, *once, ephemeral.public_key, to);
  const Bytes copy = seal_once(copy_key(body.ephemeral), key);
  std::copy(copy.begin(), copy.end(), body.authors_copy.begin());
  const Signature signature =
      options_.member_signer->sign(direct_signing_bytes(options_.mesh, self_, place.epoch, place.seq, inner));
  body.sealed = seal_once(key, pad_direct(inner, signature));
  return encode_sealed_body(body);
}

/// That of ours to which it was sealed, as its tag says.
std::optional<std::size_t> DirectSealing::find_prekey(const Envelope& envelope, const SealedBody& body) {
  const Secrets& secrets = secrets_of(envelope.author);
  for (std::size_t i = 0; i < prekeys_.size(); ++i) {
    const auto& shared = secrets.prekeys[i];
    if (shared && tag_of(*shared, envelope) == body.tag) return i;
  }
  return std::nullopt;
}

std::optional<SharedSecret> DirectSealing::find_key(const Envelope& envelope, const SealedBody& body) {
  const auto number = find_prekey(envelope, body);
  if (!number) return std::nullopt;
  const AgreementKeys& mine = prekeys_[*number].keys;
  const auto once = options_.agreement->agree(mine, body.ephemeral);
  return message_key(*secrets_of(envelope.author).prekeys[*number], once.value_or(SharedSecret{}),
                     body.ephemeral, mine.public_key);
}

DirectSealing::Opened DirectSealing::open(const Envelope& envelope) {
  Opened opened;
  if (!is_on()) return opened;
  const auto body = decode_sealed_body(envelope.body);
  if (!body) return opened;
  std::optional<SharedSecret> key;
  if (envelope.author == self_) {
    const auto copy = open_sealed(copy_key(body->ephemeral), body->authors_copy);
    if (!copy) return opened;
    key.emplace();
    std::copy(copy->begin(), copy->end(), key->begin());
  } else {
    key = find_key(envelope, *body);
    if (!key) return opened;
  }
  opened.verdict = Verdict::kDamaged;
  const auto plain = open_sealed(*key, body->sealed);
  if (!plain) return opened;
  auto inside = parse_padded_direct(*plain);
  if (!inside) return opened;
  const bool is_ours = envelope.author == self_ || inside->content.recipient == self_;
  const Bytes signed_bytes = direct_signing_bytes(options_.mesh, envelope.author, envelope.epoch,
                                                  envelope.seq, inside->signed_content);
  if (!is_ours || !options_.verifier->verify(envelope.author.view(), signed_bytes, inside->signature))
    return opened;
  opened.verdict = Verdict::kOpened;
  opened.content = std::move(inside->content);
  return opened;
}

bool DirectSealing::is_for_us(const Envelope& envelope) {
  if (envelope.author == self_) return true;
  if (!is_on()) return false;
  const auto body = decode_sealed_body(envelope.body);
  return body && find_prekey(envelope, *body).has_value();
}

std::optional<Bytes> DirectSealing::standing_subject(const MemberKey& author, const MemberKey& recipient) {
  if (!is_on()) return std::nullopt;
  const auto& shared = secrets_of(author == self_ ? recipient : author).identity;
  if (!shared) return std::nullopt;
  const auto hash =
      hash_tagged("p2pmesh standing pair 1", Writer().raw(*shared).id(options_.mesh).id(author).take());
  return Bytes(hash.begin(), hash.begin() + kPairBytes);
}

SharedSecret DirectSealing::standing_key(const SharedSecret& shared, const Envelope& place) {
  return hash_tagged("p2pmesh standing key 1", Writer()
                                                   .raw(shared)
                                                   .id(place.mesh)
                                                   .id(place.author)
                                                   .u64(place.epoch)
                                                   .u64(place.version)
                                                   .u64(place.wall_ms)
                                                   .take());
}

std::optional<Bytes> DirectSealing::seal_standing(const StandingBody& body, const MemberKey& to,
                                                  const Envelope& place) {
  if (!is_on()) return std::nullopt;
  const auto& shared = secrets_of(to).identity;
  if (!shared) return std::nullopt;
  return seal_once(standing_key(*shared, place), encode_standing(body));
}

std::optional<StandingBody> DirectSealing::open_standing(const Envelope& envelope, const MemberKey& other) {
  if (!is_on()) return std::nullopt;
  const auto& shared = secrets_of(other).identity;
  if (!shared) return std::nullopt;
  const auto plain = open_sealed(standing_key(*shared, envelope), envelope.body);
  return plain ? decode_standing(*plain) : std::nullopt;
}

}  // namespace p2pmesh
