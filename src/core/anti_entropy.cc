#include "anti_entropy.h"

#include <algorithm>
#include <type_traits>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {
namespace {

constexpr auto kSessionTimeout = std::chrono::seconds(60);  // what is left is asked for in the next one
constexpr std::size_t kWantsMax = 65536;                    // ranges and records a session remembers
constexpr std::uint64_t kEnvelopesARange = 256;             // newest first, in pieces this large
constexpr auto kAcceptorWaits = std::chrono::seconds(1);
constexpr std::size_t kLongListing = 1000;  // members: some four in a bucket, 600 bytes of a listing
constexpr auto kSoon =
    std::chrono::milliseconds(200);  // a neighbor that was repaired is asked within this time
constexpr std::size_t kLogItemBytes = 32 + 8 + 8 + 8 + 2;
constexpr std::size_t kListingCost =
    8;  // a byte of a listing is charged as this many: two whole ones a second at 10,000 members
constexpr std::size_t kIntervalBytes = 16;
constexpr std::size_t kRecordItemBytes = 32 + 2 + 1 + 8 + 8 + 32 + 1;

}  // namespace

AsOfMs AntiEntropy::as_of(const Now& now) {
  constexpr auto kQuietMs = static_cast<WallMs>(std::chrono::milliseconds(limits::kSyncQuiet).count());
  return now.wall_ms > kQuietMs ? now.wall_ms - kQuietMs : 0;
}

void AntiEntropy::on_root(Link& link, bool repaired, Turn& turn) {
  if (!parameters_.anti_entropy) {
    link.compared = true;
    return;
  }
  if (!link.differs) {
    link.compared = true;
    return;
  }
  Instant soon = turn.now.monotonic + (repaired ? soon_after_repair() : parameters_.sync_interval);
  if (!link.compared && !link.outbound) soon = std::min(soon, link.up_at + kAcceptorWaits);
  if (!next_periodic_ || soon < *next_periodic_) next_periodic_ = soon;
  start_waiting(turn);
}

/// Spread, so that the neighbors of one that was repaired do not all come in the same moment.
Duration AntiEntropy::soon_after_repair() {
  return Duration(
      static_cast<Duration::rep>(random_.below(static_cast<std::uint64_t>(Duration(kSoon).count()))));
}

/// In a large mesh, where a listing is long, the dialler of a new link compares first: mostly the other end
/// then has nothing left to ask for. In a small one both do, so that what a node brings that soon dies again
/// is not left with it.
bool AntiEntropy::begins(const Link& link, Instant now) const {
  return link.outbound || roster_.counts().members < kLongListing || link.up_at + kAcceptorWaits <= now;
}

