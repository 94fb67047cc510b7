// What concerns all meshes of a node in control requests; what concerns one goes to that one's requests.
#pragma once

#include <functional>
#include <string>

#include "control_server.h"
#include "mesh_seats.h"
#include "rendezvous_links.h"

namespace p2pmesh {

/// What a request may ask of the host.
struct DeskActions {
  using Entered = std::function<void(Result<MeshId>)>;
  /// Joins a mesh through a member, or by an invite; `done` once.
  std::function<void(const control::EnterMeshRequest& request, Entered done)> enter;
  std::function<Result<MeshId>(bool closed)> open;
  /// It is being left when this returns.
  std::function<Result<void>(const MeshId& mesh)> leave;
  std::function<Result<void>(const MeshId& mesh)> switch_to;
  std::function<void()> screens_changed;
  std::function<void(const HostPort& place)> use_rendezvous;
  std::function<std::vector<RendezvousStanding>()> rendezvous;
};

class ControlDesk final : public ControlEvents {
 public:
  /// Borrows the seats, for its whole life.
  ControlDesk(MeshSeats& seats, DeskActions actions) : seats_(seats), actions_(std::move(actions)) {}
  /// It outlives this; set before it listens.
  void serve(ControlServer& server) { server_ = &server; }

  [[nodiscard]] std::optional<MeshId> default_mesh() const override;
  void on_request(ControlSession& session, std::string id, control::Request request) override;
  void on_session_closed(const ControlSession& session) override;
  void on_replay_wanted(ControlSession& session) override;

 private:
  void answer(ControlSession& session, const std::string& id, const control::MeshesRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::UseMeshRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::EnterMeshRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::OpenMeshRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::LeaveMeshRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::SwitchMeshRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::RendezvousRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::AddRendezvousRequest& request);
  void reply_with(ControlSession& session, const std::string& id, const MeshRunner* runner);
  [[nodiscard]] MeshSeat* seat_of(const ControlSession& session) const;

  MeshSeats& seats_;
  DeskActions actions_;
  ControlServer* server_ = nullptr;
};

}  // namespace p2pmesh
