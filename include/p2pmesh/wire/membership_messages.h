// The payloads of HyParView: who asks to be a neighbor, and what is told of others. p2pmesh-protocol(7) has
// the table.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/net_address.h"
#include "p2pmesh/wire/messages.h"

namespace p2pmesh {

/// A node and where it is said to listen.
struct PeerEntry {
  NodeKey node;
  std::vector<NetAddress> addresses;  ///< at most kAddressesMax
};

/// A newcomer walks through the mesh, so that its neighbors do not all lie beside its contact.
struct ForwardJoin {
  PeerEntry newcomer;
  std::uint8_t hops_left = 0;
};

enum class NeighborPriority : std::uint8_t {
  kLow = 0,      ///< granted where there is room
  kHigh = 1,     ///< the dialler has no neighbor: somebody makes room
  kMerge = 2,    ///< the dialler believed this node gone: granted beside the view, for a while
  kProbe = 3,    ///< the dialler only wants to know whether this node lives; never granted
  kBalance = 4,  ///< too few of the dialler's links are its own dials: granted in place of one that this node
                 ///< dialled
  kTrade =
      5,  ///< the dialler wants another own dial in place of one: as kBalance, if that is not in the tree
};

struct NeighborRequest {
  NeighborPriority priority = NeighborPriority::kLow;
  AsOfMs as_of_ms = kAsOfAll;
  std::uint64_t root = 0;  ///< the dialler's digest as of then: a probe that differs is answered as a merge
};

struct NeighborReply {
  bool granted = false;
};

struct Shuffle {
  NodeKey origin;
  std::uint32_t id = 0;  ///< with the origin: finds the way back
  std::uint8_t hops_left = 0;
  std::vector<PeerEntry> peers;  ///< at most kShufflePeersMax; the origin is the first
};

struct ShuffleReply {
  NodeKey origin;  ///< of the shuffle
  std::uint32_t id = 0;
  std::vector<PeerEntry> peers;
};

Bytes encode_join();
Bytes encode_frame_of(const ForwardJoin&);
Bytes encode_frame_of(const NeighborRequest&);
Bytes encode_frame_of(const NeighborReply&);
Bytes encode_frame_of(const Shuffle&);
Bytes encode_frame_of(const ShuffleReply&);

std::optional<ForwardJoin> decode_forward_join(ByteView);
std::optional<NeighborRequest> decode_neighbor_request(ByteView);
std::optional<NeighborReply> decode_neighbor_reply(ByteView);
std::optional<Shuffle> decode_shuffle(ByteView);
std::optional<ShuffleReply> decode_shuffle_reply(ByteView);

}  // namespace p2pmesh
