// Nodes, network, disks and one clock: everything that happens follows from the seed.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "draw.h"
#include "envelope_pool.h"
#include "event_queue.h"
#include "fault_options.h"
#include "observer.h"
#include "p2pmesh/core/parameters.h"
#include "sim_node.h"
#include "trace_hash.h"
#include "virtual_network.h"

namespace p2pmesh::sim {

/// Far above any scenario; a world that does not end is a fault.
inline constexpr std::uint64_t kEventsMax = 20'000'000'000;

struct WorldOptions {
  std::uint64_t seed = 1;
  bool real_crypto = false;
  ProtocolParameters parameters;
  FaultOptions faults;
  std::size_t seen_entries = 4096;  ///< of each node's seen table
  bool journal = true;              ///< disks can lose what is not synced
  bool prefetch = false;
  bool people = false;        ///< nodes can write to each other
  std::size_t carry_max = 0;  ///< direct envelopes of one author that others keep for it; 0: all
  std::uint64_t events_max = kEventsMax;
  bool progress = false;  ///< a line on stderr each second of real time
};

class World final : private NetworkEvents {
 public:
  explicit World(const WorldOptions& options);
  ~World() override;
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void add_observer(Observer* observer) { around_.observers.push_back(observer); }

  void remove_observer(Observer* observer) { std::erase(around_.observers, observer); }

  // Nodes. Each function acts at once, in the world's present moment.

  /// A machine with a key and an empty disk; the first one is the founder's.
  std::uint32_t add_node(std::string name = {});
  void make_liar(std::uint32_t node, std::uint32_t lies);
  /// The founder opens the mesh.
  void open(std::uint32_t node);
  /// Starts and dials `contact` until it has a link; then another running node.
  void join(std::uint32_t node, std::uint32_t contact);
  /// Starts with what its disk holds; a node that never had a link joins through its old contact.
  void restart(std::uint32_t node);
  /// The process ends; its kernel resets the links; what was committed stays.
  void kill(std::uint32_t node);
  /// The machine ends: no reset, unsynced commits are lost.
  void cut_power(std::uint32_t node);
  /// The process handles nothing until `duration` has passed; its clocks go on.
  void pause(std::uint32_t node, SimTime duration);
  void resume(std::uint32_t node);
  /// Remove Peer, then the process ends in order.
  void leave(std::uint32_t node);
  /// Many members that know each other already, from one roster; `contacts`: addresses that each knows. Takes
  /// the roster from one node if the core can share it, else each node restores all records itself.
  void start_members(std::uint32_t count, std::uint32_t contacts);

  /// A text of a running node; returns its token.
  std::uint64_t say(std::uint32_t node, std::string text, std::string room = "#lobby");

  /// A direct message, or with an empty text a request; returns its token, 0 when it is not taken in.
  std::uint64_t tell(std::uint32_t node, std::uint32_t to, std::string text);
  /// Of what is said next.
  [[nodiscard]] std::uint64_t next_token() const { return next_token_; }

  // Time.

  void after(SimTime delay, std::function<void()> script);
  /// False: the bound on events was reached, which the observers hear of. From then on the clock goes on
  /// alone, so that whatever waits for a time comes to its end.
  bool run_until(SimTime end);
  bool run_for(SimTime duration) { return run_until(now() + duration); }
  /// Runs until `done` holds, asked every `step`; false when `bound` has passed without it.
  bool run_until_true(const std::function<bool()>& done, SimTime bound, SimTime step = kSecond / 4);
  [[nodiscard]] SimTime now() const { return around_.now; }

  // What there is.

  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(nodes_.size()); }
  [[nodiscard]] SimNode& node(std::uint32_t number) { return *nodes_[number]; }
  [[nodiscard]] const SimNode& node(std::uint32_t number) const { return *nodes_[number]; }
  [[nodiscard]] bool is_running(std::uint32_t number) const { return nodes_[number]->is_running(); }
  [[nodiscard]] bool is_liar(std::uint32_t number) const { return nodes_[number]->liar != nullptr; }
  /// Running, not lying.
  [[nodiscard]] std::vector<std::uint32_t> honest() const;
  [[nodiscard]] std::uint32_t find(const NodeKey& key) const;
  [[nodiscard]] std::uint32_t find(const MemberKey& key) const { return find(NodeKey{key.bytes}); }
  [[nodiscard]] VirtualNetwork& network() { return network_; }
  [[nodiscard]] const VirtualNetwork& network() const { return network_; }
  [[nodiscard]] EnvelopePool& pool() { return pool_; }
  [[nodiscard]] const EnvelopePool& pool() const { return pool_; }
  [[nodiscard]] const WorldOptions& options() const { return options_; }
  [[nodiscard]] Draw& draw() { return draw_; }
  [[nodiscard]] std::uint64_t trace_hash() const { return trace_.value(); }
  [[nodiscard]] std::uint64_t events() const { return events_; }
  [[nodiscard]] std::uint64_t events(EventKind kind) const {
    return by_kind_[static_cast<std::size_t>(kind)];
  }
  [[nodiscard]] bool roster_is_shared() const { return roster_shared_; }
  /// From now on there is no fault but the delays.
  void end_faults();

 private:
  [[nodiscard]] HostState host_state(std::uint32_t node) const override { return nodes_[node]->state; }
  HandshakeTerms local_terms(std::uint32_t node) override;
  void defer(std::uint32_t node, const Event& event) override { nodes_[node]->deferred.push_back(event); }
  void on_link_up(std::uint32_t node, const LinkUp& up) override;
  void on_link_down(std::uint32_t node, LinkId link) override;
  void on_dial_failed(std::uint32_t node, const std::optional<NodeKey>& expected,
                      const NetAddress& address) override;
  void on_frame(std::uint32_t node, std::uint32_t from, LinkId link, ByteView frame) override;

  void dispatch(const Event& event);
  RestoredState restored_state(SimNode& node);
  void try_join(std::uint32_t node);
  void act_as_liar(std::uint32_t node);
  void report_progress();
  void prefetch() const;

  WorldOptions options_;
  std::unique_ptr<SignatureScheme> signatures_;
  EnvelopePool pool_;
  EventQueue queue_;
  VirtualNetwork network_;
  Surroundings around_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  std::unordered_map<NodeKey, std::uint32_t> by_key_;
  SlotPool<std::function<void()>> scripts_;
  std::shared_ptr<const RestoredState> members_;  // of start_members()
  Draw draw_;
  TraceHash trace_;
  std::uint64_t events_ = 0;
  std::array<std::uint64_t, 16> by_kind_{};
  std::uint64_t next_token_ = 1;
  bool roster_shared_ = false;
  bool is_over_ = false;  // the bound on events
};

}  // namespace p2pmesh::sim
