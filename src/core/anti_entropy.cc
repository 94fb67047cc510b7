#include "anti_entropy.h"

#include <algorithm>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

constexpr auto kSessionTimeout = std::chrono::seconds(60);  // what is left is asked for in the next one
constexpr std::size_t kWantsMax = 65536;                    // ranges and records a session remembers
constexpr std::uint64_t kEnvelopesARange = 256;             // newest first, in pieces this large

}  // namespace

void AntiEntropy::on_root(Link& link, Turn& turn) {
  if (!link.compared && link.peer_root == index_.root()) link.compared = true;
  if (link.peer_root == index_.root()) return;
  if (!next_periodic_) next_periodic_ = turn.now.monotonic + limits::kSyncInterval;
  start_waiting(turn);
}

/// Starts the first comparison over a link that has not had one yet; one session at a time, so that the same
/// history is not fetched from several neighbors at once.
void AntiEntropy::start_waiting(Turn& turn) {
  if (session_) return;
  for (auto& [id, link] : links_.all()) {
    if (!link.compared && link.root_known && link.peer_root == index_.root()) link.compared = true;
    if (!link.compared && link.root_known) return start(link, turn);
  }
}

void AntiEntropy::start(Link& link, Turn& turn) {
  ++counters_.sessions;
  session_.emplace();
  session_->link = link.id;
  session_->id = next_session_++;
  session_->first_on_link = !link.compared;
  session_->progress_at = turn.now.monotonic;
  session_->ends_at = turn.now.monotonic + kSessionTimeout;
  session_->own_bucket = index_.buckets()[HeldIndex::bucket_of(self_)];
  SyncDigest digest;
  digest.session = session_->id;
  digest.buckets = index_.buckets();
  turn.send(link.id, encode_frame_of(digest));
}

void AntiEntropy::on_listing(Link& link, const SyncListing& listing, Turn& turn) {
  if (!session_ || session_->link != link.id || session_->id != listing.session || session_->listing_complete)
    return;
  SyncSession& session = *session_;
  const std::size_t own_bucket = HeldIndex::bucket_of(self_);
  const bool differs = (listing.differing[own_bucket / 8] >> (own_bucket % 8) & 1) != 0;
  neighbor_holds_all_own_ = !differs && index_.buckets()[own_bucket] == session.own_bucket;
  own_held_.clear();
  for (const HeldLog& log : listing.logs) {
    if (log.author == self_) own_held_.push_back(log);
    const EpochLog* mine = index_.find(log.author, log.epoch);
    // Not on a new link: there nothing is on its way by flood yet.
    const bool just_now = !session.first_on_link && mine != nullptr &&
                          mine->accepted_at + limits::kSyncQuiet > turn.now.monotonic;
    for (const auto& [first, last] : log.intervals) {
      const auto gaps = mine != nullptr ? mine->accepted.missing(first, last)
                                        : std::vector<IntervalSet::Interval>{{first, last}};
      for (const auto& [from, to] : gaps) {
        if (just_now && from > mine->accepted.greatest()) continue;
        // What the limits refuse would be asked for again and again.
        if (!index_.can_accept(log.author, log.epoch, to)) continue;
        if (session.wants.size() >= kWantsMax) {
          session.truncated = true;
          continue;
        }
        session.wants.push_back({log.author, log.epoch, from, to, log.newest_wall_ms});
      }
    }
  }
  for (const HeldRecord& record : listing.records) {
    const RecordVersion* mine = index_.find_record({record.author, record.kind, record.subject});
    if (mine != nullptr && !RecordVersion{record.epoch, record.version, record.id}.is_newer_than(*mine))
      continue;
    if (!index_.can_accept_record({record.author, record.kind, record.subject})) continue;
    if (session.want_records.size() >= kWantsMax) {
      session.truncated = true;
      continue;
    }
    session.want_records.push_back({record.author, record.kind, record.subject});
  }
  if (!listing.last) return;
  session.listing_complete = true;
  std::stable_sort(session.wants.begin(), session.wants.end(), [](const SyncWant& a, const SyncWant& b) {
    return a.newest_wall_ms != b.newest_wall_ms ? a.newest_wall_ms < b.newest_wall_ms : a.first < b.first;
  });
  ask_next(turn);
}

