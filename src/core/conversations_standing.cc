// The records in which members tell each other how they stand to each other, and what has come.
#include <algorithm>
#include <utility>

#include "author.h"
#include "conversations.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {
namespace {

constexpr auto kStandingInterval = std::chrono::seconds(1);  // issue "people": at most one a second each

}  // namespace

void Conversations::on_standing(const Envelope& record, Turn& turn) {
  if (record.author == self_) {
    restore_standing(record);
    mark_accepted_stale();  // it may say less than is so by now
    return;
  }
  if (sealing_.standing_subject(record.author, self_) != record.subject) return;
  if (hidden_ || blocked_.contains(record.author)) {
    // The newest alone: the index has let no older one through.
    if (find(record.author) != nullptr || unread_standings_.size() < limits::kStrangersMax)
      unread_standings_[record.author] = record;
    return;
  }
  // Of somebody who is not known it may be about what was written before the database was lost.
  Correspondent* correspondent = find_or_add(record.author);
  if (correspondent == nullptr) {
    ++counters_.over_limit;
    return;
  }
  auto body = sealing_.open_standing(record, record.author);
  if (!body) {
    ++counters_.damaged;
    return;
  }
  const Relation before = correspondent->theirs.relation;
  std::vector<ReceivedLog> news = news_of(correspondent->theirs, *body);
  correspondent->theirs = std::move(*body);
  if (!is_welcome(correspondent->mine)) return;
  const Relation after = correspondent->theirs.relation;
  if (correspondent->mine == Relation::kAsked && is_welcome(after)) {
    set_relation(record.author, *correspondent, Relation::kAccepted, turn);
    turn.out.push_back(
        PublishNotice{NoticeKind::kAccepted, record.author, roster_.shown_name(record.author), {}});
  } else if (after == Relation::kDeclined && before != after && is_welcome(correspondent->mine)) {
    turn.out.push_back(
        PublishNotice{NoticeKind::kDeclined, record.author, roster_.shown_name(record.author), {}});
  }
  if (correspondent->mine == Relation::kAccepted)
    note_here(record.author, *correspondent, correspondent->theirs.here != 0, turn);
  turn.out.push_back(TellDelivery{record.author, std::move(news)});
}

std::vector<ReceivedLog> Conversations::news_of(const StandingBody& before, const StandingBody& after) {
  std::vector<ReceivedLog> news;
  for (const ReceivedLog& log : after.received) {
    const auto known = std::find_if(before.received.begin(), before.received.end(),
                                    [&](const ReceivedLog& other) { return other.epoch == log.epoch; });
    if (known == before.received.end() || known->read_to != log.read_to) {
      news.push_back(log);
      continue;
    }
    ReceivedLog more{log.epoch, {}, log.read_to};
    for (auto [first, last] : log.intervals) {
      const auto begun = std::find_if(known->intervals.begin(), known->intervals.end(),
                                      [first = first](const auto& other) { return other.first == first; });
      if (begun != known->intervals.end()) first = begun->second + 1;
      if (first <= last) more.intervals.emplace_back(first, last);
    }
    if (!more.intervals.empty()) news.push_back(std::move(more));
  }
  return news;
}

StandingBody Conversations::standing_of(const MemberKey& member, const Correspondent& correspondent) const {
  StandingBody body;
  body.relation = correspondent.mine;
  if (hidden_ && !has_left_ && body.relation == Relation::kAccepted && leaving_ != member)
    body.here = here_count_;
  if (!is_welcome(correspondent.mine)) return body;
  for (const auto& [epoch, received] : correspondent.received) {
    ReceivedLog log;
    log.epoch = epoch;
    log.read_to = P2P_PLANTED(ReadUnasked) ? UINT64_MAX : received.read_to;
    const auto& all = received.numbers.intervals();
    const std::size_t count = std::min(all.size(), limits::kStandingIntervalsMax);
    log.intervals.assign(all.end() - static_cast<std::ptrdiff_t>(count), all.end());
    body.received.push_back(std::move(log));
  }
  return body;
}

const Bytes& Conversations::subject_to(const MemberKey& member, Correspondent& correspondent) {
  if (correspondent.subject.empty())
    correspondent.subject = sealing_.standing_subject(self_, member).value_or(Bytes{});
  return correspondent.subject;
}

std::vector<EnvelopePtr> Conversations::take_standings(const Author& author, const HeldIndex& index,
                                                       Turn& turn) {
  std::vector<EnvelopePtr> records;
  if (!any_stale_) return records;
  any_stale_ = false;
  const bool hurried = std::exchange(hurried_, false);
  for (auto& [member, correspondent] : people_) {
    if (!correspondent.stale || !may_tell(member, correspondent)) continue;
    const bool is_early = !hurried && correspondent.told_at != Instant{} &&
                          correspondent.told_at + kStandingInterval > turn.now.monotonic;
    if (is_early) {
      any_stale_ = true;
      continue;
    }
    correspondent.stale = false;
    StandingBody body = standing_of(member, correspondent);
    // That one has asked shows in what one wrote.
    const bool says_nothing =
        body.relation == Relation::kNone || (body.relation == Relation::kAsked && body.received.empty());
    if (says_nothing || body == correspondent.told) continue;
    const Bytes& subject = subject_to(member, correspondent);
    if (subject.empty()) continue;
    Envelope record;
    record.envelope_class = EnvelopeClass::kRecord;
    record.kind = static_cast<std::uint16_t>(Kind::kStanding);
    record.mesh = mesh_;
    record.author = self_;
    record.epoch = author.epoch();
    record.wall_ms = turn.now.wall_ms;
    record.subject = subject;
    if (correspondent.version_epoch != author.epoch()) correspondent.version = 0;
    // A copy of this profile may have told more.
    const RecordVersion* known = index.find_record({self_, record.kind, subject});
    if (known != nullptr && known->epoch == record.epoch)
      correspondent.version = std::max(correspondent.version, known->version);
    record.version = correspondent.version + 1;
    auto sealed = sealing_.seal_standing(body, member, record);
    if (!sealed) continue;
    record.body = std::move(*sealed);
    correspondent.version = record.version;
    correspondent.version_epoch = author.epoch();
    correspondent.told = std::move(body);
    correspondent.told_at = turn.now.monotonic;
    if (leaving_ == member) leaving_.reset();
    ++counters_.standings;
    records.push_back(author.write_other(std::move(record), turn.now.wall_ms));
  }
  return records;
}

std::optional<Instant> Conversations::next_deadline() const {
  std::optional<Instant> next;
  if (hidden_) next = here_due_;
  if (!any_stale_ && here_ == 0) return next;
  for (const auto& [member, correspondent] : people_) {
    if (const Instant until = correspondent.here_until; until != Instant{} && (!next || until < *next))
      next = until;
    if (!correspondent.stale || !may_tell(member, correspondent)) continue;
    const Instant due =
        correspondent.told_at == Instant{} ? Instant{} : correspondent.told_at + kStandingInterval;
    if (!next || due < *next) next = due;
  }
  return next;
}

}  // namespace p2pmesh
