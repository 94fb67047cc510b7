// The serving side of anti-entropy: what differs is listed, and sent on request within the link's budget.
#include <algorithm>
#include <tuple>
#include <type_traits>
#include <utility>

#include "anti_entropy.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kLogItemBytes = 32 + 8 + 8 + 8 + 2;
constexpr std::size_t kListingCost =
    8;  // a byte of a listing is charged as this many: two whole ones a second at 10,000 members
constexpr std::size_t kRowCost = 64;  // bytes of budget for a row that is looked at
constexpr std::size_t kIntervalBytes = 16;
constexpr std::size_t kRecordItemBytes = 32 + 2 + 1 + 8 + 8 + 32 + 1;
constexpr std::size_t kGoneItemBytes = 32 + 8 + 8 + 8;
constexpr std::size_t kBranchBucketBytes = 1 + limits::kDigestLeaves * 8;

}  // namespace

void AntiEntropy::on_digest(Link& link, const SyncDigest& digest, Turn& turn) {
  // A digest of 2 KiB may be answered with megabytes: who asks too much is not answered, and asks again.
  RepairBudget& budget = budget_of(link.id, turn.now.monotonic);
  budget.branched.reset();
  if (budget.left < 0) return;
  const HeldDigest::Buckets mine = digest_.buckets(digest.as_of_ms, turn.now.monotonic);
  LeafSet differing{};
  std::size_t count = 0;
  std::size_t held_there = 0;
  for (std::size_t i = 0; i < limits::kDigestBuckets; ++i) {
    if (digest.buckets[i] == mine[i]) continue;
    differing[i] = kAllLeaves;
    ++count;
    if (digest.buckets[i] != 0) ++held_there;
  }
  const ListingSize size = measure(differing);
  budget.left -= static_cast<double>(kRowCost * size.rows);
  // Where the asker holds nothing, as a newcomer, all leaves differ.
  if (2 * held_there > count && size.bytes > parameters_.branch_pays * kBranchBucketBytes * count) {
    SyncBranch sums;
    sums.session = digest.session;
    sums.buckets = branch(differing, digest.as_of_ms, turn.now.monotonic);
    Bytes frame = encode_frame_of(sums);
    budget.left -= static_cast<double>(kRowCost * size.rows + kListingCost * frame.size());
    budget.branched = digest.session;
    return turn.send(link.id, std::move(frame), FrameClass::kRepair);
  }
  budget.left -= static_cast<double>(kListingCost * size.bytes);
  for (Bytes& frame : list(digest.session, differing))
    turn.send(link.id, std::move(frame), FrameClass::kRepair);
}

/// One for a branch, whatever is left: else a session that has come so far would fail again and again.
void AntiEntropy::on_descend(Link& link, const SyncDescend& descend, Turn& turn) {
  RepairBudget& budget = budget_of(link.id, turn.now.monotonic);
  if (budget.branched != descend.session) return;
  budget.branched.reset();
  LeafSet leaves{};
  for (const SyncDescend::Bucket& bucket : descend.buckets) leaves[bucket.number] = bucket.leaves;
  const ListingSize size = measure(leaves);
  budget.left -= static_cast<double>(kRowCost * size.rows + kListingCost * size.bytes);
  for (Bytes& frame : list(descend.session, leaves))
    turn.send(link.id, std::move(frame), FrameClass::kRepair);
}

/// What list() would make of these leaves, a little less than its frames.
AntiEntropy::ListingSize AntiEntropy::measure(const LeafSet& leaves) const {
  ListingSize size;
  size.rows = index_.measure(
      leaves, [&](std::size_t intervals) { size.bytes += kLogItemBytes + intervals * kIntervalBytes; },
      [&](std::size_t subject_bytes) { size.bytes += kRecordItemBytes + subject_bytes; },
      [&](std::size_t ranges) { size.bytes += ranges * kGoneItemBytes; });
  size.rows += roster_.measure(leaves, [&] { size.bytes += kRecordItemBytes; });
  return size;
}

