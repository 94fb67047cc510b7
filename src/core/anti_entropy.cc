// The pulling side; anti_entropy_serving.cc has the other.
#include "anti_entropy.h"

#include <algorithm>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {
namespace {

constexpr auto kSessionTimeout = std::chrono::seconds(60);  // what is left is asked for in the next one
constexpr std::size_t kWantsMax = 65536;                    // ranges and records a session remembers
constexpr std::uint64_t kEnvelopesARange = limits::kGoneRangeMax;  // newest first, in pieces this large
static_assert(kEnvelopesARange % RepairPace::kPiece == 0);
constexpr auto kSoon =
    std::chrono::milliseconds(200);  // a neighbor that was repaired is asked within this time
constexpr auto kLinkedLong = std::chrono::seconds(30);  // two that begin together may know nobody else; guess
constexpr auto kTalkLasts = std::chrono::seconds(5);    // a slow conversation is one; guess
constexpr auto kNewcomer = std::chrono::minutes(10);    // whoever keeps a node from agreeing with it; guess

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
  session_->ends_at = turn.now.monotonic + kSessionTimeout;
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
  if (wants.size() >= kWantsMax) {
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
  if (mine != nullptr && is_forked(log, *mine) && !just_now && session_->forked.size() < kWantsMax)
    session_->forked.emplace_back(log.author, log.epoch);
}

/// Told of to the neighbor, who can say no more of it than what all of it adds to the digest.
void AntiEntropy::want_gone(const HeldGone& gone) {
  // Of strangers nothing is taken on anybody's word; and nobody honest is told of more at once.
  const bool is_known = roster_.find(gone.author) != nullptr && gone.last - gone.first < kEnvelopesARange;
  if (!is_known || index_.is_gone(gone)) return;
  const auto gaps = index_.lacking(gone.author, gone.epoch, gone.first, gone.last);
  if (!gaps.empty())
    want(session_->holes, {gone.author, gone.epoch, gaps.front().first, gaps.back().second, 0});
}

/// What a small range left open up to `last` is perhaps gone: of that is told in whole ranges.
void AntiEntropy::want_hole(const MemberKey& author, std::uint64_t epoch, std::uint64_t last) {
  std::vector<SyncWant>& holes = session_->holes;
  const std::uint64_t first = (last - 1) / kEnvelopesARange * kEnvelopesARange + 1;
  if (!holes.empty() && holes.back().author == author && holes.back().epoch == epoch &&
      holes.back().first == first) {
    holes.back().last = std::max(holes.back().last, last);
  } else {
    want(holes, {author, epoch, first, last, 0});
  }
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
std::vector<SyncRequest::Range> AntiEntropy::draw_look(const MemberKey& author, std::uint64_t epoch,
                                                       std::uint64_t most) {
  const auto& held = index_.find(author, epoch)->held.intervals();
  std::uint64_t places = 0;
  for (const auto& [first, last] : held) places += last - first + 1;
  std::uint64_t skip = random_.below(places);
  auto interval = held.begin();
  for (; skip > interval->second - interval->first; ++interval)
    skip -= interval->second - interval->first + 1;
  std::vector<SyncRequest::Range> ranges;
  std::uint64_t left = std::min(places, most);
  while (left > 0 && ranges.size() < limits::kSyncRangesMax) {
    const std::uint64_t first = interval->first + std::exchange(skip, 0);
    const std::uint64_t last = first + std::min(interval->second - first, left - 1);
    ranges.push_back({author, epoch, first, last});
    left -= last - first + 1;
    if (++interval == held.end()) interval = held.begin();
  }
  return ranges;
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
    if (session.want_records.size() >= kWantsMax) {
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

/// Who has just come, or comes back, is not to wait; and while nobody talks, nobody waits for repair.
void AntiEntropy::note_caught_up(Instant now) {
  if (caught_up_) return;
  if (!linked_since_) linked_since_ = now;
  if (*linked_since_ + kLinkedLong > now) return;
  const auto& all = links_.all();
  const auto agrees = [](const auto& item) {
    return item.second.root_known && item.second.compared && !item.second.differs;
  };
  caught_up_ = std::all_of(all.begin(), all.end(), agrees) || *linked_since_ + kNewcomer <= now;
}

bool AntiEntropy::others_talk(Instant now) const {
  return talk_at_ != Instant{} && talk_at_ + kTalkLasts > now;
}

bool AntiEntropy::is_paced(Instant now) const {
  return caught_up_ && others_talk(now);
}

/// Asks for a piece of the last want, and says how many envelopes that is; of some it is none.
std::uint64_t AntiEntropy::take_want(std::vector<SyncWant>& wants, std::uint64_t piece,
                                     SyncRequest& request) {
  SyncWant& want = wants.back();
  // What has come since it was listed is not sent again.
  const auto gaps = index_.lacking(want.author, want.epoch, want.first, want.last);
  if (gaps.empty()) {
    wants.pop_back();
    return 0;
  }
  want.first = gaps.front().first;
  want.last = gaps.back().second;
  const std::uint64_t size = want.last - want.first + 1;
  // In pieces that begin at the same places everywhere, so that what is told of one fits what others ask
  // for.
  const std::uint64_t take = std::min(size, (want.last - 1) % piece + 1);
  request.ranges.push_back({want.author, want.epoch, want.last - take + 1, want.last});
  if (auto& last = request.ranges.back(); P2P_PLANTED(WantsSkipNewest) && last.last-- == last.first)
    request.ranges.pop_back();
  if (take == size) {
    wants.pop_back();
  } else {
    want.last -= take;
  }
  return take;
}

AntiEntropy::Room AntiEntropy::find_room(Instant now) const {
  if (is_paced(now)) return {pace_.room(now), records_pace_.room(now), true};
  // What is said waits behind what has come.
  return {others_talk(now) ? kEnvelopesARange : limits::kSyncAnswerEnvelopesMax, limits::kSyncRangesMax,
          false};
}

/// There is something to ask for, and no room for it now.
bool AntiEntropy::put_off(const Room& room, Instant now) {
  SyncSession& session = *session_;
  const bool has_wants = !session.wants.empty() || !session.holes.empty() || !session.forked.empty();
  const bool has_records = !session.want_records.empty();
  const bool can_ask = (room.envelopes > 0 && has_wants) || (room.records > 0 && has_records);
  if (!room.paced || can_ask || (!has_wants && !has_records)) return false;
  ++counters_.put_off;
  session.asks_at = has_wants ? pace_.ready_at(now) : Instant::max();
  if (has_records) session.asks_at = std::min(*session.asks_at, records_pace_.ready_at(now));
  session.progress_at = *session.asks_at;
  return true;
}

SyncRequest AntiEntropy::draw_request(const Room& room) {
  SyncSession& session = *session_;
  SyncRequest request;
  request.session = session.id;
  const std::size_t records_max = std::min<std::size_t>(limits::kSyncRangesMax, room.records);
  while (!session.want_records.empty() && request.records.size() < records_max) {
    request.records.push_back(std::move(session.want_records.back()));
    session.want_records.pop_back();
  }
  const auto take = [&](std::vector<SyncWant>& wants, std::uint64_t piece) {
    std::uint64_t envelopes = 0;
    while (!wants.empty() && request.ranges.size() < limits::kSyncRangesMax && envelopes < room.envelopes)
      envelopes += take_want(wants, piece, request);
    return envelopes;
  };
  const std::uint64_t wanted = take(session.wants, room.paced ? RepairPace::kPiece : kEnvelopesARange);
  session.expected = request.records.size() + wanted;
  session.asked_small = room.paced && wanted > 0;
  if (!request.records.empty() || !request.ranges.empty()) return request;
  // Of these whatever else the neighbor holds between the first and the last one is sent once more.
  session.expected = take(session.holes, kEnvelopesARange);
  if (!request.ranges.empty() || session.forked.empty() || room.envelopes == 0) return request;
  // One at random: the session may end before the last.
  std::swap(session.forked[random_.below(session.forked.size())], session.forked.back());
  const std::uint64_t most = room.paced ? room.envelopes : limits::kSyncAnswerEnvelopesMax;
  request.ranges = draw_look(session.forked.back().first, session.forked.back().second, most);
  for (const SyncRequest::Range& range : request.ranges) session.expected += range.last - range.first + 1;
  session.forked.pop_back();
  return request;
}

void AntiEntropy::ask_next(Turn& turn) {
  SyncSession& session = *session_;
  session.asks_at.reset();
  const Room room = find_room(turn.now.monotonic);
  if (put_off(room, turn.now.monotonic)) return;
  session.asked = draw_request(room);
  // All that there was room for has come meanwhile.
  if (session.asked.ranges.empty() && session.asked.records.empty() && put_off(room, turn.now.monotonic))
    return;
  if (session.asked.records.empty() && session.asked.ranges.empty()) return finish(turn);
  session.accepted_when_asked = index_.accepted_count();
  session.gone_when_asked = index_.gone_count();
  session.gone_items = session.answered = session.answered_records = 0;
  turn.send(session.link, encode_frame_of(session.asked));
}

void AntiEntropy::on_repaired(LinkId link, bool is_record) {
  if (!session_ || session_->link != link) return;
  ++session_->answered;
  if (is_record) ++session_->answered_records;
}

bool AntiEntropy::awaits_repair(LinkId link) const {
  if (!session_ || session_->link != link) return false;
  const bool has_asked = !session_->asked.ranges.empty() || !session_->asked.records.empty();
  return has_asked &&
         session_->answered < std::min<std::uint64_t>(session_->expected, limits::kSyncAnswerEnvelopesMax);
}

void AntiEntropy::on_gone(Link& link, const SyncGone& gone, Turn& turn) {
  if (!session_ || session_->link != link.id || session_->id != gone.session) return;
  // Of strangers nothing is taken on anybody's word.
  const bool is_known = roster_.find(gone.author) != nullptr;
  if (!is_known || (session_->gone_items += gone.items.size()) > limits::kGoneAtOnceMax) return;
  for (const SyncRequest::Range& range : session_->asked.ranges) {
    if (range.author != gone.author || range.epoch != gone.epoch) continue;
    for (const SyncGone::Item& item : gone.items) {
      if (item.first >= range.first && item.last <= range.last)
        index_.note_gone({gone.author, gone.epoch, item.first, item.last, item.ids_digest},
                         turn.now.monotonic);
    }
  }
}

void AntiEntropy::on_done(Link& link, const SyncDone& done, Turn& turn) {
  if (!session_ || session_->link != link.id || session_->id != done.session || !session_->listing_complete)
    return;
  SyncSession& session = *session_;
  const bool progressed = (session.answered > 0 && index_.accepted_count() != session.accepted_when_asked) ||
                          index_.gone_count() != session.gone_when_asked;
  if (progressed || session.gone_items > 0) session.progress_at = turn.now.monotonic;
  // By what came, not by what was asked for: who lists what it has not got takes no place of others.
  if (is_paced(turn.now.monotonic)) {
    pace_.charge(session.answered - session.answered_records, turn.now.monotonic);
    records_pace_.charge(session.answered_records, turn.now.monotonic);
  }
  session.answered = session.answered_records = 0;
  // An answer that brings nothing new and has no end would go on for ever.
  const bool ask_again = !done.complete && progressed;
  // Backwards, so that the newest is the last again.
  for (auto range = session.asked.ranges.rbegin(); range != session.asked.ranges.rend(); ++range) {
    const auto gaps = index_.missing(range->author, range->epoch, range->first, range->last);
    if (gaps.empty()) continue;
    if (ask_again) {
      session.wants.push_back({range->author, range->epoch, gaps.front().first, gaps.back().second, 0});
    } else if (session.asked_small) {
      want_hole(range->author, range->epoch, gaps.back().second);
    } else {
      for (const auto& [from, to] : gaps) counters_.no_longer_held += to - from + 1;
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
    if (index_.accepted_count() != session_->accepted_at_start) repaired_ = true;
    session_.reset();
    start_waiting(turn);
  }
}

void AntiEntropy::on_wake(Turn& turn) {
  if (session_ && (session_->progress_at + limits::kSyncTimeout <= turn.now.monotonic ||
                   session_->ends_at <= turn.now.monotonic)) {
    ++counters_.timeouts;
    if (index_.accepted_count() != session_->accepted_at_start) repaired_ = true;
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