/// Starts the first comparison over a link that has not had one yet; one session at a time, so that the same
/// history is not fetched from several neighbors at once.
void AntiEntropy::start_waiting(Turn& turn) {
  if (session_) return;
  for (auto& [id, link] : links_.all()) {
    if (!link.compared && link.root_known && begins(link, turn.now.monotonic)) return start(link, turn);
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
  session_->accepted_at_start = index_.accepted_count();
  SyncDigest digest;
  digest.session = session_->id;
  // On a new link nothing is on its way by broadcast yet.
  digest.as_of_ms = link.compared ? as_of(turn.now) : kAsOfAll;
  digest.buckets = digest_.buckets(digest.as_of_ms, turn.now.monotonic);
  session_->own_bucket = digest_.buckets(kAsOfAll, turn.now.monotonic)[HeldDigest::bucket_of(self_)];
  turn.send(link.id, encode_frame_of(digest));
}

void AntiEntropy::want(const SyncWant& wanted) {
  if (session_->wants.size() >= kWantsMax) {
    session_->truncated = true;
    return;
  }
  session_->wants.push_back(wanted);
}

void AntiEntropy::want_log(const HeldLog& log, Turn& turn) {
  const EpochLog* mine = index_.find(log.author, log.epoch);
  // Not on a new link: there nothing is on its way by broadcast yet.
  const bool just_now = !session_->first_on_link && mine != nullptr &&
                        mine->accepted_at + limits::kSyncQuiet > turn.now.monotonic;
  for (const auto& [first, last] : log.intervals) {
    const auto gaps = mine != nullptr ? mine->accepted.missing(first, last)
                                      : std::vector<IntervalSet::Interval>{{first, last}};
    for (const auto& [from, to] : gaps) {
      if (just_now && from > mine->accepted.greatest()) continue;
      // What the limits refuse would be asked for again and again.
      if (index_.can_accept(log.author, log.epoch, to))
        want({log.author, log.epoch, from, to, log.newest_wall_ms});
    }
  }
  if (mine != nullptr && is_forked(log, *mine) && !just_now && session_->forked.size() < kWantsMax)
    session_->forked.emplace_back(log.author, log.epoch);
}

/// The same numbers and other ids: one author signed two envelopes for one place. A log of many gaps is
/// listed in pieces; the last one tells.
bool AntiEntropy::is_forked(const HeldLog& log, const EpochLog& mine) {
  const auto& held = mine.held.intervals();
  std::size_t& equal = session_->listed_equal;
  if (const std::pair key(log.author, log.epoch); session_->listed_log != key) {
    session_->listed_log = key;
    equal = 0;
  }
  const std::size_t count = log.intervals.size();
  const auto from = held.begin() + static_cast<std::ptrdiff_t>(std::min(equal, held.size()));
  if (equal + count > held.size() || !std::equal(log.intervals.begin(), log.intervals.end(), from)) {
    equal = held.size() + 1;
    return false;
  }
  equal += count;
  return equal == held.size() && mine.ids_digest != log.ids_digest && mine.accepted.intervals() == held;
}

/// In which place is not known: as much as one answer holds is looked at, from a place at random on and round
/// the end. So each place comes first some time, whatever cuts the answers short.
std::vector<SyncRequest::Range> AntiEntropy::draw_look(const MemberKey& author, std::uint64_t epoch) {
  const auto& held = index_.find(author, epoch)->held.intervals();
  std::uint64_t places = 0;
  for (const auto& [first, last] : held) places += last - first + 1;
  std::uint64_t skip = random_.below(places);
  auto interval = held.begin();
  for (; skip > interval->second - interval->first; ++interval)
    skip -= interval->second - interval->first + 1;
  std::vector<SyncRequest::Range> ranges;
  std::uint64_t left = std::min<std::uint64_t>(places, limits::kSyncAnswerEnvelopesMax);
  while (left > 0 && ranges.size() < limits::kSyncRangesMax) {
    const std::uint64_t first = interval->first + std::exchange(skip, 0);
    const std::uint64_t last = first + std::min(interval->second - first, left - 1);
    ranges.push_back({author, epoch, first, last});
    left -= last - first + 1;
    if (++interval == held.end()) interval = held.begin();
  }
  return ranges;
}

bool AntiEntropy::on_listing(Link& link, const SyncListing& listing, Turn& turn) {
  if (!session_ || session_->link != link.id || session_->id != listing.session || session_->listing_complete)
    return false;
  SyncSession& session = *session_;
  const std::size_t own_bucket = HeldDigest::bucket_of(self_);
  const bool differs = (listing.differing[own_bucket / 8] >> (own_bucket % 8) & 1) != 0;
  neighbor_holds_all_own_ = !differs && session.first_on_link &&
                            digest_.buckets(kAsOfAll, turn.now.monotonic)[own_bucket] == session.own_bucket;
  own_held_.clear();
  for (const HeldLog& log : listing.logs) {
    if (log.author == self_) own_held_.push_back(log);
    want_log(log, turn);
  }
  for (const HeldRecord& record : listing.records) {
    const RecordVersion version{record.epoch, record.version, record.id};
    if (record.kind == static_cast<std::uint16_t>(Kind::kMember) && record.subject.empty()) {
      const MemberRow* mine = roster_.find(record.author);
      if (mine != nullptr &&
          !version.is_newer_than({mine->facts->epoch, mine->facts->version, mine->facts->record}))
        continue;
      if (!roster_.can_accept(record.author)) continue;
    } else {
      const RecordVersion* mine = index_.find_record({record.author, record.kind, record.subject});
      if (mine != nullptr && !version.is_newer_than(*mine)) continue;
      if (!index_.can_accept_record({record.author, record.kind, record.subject})) continue;
    }
    if (session.want_records.size() >= kWantsMax) {
      session.truncated = true;
      continue;
    }
    session.want_records.push_back({record.author, record.kind, record.subject});
  }
  if (!listing.last) return true;
  session.listing_complete = true;
  std::stable_sort(session.wants.begin(), session.wants.end(), [](const SyncWant& a, const SyncWant& b) {
    return a.newest_wall_ms != b.newest_wall_ms ? a.newest_wall_ms < b.newest_wall_ms : a.first < b.first;
  });
  ask_next(turn);
  return true;
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
    if (auto& last = request.ranges.back(); P2P_PLANTED(WantsSkipNewest) && last.last-- == last.first)
      request.ranges.pop_back();
    envelopes += take;
    if (take == size) {
      session.wants.pop_back();
    } else {
      want.last -= take;
    }
  }
  if (request.records.empty() && request.ranges.empty() && !session.forked.empty()) {
    // One at random: the session may end before the last.
    std::swap(session.forked[random_.below(session.forked.size())], session.forked.back());
    request.ranges = draw_look(session.forked.back().first, session.forked.back().second);
    session.forked.pop_back();
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
  if (index_.accepted_count() != session_->accepted_at_start) repaired_ = true;
  Link* link = links_.find(session_->link);
  session_.reset();
  next_periodic_ = turn.now.monotonic + parameters_.sync_interval;
  if (link != nullptr) {
    link->compared = true;
    link->differs = again;  // else until its next heartbeat says otherwise
  }
  // There is more, but other neighbors have their turn: one could list things without end.
  if (again) next_periodic_ = turn.now.monotonic;
  for (const auto& [id, other] : links_.all()) {
    if (other.compared || !other.root_known || !other.differs || other.outbound) continue;
    next_periodic_ = std::min(*next_periodic_, std::max(other.up_at + kAcceptorWaits, turn.now.monotonic));
  }
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
    if (link.root_known && link.differs) differing.push_back(&link);
  }
  if (differing.empty()) return;
  next_periodic_ = turn.now.monotonic + parameters_.sync_interval;
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
  // A digest of 2 KiB may be answered with megabytes: who asks too much is not answered, and asks again.
  double& left = budget_of(link.id, turn.now.monotonic);
  if (left < 0) return;
  const HeldDigest::Buckets mine = digest_.buckets(digest.as_of_ms, turn.now.monotonic);
  std::array<std::uint8_t, limits::kDigestBuckets / 8> differing{};
  for (std::size_t i = 0; i < limits::kDigestBuckets; ++i) {
    if (digest.buckets[i] != mine[i]) differing[i / 8] |= static_cast<std::uint8_t>(1U << (i % 8));
  }
  for (SyncListing& page : list(differing)) {
    page.session = digest.session;
    Bytes frame = encode_frame_of(page);
    left -= static_cast<double>(kListingCost * frame.size());
    turn.send(link.id, std::move(frame), FrameClass::kRepair);
  }
}

