#include "p2pmesh/ingress/ingress.h"

#include <algorithm>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"
#include "p2pmesh/crypto/hash.h"

namespace p2pmesh {
namespace {

// Of who is over its budget: what comes in 25 ms. Each alone would wake every node and be a transaction of
// its own there; more at once are felt where many nodes share a machine.
constexpr double kEnvelopesGathered = static_cast<double>(limits::kAuthorEnvelopesPerSecond) / 40;

}  // namespace

AuthorBudget::AuthorBudget(Instant now)
    : envelopes_(static_cast<double>(limits::kAuthorEnvelopesBurst)),
      bytes_(static_cast<double>(limits::kAuthorBytesPerSecond)),
      refilled_(now) {}

double AuthorBudget::envelopes_at(Instant now) const {
  const double seconds = std::chrono::duration<double>(now - refilled_).count();
  return std::min(
      static_cast<double>(limits::kAuthorEnvelopesBurst),
      envelopes_ + std::max(0.0, seconds) * static_cast<double>(limits::kAuthorEnvelopesPerSecond));
}

bool AuthorBudget::has_room(std::size_t bytes, Instant now) {
  if (now > refilled_) {
    const double seconds = std::chrono::duration<double>(now - refilled_).count();
    const auto bytes_max = static_cast<double>(limits::kAuthorBytesPerSecond);
    envelopes_ = envelopes_at(now);
    bytes_ = std::min(bytes_max, bytes_ + seconds * bytes_max);
    refilled_ = now;
  }
  is_empty_ = envelopes_ < (is_empty_ ? kEnvelopesGathered : 1);
  return !is_empty_ && bytes_ >= static_cast<double>(bytes);
}

void AuthorBudget::charge(std::size_t bytes) {
  envelopes_ -= 1;
  bytes_ -= static_cast<double>(bytes);
}

bool AuthorBudget::is_full(Instant now) const {
  return envelopes_at(now) >= static_cast<double>(limits::kAuthorEnvelopesBurst);
}

AuthorBudget& Ingress::budget_of(const MemberKey& author, Instant now) {
  auto found = budgets_.find(author);
  if (found != budgets_.end()) return found->second;
  if (budgets_.size() >= limits::kAuthorsMax) {
    // A full bucket and no bucket are the same thing. When none is full, all start anew: that gives a
    // flood of keys at most one burst each, which verifying them has cost already.
    std::erase_if(budgets_, [&](const auto& item) { return item.second.is_full(now); });
    if (budgets_.size() >= limits::kAuthorsMax) budgets_.clear();
  }
  return budgets_.emplace(author, AuthorBudget(now)).first->second;
}

Admission Ingress::admit(ByteView encoded, Path path, const Now& now) {
  Admission admission;
  // Decoded before the probe because the table's key holds the timestamp; a body is copied once.
  auto envelope = decode_envelope(encoded);
  if (!envelope) return ++counters_.malformed, admission;
  if (envelope->mesh != mesh_) {
    ++counters_.other_mesh;
    admission.verdict = Verdict::kOtherMesh;
    return admission;
  }
  admission.id = hash_envelope(unsigned_part(encoded));
  if (seen_.contains(admission.id, envelope->wall_ms, now.monotonic)) {
    ++counters_.duplicates;
    admission.verdict = Verdict::kDuplicate;
    return admission;
  }
  // Only verified envelopes are charged, so nobody can spend another's budget; looking at it first
  // spares the check of what would be refused anyway.
  if (path == Path::kLive) {
    auto known = budgets_.find(envelope->author);
    if (known != budgets_.end() && !known->second.has_room(encoded.size(), now.monotonic)) {
      ++counters_.over_budget;
      admission.verdict = Verdict::kOverBudget;
      return admission;
    }
  }
  const bool early =
      P2P_PLANTED(SeenBeforeVerify) && seen_.insert(admission.id, envelope->wall_ms, now.monotonic);
  const bool any = path == Path::kLive ? P2P_PLANTED(GossipUnverified) : P2P_PLANTED(RepairUnverified);
  if (!any &&
      !verifier_.verify(envelope->author.view(), envelope_signing_bytes(admission.id), envelope->signature)) {
    ++counters_.bad_signatures;
    admission.verdict = Verdict::kBadSignature;
    return admission;
  }
  if (path == Path::kLive) {
    budget_of(envelope->author, now.monotonic).charge(encoded.size());
  }
  if (!early && !seen_.insert(admission.id, envelope->wall_ms, now.monotonic)) {
    ++counters_.duplicates;
    admission.verdict = Verdict::kDuplicate;
    return admission;
  }
  auto sealed = std::make_shared<SealedEnvelope>();
  sealed->id = admission.id;
  sealed->encoded.assign(encoded.begin(), encoded.end());
  sealed->envelope = std::move(*envelope);
  admission.envelope = std::move(sealed);
  admission.verdict = Verdict::kFresh;
  ++counters_.fresh;
  return admission;
}

}  // namespace p2pmesh
