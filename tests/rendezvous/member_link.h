// A link to a rendezvous, and what members that are told apart by number say over it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attacks/hostile_link.h"
#include "p2pmesh/wire/rendezvous_messages.h"

namespace p2pmesh::meeting {

using attacks::Clock;
using attacks::HostileKey;

/// The same number is the same key in every run.
KeySeed numbered_seed(std::uint64_t number);

/// Milliseconds by the wall clock, each greater than the one before.
std::uint64_t next_version();

/// What a member of that number says of itself.
Registration describe(const Signer& member, const NodeKey& node, const std::string& name);
void sign(Registration& registration, const Signer& member, const NodeKey& server);

class MemberLink {
 public:
  using OnFrame = std::function<void(const FrameView&)>;

  MemberLink(const HostileKey& key, const SocketAddress& source, const SocketAddress& target);

  /// Of whatever answers there, as a link between members.
  void take_anything() { link_.set_wanted(std::nullopt); }
  /// False when it was refused, or nobody answers.
  bool enter(Clock::time_point deadline);
  [[nodiscard]] HandshakeFault fault() const { return link_.fault(); }
  [[nodiscard]] const NodeKey& server() const { return link_.peer(); }
  [[nodiscard]] NodeKey node() const { return to_node(key_.signer->public_key()); }
  [[nodiscard]] int fd() const { return link_.fd(); }

  RendezvousTicket next_ticket() { return ++ticket_; }
  bool send(const Bytes& frame, Clock::time_point deadline) { return link_.send(frame, deadline); }
  bool turn(std::chrono::milliseconds wait) { return link_.turn(wait); }
  void set_on_frame(OnFrame on_frame) { link_.set_on_frame(std::move(on_frame)); }

 private:
  const HostileKey& key_;
  attacks::HostileLink link_;
  RendezvousTicket ticket_ = 0;
};

/// A link that is up; dialled again while nobody answers. Null at `end`.
std::unique_ptr<MemberLink> enter_before(const HostileKey& key, const SocketAddress& source,
                                         const SocketAddress& target, Clock::time_point end);

/// The ticket of an answer; nothing for what nobody has asked for.
std::optional<RendezvousTicket> ticket_of(const FrameView& frame);

}  // namespace p2pmesh::meeting
