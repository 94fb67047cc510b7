#include "chat_options.h"

#include <CLI/CLI.hpp>

#include <charconv>
#include <utility>

#include "p2pmesh/base/invite_link.h"
#include "p2pmesh/posix/rendezvous_place.h"
#include "p2pmesh/posix/socket_address.h"
#include "p2pmesh/text/name.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kHistoryMax = 10000;  // held in memory until printed; guess
constexpr std::size_t kHostBytesMax = 255;  // of a domain name

constexpr const char* kHelp =
    "Usage: p2pchat [OPTIONS] NAME [HOST PORT | LINK]\n"
    "Chat as NAME. HOST PORT: any member of the mesh to join; LINK: an invite into a closed\n"
    "one. Without them the last meshes are resumed, or a new one opened.\n"
    "\n"
    "  --listen ADDR:PORT  where others reach this node (default: every address, the last run's\n"
    "                      port or the first free one from 9750; port 0: any)\n"
    "  --data-dir DIR      keys and messages (default: below the XDG data home)\n"
    "  --new               open another mesh, and be in the others too\n"
    "  --mesh MESH         begin in this one of the meshes, as /meshes lists them\n"
    "  --rendezvous HOST[:PORT]  be registered at this discovery server (7070); repeatable\n"
    "  --known-only             cut who comes to this node and is not known there\n"
    "  --lan               be heard on the local network; without HOST PORT: join a mesh there\n"
    "  --find NAME         join the mesh of NAME, who is heard there or whom a server knows\n"
    "  --private           the mesh that is opened lets in who has an invite alone\n"
    "  --undiscoverable    begin as after /discover off\n"
    "  --port-mapping      ask the router to let others dial this node\n"
    "  --exact-name        end with 73 when another member holds the name\n"
    "  --passphrase-file FILE  what the key is locked by, instead of being asked\n"
    "  --history N|all     begin with the newest N messages, or all\n"
    "  --plain             one line an event, for scripts and pipes\n"
    "  --help, --version\n"
    "\n"
    "Lines that are typed are sent. :q leaves, /help lists the commands.\n";

tl::unexpected<Error> usage(const std::string& sentence) {
  return fail(ExitStatus::kUsage, sentence + " Type p2pchat --help for the usage.");
}

Result<std::uint16_t> parse_join_port(const std::string& text) {
  auto port = parse_port(text);
  if (port && *port == 0)
    return usage("Port 0 cannot be joined; type the port that a member is listening at.");
  return port;
}

Result<std::string> parse_rendezvous(const std::string& text) {
  const auto place = parse_rendezvous_place(text);
  if (!place)
    return usage("--rendezvous takes a host and a port, like 10.0.0.7:7070 or [::1]:7070, not \"" + text +
                 "\".");
  const bool is_ipv6 = place->host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + place->host + "]" : place->host) + ":" + std::to_string(place->port);
}

Result<void> parse_history(const std::string& text, ChatOptions& options) {
  options.lists_history = true;
  if (text == "all") return {};
  std::size_t count = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  if (text.empty() || error != std::errc{} || stop != end || count > kHistoryMax) {
    return usage("--history takes a number from 0 to " + std::to_string(kHistoryMax) + " or all, not \"" +
                 text + "\".");
  }
  options.history = count;
  return {};
}

}  // namespace