void AntiEntropy::ask_next(Turn& turn) {
  SyncSession& session = *session_;
  SyncRequest request;
  request.session = session.id;
  while (!session.want_records.empty() && request.records.size() < limits::kSyncRangesMax) {
    request.records.push_back(std::move(session.want_records.back()));
    session.want_records.pop_back();
  }
  std::uint64_t envelopes = 0;
  while (!session.wants.empty() && request.ranges.size() < limits::kSyncRangesMax &&
         envelopes < limits::kSyncAnswerEnvelopesMax) {
    SyncWant& want = session.wants.back();
    const std::uint64_t size = want.last - want.first + 1;
    const std::uint64_t take = std::min(size, kEnvelopesARange);
    request.ranges.push_back({want.author, want.epoch, want.last - take + 1, want.last});
    envelopes += take;
    if (take == size) {
      session.wants.pop_back();
    } else {
      want.last -= take;
    }
  }
  if (request.records.empty() && request.ranges.empty()) return finish(turn);
  session.asked = request;
  session.accepted_when_asked = index_.accepted_count();
  turn.send(session.link, encode_frame_of(request));
}

void AntiEntropy::on_done(Link& link, const SyncDone& done, Turn& turn) {
  if (!session_ || session_->link != link.id || session_->id != done.session || !session_->listing_complete)
    return;
  SyncSession& session = *session_;
  const bool progressed = index_.accepted_count() != session.accepted_when_asked;
  if (progressed) session.progress_at = turn.now.monotonic;
  // An answer that brings nothing new and has no end would go on for ever.
  const bool ask_again = !done.complete && progressed;
  // Backwards, so that the newest is the last again.
  for (auto range = session.asked.ranges.rbegin(); range != session.asked.ranges.rend(); ++range) {
    const EpochLog* mine = index_.find(range->author, range->epoch);
    const auto gaps = mine != nullptr ? mine->accepted.missing(range->first, range->last)
                                      : std::vector<IntervalSet::Interval>{{range->first, range->last}};
    for (const auto& [from, to] : gaps) {
      if (ask_again) {
        session.wants.push_back({range->author, range->epoch, from, to, 0});
      } else {
        counters_.no_longer_held += to - from + 1;
      }
    }
  }
  session.asked = {};
  ask_next(turn);
}

void AntiEntropy::finish(Turn& turn) {
  const bool again = session_->truncated;
  Link* link = links_.find(session_->link);
  session_.reset();
  next_periodic_ = turn.now.monotonic + limits::kSyncInterval;
  if (link != nullptr && again) return start(*link, turn);
  if (link != nullptr) link->compared = true;
  start_waiting(turn);
}

void AntiEntropy::on_link_down(LinkId link, Turn& turn) {
  repair_.erase(link);
  std::erase_if(serving_, [&](const auto& item) { return item.second.link == link; });
  if (session_ && session_->link == link) {
    session_.reset();
    start_waiting(turn);
  }
}

void AntiEntropy::on_wake(Turn& turn) {
  if (session_ && (session_->progress_at + limits::kSyncTimeout <= turn.now.monotonic ||
                   session_->ends_at <= turn.now.monotonic)) {
    ++counters_.timeouts;
    if (Link* link = links_.find(session_->link)) link->compared = true;
    session_.reset();
    start_waiting(turn);
  }
  for (auto& [request, serving] : serving_) {
    if (!serving.deferred || serving.due > turn.now.monotonic) continue;
    turn.out.push_back(std::move(*serving.deferred));
    serving.deferred.reset();
  }
  if (!next_periodic_ || *next_periodic_ > turn.now.monotonic) return;
  next_periodic_.reset();
  std::vector<Link*> differing;
  for (auto& [id, link] : links_.all()) {
    if (link.root_known && link.peer_root != index_.root()) differing.push_back(&link);
  }
  if (differing.empty()) return;
  next_periodic_ = turn.now.monotonic + limits::kSyncInterval;
  if (!session_) start(*differing[random_.below(differing.size())], turn);
}

