// The verbs of a closed mesh: invite without a name, invites, uninvite.
#include "ctl_session.h"
#include "invite_words.h"
#include "p2pmesh/text/safe_text.h"
#include "qr_code.h"

namespace p2pmesh {

Result<ExitStatus> make_link(CtlSession& session, const CtlOptions& options) {
  const auto made = session.ask<control::LinkReply>(options.link);
  if (!made) return tl::unexpected<Error>(made.error());
  if (options.json) return session.print_value(*made);
  std::string out;
  if (options.draws_code) {
    const auto code = draw_qr_code(made->link);
    if (!code) return tl::unexpected<Error>(code.error());
    out = *code;
  }
  return session.print(out + format_safe_line(made->link) + "\n").map([] { return ExitStatus::kOk; });
}

Result<ExitStatus> show_invites(CtlSession& session, const CtlOptions& options) {
  const auto reply = session.ask<control::InvitesReply>(control::InvitesRequest{});
  if (!reply) return tl::unexpected<Error>(reply.error());
  if (options.json) return session.print_value(*reply);
  std::string out;
  for (const control::InviteEntry& invite : reply->invites) out += describe_invite(invite, true) + "\n";
  return session.print(out).map([] { return ExitStatus::kOk; });
}

Result<ExitStatus> cancel_invite(CtlSession& session, const CtlOptions& options) {
  const auto done = session.ask<control::EmptyReply>(control::CancelInviteRequest{options.text});
  if (!done) return tl::unexpected<Error>(done.error());
  return ExitStatus::kOk;
}

}  // namespace p2pmesh
