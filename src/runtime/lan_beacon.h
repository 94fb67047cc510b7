// The beacon of a node on the local network: sent on every interface that leads to one, and heard there. It
// follows interfaces that come and go.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "heard_nodes.h"
#include "lan_interfaces.h"
#include "p2pmesh/base/log.h"
#include "p2pmesh/base/random.h"
#include "p2pmesh/crypto/signature.h"
#include "p2pmesh/posix/event_loop.h"
#include "p2pmesh/posix/interface_watch.h"
#include "p2pmesh/posix/multicast.h"

namespace p2pmesh {

/// What the node tells of itself.
struct LanPresence {
  std::string name;
  std::vector<OpenMesh> meshes;  ///< the current one first
  std::vector<MeshId> unnamed;   ///< those that only their members are to recognise
  bool operator==(const LanPresence&) const = default;
};

/// Whether who sent it is in that mesh, as it says.
bool stands_for(const Beacon& beacon, const MeshId& mesh);

struct LanEvents {
  /// Nothing: the node is not to be heard.
  std::function<std::optional<LanPresence>()> presence;
  HeardNodes::Recognise recognise;
  std::function<void(const HeardNode&)> heard;
  /// All interfaces, whenever they may have changed.
  std::function<void(const std::vector<NetworkInterface>&)> interfaces_changed;
};

/// Threads: the loop's.
class LanBeacon {
 public:
  LanBeacon(EventLoop& loop, const Signer& signer, const Verifier& verifier, LogSink& log, LanEvents events);
  ~LanBeacon();
  LanBeacon(const LanBeacon&) = delete;
  LanBeacon& operator=(const LanBeacon&) = delete;

  /// `listen`: where the node listens; `forced`: see choose_lan_interfaces(). Errors: kUnavailable when
  /// neither family has multicast, kTryAgain, kIo.
  Result<void> open(const SocketAddress& listen, std::vector<std::string> forced);
  void check_deadlines();
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  /// The node goes: who hears it need not wait until that is noticed.
  void say_farewell();

  [[nodiscard]] const HeardNodes& heard() const { return heard_; }
  [[nodiscard]] const std::vector<LanInterface>& interfaces() const { return interfaces_; }
  [[nodiscard]] const std::vector<NetworkInterface>& all_interfaces() const { return all_; }
  [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> counters() const;

 private:
  /// One family.
  struct Ear {
    SocketAddress group;
    UniqueFd fd;
    std::vector<std::uint32_t> joined;  ///< interfaces
    std::optional<Instant> resume_at;   ///< nothing is read until then
  };
  Result<void> open_ear(const char* group);
  void read(Ear& ear);
  void refresh();
  void follow(Ear& ear);
  void say_what_changed(const std::vector<LanInterface>& before);
  void say_faults();
  void answer_soon();
  void look_at_presence();
  void announce();
  void send(Beacon beacon, const LanInterface& interface, const Ear& ear);
  [[nodiscard]] Beacon compose() const;
  [[nodiscard]] const LanInterface* find(std::uint32_t index) const;

  EventLoop& loop_;
  const Signer& signer_;
  LogSink& log_;
  LanEvents events_;
  HeardNodes heard_;
  Random random_;
  SocketAddress listen_;
  std::vector<std::string> forced_;
  std::unique_ptr<InterfaceWatch> watch_;
  std::vector<std::unique_ptr<Ear>> ears_;
  std::vector<NetworkInterface> all_;
  std::vector<LanInterface> interfaces_;
  bool has_announced_ = false;
  std::optional<LanPresence> told_;
  WallMs last_wall_ms_ = 0;
  int quick_left_ = 0;
  std::optional<Instant> refresh_at_;
  std::string faults_;  ///< as they were said last
  Instant faults_at_{};
  Instant look_at_{};
  Instant send_at_{};
  Instant sent_at_{};
  std::uint64_t sent_ = 0;
  std::uint64_t send_failures_ = 0;
};

}  // namespace p2pmesh
