// The verbs of the address book: add, connect, alias, forget.
#include "contact_lines.h"
#include "ctl_session.h"
#include "p2pmesh/text/safe_text.h"
#include "place_words.h"

namespace p2pmesh {
namespace {

/// The reply as JSON, or a line of text.
template <class OneReply>
Result<ExitStatus> print_reply(CtlSession& session, const CtlOptions& options, const OneReply& reply,
                               const std::string& line) {
  std::string out;
  if (options.json)
    control::append_value(out, control::Reply(reply));
  else
    out = line;
  return session.print(out + "\n").map([] { return ExitStatus::kOk; });
}

}  // namespace

Result<ExitStatus> add_place(CtlSession& session, const CtlOptions& options) {
  const auto added =
      session.ask<control::AddReply>(control::AddRequest{options.peer, options.host, options.port});
  if (!added) return tl::unexpected<Error>(added.error());
  return print_reply(session, options, *added,
                     describe_added(*added, format_place(options.host, options.port)));
}

Result<ExitStatus> connect_to(CtlSession& session, const CtlOptions& options) {
  const auto found = session.ask<control::MemberReply>(control::ConnectRequest{options.host, options.port});
  if (!found) return tl::unexpected<Error>(found.error());
  return print_reply(session, options, *found, format_safe_line(found->name) + " " + found->member.hex());
}

Result<ExitStatus> set_alias(CtlSession& session, const CtlOptions& options) {
  control::PersonRequest request;
  request.member = options.peer;
  request.alias = options.text == "-" ? "" : options.text;
  const auto noted = session.ask<control::MemberReply>(request);
  if (!noted) return tl::unexpected<Error>(noted.error());
  return ExitStatus::kOk;
}

Result<ExitStatus> forget_contact(CtlSession& session, const CtlOptions& options) {
  const auto forgotten = session.ask<control::ForgetReply>(control::ForgetRequest{options.peer});
  if (!forgotten) return tl::unexpected<Error>(forgotten.error());
  return ExitStatus::kOk;
}

}  // namespace p2pmesh
