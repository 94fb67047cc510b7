// The verbs about the meshes that a node is in: meshes, enter, open, leave, switch, lan.
#include "ctl_session.h"
#include "mesh_lines.h"

namespace p2pmesh {
namespace {

Result<ExitStatus> print_mesh(CtlSession& session, const CtlOptions& options,
                              const control::Request& request) {
  const auto reply = session.ask<control::MeshReply>(request);
  if (!reply) return tl::unexpected<Error>(reply.error());
  if (options.json) return session.print_value(*reply);
  return session.print(describe_mesh(reply->mesh) + "\n").map([] { return ExitStatus::kOk; });
}

}  // namespace

Result<ExitStatus> show_meshes(CtlSession& session, const CtlOptions& options) {
  const auto reply = session.ask<control::MeshesReply>(control::MeshesRequest{});
  if (!reply) return tl::unexpected<Error>(reply.error());
  if (options.json) return session.print_value(*reply);
  std::string out;
  for (const control::MeshEntry& mesh : reply->meshes) out += describe_mesh(mesh) + "\n";
  return session.print(out).map([] { return ExitStatus::kOk; });
}

Result<ExitStatus> enter_mesh(CtlSession& session, const CtlOptions& options) {
  control::EnterMeshRequest request{options.host, options.port};
  if (!options.invite.empty()) request.link = options.invite;
  if (!options.find.empty()) request.find = options.find;
  return print_mesh(session, options, request);
}

Result<ExitStatus> show_rendezvous(CtlSession& session, const CtlOptions& options) {
  if (!options.host.empty()) {
    const auto added =
        session.ask<control::EmptyReply>(control::AddRendezvousRequest{options.host, options.port});
    if (!added) return tl::unexpected<Error>(added.error());
    return ExitStatus::kOk;
  }
  const auto reply = session.ask<control::RendezvousReply>(control::RendezvousRequest{});
  if (!reply) return tl::unexpected<Error>(reply.error());
  if (options.json) return session.print_value(*reply);
  std::string out;
  for (const control::RendezvousEntry& server : reply->servers) out += describe_rendezvous(server) + "\n";
  return session.print(out).map([] { return ExitStatus::kOk; });
}

Result<ExitStatus> show_people(CtlSession& session, const CtlOptions& options) {
  const auto reply = session.ask<control::RendezvousPeopleReply>(control::RendezvousPeopleRequest{});
  if (!reply) return tl::unexpected<Error>(reply.error());
  if (options.json) return session.print_value(*reply);
  std::string out;
  for (const control::RegisteredPerson& person : reply->people) out += describe_registered(person) + "\n";
  for (const control::RegisteredMesh& mesh : reply->meshes) out += describe_registered_mesh(mesh) + "\n";
  if (reply->more) out += "...\n";
  return session.print(out).map([] { return ExitStatus::kOk; });
}

Result<ExitStatus> show_lan(CtlSession& session, const CtlOptions& options) {
  const auto reply = session.ask<control::LanReply>(control::LanRequest{});
  if (!reply) return tl::unexpected<Error>(reply.error());
  if (options.json) return session.print_value(*reply);
  std::string out;
  for (const std::string& line : describe_lan(*reply)) out += line + "\n";
  return session.print(out).map([] { return ExitStatus::kOk; });
}

Result<ExitStatus> open_mesh(CtlSession& session, const CtlOptions& options) {
  return print_mesh(session, options, control::OpenMeshRequest{options.closed});
}

Result<ExitStatus> leave_mesh(CtlSession& session, const CtlOptions& options) {
  return print_mesh(session, options, control::LeaveMeshRequest{options.text});
}

Result<ExitStatus> switch_mesh(CtlSession& session, const CtlOptions& options) {
  return print_mesh(session, options, control::SwitchMeshRequest{options.text});
}

}  // namespace p2pmesh