std::optional<Instant> AntiEntropy::next_deadline() const {
  std::optional<Instant> next = next_periodic_;
  const auto sooner = [&](Instant at) {
    if (!next || at < *next) next = at;
  };
  if (session_) sooner(std::min(session_->progress_at + limits::kSyncTimeout, session_->ends_at));
  for (const auto& [request, serving] : serving_) {
    if (serving.deferred) sooner(serving.due);
  }
  return next;
}

std::uint64_t AntiEntropy::foreign_own_seq(std::uint64_t epoch) const {
  std::uint64_t greatest = 0;
  for (const HeldLog& log : own_held_) {
    if (log.epoch == epoch && !log.intervals.empty())
      greatest = std::max(greatest, log.intervals.back().second);
  }
  return greatest;
}

void AntiEntropy::on_digest(Link& link, const SyncDigest& digest, Turn& turn) {
  std::array<std::uint8_t, limits::kDigestBuckets / 8> differing{};
  for (std::size_t i = 0; i < limits::kDigestBuckets; ++i) {
    if (digest.buckets[i] != index_.buckets()[i])
      differing[i / 8] |= static_cast<std::uint8_t>(1U << (i % 8));
  }
  for (SyncListing& page : index_.list(differing)) {
    page.session = digest.session;
    turn.send(link.id, encode_frame_of(page), FrameClass::kRepair);
  }
}

void AntiEntropy::on_request(Link& link, SyncRequest request, Turn& turn) {
  // One answer at a time a link: an honest neighbor asks again after the last one's end.
  if (std::any_of(serving_.begin(), serving_.end(),
                  [&](const auto& item) { return item.second.link == link.id; })) {
    return;
  }
  constexpr auto kBudget = static_cast<double>(limits::kRepairBytesPerSecond);
  auto [budget, is_new] = repair_.try_emplace(link.id, kBudget, turn.now.monotonic);
  auto& [left, since] = budget->second;
  left =
      std::min(kBudget, left + kBudget * std::chrono::duration<double>(turn.now.monotonic - since).count());
  since = turn.now.monotonic;

  Load load;
  load.request = next_request_++;
  load.ranges = std::move(request.ranges);
  load.records = std::move(request.records);
  load.bytes_max = limits::kSyncAnswerBytesMax;
  load.envelopes_max = limits::kSyncAnswerEnvelopesMax;
  Serving serving{link.id, request.session, std::nullopt, {}};
  if (left >= 0) {
    turn.out.push_back(std::move(load));
    serving_.emplace(next_request_ - 1, std::move(serving));
  } else {
    serving.due = turn.now.monotonic + Duration(static_cast<Duration::rep>(-left / kBudget * 1e6) + 1);
    serving.deferred = std::move(load);
    serving_.emplace(next_request_ - 1, std::move(serving));
  }
}

void AntiEntropy::on_loaded(const Loaded& loaded, Turn& turn) {
  auto found = serving_.find(loaded.request);
  if (found == serving_.end()) return;
  const Serving serving = std::move(found->second);
  serving_.erase(found);
  SyncDone done;
  done.session = serving.session;
  for (const EnvelopePtr& envelope : loaded.envelopes) {
    turn.send(serving.link, encode_repair(envelope->encoded), FrameClass::kRepair);
    ++done.envelopes;
    auto budget = repair_.find(serving.link);
    if (budget != repair_.end()) budget->second.first -= static_cast<double>(envelope->encoded.size());
  }
  counters_.envelopes_served += done.envelopes;
  done.complete = loaded.complete;
  turn.send(serving.link, encode_frame_of(done), FrameClass::kRepair);
}

}  // namespace p2pmesh
