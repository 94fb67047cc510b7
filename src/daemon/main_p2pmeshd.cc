// p2pmeshd: reads options, opens the log, runs one node until it has left.
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "check_report.h"
#include "daemon_log.h"
#include "daemon_options.h"
#include "p2pmesh/base/result.h"
#include "p2pmesh/posix/files.h"
#include "p2pmesh/posix/process.h"
#include "p2pmesh/posix/secret_input.h"
#include "p2pmesh/posix/stream_io.h"
#include "p2pmesh/runtime/node_host.h"
#include "p2pmesh/runtime/passphrase_change.h"
#include "p2pmesh/runtime/rendezvous_host.h"
#include "p2pmesh/text/safe_text.h"
#include "ready_line.h"

namespace p2pmesh {
namespace {

Result<void> change_passphrase_of(const DaemonOptions& options, const std::optional<SecretText>& current) {
  std::optional<SecretText> wanted;
  if (options.new_passphrase_fd) {
    auto read = read_secret_descriptor(*options.new_passphrase_fd);
    if (!read) return tl::unexpected(read.error());
    wanted = *std::move(read);
  }
  return change_passphrase(options.host.data_dir, current ? &*current : nullptr, wanted ? &*wanted : nullptr);
}

/// A member's node, or a discovery server, until it has ended.
Result<void> serve(DaemonOptions& options, const HostCallbacks& callbacks, LogSink& log) {
  if (!options.rendezvous) return NodeHost(std::move(options.host), callbacks, log).run();
  RendezvousOptions served;
  served.data_dir = options.host.data_dir;
  served.listen = *options.rendezvous;
  served.settings = options.rendezvous_settings;
  served.links = options.host.links;
  served.told_settings = options.host.settings;
  return RendezvousHost(std::move(served), callbacks, log).run();
}

int check_place(const HostPort& place, bool json) {
  const AddressCheck check = check_address(place);
  const std::string report = json ? format_check_json(place, check) : format_check(place, check);
  const auto written = write_all(1, as_bytes(report));
  if (check.error) std::fprintf(stderr, "p2pmeshd: %s\n", format_safe_line(check.error->message).c_str());
  return static_cast<int>(written ? status_of_check(check) : ExitStatus::kIo);
}

int run(int argc, const char* const* argv) {
  DaemonOptions options;
  auto parsed = parse_daemon_options(argc, argv, options);
  ReadyLine ready(options.ready_fd);
  const auto fail_with = [&](const Error& error) {
    ready.tell(error);
    std::fprintf(stderr, "p2pmeshd: %s\n", error.message.c_str());
    return static_cast<int>(error.status);
  };
  if (!parsed) return fail_with(parsed.error());
  if (!options.print_and_exit.empty()) {
    std::fputs(options.print_and_exit.c_str(), stdout);
    return 0;
  }
  if (options.check) return check_place(*options.check, options.json);
  use_private_umask();
  auto passphrase = read_passphrase(options);
  if (!passphrase) return fail_with(passphrase.error());
  if (options.changes_passphrase) {
    if (auto changed = change_passphrase_of(options, *passphrase); !changed)
      return fail_with(changed.error());
    ready.tell_ready();
    return 0;
  }
  options.host.passphrase = *std::move(passphrase);
  if (auto made = make_directories(options.host.data_dir); !made) return fail_with(made.error());
  auto log = DaemonLog::open(options.log_file, options.log_level);
  if (!log) return fail_with(log.error());

  HostCallbacks callbacks;
  callbacks.ready = [&] { ready.tell_ready(); };
  bool is_locked = false;
  callbacks.passphrase_refused = [&] { is_locked = true; };
  std::vector<std::string> choices;
  callbacks.several_heard = [&](const std::vector<std::string>& ids) { choices = ids; };
  callbacks.hang_up = [&] {
    if (options.config_file.empty()) {
      (*log)->log(LogLevel::kInfo, "SIGHUP: there is no configuration file to read again");
      return;
    }
    auto config = read_daemon_config(options.config_file);
    if (!config) {
      (*log)->log(LogLevel::kError, "SIGHUP: everything stays as it was: " + config.error().message);
      return;
    }
    if (config->log_level && !options.log_level_given) (*log)->set_level(*config->log_level);
    (*log)->log(LogLevel::kInfo, "SIGHUP: read " + options.config_file + " again");
    (*log)->log(LogLevel::kDebug, "what else it says counts from the next start");
  };
  if (auto result = serve(options, callbacks, **log); !result) {
    (*log)->log(LogLevel::kError, result.error().message);
    ready.tell(result.error(), is_locked, choices);
    if (!options.log_file.empty()) std::fprintf(stderr, "p2pmeshd: %s\n", result.error().message.c_str());
    return static_cast<int>(result.error().status);
  }
  return 0;
}

}  // namespace
}  // namespace p2pmesh

int main(int argc, char** argv) {
  try {
    return p2pmesh::run(argc, argv);
  } catch (const std::exception& error) {
    // Nothing of ours throws: this is memory that ran out, or a library's surprise.
    std::fprintf(stderr, "p2pmeshd: internal error: %s\n", error.what());
    return static_cast<int>(p2pmesh::ExitStatus::kInternal);
  }
}
