// The verbs that keep order: moderate, mods.
#include "clock_text.h"
#include "ctl_session.h"
#include "moderation_words.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {

Result<ExitStatus> moderate(CtlSession& session, const CtlOptions& options) {
  const auto done = session.ask<control::SendReply>(options.act);
  if (!done) return tl::unexpected<Error>(done.error());
  return options.json ? session.print_value(*done) : ExitStatus::kOk;
}

Result<ExitStatus> show_moderation(CtlSession& session, const CtlOptions& options) {
  const auto reply =
      session.ask<control::ModerationReply>(control::ModerationRequest{options.room, options.act.mesh});
  if (!reply) return tl::unexpected<Error>(reply.error());
  if (options.json) return session.print_value(*reply);
  std::string out;
  for (const control::RankEntry& entry : reply->ranks)
    out += format_safe_line(entry.name) + ": " + format_safe_line(entry.rank) + "\n";
  for (const control::RestrictionEntry& entry : reply->restrictions)
    out += describe_restriction(entry, true) + "\n";
  if (reply->locked) out += "topic: locked\n";
  return session.print(out).map([] { return ExitStatus::kOk; });
}

}  // namespace p2pmesh