/// The sums of all the leaves of each bucket of which one is wanted. They are kept nowhere: 256 buckets of 16
/// would be 32 KiB a node, and are rarely asked for.
std::vector<SyncBranch::Bucket> AntiEntropy::branch(const LeafSet& wanted, AsOfMs as_of_ms,
                                                    Instant now) const {
  std::vector<SyncBranch::Bucket> buckets;
  std::array<std::size_t, limits::kDigestBuckets> place{};
  for (std::size_t i = 0; i < limits::kDigestBuckets; ++i) {
    if (wanted[i] == 0) continue;
    place[i] = buckets.size();
    buckets.push_back({static_cast<std::uint8_t>(i), {}});
  }
  const auto add = [&](const MemberKey& author, std::uint64_t share) {
    buckets[place[HeldDigest::bucket_of(author)]].leaves[HeldDigest::leaf_of(author)] ^= share;
  };
  index_.for_each_share(wanted, add);
  roster_.for_each_share(wanted, add);
  digest_.for_each_left_out(as_of_ms, now, [&](std::size_t bucket, std::size_t leaf, std::uint64_t share) {
    if (wanted[bucket] != 0) buckets[place[bucket]].leaves[leaf] ^= share;
  });
  return buckets;
}

/// What is held in these leaves, in pages of at most kSyncPageBytes.
std::vector<Bytes> AntiEntropy::list(std::uint32_t session, const LeafSet& leaves) const {
  std::vector<SyncListing> pages(1);
  std::size_t page_bytes = 0;
  const auto reserve = [&](std::size_t bytes) {
    if (page_bytes + bytes > limits::kSyncPageBytes && page_bytes > 0) {
      pages.emplace_back();
      page_bytes = 0;
    }
    page_bytes += bytes;
  };
  const auto add = [&](auto held) {
    if constexpr (std::is_same_v<decltype(held), HeldLog>) {
      reserve(kLogItemBytes + held.intervals.size() * kIntervalBytes);
      pages.back().logs.push_back(std::move(held));
    } else if constexpr (std::is_same_v<decltype(held), HeldGone>) {
      reserve(kGoneItemBytes);
      pages.back().gone.push_back(held);
    } else {
      reserve(kRecordItemBytes + held.subject.size());
      pages.back().records.push_back(std::move(held));
    }
  };
  index_.list(leaves, (limits::kSyncPageBytes - kLogItemBytes) / kIntervalBytes, add);
  roster_.list(leaves, add);
  for (SyncListing& page : pages) {
    for (std::size_t i = 0; i < limits::kDigestBuckets; ++i) {
      if (leaves[i] != 0) page.differing[i / 8] |= static_cast<std::uint8_t>(1U << (i % 8));
    }
  }
  if (P2P_PLANTED(ListingDropsLastPage)) pages.back() = {};
  pages.back().last = true;
  std::vector<Bytes> frames;
  for (SyncListing& page : pages) {
    page.session = session;
    frames.push_back(encode_frame_of(page));
  }
  return frames;
}

/// What may still be sent over a link as repair; below zero: later.
AntiEntropy::RepairBudget& AntiEntropy::budget_of(LinkId link, Instant now) {
  constexpr auto kBudget = static_cast<double>(limits::kRepairBytesPerSecond);
  RepairBudget& budget = repair_.try_emplace(link, RepairBudget{kBudget, now, std::nullopt}).first->second;
  budget.left =
      std::min(kBudget, budget.left + kBudget * std::chrono::duration<double>(now - budget.since).count());
  budget.since = now;
  return budget;
}

void AntiEntropy::on_request(Link& link, SyncRequest request, Turn& turn) {
  // One answer at a time a link: an honest neighbor asks again after the last one's end.
  if (serving_.size() >= limits::kRepairAnswersMax ||
      std::any_of(serving_.begin(), serving_.end(),
                  [&](const auto& item) { return item.second.link == link.id; })) {
    ++counters_.requests_dropped;
    return;
  }
  constexpr auto kBudget = static_cast<double>(limits::kRepairBytesPerSecond);
  const double left = budget_of(link.id, turn.now.monotonic).left;

  Load load;
  load.request = next_request_++;
  load.ranges = std::move(request.ranges);
  load.records = std::move(request.records);
  load.bytes_max = limits::kSyncAnswerBytesMax;
  load.envelopes_max = limits::kSyncAnswerEnvelopesMax;
  load.gone_max = limits::kGoneAtOnceMax;
  Serving serving{link.id, request.session, std::nullopt, {}, load.ranges};
  serving.due = turn.now.monotonic;
  if (left < 0) serving.due += Duration(static_cast<Duration::rep>(-left / kBudget * 1e6) + 1);
  serving.deferred = std::move(load);
  serving_.emplace(next_request_ - 1, std::move(serving));
  read_next(turn);
}

