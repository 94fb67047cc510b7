#include "daemon_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>

#include "p2pmesh/posix/files.h"
#include "p2pmesh/posix/profile_directory.h"
#include "p2pmesh/posix/rendezvous_place.h"
#include "p2pmesh/posix/secret_input.h"
#include "p2pmesh/text/name.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

constexpr const char* kHint = " Try p2pmeshd --help.";

struct Raw {
  std::string name;
  std::string listen;
  std::vector<std::string> joins;
  std::string data_dir;
  std::string invite;
  std::string rendezvous;
  std::vector<std::string> rendezvous_places;
  std::string find;
  std::string lan_join;
  bool joins_lan = false;
  std::string check;
  bool version = false;
};

constexpr const char* kRendezvousAddress = "127.0.0.1:7070";
// What is of a member alone.
constexpr const char* kNotOfRendezvous[] = {"--name",
                                            "--join",
                                            "--listen",
                                            "--new",
                                            "--private",
                                            "--invite",
                                            "--exact-name",
                                            "--leave-with-last-screen",
                                            "--undiscoverable",
                                            "--passphrase-file",
                                            "--port-mapping",
                                            "--rendezvous",
                                            "--find",
                                            "--known-only",
                                            "--passphrase-fd",
                                            "--change-passphrase",
                                            "--lan",
                                            "--lan-join"};

/// The same fault has another status, and another place to mend it, in the file.
tl::unexpected<Error> fault(bool from_file, const DaemonOptions& options, const std::string& message) {
  if (!from_file) return fail(ExitStatus::kUsage, message);
  return fail(ExitStatus::kConfig, "configuration file " + options.config_file + ": " + message);
}

/// What is common to all that run.
void settle_bounds(const DaemonConfig& config, DaemonOptions& options) {
  options.host.links = config.links;
  options.host.settings = list_settings(config);
  if (!options.log_level_given && config.log_level) options.log_level = *config.log_level;
}

Result<void> settle_rendezvous(const Raw& raw, const DaemonConfig& config, DaemonOptions& options) {
  const std::string address = raw.rendezvous.empty() ? kRendezvousAddress : raw.rendezvous;
  options.rendezvous = SocketAddress::parse(address);
  if (!options.rendezvous) {
    return fail(ExitStatus::kUsage,
                "--serve-rendezvous " + format_safe_line(address) +
                    " is not an address and port; type for example 127.0.0.1:7070 or [::]:7070");
  }
  for (const auto& [key, is_given] :
       {std::pair("lan", config.lan.value_or(false)), std::pair("name", config.name.has_value()),
        std::pair("exact_name", config.exact_name.has_value()),
        std::pair("port_mapping", config.port_mapping.has_value()),
        std::pair("listen", config.listen.has_value()), std::pair("join", config.join.has_value()),
        std::pair("known_only", config.known_only.has_value())}) {
    if (is_given)
      return fault(true, options, std::string(key) + " is of a member, and --serve-rendezvous serves none");
  }
  options.host.data_dir = raw.data_dir.empty() ? config.data_dir.value_or("") : raw.data_dir;
  if (options.host.data_dir.empty()) {
    auto directory = profiles_directory(Environment::read());
    if (!directory) return tl::unexpected(directory.error());
    options.host.data_dir = *directory + "/rendezvous";
  }
  options.rendezvous_settings = config.rendezvous;
  settle_bounds(config, options);
  return {};
}

Result<void> settle_lan_join(const Raw& raw, DaemonOptions& options) {
  if (!raw.joins_lan) return {};
  const bool is_digits = raw.lan_join.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!options.host.lan || !is_digits)
    return fail(ExitStatus::kUsage, "--lan-join takes how the id of a mesh begins, and needs --lan.");
  if (!raw.joins.empty() || options.host.invite || options.host.open_new || options.host.closed ||
      !raw.find.empty()) {
    return fail(ExitStatus::kUsage,
                "--lan-join joins a mesh; --join, --invite, --find, --new and --private are too much.");
  }
  options.host.joins.clear();
  options.host.lan_join = raw.lan_join;
  return {};
}

