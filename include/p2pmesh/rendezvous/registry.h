// Who is where: the whole of a rendezvous but for its sockets, its disk and its clock. Sans I/O, as the core:
// takes an input and the time, and appends outputs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/net_address.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/crypto/signature.h"
#include "p2pmesh/rendezvous/outputs.h"
#include "p2pmesh/rendezvous/settings.h"
#include "p2pmesh/wire/frame.h"

namespace p2pmesh {

struct RendezvousStatus {
  std::uint64_t registered = 0;  ///< members, those offline included
  std::uint64_t online = 0;
  std::uint64_t asks = 0;  ///< that wait for their recipient
  std::uint64_t watchers = 0;
  std::uint64_t links = 0;
};

class RendezvousRegistry {
 public:
  using Numbers = std::vector<std::pair<std::string, std::uint64_t>>;

  /// `self`: the rendezvous' own node key, which members sign over. The verifier outlives the registry.
  RendezvousRegistry(const NodeKey& self, const Verifier& verifier, const RendezvousSettings& settings);
  ~RendezvousRegistry();
  RendezvousRegistry(const RendezvousRegistry&) = delete;
  RendezvousRegistry& operator=(const RendezvousRegistry&) = delete;

  /// Before anything else. Everybody is offline. What does not fit together is left out.
  void restore(RendezvousState state, const Now& now);

  /// False: there are too many from there, and the link is to be closed.
  bool on_link_up(RendezvousLink link, const NodeKey& node, const NetAddress& remote, const Now& now);
  void on_link_down(RendezvousLink link, const Now& now);
  /// False: no honest member sends this, and the link is to be closed; on_link_down() is to follow.
  bool on_frame(RendezvousLink link, const FrameView& frame, const Now& now, RendezvousOutputs& out);

  /// Leases that are over, what is too old, and what watchers are to be told of this turn. The links that it
  /// names are to be closed, since they have long said nothing; on_link_down() is to follow.
  std::vector<RendezvousLink> end_turn(const Now& now, RendezvousOutputs& out);
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  /// Rows that wait for the disk: while there are too many, nothing more is taken in.
  void set_writes_waiting(std::size_t rows);

  [[nodiscard]] RendezvousStatus status() const;
  [[nodiscard]] Numbers counters() const;
  /// How far the bounds of base/limits.h are used, by the constant's name in words.
  [[nodiscard]] Numbers uses() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace p2pmesh
