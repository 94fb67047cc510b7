// The pulling side: what is compared with whom, and what is wanted. anti_entropy_asking.cc asks for it,
// anti_entropy_serving.cc has the other side.
#include "anti_entropy.h"

#include <algorithm>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {
namespace {

constexpr auto kSoon =
    std::chrono::milliseconds(200);  // a neighbor that was repaired is asked within this time

}  // namespace

AsOfMs AntiEntropy::as_of(const Now& now) {
  constexpr auto kQuietMs = static_cast<WallMs>(std::chrono::milliseconds(limits::kSyncQuiet).count());
  return now.wall_ms > kQuietMs ? now.wall_ms - kQuietMs : 0;
}

void AntiEntropy::on_root(Link& link, AsOfMs as_of_ms, bool repaired, Turn& turn) {
  note_caught_up(turn.now.monotonic);
  // What has come there may be what is only told to be gone here; the roots are equal then.
  if (repaired) link.gone_asked = UINT64_MAX;
  if (!parameters_.anti_entropy) {
    link.compared = true;
    return;
  }
  if (link.differs || may_have_gone(link)) {
    const Instant soon = turn.now.monotonic + (repaired ? soon_after_repair() : parameters_.sync_interval);
    if (!next_periodic_ || soon < *next_periodic_) next_periodic_ = soon;
  } else if (link.compared || as_of_ms == kAsOfAll) {
    link.compared = true;
    return;
  }
  // Over a new link an equal root of all spares the comparison. A later one does not end it: what is young,
  // as the records of those who have just come, is in neither root, and may be on its way.
  start_waiting(turn);
}

/// Spread, so that the neighbors of one that was repaired do not all come in the same moment.
Duration AntiEntropy::soon_after_repair() {
  return Duration(
      static_cast<Duration::rep>(random_.below(static_cast<std::uint64_t>(Duration(kSoon).count()))));
}

/// Starts the first comparison over a link that has not had one yet; one session at a time, so that the same
/// history is not fetched from several neighbors at once.
void AntiEntropy::start_waiting(Turn& turn) {
  if (session_) return;
  for (auto& [id, link] : links_.all()) {
    if (!link.compared && link.root_known) return start(link, turn);
  }
}

void AntiEntropy::start(Link& link, Turn& turn) {
  ++counters_.sessions;
  session_.emplace();
  session_->link = link.id;
  session_->id = next_session_++;
  session_->first_on_link = !link.compared;
  session_->without_gone = may_have_gone(link);
  if (session_->first_on_link && session_->without_gone && !link.differs) ++counters_.asked_for_gone;
  session_->progress_at = turn.now.monotonic;
  session_->ends_at = turn.now.monotonic + limits::kSyncSessionMax;
  session_->accepted_at_start = index_.accepted_count();
  SyncDigest digest;
  digest.session = session_->id;
  // On a new link nothing is on its way by broadcast yet.
  session_->as_of_ms = digest.as_of_ms = link.compared ? as_of(turn.now) : kAsOfAll;
  digest.buckets = digest_.buckets(digest.as_of_ms, turn.now.monotonic);
  if (session_->without_gone) {
    index_.for_each_gone([&](const MemberKey& author, std::uint64_t share) {
      digest.buckets[HeldDigest::bucket_of(author)] ^= share;
    });
  }
  session_->own_bucket = digest_.buckets(kAsOfAll, turn.now.monotonic)[HeldDigest::bucket_of(self_)];
  turn.send(link.id, encode_frame_of(digest));
}

void AntiEntropy::want(std::vector<SyncWant>& wants, const SyncWant& wanted) {
  if (wants.size() >= limits::kSyncWantsMax) {
    session_->truncated = true;
    return;
  }
  wants.push_back(wanted);
}

void AntiEntropy::want_log(const HeldLog& log, Turn& turn) {
  const EpochLog* mine = index_.find(log.author, log.epoch);
  // Not on a new link: there nothing is on its way by broadcast yet.
  const bool just_now = !session_->first_on_link && mine != nullptr &&
                        mine->accepted_at + limits::kSyncQuiet > turn.now.monotonic;
  for (const auto& [first, last] : log.intervals) {
    for (const auto& [from, to] : index_.lacking(log.author, log.epoch, first, last)) {
      if (just_now && from > mine->accepted.greatest()) continue;
      // What the limits refuse would be asked for again and again.
      if (index_.can_accept(log.author, log.epoch, to))
        want(session_->wants, {log.author, log.epoch, from, to, log.newest_wall_ms});
    }
  }
  if (mine != nullptr && is_forked(log, *mine) && !just_now &&
      session_->forked.size() < limits::kSyncWantsMax)
    session_->forked.emplace_back(log.author, log.epoch);
}

