// The verbs about people: contacts, ask, accept, decline.
#include <algorithm>

#include "contact_lines.h"
#include "ctl_session.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
Result<ExitStatus> show_contacts(CtlSession& session, const CtlOptions& options) {
  const auto reply = session.ask<control::ContactsReply>(control::ContactsRequest{});
  if (!reply) return tl::unexpected<Error>(reply.error());
  std::string out;
  if (options.json) {
    control::append_value(out, *reply);
    out += '\n';
  } else {
    std::size_t columns = 0;
    for (const control::ContactEntry& contact : reply->contacts)
      columns = std::max(columns, display_columns(format_safe_line(contact.name)));
    for (const control::ContactEntry& contact : reply->contacts) {
      const std::string name = format_safe_line(contact.name);
      out += name + std::string(columns - display_columns(name), ' ');
      out += contact.online ? "  online   " : "  offline  ";
      out += describe_contact(contact) + "\n";
    }
  }
  if (auto printed = session.print(out); !printed) return tl::unexpected<Error>(printed.error());
  return ExitStatus::kOk;
}

Result<ExitStatus> ask_to_talk(CtlSession& session, const CtlOptions& options) {
  const auto asked = session.ask<control::SendReply>(control::AskRequest{options.peer});
  if (!asked) return tl::unexpected<Error>(asked.error());
  return ExitStatus::kOk;
}

Result<ExitStatus> answer_request(CtlSession& session, const CtlOptions& options) {
  const control::AnswerRequest request{options.peer, options.verb == Verb::kAccept};
  const auto answered = session.ask<control::EmptyReply>(request);
  if (!answered) return tl::unexpected<Error>(answered.error());
  return ExitStatus::kOk;
}

}  // namespace p2pmesh
