// What a registry is made of: registry.cc has its links and its turns, registry_people.cc who is where,
// registry_asks.cc who asks for whom.
#pragma once

#include <map>
#include <set>

#include "change_feed.h"
#include "kept_asks.h"
#include "link_budget.h"
#include "open_meshes.h"
#include "p2pmesh/rendezvous/registry.h"
#include "registrants.h"

namespace p2pmesh {

class RendezvousRegistry::Impl {
 public:
  Impl(const NodeKey& self, const Verifier& verifier, const RendezvousSettings& settings)
      : self_(self), verifier_(verifier), settings_(settings) {}

  void restore(RendezvousState state, const Now& now);
  bool on_link_up(RendezvousLink link, const NodeKey& node, const NetAddress& remote, const Now& now);
  void on_link_down(RendezvousLink link, const Now& now);
  bool on_frame(RendezvousLink link, const FrameView& frame, const Now& now, RendezvousOutputs& out);
  std::vector<RendezvousLink> end_turn(const Now& now, RendezvousOutputs& out);
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  void set_writes_waiting(std::size_t rows) { writes_waiting_ = rows; }
  [[nodiscard]] RendezvousStatus status() const;
  [[nodiscard]] Numbers counters() const;
  [[nodiscard]] Numbers uses() const;

 private:
  struct LinkState {
    RendezvousLink id = 0;
    NodeKey node;
    NetAddress remote;
    LinkBudget budget;
    std::set<MemberKey> members;  // that have registered over it, some of them perhaps elsewhere since
    Instant heard{};
  };
  /// One frame, while it is handled.
  struct Turn {
    LinkState& link;
    const Now& now;
    RendezvousOutputs& out;
  };
  enum class Taken { kYes, kRefused, kFault };

  // registry.cc
  Taken take(Turn& turn, AskedKind kind, RendezvousTicket ticket);
  Taken take_quietly(Turn& turn);
  [[nodiscard]] bool is_behind() const { return writes_waiting_ > limits::kRendezvousWritesMax; }
  template <class Message>
  void send(Turn& turn, const Message& message) {
    turn.out.push_back(RendezvousSend{turn.link.id, make_frame(message)});
  }
  template <class Message>
  static SharedBytes make_frame(const Message& message) {
    return std::make_shared<const Bytes>(encode_frame_of(message));
  }
  void deny(Turn& turn, RendezvousTicket ticket, DenyReason reason, std::uint64_t value = 0);
  void keep(RendezvousOutputs& out, std::vector<RendezvousWrite> writes, std::vector<RendezvousSend> then);
  void sweep(const Now& now, RendezvousOutputs& out);
  /// Draws on the budget, and lets `on_message` answer. False: a fault.
  template <class Message, class OnMessage>
  bool handle(Turn& turn, const std::optional<Message>& message, AskedKind kind, OnMessage on_message) {
    if (!message) return false;
    const Taken taken = take(turn, kind, message->ticket);
    if (taken == Taken::kYes) (this->*on_message)(*message, turn);
    return taken != Taken::kFault;
  }

  // registry_people.cc
  void on_register(const Register& message, Turn& turn);
  void on_withdraw(const Withdraw& message, Turn& turn);
  void on_look_up(const LookUp& message, Turn& turn);
  void on_list_people(const ListPeople& message, Turn& turn);
  void on_list_meshes(const ListMeshes& message, Turn& turn);
  void on_watch(const Watch& message, Turn& turn);
  /// Nothing when it may be taken in.
  std::optional<Denied> find_fault(const Registration& registration, Turn& turn);
  std::optional<Denied> find_no_place(const Registration& registration, Turn& turn);
  void put(const Registration& registration, const std::optional<NetAddress>& observed, Turn& turn,
           std::vector<RendezvousWrite>& writes);
  void set_offline(const MemberKey& member, WallMs seen_ms, std::vector<RendezvousWrite>& writes);
  [[nodiscard]] bool is_here(const MemberKey& member, RendezvousLink link) const;

  // registry_asks.cc
  void on_ask(const AskFrame& message, Turn& turn);
  void on_taken(const AsksTaken& message, Turn& turn);
  void on_list_asks(const ListAsks& message, Turn& turn);
  void on_take_back(const TakeBack& message, Turn& turn);
  void hand_over(const MemberKey& recipient, RendezvousOutputs& out);

  NodeKey self_;
  const Verifier& verifier_;
  RendezvousSettings settings_;
  std::map<RendezvousLink, LinkState> links_;
  std::map<AddressSource, std::size_t> links_of_source_;
  Registrants people_;
  OpenMeshes meshes_;
  ChangeFeed feed_;
  KeptAsks asks_;
  NameBudget names_;
  std::size_t writes_waiting_ = 0;
  std::optional<Instant> sweep_at_;
  std::map<DenyReason, std::uint64_t> denied_;
  std::map<std::string, std::uint64_t> counters_;
};

}  // namespace p2pmesh
