// Who was heard on the local network: what came is checked here, the cheapest first, before it counts.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lan_interfaces.h"
#include "link_admission.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/crypto/signature.h"
#include "p2pmesh/posix/multicast.h"
#include "p2pmesh/wire/beacon.h"

namespace p2pmesh {

/// Why a datagram was dropped.
enum class BeaconDrop : std::uint8_t {
  kMalformed,
  kOwn,             ///< this node's, as it comes back: no fault
  kWrongInterface,  ///< its source is not of the network that it came by
  kOverBudget,      ///< more than is looked at
  kStale,           ///< not newer than what was heard of that node
  kForged,
  kFull,
};
inline constexpr std::size_t kBeaconDrops = 7;

/// Where a node is reached, by one interface and family.
struct HeardPlace {
  std::uint32_t interface = 0;
  std::string interface_name;
  SocketAddress source;                  ///< without a port
  std::vector<SocketAddress> addresses;  ///< to dial, the likeliest first
  Instant heard_at{};
  WallMs wall_ms = 0;  ///< of the last one
  TokenBucket budget;
};

struct HeardNode {
  Beacon beacon;                   ///< the newest; its addresses are in `places`
  std::vector<MeshId> meshes;      ///< of those that this node knows: it is in them
  std::vector<HeardPlace> places;  ///< the newest first
  Instant heard_at{};
  Instant first_at{};
  bool is_newcomer = false;  ///< it was not there before its last beacon, or asks who is
  bool is_believed = true;   ///< else its clock is far off, and it was heard once
};

/// Where it can be dialled, the likeliest first.
std::vector<HostPort> targets_of(const HeardNode& node, Instant now);

class HeardNodes {
 public:
  /// Which of the meshes that are known here a beacon names or stands for.
  using Recognise = std::function<std::vector<MeshId>(const Beacon&)>;

  HeardNodes(const NodeKey& self, const Verifier& verifier, Recognise recognise)
      : self_(self), verifier_(verifier), recognise_(std::move(recognise)) {}

  /// `by`: the interface that it came by, null for one that is not used. The node, when it counts.
  const HeardNode* take(ByteView bytes, const HeardDatagram& heard, const LanInterface* by, const Now& now);
  /// Nobody is reached by it any more.
  void forget_interface(std::uint32_t interface);
  /// Those that were heard lately, by key.
  [[nodiscard]] std::vector<const HeardNode*> fresh(Instant now) const;
  [[nodiscard]] const HeardNode* find(const NodeKey& node) const;
  /// Of each reason how many, and how many counted.
  [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> counters() const;
  /// What was dropped as somebody's fault, in words: "12 malformed, 3 forged"; empty: nothing.
  [[nodiscard]] std::string describe_faults() const;
  [[nodiscard]] std::size_t sources() const { return sources_.size(); }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }

 private:
  const HeardNode* drop(BeaconDrop why);
  bool pays(const NodeKey& node, const SocketAddress& source, Instant now);
  bool pays_as_stranger(const SocketAddress& source, Instant now);
  [[nodiscard]] bool is_newer(const Beacon& beacon, const SocketAddress& source, std::uint32_t interface,
                              Instant now) const;
  bool has_room(const SocketAddress& source, Instant now);
  void note_place(HeardNode& node, const Beacon& beacon, const HeardDatagram& heard, const LanInterface& by,
                  Instant now);

  NodeKey self_;
  const Verifier& verifier_;
  Recognise recognise_;
  std::map<NodeKey, HeardNode> nodes_;
  std::optional<TokenBucket> strangers_;
  std::map<SocketAddress, TokenBucket> sources_;
  Instant cleared_at_{};
  std::array<std::uint64_t, kBeaconDrops> dropped_{};
  std::uint64_t taken_ = 0;
};

}  // namespace p2pmesh
