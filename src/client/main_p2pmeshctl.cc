// p2pmeshctl: the script's hand on a running node.
#include <exception>

#include "complaint.h"
#include "ctl_options.h"
#include "ctl_session.h"
#include "p2pmesh/base/bytes.h"
#include "p2pmesh/posix/stream_io.h"

namespace {

using namespace p2pmesh;

int fail_with(const Error& error) {
  complain("p2pmeshctl", error.message);
  return static_cast<int>(error.status);
}

int run(int count, char** arguments) {
  const auto options = parse_ctl_options(count, arguments);
  if (!options) return fail_with(options.error());
  if (const auto* print = std::get_if<PrintOnly>(&*options)) {
    const auto written = write_all(1, as_bytes(print->text));
    return written ? 0 : fail_with(written.error());
  }
  const auto& chosen = std::get<CtlOptions>(*options);
  if (chosen.verb == Verb::kPassphrase) {
    const auto changed = change_passphrase(chosen, Environment::read());
    if (changed) return static_cast<int>(*changed);
    // A signal came that this program was started to ignore: there is no answer, and nothing to say.
    if (changed.error().status == ExitStatus::kOk) return static_cast<int>(ExitStatus::kNoPermission);
    return fail_with(changed.error());
  }
  if (chosen.verb == Verb::kCheck) {
    const auto checked = check_place(chosen);
    return checked ? static_cast<int>(*checked) : fail_with(checked.error());
  }
  auto session = CtlSession::open(chosen, Environment::read());
  if (!session) return fail_with(session.error());
  const auto status = run_verb(**session, chosen);
  return status ? static_cast<int>(*status) : fail_with(status.error());
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run(count, arguments);
  } catch (const std::exception& error) {
    complain("p2pmeshctl", error.what());
    return static_cast<int>(ExitStatus::kInternal);
  }
}
