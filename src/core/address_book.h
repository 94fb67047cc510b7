// Where nodes can be dialled, and when to try again: with back-off, for ever.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/net_address.h"
#include "p2pmesh/base/random.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/core/node.h"
#include "p2pmesh/core/outputs.h"

namespace p2pmesh {

class AddressBook {
 public:
  explicit AddressBook(std::uint64_t seed) : random_(seed) {}

  void restore(const RestoredPeer& peer, Instant now);
  /// A node is said to listen there. Bounded: an address a node already has is kept, a ninth unproven one
  /// replaces the oldest unproven one. Outputs what is to be kept on disk.
  void learn(const NodeKey& node, const NetAddress& address, Instant now, Outputs& out);
  /// Connected: no dialling until the link is lost. `dialled`: the address that answered.
  void on_connected(const NodeKey& node, const std::optional<NetAddress>& dialled, Outputs& out);
  void on_failed(const NodeKey& node, const NetAddress& address, Instant now, Outputs& out);
  /// `proven`: the link had lived long enough to be worth dialling again at once.
  void on_lost(const NodeKey& node, bool left, bool proven, Instant now);
  /// There is reason to believe that the node is there: try soon.
  void wake(const NodeKey& node, Instant now, Duration delay);

  /// Appends the dials that are due. Addresses of a scope that `own` does not share are left out.
  void dial_due(const std::vector<NetAddress>& own, std::size_t room, Instant now, Outputs& out);
  [[nodiscard]] std::optional<Instant> next_deadline() const;

 private:
  struct Known {
    NetAddress address;
    bool proven = false;
    std::uint32_t failures = 0;
  };
  struct Entry {
    std::vector<Known> addresses;
    std::size_t next = 0;  // index of the address to try next
    Duration backoff{};
    std::optional<Instant> due;  // nothing while connected or dialling
    bool dialling = false;
  };
  void back_off(Entry& entry, Instant now);

  Random random_;
  std::map<NodeKey, Entry> entries_;
};

}  // namespace p2pmesh
