#include "room_sealing.h"

#include <algorithm>

#include "p2pmesh/base/check.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/text/name.h"
#include "p2pmesh/wire/codec.h"

namespace p2pmesh {

std::string private_room_label(const std::string& name, const RoomKey& key) {
  constexpr std::size_t kDigestBytes = (kRoomSuffixBytes - 1) / 2;
  const auto hash = hash_tagged("p2pmesh room label 1", key);
  return name + "~" + format_hex(ByteView(hash).first(kDigestBytes));
}

bool is_room_secret(const RoomSecret& secret) {
  const std::string name = room_name(secret.room);
  const auto checked = check_room(name);
  return checked && *checked == name && secret.room.size() <= limits::kRoomBytesMax &&
         private_room_label(name, secret.key) == secret.room;
}

bool RoomSealing::add(const RoomSecret& secret) {
  if (has(secret.room)) return true;
  if (!is_room_secret(secret) || keys_.size() >= limits::kPrivateRoomsMax) return false;
  keys_[secret.room] =
      hash_tagged("p2pmesh room key 1", Writer().raw(secret.key).id(mesh_).raw(as_bytes(secret.room)).take());
  return true;
}

Bytes RoomSealing::seal(const RoomContent& content, const Envelope& place) const {
  const auto key = keys_.find(place.room);
  P2P_CHECK(key != keys_.end());  // asked before it was taken in, and no key is ever dropped
  const Bytes plain = encode_room_content(content);
  const Bytes bound_to = room_sealing_bytes(place);
  // Drawn from what is sealed and where, so that no two ever share one.
  const auto hash =
      hash_tagged("p2pmesh room nonce 1", Writer().raw(key->second).raw(bound_to).raw(plain).take());
  SealedRoomBody body;
  std::copy_n(hash.begin(), body.nonce.size(), body.nonce.begin());
  body.sealed = seal_bound(key->second, body.nonce, plain, bound_to);
  return encode_sealed_room_body(body);
}

RoomContentPtr RoomSealing::open(const Envelope& envelope) {
  const auto key = keys_.find(envelope.room);
  if (key == keys_.end()) return nullptr;
  const auto body = decode_sealed_room_body(envelope.body);
  const auto plain =
      body ? open_bound(key->second, body->nonce, body->sealed, room_sealing_bytes(envelope)) : std::nullopt;
  auto content = plain ? decode_room_content(*plain) : std::nullopt;
  if (!content) {
    ++counters_.damaged;
    return nullptr;
  }
  ++counters_.opened;
  return std::make_shared<const RoomContent>(*std::move(content));
}

}  // namespace p2pmesh
