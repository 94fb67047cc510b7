#include "broadcast.h"

namespace p2pmesh {

void Broadcast::flood(const SealedEnvelope& envelope, std::uint16_t round, LinkId except, Turn& turn) {
  if (round == 0) turn.out.push_back(MarkSeen{envelope.id, envelope.envelope.wall_ms});
  SharedBytes frame;
  for (const auto& [id, link] : links_.all()) {
    if (id == except) continue;
    if (!frame) {
      Gossip gossip;
      gossip.round = round == UINT16_MAX ? round : static_cast<std::uint16_t>(round + 1);
      gossip.envelope = envelope.encoded;
      frame = std::make_shared<const Bytes>(encode_frame_of(gossip));
    }
    turn.out.push_back(SendFrame{id, frame, FrameClass::kLive});
    ++counters_.payloads_sent;
  }
}

}  // namespace p2pmesh
