// The verbs revocation and revoke.
#include "ctl_session.h"
#include "p2pmesh/posix/files.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kFileBytesMax = 4096;  // one line of 214 characters

}  // namespace

Result<ExitStatus> make_revocation(CtlSession& session, const CtlOptions& options) {
  const auto made = session.ask<control::RevocationReply>(control::RevocationRequest{});
  if (!made) return tl::unexpected<Error>(made.error());
  const std::string line = made->statement + "\n";
  if (options.file.empty()) {
    if (options.json) return session.print_value(*made);
    return session.print(line).map([] { return ExitStatus::kOk; });
  }
  const auto is_new = create_file(options.file, as_bytes(line));
  if (!is_new) return tl::unexpected<Error>(is_new.error());
  if (!*is_new)
    return fail(ExitStatus::kCannotCreate, options.file + " is there already. Name another file.");
  return session
      .print("The revocation is in " + format_safe_line(options.file) +
             ". Keep it apart: whoever has it can revoke the key.\n")
      .map([] { return ExitStatus::kOk; });
}

Result<ExitStatus> publish_revocation(CtlSession& session, const CtlOptions& options) {
  auto content = read_file(options.file, kFileBytesMax);
  if (!content) return tl::unexpected<Error>(content.error());
  if (!*content)
    return fail(ExitStatus::kUsage, options.file + " is not there. Name the file of a revocation.");
  const std::string_view text = as_text(**content);
  if (!is_well_formed(text)) return fail(ExitStatus::kDamagedInput, options.file + " holds no revocation.");
  const auto revoked = session.ask<control::MemberReply>(control::RevokeRequest{std::string(text)});
  if (!revoked) return tl::unexpected<Error>(revoked.error());
  if (options.json) return session.print_value(*revoked);
  return session.print("The key of " + format_safe_line(revoked->name) + " is revoked.\n").map([] {
    return ExitStatus::kOk;
  });
}

}  // namespace p2pmesh
