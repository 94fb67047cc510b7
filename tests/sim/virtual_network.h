// Links between nodes as TCP would be: in order, both ends through the real handshake, resets, stalls while a
// partition lasts. fault_options.h has what may go wrong beyond that.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "draw.h"
#include "event_queue.h"
#include "fault_options.h"
#include "p2pmesh/core/handshake.h"
#include "p2pmesh/core/inputs.h"
#include "p2pmesh/core/outputs.h"
#include "partition.h"
#include "slot_pool.h"
#include "traffic.h"

namespace p2pmesh::sim {

/// A node's address: 10.x.y.z by its number, one port for all.
NetAddress address_of(std::uint32_t node);
/// The node at an address, or kNone.
std::uint32_t node_at(const NetAddress& address);

enum class HostState : std::uint8_t {
  kRunning,
  kPaused,   ///< the process handles nothing; its kernel does
  kStopped,  ///< the machine runs, the process does not: dials are refused
  kOff,      ///< the machine is off: no answer
};

/// What the network asks of and tells to the nodes.
class NetworkEvents {
 public:
  virtual ~NetworkEvents() = default;
  [[nodiscard]] virtual HostState host_state(std::uint32_t node) const = 0;
  /// What the node says in a handshake; dialler, nonce, expected and observed are filled in by the network.
  [[nodiscard]] virtual HandshakeTerms local_terms(std::uint32_t node) = 0;
  /// The event comes to a paused node; it is handed to VirtualNetwork::on_deferred() later, in order.
  virtual void defer(std::uint32_t node, const Event& event) = 0;
  virtual void on_link_up(std::uint32_t node, const LinkUp& up) = 0;
  virtual void on_link_down(std::uint32_t node, LinkId link) = 0;
  /// `expected` is empty for a dial to join.
  virtual void on_dial_failed(std::uint32_t node, const std::optional<NodeKey>& expected,
                              const NetAddress& address) = 0;
  virtual void on_frame(std::uint32_t node, std::uint32_t from, LinkId link, ByteView frame) = 0;
};

struct NetworkCounters {
  std::uint64_t dials = 0;
  std::uint64_t dials_failed = 0;
  std::uint64_t links_up = 0;
  std::uint64_t resets = 0;
  std::uint64_t frames_lost = 0;        ///< the fault
  std::uint64_t frames_duplicated = 0;  ///< the fault
  std::uint64_t frames_reordered = 0;   ///< the fault
  std::uint64_t frames_tailed = 0;      ///< the fault
  std::uint64_t clogs = 0;              ///< the fault
  std::uint64_t frames_stalled = 0;     ///< held up by a partition
  std::uint64_t live_dropped = 0;       ///< the send queue was long
  std::uint64_t queues_overfull = 0;
  std::size_t queue_bytes_greatest = 0;
};

class VirtualNetwork {
 public:
  VirtualNetwork(EventQueue& queue, NetworkEvents& events, const FaultOptions& faults, std::uint64_t seed)
      : queue_(queue), events_(events), faults_(faults), draw_(seed), seed_(seed) {}

  void add_node() { links_of_.emplace_back(); }

  /// Without `expected`: a dial to join.
  void dial(std::uint32_t from, const NetAddress& address, const std::optional<NodeKey>& expected);
  void send(LinkId link, const SharedBytes& frame, FrameClass frame_class);
  /// Sends the close frame behind what is on its way; nothing more is told to this end's node.
  void close(LinkId link, CloseReason reason);
  /// Ends the link at once, as after a malformed frame; nothing more is told to this end's node.
  void abort(LinkId link);
  /// The node's process has ended: its kernel resets all its links.
  void reset_all(std::uint32_t node);
  /// The node's machine is off: the other ends hear nothing.
  void vanish(std::uint32_t node);

  std::uint32_t add_partition(Partition partition) { return partitions_.add(std::move(partition)); }
  void remove_partition(std::uint32_t number);
  void remove_partitions();
  [[nodiscard]] bool is_blocked(std::uint32_t from, std::uint32_t to) const {
    return partitions_.blocks(from, to);
  }
  /// The driver's time; before anything else of a turn.
  void set_time(SimTime now) { now_ = now; }
  void set_faults(const FaultOptions& faults) { faults_ = faults; }

  void on_event(const Event& event);
  /// It came while the node was paused: no partition holds it up any more.
  void on_deferred(const Event& event) { deliver(event); }
  /// A deferred event will never be handled: the node crashed.
  void discard(const Event& event);