/// In the order of their coming, as many at once as memory allows.
void AntiEntropy::read_next(Turn& turn) {
  for (auto& [request, serving] : serving_) {
    if (reads_ >= limits::kRepairReadsMax) return;
    if (!serving.deferred || serving.due > turn.now.monotonic) continue;
    turn.out.push_back(std::move(*serving.deferred));
    serving.deferred.reset();
    ++reads_;
  }
}

namespace {

bool comes_before(const GoneRange& one, const GoneRange& other) {
  return std::tie(one.author, one.epoch, one.first) < std::tie(other.author, other.epoch, other.first);
}
bool overlap(const GoneRange& one, const GoneRange& next) {
  return one.author == next.author && one.epoch == next.epoch && next.first <= one.last;
}

/// What was dropped here and what was told to be gone are different numbers; what was asked for twice is not.
std::vector<GoneRange> merge(std::vector<GoneRange> dropped, std::vector<GoneRange> told) {
  for (std::vector<GoneRange>* list : {&dropped, &told}) {
    std::sort(list->begin(), list->end(), comes_before);
    list->erase(std::unique(list->begin(), list->end(), overlap), list->end());
  }
  std::vector<GoneRange> all(dropped.size() + told.size());
  std::merge(dropped.begin(), dropped.end(), told.begin(), told.end(), all.begin(), comes_before);
  std::vector<GoneRange> merged;
  for (const GoneRange& range : all) {
    if (merged.empty() || !overlap(merged.back(), range)) {
      merged.push_back(range);
      continue;
    }
    merged.back().last = std::max(merged.back().last, range.last);
    merged.back().ids_digest ^= range.ids_digest;
  }
  return merged;
}

}  // namespace

void AntiEntropy::send_gone(const Serving& serving, const std::vector<GoneRange>& gone, Turn& turn) {
  SyncGone frame;
  const auto flush = [&] {
    if (frame.items.empty()) return;
    Bytes encoded = encode_frame_of(frame);
    const auto budget = repair_.find(serving.link);
    if (budget != repair_.end()) budget->second.left -= static_cast<double>(encoded.size());
    turn.send(serving.link, std::move(encoded), FrameClass::kRepair);
    frame.items.clear();
  };
  frame.session = serving.session;
  for (const GoneRange& range : gone) {
    const bool same_log = frame.author == range.author && frame.epoch == range.epoch;
    if (!same_log || frame.items.size() >= limits::kGonePerFrameMax) flush();
    frame.author = range.author;
    frame.epoch = range.epoch;
    frame.items.push_back({range.first, range.last, range.ids_digest});
  }
  flush();
}

void AntiEntropy::on_loaded(const Loaded& loaded, Turn& turn) {
  auto found = serving_.find(loaded.request);
  if (found == serving_.end()) return;
  const Serving serving = std::move(found->second);
  serving_.erase(found);
  --reads_;
  SyncDone done;
  done.session = serving.session;
  for (const EnvelopePtr& envelope : loaded.envelopes) {
    turn.send(serving.link, encode_repair(envelope->encoded), FrameClass::kRepair);
    ++done.envelopes;
    auto budget = repair_.find(serving.link);
    if (budget != repair_.end()) budget->second.left -= static_cast<double>(envelope->encoded.size());
  }
  counters_.envelopes_served += done.envelopes;
  done.complete = loaded.complete;
  std::vector<GoneRange> told;
  std::size_t looks_left = limits::kGoneAtOnceMax;
  for (const SyncRequest::Range& range : serving.ranges) {
    if (!done.complete || !index_.knows_gone()) break;
    const auto part = index_.list_gone(range.author, range.epoch, range.first, range.last, looks_left);
    told.insert(told.end(), part.begin(), part.end());
    if (looks_left == 0) done.complete = false;
  }
  if (const auto budget = repair_.find(serving.link); budget != repair_.end())
    budget->second.left -= static_cast<double>(kRowCost * (limits::kGoneAtOnceMax - looks_left));
  send_gone(serving, merge(loaded.gone, std::move(told)), turn);
  turn.send(serving.link, encode_frame_of(done), FrameClass::kRepair);
  read_next(turn);
}

}  // namespace p2pmesh
