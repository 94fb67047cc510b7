#include "conversations.h"

#include <algorithm>
#include <utility>

#include "p2pmesh/base/check.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"
#include "p2pmesh/core/room_secret.h"

namespace p2pmesh {
Conversations::Conversations(const NodeOptions& options, const Roster& roster)
    : roster_(roster),
      mesh_(options.mesh),
      self_(to_member(options.member_signer->public_key())),
      sealing_(options) {}

Conversations::Correspondent* Conversations::find(const MemberKey& member) {
  auto found = people_.find(member);
  return found == people_.end() ? nullptr : &found->second;
}

const Conversations::Correspondent* Conversations::find(const MemberKey& member) const {
  auto found = people_.find(member);
  return found == people_.end() ? nullptr : &found->second;
}

bool Conversations::is_member(const MemberKey& member) const {
  const MemberRow* row = roster_.find(member);
  return row != nullptr && row->facts->well_formed;
}

/// Anybody can make keys that ask: they take no room from those whom the local member talks to.
Conversations::Correspondent* Conversations::find_or_add(const MemberKey& member) {
  if (Correspondent* known = find(member)) return known;
  const auto strangers = static_cast<std::size_t>(std::count_if(
      people_.begin(), people_.end(), [](const auto& item) { return item.second.mine == Relation::kNone; }));
  const std::size_t strangers_max = is_member(member) ? limits::kStrangersMax : limits::kUnknownStrangersMax;
  if (strangers >= strangers_max) return nullptr;
  return &people_[member];
}

void Conversations::restore(const RestoredCorrespondent& stored) {
  Correspondent* correspondent = &people_[stored.member];
  correspondent->mine = stored.relation;
  correspondent->asks = stored.asks;
  correspondent->depth = stored.depth;
  correspondent->written_epoch = stored.written_epoch;
  correspondent->written_number = P2P_PLANTED(NumberReused) ? 0 : stored.written_number;
  for (const ReceivedLog& log : stored.received) {
    correspondent->received[log.epoch] = {IntervalSet(log.intervals), log.read_to};
  }
  correspondent->untold = {stored.untold.begin(), stored.untold.end()};
  note_epoch(*correspondent);
  mark_stale(*correspondent);
  any_untold_ = true;
}

void Conversations::restore_standing(const Envelope& record) {
  if (record.author != self_) {
    Correspondent* correspondent = find(record.author);
    if (correspondent == nullptr || sealing_.standing_subject(record.author, self_) != record.subject) return;
    if (auto body = sealing_.open_standing(record, record.author)) correspondent->theirs = std::move(*body);
    if (correspondent->mine == Relation::kAsked && is_welcome(correspondent->theirs.relation))
      correspondent->mine = Relation::kAccepted;
    return;
  }
  for (auto& [member, correspondent] : people_) {
    if (subject_to(member, correspondent) != record.subject) continue;
    correspondent.version = record.version;
    correspondent.version_epoch = record.epoch;
    if (auto body = sealing_.open_standing(record, member)) correspondent.told = std::move(*body);
    // Which of them were read is told in these records alone.
    for (const ReceivedLog& log : correspondent.told.received) {
      const auto received = correspondent.received.find(log.epoch);
      if (received != correspondent.received.end())
        received->second.read_to = std::max(received->second.read_to, log.read_to);
    }
    return;
  }
}

DirectAccess Conversations::access_to(const MemberKey& member) const {
  if (member == self_) return DirectAccess::kSelf;
  if (blocked_.contains(member)) return DirectAccess::kBlocked;
  const MemberRow* row = roster_.find(member);
  if (row != nullptr && row->revoked) return DirectAccess::kRevoked;
  if (!sealing_.is_on()) return DirectAccess::kNoKey;
  if (row == nullptr || !row->facts->well_formed) return DirectAccess::kUnknown;
  if (!sealing_.can_seal_to(row->facts->prekey)) return DirectAccess::kNoKey;
  const Correspondent* known = find(member);
  if (known != nullptr && known->mine != Relation::kNone) return DirectAccess::kOpen;
  return sizes().correspondents >= limits::kCorrespondentsMax ? DirectAccess::kTooMany : DirectAccess::kOpen;
}

Conversations::Sizes Conversations::sizes() const {
  const auto answered = static_cast<std::size_t>(std::count_if(
      people_.begin(), people_.end(), [](const auto& item) { return item.second.mine != Relation::kNone; }));
  return {answered, people_.size() - answered};
}

AgreementKey Conversations::prekey_of(const MemberKey& member) const {
  const MemberRow* row = roster_.find(member);
  return row == nullptr ? AgreementKey{} : row->facts->prekey;
}

void Conversations::store(const MemberKey& member, const Correspondent& correspondent, Turn& turn) {
  if (P2P_PLANTED(AcceptNotStored) && correspondent.mine == Relation::kAccepted) return;
  turn.out.push_back(StoreCorrespondent{member, correspondent.mine, correspondent.asks});
}

void Conversations::mark_stale(Correspondent& correspondent) {
  correspondent.stale = true;
  any_stale_ = true;
}

void Conversations::set_relation(const MemberKey& member, Correspondent& correspondent, Relation relation,
                                 Turn& turn) {
  if (correspondent.mine == relation && !correspondent.asks) return;
  correspondent.mine = relation;
  correspondent.asks = false;
  store(member, correspondent, turn);
  mark_stale(correspondent);
}

DirectMessagePtr Conversations::write(const MemberKey& to, const AgreementKey& prekey, DirectContent content,
                                      Envelope& place, Turn& turn) {
  Correspondent& correspondent = people_[to];
  // Who writes wants to talk, whatever it said before.
  const bool was_forgotten =
      correspondent.mine == Relation::kNone && correspondent.theirs.relation == Relation::kAccepted;
  const bool was_asked = correspondent.asks || correspondent.mine == Relation::kDeclined || was_forgotten;
  if (!is_welcome(correspondent.mine) || correspondent.asks)
    set_relation(to, correspondent, was_asked ? Relation::kAccepted : Relation::kAsked, turn);
  if (correspondent.written_epoch != place.epoch) correspondent.written_number = 0;
  correspondent.written_epoch = place.epoch;
  auto direct = std::make_shared<DirectMessage>();
  direct->peer = to;
  direct->own = true;
  direct->number = ++correspondent.written_number;
  correspondent.untold[place.epoch] = direct->number;
  if (correspondent.untold.size() > limits::kStandingEpochsMax)
    correspondent.untold.erase(correspondent.untold.begin());
  visit_later(correspondent, turn.now.monotonic);
  direct->depth = ++correspondent.depth;
  content.recipient = to;
  content.number = direct->number;
  content.depth = direct->depth;
  auto body = sealing_.seal(content, prekey, place);
  P2P_CHECK(body.has_value());  // access_to() was asked before the text was taken in
  place.body = std::move(*body);
  direct->texts = std::move(content.texts);
  direct->invite = std::move(content.invite);
  return direct;
}

std::optional<Bytes> Conversations::write_notice(const MemberKey& to, DirectType type,
                                                 const Envelope& place) {
  const Correspondent* correspondent = find(to);
  if (hidden_ || correspondent == nullptr || !is_welcome(correspondent->mine)) return std::nullopt;
  if (access_to(to) != DirectAccess::kOpen) return std::nullopt;
  return sealing_.seal({type, to, 0, std::max<std::uint64_t>(correspondent->depth, 1), {}}, prekey_of(to),
                       place);
}

DirectMessagePtr Conversations::on_log(const Envelope& envelope, Turn& turn) {
  if (hidden_ && envelope.author != self_ && !P2P_PLANTED(OpenedWhileHidden)) return nullptr;
  if (blocked_.contains(envelope.author) && !P2P_PLANTED(OpenedWhileBlocked)) return nullptr;
  DirectSealing::Opened opened = sealing_.open(envelope);
  if (opened.verdict == DirectSealing::Verdict::kDamaged) ++counters_.damaged;
  if (opened.verdict != DirectSealing::Verdict::kOpened) return nullptr;
  const bool own = envelope.author == self_;
  const DirectType type = opened.content.type;
  const bool is_invite = type == DirectType::kInvite && is_room_secret(*opened.content.invite);
  if (type != DirectType::kText && type != DirectType::kRequest && !is_invite) {
    ++counters_.damaged;
    return nullptr;
  }
  const MemberKey peer = own ? opened.content.recipient : envelope.author;
  Correspondent* correspondent = find_or_add(peer);
  if (correspondent == nullptr) {
    ++counters_.over_limit;
    return nullptr;
  }
  ++counters_.opened;
  // Honest authors are at most one ahead; who claims more would push everything else back.
  const std::uint64_t depth = std::min(opened.content.depth, correspondent->depth + limits::kDepthLeadMax);
  correspondent->depth = std::max(correspondent->depth, depth);
  auto direct = std::make_shared<DirectMessage>();
  direct->peer = peer;
  direct->own = own;
  direct->number = opened.content.number;
  direct->depth = depth;
  direct->texts = std::move(opened.content.texts);
  direct->invite = std::move(opened.content.invite);
  if (own) {
    // Written in an earlier life of this profile, whose database is gone.
    const bool was_answered = is_welcome(correspondent->theirs.relation) || correspondent->asks;
    // What was answered since counts.
    if (correspondent->mine == Relation::kNone)
      set_relation(peer, *correspondent, was_answered ? Relation::kAccepted : Relation::kAsked, turn);
  } else if (correspondent->mine == Relation::kNone && !correspondent->asks) {
    correspondent->asks = true;
    store(peer, *correspondent, turn);
    direct->is_request = true;
  }
  if (P2P_PLANTED(ReceiptBeforeCommit)) on_committed(envelope, *direct, turn.now.monotonic);
  return direct;
}

/// Only the newest epochs are told of.
void Conversations::note_epoch(Correspondent& correspondent) {
  while (correspondent.received.size() > limits::kStandingEpochsMax)
    correspondent.received.erase(correspondent.received.begin());
}

void Conversations::on_committed(const Envelope& envelope, const DirectMessage& direct, Instant) {
  if (direct.own || direct.number == 0) return;
  Correspondent* correspondent = find(direct.peer);
  if (correspondent == nullptr) return;
  IntervalSet& numbers = correspondent->received[envelope.epoch].numbers;
  numbers.insert(direct.number);
  // The other one chooses them: only the newest are told, and so many are remembered.
  if (const auto& all = numbers.intervals(); all.size() > 2 * limits::kNumbersRememberedMax)
    numbers =
        IntervalSet({all.end() - static_cast<std::ptrdiff_t>(limits::kNumbersRememberedMax), all.end()});
  note_epoch(*correspondent);
  if (is_welcome(correspondent->mine) && !P2P_PLANTED(ReceiptForgotten)) mark_stale(*correspondent);
}

void Conversations::on_notice(const Envelope& envelope, Turn& turn) {
  if (hidden_ || blocked_.contains(envelope.author)) return;
  const DirectSealing::Opened opened = sealing_.open(envelope);
  if (opened.verdict == DirectSealing::Verdict::kDamaged) ++counters_.damaged;
  if (opened.verdict != DirectSealing::Verdict::kOpened || envelope.author == self_) return;
  if (!is_shown(envelope.author)) return;
  const DirectType type = opened.content.type;
  if (type == DirectType::kOpened || type == DirectType::kClosed)
    turn.out.push_back(TellConversation{envelope.author, type == DirectType::kOpened});
}

void Conversations::on_answer(const AnswerRequest& answer, Turn& turn) {
  Correspondent* correspondent = find(answer.member);
  if (correspondent == nullptr) return;
  set_relation(answer.member, *correspondent, answer.accepts ? Relation::kAccepted : Relation::kDeclined,
               turn);
}

void Conversations::forget(const MemberKey& member, Turn& turn) {
  Correspondent* correspondent = find(member);
  if (correspondent == nullptr || (correspondent->mine == Relation::kNone && !correspondent->asks)) return;
  correspondent->mine = Relation::kNone;
  correspondent->asks = false;
  if (std::exchange(correspondent->here_until, Instant{}) != Instant{}) --here_;
  store(member, *correspondent, turn);
}

void Conversations::on_read(const ReadTo& read) {
  Correspondent* correspondent = find(read.member);
  if (correspondent == nullptr || !is_welcome(correspondent->mine)) return;
  if (blocked_.contains(read.member)) return;
  for (const auto& [epoch, number] : read.numbers) {
    const auto received = correspondent->received.find(epoch);
    if (received == correspondent->received.end() || received->second.read_to >= number) continue;
    received->second.read_to = number;
    mark_stale(*correspondent);
  }
}

bool Conversations::is_shown(const MemberKey& member) const {
  const Correspondent* correspondent = find(member);
  if (P2P_PLANTED(DeclinedShown) && correspondent != nullptr && correspondent->mine == Relation::kDeclined)
    return true;
  return correspondent != nullptr && is_welcome(correspondent->mine);
}

std::vector<CorrespondentView> Conversations::list() const {
  std::vector<CorrespondentView> views;
  for (const auto& [member, correspondent] : people_) {
    // Some are known by what they have told alone.
    if (correspondent.mine == Relation::kNone && !correspondent.asks) continue;
    views.push_back({member, correspondent.mine, correspondent.theirs.relation, correspondent.asks});
  }
  return views;
}

Delivery Conversations::delivery_of(const MemberKey& to, std::uint64_t epoch, std::uint64_t number) const {
  const Correspondent* correspondent = find(to);
  if (correspondent == nullptr) return Delivery::kSent;
  for (const ReceivedLog& log : correspondent->theirs.received) {
    if (log.epoch != epoch) continue;
    for (const auto& [first, last] : log.intervals) {
      if (number < first || number > last) continue;
      return number <= log.read_to ? Delivery::kRead : Delivery::kDelivered;
    }
  }
  return Delivery::kSent;
}

}  // namespace p2pmesh
