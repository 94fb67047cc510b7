#include "ctl_session.h"

#include <utility>

#include "p2pmesh/posix/clock.h"
#include "p2pmesh/posix/stream_io.h"

namespace p2pmesh {
namespace {

struct Target {
  std::string data_dir;
  std::string to_start;  // what to type when nobody is there
};

Result<Target> find_target(const CtlOptions& options, const Environment& environment) {
  if (!options.data_dir.empty())
    return Target{options.data_dir, "./p2pchat --data-dir " + options.data_dir + " NAME"};
  if (!options.name.empty()) {
    return default_data_dir(environment, options.name).map([&](const std::string& directory) {
      return Target{directory, "./p2pchat " + options.name};
    });
  }
  const auto nodes = find_running_nodes(environment);
  if (!nodes) return tl::unexpected<Error>(nodes.error());
  if (nodes->size() == 1) return Target{nodes->front().data_dir, ""};
  const auto directory = profiles_directory(environment);
  if (nodes->empty()) {
    return fail(ExitStatus::kUsage,
                "No node is running below " + directory.value_or("") +
                    ". Start one with ./p2pchat NAME, or name another directory with --data-dir DIR.");
  }
  std::string list = "Several nodes are running; say which one with --name NAME:";
  for (const RunningNode& node : *nodes) list += "\n  " + node.name + "  " + node.data_dir;
  return fail(ExitStatus::kUsage, list);
}

}  // namespace

Result<std::string> find_data_dir(const CtlOptions& options, const Environment& environment) {
  return find_target(options, environment).map([](const Target& target) { return target.data_dir; });
}

Result<std::unique_ptr<CtlSession>> CtlSession::open(const CtlOptions& options,
                                                     const Environment& environment) {
  auto target = find_target(options, environment);
  if (!target) return tl::unexpected<Error>(target.error());
  std::unique_ptr<CtlSession> session(new CtlSession);
  auto loop = EventLoop::open();
  if (!loop) return tl::unexpected<Error>(loop.error());
  session->loop_ = *std::move(loop);
  auto connection = NodeConnection::open(*session->loop_, target->data_dir);
  if (!connection && connection.error().status == ExitStatus::kUnavailable) {
    const std::string who = options.name.empty() ? "No node" : "No node of " + options.name;
    return fail(ExitStatus::kUnavailable,
                who + " is running in " + target->data_dir + ". Start it with: " + target->to_start);
  }
  if (!connection) return tl::unexpected<Error>(connection.error());
  session->connection_ = *std::move(connection);
  if (options.mesh.empty()) return session;
  const auto used = session->ask<control::MeshReply>(control::UseMeshRequest{options.mesh});
  if (!used) return tl::unexpected<Error>(used.error());
  return session;
}

Result<void> CtlSession::run_until(const std::function<bool()>& done) {
  while (!done()) {
    if (!connection_->is_open()) {
      if (connection_->fault()) return tl::unexpected<Error>(*connection_->fault());
      return fail(ExitStatus::kUnavailable, "The node has ended.");
    }
    loop_->run_once(std::nullopt);
  }
  return {};
}

Result<ExitStatus> CtlSession::print_value(const control::Reply& reply) {
  std::string text;
  control::append_value(text, reply);
  text += '\n';
  return print(text).map([] { return ExitStatus::kOk; });
}

Result<void> CtlSession::print(std::string_view text) {
  return write_all(1, as_bytes(text));
}

Wait CtlSession::waiter() {
  return [this](const std::function<bool()>& done, Duration timeout) {
    const Instant deadline = read_clock().monotonic + timeout;
    while (!done() && read_clock().monotonic < deadline) loop_->run_until(deadline);
    return done();
  };
}

Result<ExitStatus> run_verb(CtlSession& session, const CtlOptions& options) {
  switch (options.verb) {
    case Verb::kStatus:
      return show_status(session, options);
    case Verb::kPeers:
      return show_peers(session, options);
    case Verb::kMembers:
      return show_members(session, options);
    case Verb::kRooms:
      return show_rooms(session, options);
    case Verb::kSend:
      return send_text(session, options);
    case Verb::kHistory:
      return show_history(session, options);
    case Verb::kSearch:
      return show_found(session, options);
    case Verb::kTail:
      return show_tail(session, options);
    case Verb::kExport:
      return export_messages(session, options);
    case Verb::kContacts:
      return show_contacts(session, options);
    case Verb::kAsk:
      return ask_to_talk(session, options);
    case Verb::kAccept:
    case Verb::kDecline:
      return answer_request(session, options);
    case Verb::kPending:
      return show_pending(session, options);
    case Verb::kCancel:
      return cancel_pending(session, options);
    case Verb::kDiscover:
    case Verb::kReceipts:
      return set_switch(session, options);
    case Verb::kIgnore:
    case Verb::kUnignore:
    case Verb::kBlock:
    case Verb::kUnblock:
      return note_person(session, options);
    case Verb::kTopic:
      return show_or_set_topic(session, options);
    case Verb::kJoin:
      return join_room(session, options);
    case Verb::kInvite:
      return options.peer.empty() ? make_link(session, options) : invite_member(session, options);
    case Verb::kNick:
      return change_name(session, options);
    case Verb::kAdd:
      return add_place(session, options);
    case Verb::kConnect:
      return connect_to(session, options);
    case Verb::kAlias:
      return set_alias(session, options);
    case Verb::kForget:
      return forget_contact(session, options);
    case Verb::kModerate:
      return moderate(session, options);
    case Verb::kMods:
      return show_moderation(session, options);
    case Verb::kInvites:
      return show_invites(session, options);
    case Verb::kUninvite:
      return cancel_invite(session, options);
    case Verb::kLimits:
      return show_limits(session, options);
    case Verb::kShutdown:
      return shut_down(session);
    case Verb::kRevocation:
      return make_revocation(session, options);
    case Verb::kRevoke:
      return publish_revocation(session, options);
    case Verb::kMeshes:
      return show_meshes(session, options);
    case Verb::kEnter:
      return enter_mesh(session, options);
    case Verb::kOpen:
      return open_mesh(session, options);
    case Verb::kLeave:
      return leave_mesh(session, options);
    case Verb::kSwitch:
      return switch_mesh(session, options);
    case Verb::kLan:
      return show_lan(session, options);
    case Verb::kRendezvous:
      return show_rendezvous(session, options);
    case Verb::kPeople:
      return show_people(session, options);
    case Verb::kPassphrase:
    case Verb::kCheck:
      break;
  }
  return fail(ExitStatus::kInternal, "A verb without a meaning.");
}

}  // namespace p2pmesh