/// What is held in the buckets that differ, in pages of at most kSyncPageBytes.
std::vector<SyncListing> AntiEntropy::list(
    const std::array<std::uint8_t, limits::kDigestBuckets / 8>& differing) const {
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
    } else {
      reserve(kRecordItemBytes + held.subject.size());
      pages.back().records.push_back(std::move(held));
    }
  };
  index_.list(differing, (limits::kSyncPageBytes - kLogItemBytes) / kIntervalBytes, add);
  roster_.list(differing, add);
  for (SyncListing& page : pages) page.differing = differing;
  if (P2P_PLANTED(ListingDropsLastPage)) pages.back() = {};
  pages.back().last = true;
  return pages;
}

/// Bytes that may still be sent over a link as repair; below zero: later.
double& AntiEntropy::budget_of(LinkId link, Instant now) {
  constexpr auto kBudget = static_cast<double>(limits::kRepairBytesPerSecond);
  auto [budget, is_new] = repair_.try_emplace(link, kBudget, now);
  auto& [left, since] = budget->second;
  left = std::min(kBudget, left + kBudget * std::chrono::duration<double>(now - since).count());
  since = now;
  return left;
}

void AntiEntropy::on_request(Link& link, SyncRequest request, Turn& turn) {
  // One answer at a time a link: an honest neighbor asks again after the last one's end.
  if (std::any_of(serving_.begin(), serving_.end(),
                  [&](const auto& item) { return item.second.link == link.id; })) {
    return;
  }
  constexpr auto kBudget = static_cast<double>(limits::kRepairBytesPerSecond);
  const double left = budget_of(link.id, turn.now.monotonic);

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
