// What concerns all meshes of a node in control requests; what concerns one goes to that one's requests.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "control_server.h"
#include "mesh_seats.h"
#include "rendezvous_links.h"
#include "strangers.h"

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
  std::function<control::LanReply()> lan;
};

class ControlDesk final : public ControlEvents {
 public:
  /// Borrows everything, for its whole life.
  ControlDesk(MeshSeats& seats, Strangers& strangers, RendezvousLinks& rendezvous, DeskActions actions)
      : seats_(seats), strangers_(strangers), rendezvous_(rendezvous), actions_(std::move(actions)) {}
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
  // control_strangers.cc
  /// A request that names somebody who is not of its mesh goes to where that one is; false: it stays.
  bool route(ControlSession& session, const std::string& id, const control::Request& request);
  void hand_to(const Stranger& stranger, ControlSession& session, const std::string& id,
               const control::Request& request);
  void look_for(const std::string& name, ControlSession& session, const std::string& id,
                const control::Request& request);
  void on_met(const std::string& name, const Result<MeshId>& met);
  bool route_answer(ControlSession& session, const std::string& id, const control::AnswerRequest& answer,
                    const MeshSeat& own);
  void answer_stranger(ControlSession& session, const std::string& id, const Stranger& stranger,
                       bool accepts);
  void answer(ControlSession& session, const std::string& id,
              const control::RendezvousPeopleRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::LanRequest& request);
  void reply_with(ControlSession& session, const std::string& id, const MeshRunner* runner);
  [[nodiscard]] MeshSeat* seat_of(const ControlSession& session) const;

  /// A request that waits until it is known who is meant.
  struct Waiting {
    SessionId session;
    std::string id;
    control::Request request;
  };

  MeshSeats& seats_;
  Strangers& strangers_;
  RendezvousLinks& rendezvous_;
  DeskActions actions_;
  std::map<std::string, std::vector<Waiting>> looked_for_;  // by the name, folded
  ControlServer* server_ = nullptr;
};

}  // namespace p2pmesh
