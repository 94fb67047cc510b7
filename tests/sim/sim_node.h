// The driver of one node: real ingress and seen table, the one switch over the core's outputs, its clock, its
// disk.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "draw.h"
#include "event_queue.h"
#include "observer.h"
#include "p2pmesh/core/node.h"
#include "p2pmesh/dedup/seen_table.h"
#include "p2pmesh/ingress/ingress.h"
#include "sim_signature.h"
#include "virtual_disk.h"
#include "virtual_network.h"

namespace p2pmesh::sim {

class Liar;

/// What all nodes of a world share.
struct Surroundings {
  EventQueue& queue;
  VirtualNetwork& network;
  EnvelopePool& pool;
  SignatureScheme& signatures;
  const FaultOptions& faults;
  const ProtocolParameters& parameters;
  MeshId mesh;
  std::size_t seen_entries = 0;
  std::uint64_t seed = 0;
  SimTime now = 0;
  Draw disk_draw{0};
  std::vector<Observer*> observers;
  Outputs outputs;  // of the turn that is under way
  Outputs batch;    // being carried out
};

/// What a node has beside its core where people write to each other.
struct Person {
  std::unique_ptr<KeyAgreement> agreement;
  std::vector<Prekey> prekeys;  ///< on its disk; the newest first
  std::uint32_t drawn = 0;      ///< ever
  std::uint64_t unopened_from = 0;
  std::set<MemberKey> blocked;
};

class SimNode {
 public:
  SimNode(std::uint32_t number, Surroundings& around);
  ~SimNode();
  SimNode(SimNode&&) = delete;

  // Its life. The world keeps the network informed.

  void start(const RestoredState& restored);
  /// Ends the process; the disk is the caller's to deal with.
  void stop();
  void say(std::uint64_t token, std::string text, std::string room);
  void leave();

  // As runtime/mesh_runner does them; of a node with a person. sim_node_people.cc

  void make_person();
  void renew_prekey();
  void tell(std::uint64_t token, const MemberKey& to, std::string text);
  void set_discoverable(bool discoverable);
  void set_blocked(const MemberKey& member, bool blocked);
  void cancel(std::uint64_t draft);
  /// Its member has read everything of this one that is on the disk.
  void read(const MemberKey& member);

  // Events.

  void handle(const Input& input);
  /// False: the link was aborted as faulty.
  void on_frame(std::uint32_t from, LinkId link, ByteView frame);
  void on_wake(std::uint32_t generation);
  void on_commit(std::uint32_t boot);
  void on_load(std::uint32_t boot);

  /// Asks for the next cache lines of the way to what an event will touch.
  void prefetch(int step) const {
    const auto lines = [](const void* from, std::size_t bytes) {
      for (std::size_t i = 0; i < bytes; i += 64) __builtin_prefetch(static_cast<const char*>(from) + i);
    };
    if (step == 0) {
      lines(this, sizeof(SimNode));
    } else if (core != nullptr) {
      core->prefetch(step - 1);
      if (step == 1 && ingress_) lines(ingress_.get(), 64);
      if (step == 1 && seen_) lines(seen_.get(), 128);
    }
  }

  [[nodiscard]] bool is_running() const {
    return state == HostState::kRunning || state == HostState::kPaused;
  }
  [[nodiscard]] MemberKey key() const { return to_member(signer->public_key()); }
  [[nodiscard]] NodeKey node_key() const { return to_node(signer->public_key()); }
  [[nodiscard]] Now now() const { return clock.at(around_.now); }

  std::uint32_t number = 0;
  std::string name;
  std::unique_ptr<Signer> signer;
  VirtualClock clock;
  VirtualDisk disk;
  std::optional<MeshNonce> founder_nonce;
  HostState state = HostState::kStopped;
  bool started_before = false;
  bool left = false;
  bool settled = false;
  bool joined = false;            ///< somebody whom it called has answered
  std::uint32_t contact = kNone;  ///< whom it joins through
  std::unique_ptr<Liar> liar;
  std::unique_ptr<Person> person;  ///< null: no direct messages
  std::unique_ptr<Node> core;
  std::vector<Event> deferred;  ///< while paused
  std::uint32_t boot = 0;
  std::uint64_t wakes = 0;
  std::uint64_t penalties = 0;

 private:
  void end_turn();
  void drain();
  void run(Output& output);
  void run(Store& store);
  /// What is about people alone.
  void run_of_people(Output& output);
  void begin_person();
  void open_late(std::uint64_t first_row);
  void answer(const DiskQuestion& question);
  bool admit(std::uint32_t from, LinkId link, bool live, std::uint16_t round, ByteView encoded);
  void fault(std::uint32_t from, LinkId link, const char* what);
  void commit_if_idle();
  bool commit_at_once();
  void tell_committed();
  void schedule_wake();

  Surroundings& around_;
  std::unique_ptr<SeenTable> seen_;
  std::unique_ptr<Ingress> ingress_;
  std::deque<Load> loads_;
  std::uint32_t wake_generation_ = 0;
  bool wake_pending_ = false;
  std::uint32_t overdue_ = 0;  // wakes in succession that were due when asked for
  bool waking_ = false;        ///< a wake is being handled
  SimTime wake_at_ = 0;
  std::optional<SimTime> deadline_;
};

}  // namespace p2pmesh::sim
