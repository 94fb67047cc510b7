// What a local member says and sets in rooms, and the keys of private ones.
#include "node_state.h"
#include "p2pmesh/base/check.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/room_body.h"

namespace p2pmesh {

void Node::State::on(const SendText& text, Turn& turn) {
  P2P_CHECK(!text.text.empty() && text.text.size() <= limits::kMessageBytesMax);
  Draft draft;
  draft.token = text.token;
  draft.room = text.room;
  draft.text = text.text;
  write_or_keep(std::move(draft), turn);
}

void Node::State::on(const SetTopic& topic, Turn&) {
  P2P_CHECK(is_topic(topic.text));
  author.enqueue({topic.token, topic.room, topic.text, std::nullopt, {}, DraftKind::kTopic});
}

void Node::State::on(const SendInvite& invite, Turn&) {
  P2P_CHECK(rooms.has(invite.secret.room) && conversations.access_to(invite.to) == DirectAccess::kOpen);
  author.enqueue({invite.token,
                  {},
                  {},
                  invite.to,
                  conversations.prekey_of(invite.to),
                  DraftKind::kInvite,
                  invite.secret});
}

void Node::State::on(const RoomKeyGiven& given, Turn&) {
  rooms.add(given.secret);
}

/// As late as can be: a key may have come while it was held back.
void Node::State::open_room(Store& store) {
  const Envelope& envelope = store.envelope->envelope;
  if (!is_sealed_room(envelope) || store.context.opened) return;
  store.context.opened = rooms.open(envelope);
  if (store.context.opened)
    store.context.messages = static_cast<std::uint32_t>(store.context.opened->texts.size());
}

bool Node::holds_room_key(const std::string& room) const {
  return state_->rooms.has(room);
}

RoomContentPtr Node::open_room_envelope(const Envelope& envelope) {
  return is_sealed_room(envelope) ? state_->rooms.open(envelope) : nullptr;
}

}  // namespace p2pmesh
