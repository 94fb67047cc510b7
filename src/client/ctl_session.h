// One call of p2pmeshctl: connects to the node, carries out the verb, prints.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "ctl_options.h"
#include "node_call.h"
#include "node_connection.h"
#include "p2pmesh/base/result.h"
#include "p2pmesh/posix/event_loop.h"
#include "running_nodes.h"

namespace p2pmesh {

/// Where the data are of whom the options mean. Errors: as CtlSession::open(), but for kUnavailable.
Result<std::string> find_data_dir(const CtlOptions& options, const Environment& environment);

/// What the verbs share. The functions of the verbs are below.
class CtlSession {
 public:
  /// Finds the node and connects. Errors: kUsage (none or several, none named), kUnavailable (not running).
  static Result<std::unique_ptr<CtlSession>> open(const CtlOptions& options, const Environment& environment);

  template <class OneReply>
  Result<OneReply> ask(const control::Request& request) {
    return call<OneReply>(*connection_, request, waiter());
  }
  /// Runs the loop until `done`, or until the connection has ended: then an error.
  Result<void> run_until(const std::function<bool()>& done);
  [[nodiscard]] NodeConnection& node() { return *connection_; }

  /// Writes to standard output. Errors: kIo.
  Result<void> print(std::string_view text);
  /// A reply as one JSON value on a line.
  Result<ExitStatus> print_value(const control::Reply& reply);

 private:
  CtlSession() = default;
  [[nodiscard]] Wait waiter();

  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<NodeConnection> connection_;
};

/// Each prints what the verb is asked for. kOk or kDamagedInput (lines were skipped).
Result<ExitStatus> show_status(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> show_limits(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> show_peers(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> show_meshes(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> enter_mesh(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> open_mesh(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> leave_mesh(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> switch_mesh(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> show_lan(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> show_rendezvous(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> show_people(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> show_members(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> show_rooms(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> send_text(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> show_history(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> show_found(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> export_messages(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> show_tail(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> shut_down(CtlSession& session);
Result<ExitStatus> show_contacts(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> ask_to_talk(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> join_room(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> invite_member(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> show_or_set_topic(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> answer_request(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> show_pending(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> cancel_pending(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> set_switch(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> note_person(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> change_name(CtlSession& session, const CtlOptions& options);

Result<ExitStatus> make_link(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> show_invites(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> cancel_invite(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> moderate(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> show_moderation(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> add_place(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> connect_to(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> set_alias(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> forget_contact(CtlSession& session, const CtlOptions& options);

Result<ExitStatus> make_revocation(CtlSession& session, const CtlOptions& options);
Result<ExitStatus> publish_revocation(CtlSession& session, const CtlOptions& options);
/// Needs no running node. Errors with the status kOk: leave quietly.
Result<ExitStatus> change_passphrase(const CtlOptions& options, const Environment& environment);
/// Needs no running node either. As p2pmeshd --check ends.
Result<ExitStatus> check_place(const CtlOptions& options);

/// The verb of the options.
Result<ExitStatus> run_verb(CtlSession& session, const CtlOptions& options);

}  // namespace p2pmesh