/// Told of to the neighbor, who can say no more of it than what all of it adds to the digest.
void AntiEntropy::want_gone(const HeldGone& gone) {
  // Of strangers nothing is taken on anybody's word; and nobody honest is told of more at once.
  const bool is_known =
      roster_.find(gone.author) != nullptr && gone.last - gone.first < limits::kGoneRangeMax;
  if (!is_known || index_.is_gone(gone)) return;
  const auto gaps = index_.lacking(gone.author, gone.epoch, gone.first, gone.last);
  if (!gaps.empty())
    want(session_->holes, {gone.author, gone.epoch, gaps.front().first, gaps.back().second, 0});
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

void AntiEntropy::on_branch(Link& link, const SyncBranch& theirs, Turn& turn) {
  if (!session_ || session_->link != link.id || session_->id != theirs.session || session_->listed ||
      session_->own_leaf_differs) {
    return;
  }
  LeafSet leaves{};
  for (const SyncBranch::Bucket& bucket : theirs.buckets) leaves[bucket.number] = kAllLeaves;
  session_->own_leaf_differs = false;
  SyncDescend descend;
  descend.session = theirs.session;
  std::vector<SyncBranch::Bucket> mine = branch(leaves, session_->as_of_ms, turn.now.monotonic);
  if (session_->without_gone) {
    index_.for_each_gone([&](const MemberKey& author, std::uint64_t share) {
      for (SyncBranch::Bucket& bucket : mine) {
        if (bucket.number == HeldDigest::bucket_of(author))
          bucket.leaves[HeldDigest::leaf_of(author)] ^= share;
      }
    });
  }
  for (std::size_t i = 0; i < mine.size(); ++i) {
    SyncDescend::Bucket differing{mine[i].number, 0};
    for (std::size_t leaf = 0; leaf < limits::kDigestLeaves; ++leaf) {
      if (mine[i].leaves[leaf] == theirs.buckets[i].leaves[leaf]) continue;
      differing.leaves = static_cast<std::uint16_t>(differing.leaves | 1U << leaf);
      if (mine[i].number == HeldDigest::bucket_of(self_) && leaf == HeldDigest::leaf_of(self_))
        session_->own_leaf_differs = true;
    }
    if (differing.leaves != 0) descend.buckets.push_back(differing);
  }
  turn.send(link.id, encode_frame_of(descend));
}

bool AntiEntropy::on_listing(Link& link, const SyncListing& listing, Turn& turn) {
  if (!session_ || session_->link != link.id || session_->id != listing.session || session_->listing_complete)
    return false;
  SyncSession& session = *session_;
  session.listed = true;
  const std::size_t own_bucket = HeldDigest::bucket_of(self_);
  const bool differs =
      session.own_leaf_differs.value_or((listing.differing[own_bucket / 8] >> (own_bucket % 8) & 1) != 0);
  neighbor_holds_all_own_ = !differs && session.first_on_link &&
                            digest_.buckets(kAsOfAll, turn.now.monotonic)[own_bucket] == session.own_bucket;
  own_held_.clear();
  for (const HeldLog& log : listing.logs) {
    if (log.author == self_) own_held_.push_back(log);
    want_log(log, turn);
  }
  for (const HeldGone& gone : listing.gone) want_gone(gone);
  for (const HeldRecord& record : listing.records) {
    if (index_.is_left_out(record.author, record.kind)) continue;
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
    if (session.want_records.size() >= limits::kSyncWantsMax) {
      session.truncated = true;
      continue;
    }
    session.want_records.push_back({record.author, record.kind, record.subject});
  }
  if (!listing.last) return true;
  session.listing_complete = true;
  // The last are asked for first.
  std::stable_partition(session.want_records.begin(), session.want_records.end(), [](const auto& record) {
    return record.kind != static_cast<std::uint16_t>(Kind::kRevocation);
  });
  std::stable_sort(session.wants.begin(), session.wants.end(), [](const SyncWant& a, const SyncWant& b) {
    return a.newest_wall_ms != b.newest_wall_ms ? a.newest_wall_ms < b.newest_wall_ms : a.first < b.first;
  });
  ask_next(turn);
  return true;
}

/// What the session has brought the neighbors ought to hear of, however it ends.
void AntiEntropy::note_repaired() {
  if (index_.accepted_count() != session_->accepted_at_start) repaired_ = true;
}

void AntiEntropy::finish(Turn& turn) {
  const bool again = session_->truncated;
  note_repaired();
  Link* link = links_.find(session_->link);
  session_.reset();
  next_periodic_ = turn.now.monotonic + parameters_.sync_interval;
  if (link != nullptr) {
    link->compared = true;
    if (!again) link->gone_asked = index_.gone_count();  // what is new was told by this one
    link->differs = again;                               // else until its next heartbeat says otherwise
  }
  // There is more, but other neighbors have their turn: one could list things without end.
  if (again) next_periodic_ = turn.now.monotonic;
  start_waiting(turn);
}

void AntiEntropy::on_link_down(LinkId link, Turn& turn) {
  if (links_.size() == 0) {
    caught_up_ = false;
    linked_since_.reset();
  }
  repair_.erase(link);
  reads_ -= static_cast<std::size_t>(std::count_if(serving_.begin(), serving_.end(), [&](const auto& item) {
    return item.second.link == link && !item.second.deferred;
  }));
  std::erase_if(serving_, [&](const auto& item) { return item.second.link == link; });
  read_next(turn);
  if (session_ && session_->link == link) {
    note_repaired();
    session_.reset();
    start_waiting(turn);
  }
}

void AntiEntropy::on_wake(Turn& turn) {
  if (session_ && (session_->progress_at + limits::kSyncTimeout <= turn.now.monotonic ||
                   session_->ends_at <= turn.now.monotonic)) {
    ++counters_.timeouts;
    note_repaired();
    if (Link* link = links_.find(session_->link)) link->compared = true;
    session_.reset();
    start_waiting(turn);
  }
  if (session_ && session_->asks_at && *session_->asks_at <= turn.now.monotonic) ask_next(turn);
  read_next(turn);
  if (!next_periodic_ || *next_periodic_ > turn.now.monotonic) return;
  next_periodic_.reset();
  std::vector<Link*> differing;
  for (auto& [id, link] : links_.all()) {
    if (link.root_known && (link.differs || may_have_gone(link))) differing.push_back(&link);
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
  if (session_ && session_->asks_at) sooner(*session_->asks_at);
  for (const auto& [request, serving] : serving_) {
    if (serving.deferred && reads_ < limits::kRepairReadsMax) sooner(serving.due);
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

}  // namespace p2pmesh
