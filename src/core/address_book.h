// Where nodes can be dialled, and when to try again: with back-off, for ever.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "faulty_nodes.h"
#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/net_address.h"
#include "p2pmesh/base/random.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/core/node.h"
#include "p2pmesh/core/outputs.h"
#include "peer_source.h"

namespace p2pmesh {

class AddressBook {
 public:
  explicit AddressBook(std::uint64_t seed) : random_(seed) {}

  void restore(const RestoredPeer& peer, Instant now);
  /// A node is said to listen there. Bounded: an address a node already has is kept, a ninth unproven one
  /// replaces the oldest unproven one. A node that is new is due at once. A full book gives up an entry of
  /// the same source, or network, when that has its share already.
  void learn(const NodeKey& node, const NetAddress& address, Instant now, PeerSource source = 0);
  /// Connected: no dialling until the link is lost. `dialled`: the address that answered, kept on disk.
  void on_connected(const NodeKey& node, const std::optional<NetAddress>& dialled, Outputs& out,
                    PeerSource source = 0);
  /// True when the node has another address to try, at once.
  bool on_failed(const NodeKey& node, const NetAddress& address, Instant now, Outputs& out);
  /// `proven`: the link had lived long enough to be worth dialling again at once.
  void on_lost(const NodeKey& node, bool left, bool proven, Instant now);
  /// Its key was revoked: never again, unless that is forgotten.
  void forbid(const NodeKey& node);
  void permit(const NodeKey& node) { forbidden_.erase(node); }
  /// A link to it was closed as faulty: for a while it is not dialled.
  void on_fault(const NodeKey& node, Instant now) { faulty_.note(node, now); }
  /// Nor let in.
  [[nodiscard]] bool is_shut_out(const NodeKey& node, Instant now) const {
    return faulty_.is_shut_out(node, now);
  }
  /// There is reason to believe that the node is there: try soon.
  void wake(const NodeKey& node, Instant now, Duration delay);

  /// Appends the dials that are due, as long as few are under way. Addresses of a scope that `own` does not
  /// share are left out.
  void dial_due(const std::vector<NetAddress>& own, Instant now, Outputs& out);
  /// Those are not dialled, until the next call leaves them out.
  void shut_out(std::set<NodeKey> nodes) { shut_out_ = std::move(nodes); }
  /// Dials one node now, whatever its back-off; `addresses` are said to be its own, by `source`. False when
  /// there is nothing to dial, or it is being dialled.
  bool dial(const NodeKey& node, const std::vector<NetAddress>& addresses, const std::vector<NetAddress>& own,
            Instant now, Outputs& out, PeerSource source = 0);
  /// Anchors of the last run have not all answered yet, nor failed: nobody else is dialled until then.
  [[nodiscard]] bool waits_for_anchors(Instant now) const {
    return !anchors_.empty() && now < anchors_until_;
  }
  [[nodiscard]] Instant anchors_until() const { return anchors_until_; }
  [[nodiscard]] bool contains(const NodeKey& node) const { return entries_.contains(node); }
  [[nodiscard]] bool is_dialling(const NodeKey& node) const;
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] std::size_t dialling() const { return dialling_; }
  [[nodiscard]] std::size_t faulty() const { return faulty_.size(); }

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
    bool connected = false;
    PeerSource source = 0;
    Network network = 0;  // of its first address
  };
  using Entries = std::map<NodeKey, Entry>;
  using Nodes = std::set<NodeKey>;
  Entry* entry_of(const NodeKey& node, PeerSource source, Network network);
  bool make_space(PeerSource source, Network network);
  [[nodiscard]] const Nodes* crowd_of(PeerSource source, Network network) const;
  static bool can_go(const Entry& entry);
  void put(const NodeKey& node, Entry& entry, PeerSource source);
  void put_in_network(const NodeKey& node, Entry& entry, Network network);
  void forget(Entries::iterator found);
  void set_due(const NodeKey& node, Entry& entry, std::optional<Instant> due);
  void set_dialling(Entry& entry, bool dialling);
  void back_off(const NodeKey& node, Entry& entry, Instant now);
  bool try_next(const NodeKey& node, Entry& entry, const std::vector<NetAddress>& own, Instant now,
                Outputs& out);
  static void add_address(Entry& entry, const NetAddress& address);

  std::set<NodeKey> shut_out_;
  FaultyNodes faulty_;
  Random random_;
  std::set<NodeKey> forbidden_;  // at most kRevocationsMax
  Entries entries_;
  std::map<PeerSource, Nodes> by_source_;  // without those of source 0
  std::map<Network, Nodes> by_network_;    // without those of network 0
  Nodes anchors_;                          // that have neither answered nor failed
  Instant anchors_until_{};
  std::size_t dialling_ = 0;                   // entries that are being dialled
  std::set<std::pair<Instant, NodeKey>> due_;  // of the entries that have one
};

}  // namespace p2pmesh
