// How the pulling side asks for what is wanted: in ranges, newest first, at the pace of repair.
#include <algorithm>

#include "anti_entropy.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {
namespace {

constexpr std::uint64_t kEnvelopesARange = limits::kGoneRangeMax;  // newest first, in pieces this large
static_assert(kEnvelopesARange % RepairPace::kPiece == 0);
constexpr auto kLinkedLong = std::chrono::seconds(30);  // two that begin together may know nobody else; guess
constexpr auto kTalkLasts = std::chrono::seconds(5);    // a slow conversation is one; guess
constexpr auto kNewcomer = std::chrono::minutes(10);    // whoever keeps a node from agreeing with it; guess

}  // namespace

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

}  // namespace p2pmesh
