// Seals what is said in private rooms, and opens it with the keys that the local member holds. Who lacks a
// key carries the envelopes all the same: see p2pmesh-protocol(7), PRIVATE ROOMS.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "p2pmesh/core/inputs.h"
#include "p2pmesh/core/room_secret.h"
#include "p2pmesh/crypto/sealing.h"
#include "p2pmesh/wire/envelope.h"
#include "p2pmesh/wire/room_body.h"

namespace p2pmesh {

struct RoomCounters {
  std::uint64_t opened = 0;
  std::uint64_t damaged = 0;  ///< in a room whose key is held, and not what a holder of it has sealed there
};

class RoomSealing {
 public:
  explicit RoomSealing(const MeshId& mesh) : mesh_(mesh) {}

  /// False for what is_room_secret() is not, and for one more than kPrivateRoomsMax.
  bool add(const RoomSecret& secret);
  [[nodiscard]] bool has(const std::string& room) const { return keys_.contains(room); }

  /// The body of a sealed envelope at this place; its room's key is held.
  [[nodiscard]] Bytes seal(const RoomContent& content, const Envelope& place) const;
  /// What a sealed envelope says; null without its key, and when it is damaged, forged or moved.
  [[nodiscard]] RoomContentPtr open(const Envelope& envelope);
  [[nodiscard]] const RoomCounters& counters() const { return counters_; }

 private:
  MeshId mesh_;
  std::map<std::string, SharedSecret> keys_;  // by label; that which seals, drawn from the room's
  RoomCounters counters_;
};

}  // namespace p2pmesh
