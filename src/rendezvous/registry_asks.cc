// Who asks for whom: kept until the recipient has it, or the asker takes it back.
#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/hash.h"
#include "registry_impl.h"

namespace p2pmesh {

void RendezvousRegistry::Impl::on_ask(const AskFrame& message, Turn& turn) {
  const Ask& ask = message.ask;
  if (!is_here(ask.asker, turn.link.id)) return deny(turn, message.ticket, DenyReason::kNotRegistered);
  const Bytes signed_bytes = ask_signing_bytes(self_, ask);
  if (!verifier_.verify(ask.asker.view(), signed_bytes, ask.signature))
    return deny(turn, message.ticket, DenyReason::kMalformed);
  const AskId id{hash_tagged(kAskIdTag, signed_bytes)};
  if (const KeptAsks::Entry* known = asks_.find(id)) {
    // It may not be on the disk yet: the answer waits behind it.
    const auto state = known->delivered ? AskState::State::kDelivered : AskState::State::kWaiting;
    return keep(turn.out, {}, {{turn.link.id, make_frame(AskState{message.ticket, id, state})}});
  }
  if (const auto most = asks_.find_full(ask.asker, ask.recipient))
    return deny(turn, message.ticket, DenyReason::kFull, *most);
  if (is_behind()) return deny(turn, message.ticket, DenyReason::kOverBudget, 1000);
  const WallMs now_ms = turn.now.wall_ms;
  const std::uint64_t number = asks_.add({id, ask.asker, ask.recipient, now_ms, false});
  ++counters_["asks_taken_in"];
  const AskState reply{message.ticket, id, AskState::State::kWaiting};
  keep(turn.out, {KeptAsk{number, id, ask.asker, ask.recipient, now_ms, false, encode_ask(ask)}},
       {{turn.link.id, make_frame(reply)}});
  hand_over(ask.recipient, turn.out);
}

void RendezvousRegistry::Impl::hand_over(const MemberKey& recipient, RendezvousOutputs& out) {
  const Registrant* person = people_.find(recipient);
  if (person == nullptr || !person->online || person->link == 0) return;
  std::vector<std::uint64_t> numbers = asks_.next_for(recipient, person->handed_until);
  if (numbers.empty()) return;
  people_.set_handed(recipient, numbers.back());
  out.push_back(RendezvousHandOver{person->link, std::move(numbers)});
}

/// One that is not the recipient's, or not there any more, is passed over: the answer may have been lost.
void RendezvousRegistry::Impl::on_taken(const AsksTaken& message, Turn& turn) {
  std::vector<RendezvousWrite> writes;
  std::vector<RendezvousSend> then;
  std::set<MemberKey> recipients;
  for (const AskId& id : message.ids) {
    const KeptAsks::Entry* entry = asks_.find(id);
    if (entry == nullptr || entry->delivered || !is_here(entry->recipient, turn.link.id)) continue;
    asks_.mark_delivered(id);
    ++counters_["asks_delivered"];
    writes.push_back(DeliveredAsk{asks_.number_of(id)});
    recipients.insert(entry->recipient);
    const Registrant* asker = people_.find(entry->asker);
    if (asker != nullptr && asker->online && asker->link != 0)
      then.push_back({asker->link, make_frame(AskState{0, id, AskState::State::kDelivered})});
  }
  then.push_back({turn.link.id, make_frame(Done{message.ticket})});
  keep(turn.out, std::move(writes), std::move(then));
  for (const MemberKey& recipient : recipients) hand_over(recipient, turn.out);
}

void RendezvousRegistry::Impl::on_list_asks(const ListAsks& message, Turn& turn) {
  if (!is_here(message.asker, turn.link.id)) return deny(turn, message.ticket, DenyReason::kNotRegistered);
  send(turn, Asks{message.ticket, asks_.list(message.asker)});
}

void RendezvousRegistry::Impl::on_take_back(const TakeBack& message, Turn& turn) {
  const KeptAsks::Entry* entry = asks_.find(message.id);
  if (entry == nullptr) return deny(turn, message.ticket, DenyReason::kUnknown);
  if (!is_here(entry->asker, turn.link.id)) return deny(turn, message.ticket, DenyReason::kUnknown);
  const MemberKey recipient = entry->recipient;
  std::vector<RendezvousWrite> writes{DroppedAsk{asks_.number_of(message.id)}};
  asks_.drop(message.id);
  keep(turn.out, std::move(writes), {{turn.link.id, make_frame(Done{message.ticket})}});
  hand_over(recipient, turn.out);
}

}  // namespace p2pmesh