Result<void> settle(const Raw& raw, const DaemonConfig& config, DaemonOptions& options) {
  const std::string listen = raw.listen.empty() ? config.listen.value_or("") : raw.listen;
  if (!listen.empty()) {
    options.host.listen = SocketAddress::parse(listen);
    if (!options.host.listen) {
      return fault(raw.listen.empty(), options,
                   "--listen " + format_safe_line(listen) +
                       " is not an address and port; type for example 127.0.0.1:9750 or [::1]:0");
    }
  }
  if (!raw.invite.empty()) {
    options.host.invite = parse_invite_link(raw.invite);
    if (!options.host.invite) {
      return fail(ExitStatus::kUsage,
                  "--invite is no whole link, like p2pmesh://HOST:PORT/MESH/SECRET; copy it again");
    }
    if (!raw.joins.empty() || options.host.open_new || options.host.closed)
      return fail(ExitStatus::kUsage, "--invite joins a mesh; --join, --new and --private are too much.");
  }
  const bool own_joins = !raw.joins.empty() || options.host.invite;
  if (options.host.closed && own_joins)
    return fail(ExitStatus::kUsage, "--private opens a mesh and --join joins one; give one of them.");
  for (const std::string& join : own_joins ? raw.joins : config.join.value_or(std::vector<std::string>())) {
    auto target = parse_host_port(join);
    if (!target || target->port == 0) {
      return fault(
          !own_joins, options,
          "--join " + format_safe_line(join) + ": " +
              (target ? std::string("port 0 cannot be dialled") : format_safe_line(target.error().message)));
    }
    options.host.joins.push_back(*target);
  }
  if (options.host.closed && !options.host.joins.empty())
    return fault(true, options, "--private opens a mesh and join joins one; give one of them");
  options.host.name = raw.name.empty() ? config.name.value_or("") : raw.name;
  if (options.host.name.empty()) {
    return fail(ExitStatus::kUsage, std::string("a member needs a name; give --name NAME.") + kHint);
  }
  auto name = check_name(options.host.name);
  if (!name) return fault(raw.name.empty(), options, name.error().message);
  options.host.name = *name;
  options.host.data_dir = raw.data_dir.empty() ? config.data_dir.value_or("") : raw.data_dir;
  if (options.host.data_dir.empty()) {
    auto directory = default_data_dir(Environment::read(), *name);
    if (!directory) return tl::unexpected(directory.error());
    options.host.data_dir = *directory;
  }
  const bool own_places = !raw.rendezvous_places.empty();
  for (const std::string& text :
       own_places ? raw.rendezvous_places : config.rendezvous_places.value_or(std::vector<std::string>())) {
    const auto place = parse_rendezvous_place(text);
    if (!place)
      return fault(!own_places, options,
                   "--rendezvous " + format_safe_line(text) + ": " + place.error().message);
    options.host.rendezvous.push_back(*place);
  }
  options.host.known_only = options.host.known_only || config.known_only.value_or(false);
  if (options.host.known_only && options.host.rendezvous.empty()) {
    return fail(ExitStatus::kUsage,
                "--known-only asks discovery servers who is known; give one with --rendezvous HOST:PORT.");
  }
  options.host.lan = options.host.lan || config.lan.value_or(false);
  options.host.lan_interfaces = config.lan_interfaces.value_or(std::vector<std::string>());
  if (auto settled = settle_lan_join(raw, options); !settled) return settled;
  if (!raw.find.empty()) {
    auto sought = check_name(raw.find);
    if (!sought) return tl::unexpected(sought.error());
    options.host.find = *sought;
    if (!raw.joins.empty() || options.host.invite || options.host.open_new || options.host.closed)
      return fail(ExitStatus::kUsage,
                  "--find joins a mesh; --join, --invite, --new and --private are too much.");
    options.host.joins.clear();
    if (options.host.rendezvous.empty() && !options.host.lan) {
      return fail(ExitStatus::kUsage,
                  "--find asks discovery servers; give one with --rendezvous HOST:PORT, or --lan.");
    }
  }
  options.host.exact_name = options.host.exact_name || config.exact_name.value_or(false);
  options.host.port_mapping = options.host.port_mapping || config.port_mapping.value_or(false);
  if (options.host.undiscoverable && options.host.exact_name) {
    return fail(
        ExitStatus::kUsage,
        "--exact-name and --undiscoverable exclude each other: who is not seen makes no claim to a name.");
  }
  options.host.protocol = config.protocol;
  options.host.carry = config.carry;
  settle_bounds(config, options);
  return {};
}

}  // namespace

