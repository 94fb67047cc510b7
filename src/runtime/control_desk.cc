#include "control_desk.h"

#include <type_traits>

namespace p2pmesh {
namespace {

template <class OneRequest>
constexpr bool kIsOfAllMeshes = std::is_same_v<OneRequest, control::MeshesRequest> ||
                                std::is_same_v<OneRequest, control::UseMeshRequest> ||
                                std::is_same_v<OneRequest, control::EnterMeshRequest> ||
                                std::is_same_v<OneRequest, control::OpenMeshRequest> ||
                                std::is_same_v<OneRequest, control::LeaveMeshRequest> ||
                                std::is_same_v<OneRequest, control::SwitchMeshRequest> ||
                                std::is_same_v<OneRequest, control::RendezvousRequest> ||
                                std::is_same_v<OneRequest, control::AddRendezvousRequest> ||
                                std::is_same_v<OneRequest, control::RendezvousPeopleRequest> ||
                                std::is_same_v<OneRequest, control::LanRequest>;

}  // namespace

std::optional<MeshId> ControlDesk::default_mesh() const {
  const MeshRunner* current = seats_.current();
  return current == nullptr ? std::nullopt : std::optional(current->mesh());
}

MeshSeat* ControlDesk::seat_of(const ControlSession& session) const {
  return session.mesh ? seats_.find_seat(*session.mesh) : nullptr;
}

void ControlDesk::on_request(ControlSession& session, std::string id, control::Request request) {
  const bool is_taken = std::visit(
      [&](const auto& one) {
        constexpr bool kIsOurs = kIsOfAllMeshes<std::decay_t<decltype(one)>>;
        if constexpr (kIsOurs) answer(session, id, one);
        return kIsOurs;
      },
      request);
  if (is_taken) return;
  if (route(session, id, request)) return;
  if (MeshSeat* seat = seat_of(session); seat != nullptr && !seat->leave_by)
    return seat->requests->on_request(session, std::move(id), std::move(request));
  server_->refuse(session.id, id,
                  Error{ExitStatus::kTryAgain,
                        "The mesh that this client was in was left; choose another one "
                        "with mesh.use."});
}

void ControlDesk::on_session_closed(const ControlSession& session) {
  if (session.is_screen) actions_.screens_changed();
}

void ControlDesk::on_replay_wanted(ControlSession& session) {
  if (MeshSeat* seat = seat_of(session)) seat->requests->on_replay_wanted(session);
}

void ControlDesk::reply_with(ControlSession& session, const std::string& id, const MeshRunner* runner) {
  if (runner == nullptr)
    return server_->refuse(session.id, id, Error{ExitStatus::kTryAgain, "The mesh was left meanwhile."});
  server_->reply(session.id, id, control::MeshReply{seats_.describe(*runner)});
}

void ControlDesk::answer(ControlSession& session, const std::string& id, const control::MeshesRequest&) {
  control::MeshesReply reply;
  for (const auto& seat : seats_.all()) {
    if (!seat->leave_by) reply.meshes.push_back(seats_.describe(*seat->runner));
  }
  server_->reply(session.id, id, reply);
}

void ControlDesk::answer(ControlSession& session, const std::string& id,
                         const control::UseMeshRequest& request) {
  const auto found = seats_.find_called(request.mesh);
  if (!found) return server_->refuse(session.id, id, found.error());
  if (session.unanswered > 0) {
    return server_->refuse(session.id, id,
                           Error{ExitStatus::kTryAgain,
                                 "Answers of the other mesh are on their way; use another "
                                 "one when they are here."});
  }
  server_->use_mesh(session, (*found)->mesh());
  reply_with(session, id, *found);
}

void ControlDesk::answer(ControlSession& session, const std::string& id,
                         const control::EnterMeshRequest& request) {
  ++session.unanswered;
  const auto mesh = session.mesh;
  actions_.enter(request, [this, session_id = session.id, id, mesh](const Result<MeshId>& entered) {
    ControlSession* asking = server_->find(session_id);
    if (asking == nullptr) return;
    // Else its mesh was left, and nothing is counted any more.
    if (asking->mesh == mesh) asking->end_one();
    if (!entered) return server_->refuse(session_id, id, entered.error());
    reply_with(*asking, id, seats_.find(*entered));
  });
}

void ControlDesk::answer(ControlSession& session, const std::string& id,
                         const control::OpenMeshRequest& request) {
  const auto opened = actions_.open(request.closed);
  if (!opened) return server_->refuse(session.id, id, opened.error());
  reply_with(session, id, seats_.find(*opened));
}

void ControlDesk::answer(ControlSession& session, const std::string& id,
                         const control::LeaveMeshRequest& request) {
  const auto found = seats_.find_called(request.mesh);
  if (!found) return server_->refuse(session.id, id, found.error());
  if (const auto left = actions_.leave((*found)->mesh()); !left)
    return server_->refuse(session.id, id, left.error());
  reply_with(session, id, seats_.current());
}

void ControlDesk::answer(ControlSession& session, const std::string& id, const control::RendezvousRequest&) {
  control::RendezvousReply reply;
  for (RendezvousStanding& standing : rendezvous_.standings())
    reply.servers.push_back(
        {std::move(standing.place), standing.linked, standing.registered, std::move(standing.trouble)});
  server_->reply(session.id, id, reply);
}

void ControlDesk::answer(ControlSession& session, const std::string& id,
                         const control::AddRendezvousRequest& request) {
  rendezvous_.use({{request.host, request.port}});
  server_->reply(session.id, id, control::EmptyReply{});
}

void ControlDesk::answer(ControlSession& session, const std::string& id, const control::LanRequest&) {
  server_->reply(session.id, id, actions_.lan());
}

void ControlDesk::answer(ControlSession& session, const std::string& id,
                         const control::RendezvousPeopleRequest&) {
  ++session.unanswered;
  const auto mesh = session.mesh;
  rendezvous_.list([this, session_id = session.id, id, mesh](const Result<RendezvousListing>& listing) {
    ControlSession* asking = server_->find(session_id);
    if (asking == nullptr) return;
    if (asking->mesh == mesh) asking->end_one();
    if (!listing) return server_->refuse(session_id, id, listing.error());
    control::RendezvousPeopleReply reply;
    for (const PersonEntry& person : listing->people)
      reply.people.push_back({person.name, person.member, person.online, person.seen_ms});
    for (const MeshEntry& entry : listing->meshes)
      reply.meshes.push_back({entry.mesh, entry.label, entry.online, entry.names});
    reply.more = listing->more;
    server_->reply(session_id, id, reply);
  });
}

void ControlDesk::answer(ControlSession& session, const std::string& id,
                         const control::SwitchMeshRequest& request) {
  const auto found = seats_.find_called(request.mesh);
  if (!found) return server_->refuse(session.id, id, found.error());
  if (const auto kept = actions_.switch_to((*found)->mesh()); !kept)
    return server_->refuse(session.id, id, kept.error());
  reply_with(session, id, *found);
}

}  // namespace p2pmesh