std::string ChatOptions::join_target() const {
  const bool is_ipv6 = host.find(':') != std::string::npos && !host.starts_with('[');
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<std::variant<ChatOptions, PrintOnly>> parse_chat_options(int count, const char* const* arguments,
                                                                const Environment& environment) {
  ChatOptions options;
  std::string port;
  std::string history;
  bool help = false;
  bool version = false;

  CLI::App app;
  app.set_help_flag();
  app.add_flag("--help,-h", help);
  app.add_flag("--version", version);
  app.add_flag("--new", options.fresh);
  const auto* mesh = app.add_option("--mesh", options.mesh);
  app.add_option("--rendezvous", options.rendezvous)->allow_extra_args(false);
  app.add_flag("--lan", options.lan);
  const auto* find = app.add_option("--find", options.find);
  app.add_flag("--known-only", options.known_only);
  app.add_flag("--private", options.closed);
  app.add_flag("--undiscoverable", options.undiscoverable);
  app.add_flag("--port-mapping", options.port_mapping);
  app.add_flag("--exact-name", options.exact_name);
  app.add_flag("--plain", options.plain);
  const auto* listen = app.add_option("--listen", options.listen);
  const auto* data_dir = app.add_option("--data-dir", options.data_dir);
  const auto* passphrase_file = app.add_option("--passphrase-file", options.passphrase_file);
  const auto* history_option = app.add_option("--history", history);
  const auto* name = app.add_option("NAME", options.name);
  const auto* host = app.add_option("HOST", options.host);
  const auto* port_option = app.add_option("PORT", port);
  try {
    app.parse(count, arguments);
  } catch (const CLI::Error& error) {
    return usage(std::string(error.what()) + ".");
  }

  if (help) return PrintOnly{kHelp};
  if (version) return PrintOnly{"p2pchat " P2PMESH_VERSION "\n"};
  if (name->empty()) return usage("The name is missing: p2pchat NAME [HOST PORT].");
  auto checked = check_name(options.name);
  if (!checked) return tl::unexpected<Error>(checked.error());
  options.name = *std::move(checked);

  if (is_invite_link(options.host)) {
    options.invite = std::exchange(options.host, {});
    if (!parse_invite_link(options.invite))
      return usage("The link is not whole; copy it again, from p2pmesh:// to its end.");
    if (!port_option->empty()) return usage("A link has its ports; nothing follows it.");
    if (options.fresh || options.closed)
      return usage("--new and --private open a mesh and a link joins one; give one of them.");
  } else if (!host->empty()) {
    if (port_option->empty())
      return usage("The port of " + options.host + " is missing: p2pchat NAME HOST PORT.");
    if (options.host.empty() || options.host.size() > kHostBytesMax)
      return usage("The host must have 1 to 255 bytes.");
    const auto parsed = parse_join_port(port);
    if (!parsed) return tl::unexpected<Error>(parsed.error());
    options.port = *parsed;
    if (options.fresh || options.closed) {
      return usage(std::string(options.fresh ? "--new" : "--private") +
                   " opens a mesh and HOST PORT joins one; give one of them.");
    }
  }
  for (std::string& place : options.rendezvous) {
    const auto parsed = parse_rendezvous(place);
    if (!parsed) return tl::unexpected<Error>(parsed.error());
    place = *parsed;
  }
  if (options.known_only && options.rendezvous.empty())
    return usage("--known-only asks discovery servers who is known: --rendezvous HOST:PORT is missing.");
  if (!find->empty()) {
    auto sought = check_name(options.find);
    if (!sought) return tl::unexpected<Error>(sought.error());
    options.find = *std::move(sought);
    if (!options.host.empty() || !options.invite.empty() || options.fresh || options.closed ||
        !options.mesh.empty())
      return usage(
          "--find joins the mesh of somebody; HOST PORT, a link, --new, --private and --mesh are too much.");
  }
  if (!mesh->empty() && options.mesh.empty()) return usage("--mesh needs a mesh, as /meshes lists them.");
  if (!mesh->empty() && (!options.host.empty() || !options.invite.empty() || options.fresh))
    return usage("--mesh is of the meshes that one is in already; give it, or another mesh.");
  if (!passphrase_file->empty() && options.passphrase_file.empty())
    return usage("--passphrase-file needs the name of a file.");
  if (!history_option->empty()) {
    if (auto parsed = parse_history(history, options); !parsed) return tl::unexpected<Error>(parsed.error());
  }
  if (!listen->empty() && !SocketAddress::parse(options.listen)) {
    return usage("--listen takes a numeric address and a port, like 127.0.0.1:9750 or [::1]:9750, not \"" +
                 options.listen + "\".");
  }
  if (data_dir->empty()) {
    auto directory = default_data_dir(environment, options.name);
    if (!directory) return tl::unexpected<Error>(directory.error());
    options.data_dir = *std::move(directory);
  } else if (options.data_dir.empty()) {
    return usage("--data-dir needs the name of a directory.");
  }
  return options;
}

}  // namespace p2pmesh