bool is_log_level(const std::string& level) {
  static constexpr std::array kLevels = {"trace", "debug", "info", "warn", "error", "off"};
  return std::find(kLevels.begin(), kLevels.end(), level) != kLevels.end();
}

Result<void> parse_daemon_options(int argc, const char* const* argv, DaemonOptions& options) {
  CLI::App app{
      "The node of a mesh that needs no server: holds the links and the history, serves the control socket."};
  Raw raw;
  int ready_fd = -1;
  app.add_option("--name", raw.name, "the member's name")->option_text("NAME");
  app.add_option("--join", raw.joins, "join through the member there; repeatable")->option_text("HOST:PORT");
  app.add_option("--listen", raw.listen,
                 "where others reach this node (default: every address, the last run's port)")
      ->option_text("ADDR:PORT");
  app.add_option("--data-dir", raw.data_dir, "keys and history")->option_text("DIR");
  app.add_option(
         "--config", options.config_file,
         "TOML file with name, exact_name, port_mapping, listen, join, rendezvous, known_only, data_dir, "
         "log_level, [carry], [links], "
         "[protocol], or of a discovery server [rendezvous]")
      ->option_text("FILE");
  app.add_flag("--new", options.host.open_new, "open another mesh instead of resuming the last one");
  app.add_flag("--private", options.host.closed,
               "the mesh that is opened lets in who has an invite alone; one that is resumed must be such");
  app.add_option("--invite", raw.invite, "come into a closed mesh by this link")->option_text("LINK");
  app.add_option("--rendezvous", raw.rendezvous_places,
                 "be registered at the discovery server there; repeatable")
      ->option_text("HOST[:PORT]")
      ->allow_extra_args(false);
  app.add_option("--find", raw.find, "join the mesh of this member, as a discovery server knows it")
      ->option_text("NAME");
  app.add_flag("--known-only", options.host.known_only,
               "cut who comes here and is not known to a discovery server under its key");
  app.add_flag("--lan", options.host.lan, "announce this node on the local network, and hear others there");
  auto* lan_join =
      app.add_option(
             "--lan-join", raw.lan_join,
             "join the only mesh that is heard there, or the one whose id begins so; 64 if there are more")
          ->option_text("[ID]")
          ->expected(0, 1);
  app.add_flag("--exact-name", options.host.exact_name,
               "end with 73 when another member holds the name, instead of being shown with a suffix");
  app.add_option("--log-file", options.log_file, "log there instead of standard error")->option_text("FILE");
  auto* level = app.add_option("--log-level", options.log_level, "trace, debug, info, warn, error or off")
                    ->option_text("LEVEL");
  app.add_flag("--leave-with-last-screen", options.host.leaves_with_last_screen,
               "leave when the last p2pchat has gone");
  app.add_flag("--undiscoverable", options.host.undiscoverable,
               "appear offline to all but contacts, and send nothing, until told otherwise");
  app.add_flag("--port-mapping", options.host.port_mapping,
               "ask the router to send on what comes to the listening port, while this node runs");
  auto* file = app.add_option("--passphrase-file", options.passphrase_file,
                              "what the member's key is locked by; mode 0600; locks a new key")
                   ->option_text("FILE");
  app.add_option("--passphrase-fd", options.passphrase_fd, "descriptor to read it from instead")
      ->option_text("N")
      ->check(CLI::NonNegativeNumber)
      ->excludes(file);
  auto* change = app.add_flag("--change-passphrase", options.changes_passphrase,
                              "change what the key of --data-dir is locked by, and end");
  app.add_option("--new-passphrase-fd", options.new_passphrase_fd,
                 "descriptor to read the new passphrase from; without it, the key is locked no more")
      ->option_text("N")
      ->check(CLI::NonNegativeNumber)
      ->needs(change);
  auto* serve = app.add_option("--serve-rendezvous", raw.rendezvous,
                               "be a discovery server there (default: 127.0.0.1:7070), and no member")
                    ->option_text("[ADDR:PORT]")
                    ->expected(0, 1);
  auto* check =
      app.add_option("--check", raw.check, "say what works of a member's address, without joining, and end")
          ->option_text("HOST:PORT");
  app.add_flag("--json", options.json, "say it as one JSON object")->needs(check);
  app.add_option("--ready-fd", ready_fd, "descriptor to tell \"ready\" or the error to")->option_text("N");
  app.add_flag("--version", raw.version, "print the version");
  app.get_option("--join")->allow_extra_args(false);
  app.set_help_flag("--help", "print this help");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    options.print_and_exit = app.help();
    return {};
  } catch (const CLI::ParseError& error) {
    if (ready_fd >= 0) options.ready_fd = ready_fd;
    return fail(ExitStatus::kUsage, format_safe_line(error.what()) + "." + kHint);
  }
  if (ready_fd >= 0) options.ready_fd = ready_fd;
  raw.joins_lan = lan_join->count() > 0;
  if (raw.version) {
    options.print_and_exit = std::string("p2pmeshd ") + P2PMESH_VERSION + "\n";
    return {};
  }
  options.log_level_given = level->count() > 0;
  if (!is_log_level(options.log_level)) {
    return fail(ExitStatus::kUsage, "--log-level " + format_safe_line(options.log_level) +
                                        " is none of trace, debug, info, warn, error, off");
  }
  for (const char* option :
       {"--name", "--listen", "--data-dir", "--passphrase-file", "--invite", "--find", "--check"}) {
    // An option given as an empty word is a mistake in a script, not the wish for the default.
    if (app.get_option(option)->count() > 0 && app.get_option(option)->as<std::string>().empty()) {
      return fail(ExitStatus::kUsage, std::string(option) + " is empty." + kHint);
    }
  }
  for (const char* option : kNotOfRendezvous) {
    if (serve->count() > 0 && app.get_option(option)->count() > 0) {
      return fail(ExitStatus::kUsage,
                  std::string("--serve-rendezvous serves no member, so ") + option + " is too much." + kHint);
    }
  }
  if (check->count() > 0) {
    auto place = parse_host_port(raw.check);
    if (place && place->port != 0) {
      options.check = *std::move(place);
      return {};
    }
    return fail(ExitStatus::kUsage, "--check " + format_safe_line(raw.check) + ": " +
                                        (place ? std::string("port 0 cannot be dialled")
                                               : format_safe_line(place.error().message)));
  }
  if (options.changes_passphrase) {
    if (raw.data_dir.empty())
      return fail(ExitStatus::kUsage, "--change-passphrase needs --data-dir." + std::string(kHint));
    options.host.data_dir = raw.data_dir;
    return {};
  }
  DaemonConfig config;
  if (!options.config_file.empty()) {
    auto path = absolute_path(options.config_file);
    if (path) options.config_file = *path;
    auto read = read_daemon_config(options.config_file);
    if (!read) return tl::unexpected(read.error());
    config = std::move(*read);
  }
  return serve->count() > 0 ? settle_rendezvous(raw, config, options) : settle(raw, config, options);
}

Result<std::optional<SecretText>> read_passphrase(const DaemonOptions& options) {
  const auto wrap = [](SecretText passphrase) { return std::optional(std::move(passphrase)); };
  if (!options.passphrase_file.empty()) return read_secret_file(options.passphrase_file).map(wrap);
  if (options.passphrase_fd) return read_secret_descriptor(*options.passphrase_fd).map(wrap);
  return std::nullopt;
}

}  // namespace p2pmesh
