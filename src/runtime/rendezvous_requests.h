// What the control socket of a discovery server answers: how it is, its bounds, and that it ends.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "control_server.h"
#include "limits_reply.h"
#include "p2pmesh/runtime/node_host.h"

namespace p2pmesh {

/// What the requests ask the host for.
struct RendezvousActions {
  std::function<control::StatusReply()> status;
  std::function<LimitUses()> uses;
  std::function<void()> shut_down;
  std::vector<HostSetting> settings = {};
  std::uint64_t queue_bytes_max = 0;  ///< of a link
  std::uint64_t links_max = 0;
};

class RendezvousRequests final : public ControlEvents {
 public:
  explicit RendezvousRequests(RendezvousActions actions) : actions_(std::move(actions)) {}
  /// Outlives this; set before the control socket listens.
  void serve(ControlServer& server) { server_ = &server; }

  [[nodiscard]] std::optional<MeshId> default_mesh() const override { return std::nullopt; }
  void on_request(ControlSession& session, std::string id, control::Request request) override;
  void on_session_closed(const ControlSession&) override {}
  void on_replay_wanted(ControlSession&) override {}

 private:
  [[nodiscard]] control::LimitsReply limits() const;

  RendezvousActions actions_;
  ControlServer* server_ = nullptr;
};

}  // namespace p2pmesh