  // What a coming arrival needs; any other event is ignored.
  void prefetch_flight(const Event& event) const {
    if (event.kind() == EventKind::kArrive) __builtin_prefetch(&flights_[event.a]);
  }
  void prefetch_connection(const Event& event) const {
    if (event.kind() != EventKind::kArrive) return;
    const Flight& flight = flights_[event.a];
    if (flight.connection >= connections_.size()) return;
    const auto* line = reinterpret_cast<const char*>(&connections_[flight.connection]);
    for (std::size_t i = 0; i < sizeof(Connection); i += 64) __builtin_prefetch(line + i);
    if (flight.frame) __builtin_prefetch(flight.frame.get());
  }
  /// To whom it comes, as things stand, or kNone.
  [[nodiscard]] std::uint32_t receiver(const Event& event) const {
    if (event.kind() != EventKind::kArrive) return kNone;
    const Flight& flight = flights_[event.a];
    if (flight.connection >= connections_.size()) return kNone;
    return connections_[flight.connection].ends[flight.to].node;
  }

  [[nodiscard]] const Traffic& traffic() const { return traffic_; }
  [[nodiscard]] const NetworkCounters& counters() const { return counters_; }
  [[nodiscard]] std::uint32_t peer_of(LinkId link) const;
  [[nodiscard]] std::size_t connections() const { return connections_.used(); }

 private:
  enum class EndState : std::uint8_t { kAbsent, kConnecting, kHandshaking, kUp, kClosing, kClosed, kGone };
  struct Opening {  // until the link is up
    std::optional<Handshake> handshake;
    std::optional<NodeKey> expected;
    NetAddress address;
    std::vector<Head> heads_given;
  };
  struct End {
    std::uint32_t node = kNone;
    EndState state = EndState::kAbsent;
    std::unique_ptr<Opening> opening;
  };
  struct Stall {
    SimTime since = 0;
    std::vector<std::uint32_t> waiting;  // flights; what comes meanwhile waits behind them
    std::size_t bytes = 0;
  };
  struct Direction {
    SimTime last_arrival = 0;
    std::unique_ptr<Stall> stall;  // since the first one
    [[nodiscard]] bool is_stalled() const { return stall != nullptr && !stall->waiting.empty(); }
  };
  // What every frame looks at, in two cache lines.
  struct alignas(64) Connection {
    std::uint32_t serial = 0;
    SimTime delay = 0;
    End ends[2];          // 0 dialled
    Direction toward[2];  // that end
    SimTime clogged_until[2] = {0, 0};
  };
  enum class FlightKind : std::uint8_t { kFrame, kReset };
  struct Flight {
    SharedBytes frame;
    std::uint32_t connection = 0;
    std::uint32_t serial = 0;
    std::uint8_t to = 0;
    FlightKind kind = FlightKind::kFrame;
  };

  static LinkId link_id(std::uint32_t connection, std::uint32_t serial, std::uint32_t side) {
    return static_cast<LinkId>(serial) << 32 | static_cast<LinkId>(connection) << 1 | side;
  }
  Connection* find(std::uint32_t connection, std::uint32_t serial);
  Connection* find(LinkId link, std::uint32_t& side);

  void on_dial_arrives(std::uint32_t number, std::uint32_t serial);
  void on_dial_accepted(const Event& event);
  void on_timeout(const Event& event);
  void on_arrival(const Event& event);
  void deliver(const Event& event);
  void on_handshake_frame(std::uint32_t number, std::uint32_t side, ByteView frame);
  void start_handshake(Connection& connection, std::uint32_t side);
  void up(std::uint32_t number, std::uint32_t side);
  void end_lost(std::uint32_t number, std::uint32_t side);
  void transmit(std::uint32_t number, std::uint32_t to, SharedBytes frame, FlightKind kind);
  void launch(std::uint32_t number, std::uint32_t to, SharedBytes frame, FlightKind kind, SimTime arrival);
  SimTime arrival_time(Connection& connection, std::uint32_t to);
  void stall(Connection& connection, std::uint32_t to, std::uint32_t flight);
  void resume_stalled();
  void end_stall(const Event& event);
  void release_if_over(std::uint32_t number);
  void unlist(std::uint32_t node, std::uint32_t number);

  EventQueue& queue_;
  NetworkEvents& events_;
  FaultOptions faults_;
  Draw draw_;
  std::uint64_t seed_;
  SimTime now_ = 0;
  std::uint32_t next_serial_ = 1;
  SlotPool<Connection> connections_;
  SlotPool<Flight> flights_;
  std::vector<std::vector<std::uint32_t>> links_of_;  // connections by node
  Partitions partitions_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> stalled_;  // connection * 2 + to, serial
  Traffic traffic_;
  NetworkCounters counters_;
};

}  // namespace p2pmesh::sim
