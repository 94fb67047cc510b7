// The commands about the meshes that the node is in: /meshes, /switch, /enter, /open, /leave, /lan.
#include "chat_commands.h"
#include "contact_lines.h"
#include "mesh_lines.h"
#include "p2pmesh/base/invite_link.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/safe_text.h"
#include "screen_lines.h"

namespace p2pmesh {

void ChatCommands::meshes(const CommandArguments&) {
  ask(control::MeshesRequest{}, [this](const control::Reply& reply) {
    const auto* listed = std::get_if<control::MeshesReply>(&reply);
    if (listed == nullptr) return;
    const std::size_t count = listed->meshes.size();
    view_.show_info(count == 1 ? "1 mesh:" : std::to_string(count) + " meshes:");
    for (const control::MeshEntry& mesh : listed->meshes) view_.show_info(describe_mesh(mesh) + ".");
  });
}

/// Whom one can find by name, and what can be entered.
void ChatCommands::people(const CommandArguments&) {
  ask(control::RendezvousPeopleRequest{}, [this](const control::Reply& reply) {
    if (const auto* listed = std::get_if<control::RendezvousPeopleReply>(&reply))
      view_.show_registered(*listed, limits::kRendezvousListedMax);
  });
}

void ChatCommands::go_to(const control::Request& request) {
  ask(request, [this](const control::Reply& reply) {
    const auto* found = std::get_if<control::MeshReply>(&reply);
    if (found != nullptr && switch_to_) switch_to_(found->mesh);
  });
}

void ChatCommands::switch_mesh(const CommandArguments& arguments) {
  go_to(control::SwitchMeshRequest{arguments.text});
}

void ChatCommands::enter(const CommandArguments& arguments) {
  control::EnterMeshRequest request;
  if (is_invite_link(*arguments.member)) {
    request.link = *arguments.member;
  } else if (arguments.text.empty()) {
    request.find = *arguments.member;
  } else {
    const auto place = parse_place(*arguments.member, arguments.text);
    if (!place || !place->rest.empty())
      return view_.show_info("Where? /enter HOST PORT, /enter LINK, or /enter NAME.");
    request.host = place->host;
    request.port = place->port;
  }
  ask(request, [this](const control::Reply& reply) {
    const auto* entered = std::get_if<control::MeshReply>(&reply);
    if (entered != nullptr) go_to(control::SwitchMeshRequest{entered->mesh.mesh.hex()});
  });
}

void ChatCommands::join_mesh_of(const std::string& name, std::function<void(bool)> done) {
  ++unanswered_;
  ++searching_;
  node_.request(control::EnterMeshRequest{"", 0, {}, name},
                [this, done = std::move(done)](const tl::expected<control::Reply, control::RpcError>& reply) {
                  --unanswered_;
                  --searching_;
                  ++answered_;
                  const auto* entered = reply ? std::get_if<control::MeshReply>(&*reply) : nullptr;
                  if (entered == nullptr) {
                    view_.show_info(reply ? "The node gave another answer than was asked for."
                                          : end_sentence(reply.error().message));
                    return done(false);
                  }
                  go_to(control::SwitchMeshRequest{entered->mesh.mesh.hex()});
                  done(true);
                });
}

void ChatCommands::lan(const CommandArguments&) {
  ask(control::LanRequest{}, [this](const control::Reply& reply) {
    const auto* heard = std::get_if<control::LanReply>(&reply);
    if (heard == nullptr) return;
    for (const std::string& line : describe_lan(*heard)) view_.show_info(line + ".");
  });
}

void ChatCommands::open(const CommandArguments& arguments) {
  ask(control::OpenMeshRequest{!arguments.keyword.empty()}, [this](const control::Reply& reply) {
    const auto* opened = std::get_if<control::MeshReply>(&reply);
    if (opened != nullptr) go_to(control::SwitchMeshRequest{opened->mesh.mesh.hex()});
  });
}

/// The node says when it has left.
void ChatCommands::leave(const CommandArguments& arguments) {
  ask(control::LeaveMeshRequest{arguments.text}, [](const control::Reply&) {});
}

}  // namespace p2pmesh
