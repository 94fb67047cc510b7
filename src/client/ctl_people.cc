// The verbs about people: contacts, ask, accept, decline; and nick, one's own name.
#include <algorithm>

#include "contact_lines.h"
#include "ctl_session.h"
#include "p2pmesh/text/safe_text.h"
#include "screen_lines.h"

namespace p2pmesh {
Result<ExitStatus> show_contacts(CtlSession& session, const CtlOptions& options) {
  const auto reply = session.ask<control::ContactsReply>(control::ContactsRequest{});
  if (!reply) return tl::unexpected<Error>(reply.error());
  if (options.json) return session.print_value(*reply);
  std::string out;
  std::size_t columns = 0;
  for (const control::ContactEntry& contact : reply->contacts)
    columns = std::max(columns, display_columns(format_safe_line(contact.name)));
  for (const control::ContactEntry& contact : reply->contacts) {
    const std::string name = format_safe_line(contact.name);
    out += name + std::string(columns - display_columns(name), ' ');
    out += contact.online ? "  online   " : "  offline  ";
    out += describe_contact(contact);
    if (contact.taken_over)
      out += "; " + format_safe_line(contact.taken_over->name) + " is another member now";
    if (const std::string doubt = list_doubt(contact.doubt); !doubt.empty()) out += "; " + doubt;
    out += "\n";
  }
  if (auto printed = session.print(out); !printed) return tl::unexpected<Error>(printed.error());
  return ExitStatus::kOk;
}

Result<ExitStatus> show_pending(CtlSession& session, const CtlOptions& options) {
  const auto reply = session.ask<control::PendingReply>(control::PendingRequest{});
  if (!reply) return tl::unexpected<Error>(reply.error());
  if (options.json) return session.print_value(*reply);
  std::string out;
  for (const control::PendingEntry& line : reply->lines) out += describe_pending(line) + "\n";
  if (reply->more) out += "...\n";
  if (auto printed = session.print(out); !printed) return tl::unexpected<Error>(printed.error());
  return ExitStatus::kOk;
}

Result<ExitStatus> cancel_pending(CtlSession& session, const CtlOptions& options) {
  const auto reply = session.ask<control::CancelReply>(control::CancelRequest{options.number});
  if (!reply) return tl::unexpected<Error>(reply.error());
  const std::string out = std::to_string(reply->cancelled) + "\n";
  if (auto printed = session.print(out); !printed) return tl::unexpected<Error>(printed.error());
  return ExitStatus::kOk;
}

Result<ExitStatus> set_switch(CtlSession& session, const CtlOptions& options) {
  const control::Request request = options.verb == Verb::kDiscover
                                       ? control::Request(control::DiscoverRequest{options.on})
                                       : control::Request(control::ReceiptsRequest{options.on});
  const auto set = session.ask<control::EmptyReply>(request);
  if (!set) return tl::unexpected<Error>(set.error());
  return ExitStatus::kOk;
}

Result<ExitStatus> note_person(CtlSession& session, const CtlOptions& options) {
  control::PersonRequest request;
  request.member = options.peer;
  const bool on = options.verb == Verb::kIgnore || options.verb == Verb::kBlock;
  const bool is_block = options.verb == Verb::kBlock || options.verb == Verb::kUnblock;
  (is_block ? request.blocked : request.ignored) = on;
  const auto noted = session.ask<control::MemberReply>(request);
  if (!noted) return tl::unexpected<Error>(noted.error());
  return ExitStatus::kOk;
}

Result<ExitStatus> ask_to_talk(CtlSession& session, const CtlOptions& options) {
  const auto asked = session.ask<control::Reply>(control::AskRequest{options.peer});
  if (!asked) return tl::unexpected<Error>(asked.error());
  return ExitStatus::kOk;
}

Result<ExitStatus> change_name(CtlSession& session, const CtlOptions& options) {
  const auto named = session.ask<control::NameReply>(control::NameRequest{options.peer});
  if (!named) return tl::unexpected<Error>(named.error());
  std::string out;
  if (options.json)
    control::append_value(out, control::Reply(*named));
  else
    out = format_safe_line(named->name);
  return session.print(out + "\n").map([] { return ExitStatus::kOk; });
}

Result<ExitStatus> answer_request(CtlSession& session, const CtlOptions& options) {
  const control::AnswerRequest request{options.peer, options.verb == Verb::kAccept};
  const auto answered = session.ask<control::EmptyReply>(request);
  if (!answered) return tl::unexpected<Error>(answered.error());
  return ExitStatus::kOk;
}

}  // namespace p2pmesh
