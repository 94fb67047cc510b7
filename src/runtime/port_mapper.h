// When a router is asked to send on this node's port, and what is made of its answers. Calls block;
// port_mapping.h has the thread.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "p2pmesh/base/random.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/posix/home_router.h"

namespace p2pmesh {

struct MappingState {
  enum class Phase { kOff, kAsking, kOpen, kFailed };
  Phase phase = Phase::kOff;
  SocketAddress outside;  ///< kOpen
  MappingMethod by = MappingMethod::kNatPmp;
  std::optional<WallMs> until_ms;  ///< nothing: the router keeps it until it is taken back
  std::string why;                 ///< kFailed: what is wrong and what to do; kOpen: what may be

  bool operator==(const MappingState&) const = default;
};

/// Why nobody could be told to dial that; nothing when it may be an address outside. `inside`: ours.
std::optional<std::string> find_lie(const SocketAddress& outside, const SocketAddress& inside);

class PortMapper {
 public:
  using Clock = std::function<Now()>;
  /// The router outlives this. `listen`: where the node listens, its port given.
  PortMapper(Router& router, const SocketAddress& listen, Clock clock, std::uint64_t seed)
      : router_(router), listen_(listen), clock_(std::move(clock)), random_(seed) {}

  /// Does what is due, and says when to be called again.
  Instant step();
  /// There is reason to doubt the mapping.
  void ask_again() { is_doubted_ = true; }
  /// Takes it back.
  void end();
  [[nodiscard]] const MappingState& state() const { return state_; }

 private:
  void follow_route();
  [[nodiscard]] std::optional<std::string> find_hindrance() const;
  void open();
  [[nodiscard]] Result<RouterMapping> open_by(MappingMethod method);
  void take(const RouterMapping& mapping);
  void note_beyond();
  void back_off(std::string why);
  void look();
  [[nodiscard]] bool was_reset(const MappingLook& look, Instant now) const;

  Router& router_;
  SocketAddress listen_;
  Clock clock_;
  Random random_;
  MappingState state_{MappingState::Phase::kAsking, {}, {}, {}, {}};
  std::optional<DefaultRoute> route_;
  std::optional<RouterMapping> mapping_;
  Instant until_{};  // of mapping_
  Instant epoch_at_{};
  Instant due_{};
  Instant look_at_{};
  std::optional<Instant> asked_at_;
  Duration backoff_{};
  int silent_looks_ = 0;
  bool is_doubted_ = false;
};

}  // namespace p2pmesh
