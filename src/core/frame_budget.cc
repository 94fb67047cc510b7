#include "frame_budget.h"

#include <algorithm>
#include <chrono>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kIdBytes = 32;

}  // namespace

FrameBudget::Rate FrameBudget::rate_of(Kind kind) {
  switch (kind) {
    case kIHaves:
      return {limits::kIHaveIdsPerSecond, limits::kIHaveIdsBurst};
    case kGrafts:
      return {limits::kGraftIdsPerSecond, limits::kGraftIdsBurst};
    case kGraftAnswers:
      return {limits::kGraftAnswerBytesPerSecond, limits::kGraftAnswerBytesBurst};
    case kPrunes:
      return {limits::kPrunesPerSecond, limits::kPrunesBurst};
    case kForwardJoins:
      return {limits::kForwardJoinsPerSecond, limits::kForwardJoinsBurst};
    case kShuffles:
      return {limits::kShufflesPerSecond, limits::kShufflesBurst};
    case kDigests:
      return {limits::kSyncDigestsPerSecond, limits::kSyncDigestsBurst};
    case kRequests:
      return {limits::kSyncRequestsPerSecond, limits::kSyncRequestsBurst};
    case kAnswers:
      return {limits::kSyncAnswersPerSecond, limits::kSyncAnswersBurst};
    case kPings:
      return {limits::kPingsPerSecond, limits::kPingsBurst};
    case kTakens:
      return {limits::kTakenIdsPerSecond, limits::kTakenIdsBurst};
    case kAskings:
      return {limits::kAskingsPerSecond, limits::kAskingsBurst};
    case kSponsorings:
    case kKinds:
      break;
  }
  return {limits::kSponsoringsPerSecond, limits::kSponsoringsBurst};
}

std::optional<FrameBudget::Kind> FrameBudget::kind_of(FrameType type) {
  switch (type) {
    case FrameType::kIHave:
      return kIHaves;
    case FrameType::kGraft:
      return kGrafts;
    case FrameType::kPrune:
      return kPrunes;
    case FrameType::kForwardJoin:
      return kForwardJoins;
    case FrameType::kShuffle:
    case FrameType::kShuffleReply:
      return kShuffles;
    case FrameType::kSyncDigest:
    case FrameType::kSyncDescend:
      return kDigests;
    case FrameType::kSyncRequest:
      return kRequests;
    case FrameType::kSyncBranch:
    case FrameType::kSyncListing:
    case FrameType::kSyncGone:
    case FrameType::kSyncDone:
      return kAnswers;
    case FrameType::kPing:
    case FrameType::kPong:
      return kPings;
    case FrameType::kSponsorRequest:
    case FrameType::kSponsorReply:
      return kSponsorings;
    case FrameType::kTaken:
      return kTakens;
    case FrameType::kJoin:
    case FrameType::kNeighbor:
    case FrameType::kNeighborReply:
    case FrameType::kClose:
      return kAskings;
    default:
      return std::nullopt;
  }
}

FrameBudget::Spent& FrameBudget::spent(Kind kind, Instant now) {
  Spent& spent = spent_[kind];
  const double seconds = std::chrono::duration<double>(now - spent.since).count();
  spent.amount = std::max(0.0, spent.amount - static_cast<double>(rate_of(kind).per_second) * seconds);
  spent.since = now;
  return spent;
}

FrameBudget::Verdict FrameBudget::take(FrameType type, std::size_t payload_bytes, Instant now) {
  const auto kind = kind_of(type);
  if (!kind) return Verdict::kWithin;
  const bool of_ids = *kind == kIHaves || *kind == kGrafts || *kind == kTakens;
  Spent& drawn = spent(*kind, now);
  drawn.amount += static_cast<double>(of_ids ? 1 + payload_bytes / kIdBytes : 1);
  const auto burst = static_cast<double>(rate_of(*kind).burst);
  if (drawn.amount <= burst) return Verdict::kWithin;
  return drawn.amount <= burst * static_cast<double>(limits::kFarOverBursts) ? Verdict::kOver
                                                                             : Verdict::kFarOver;
}

void FrameBudget::charge_graft_answer(std::size_t bytes, Instant now) {
  spent(kGraftAnswers, now).amount += static_cast<double>(bytes);
}

bool FrameBudget::may_answer_graft(Instant now) {
  return spent(kGraftAnswers, now).amount <= static_cast<double>(rate_of(kGraftAnswers).burst);
}

}  // namespace p2pmesh
