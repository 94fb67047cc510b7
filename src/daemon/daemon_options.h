// The options of p2pmeshd, from the command line and the configuration file; the command line wins.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "p2pmesh/base/result.h"
#include "p2pmesh/core/parameters.h"
#include "p2pmesh/rendezvous/settings.h"
#include "p2pmesh/runtime/node_host.h"

namespace p2pmesh {

struct DaemonOptions {
  HostOptions host;
  std::string config_file;  ///< empty: none
  std::string log_file;     ///< empty: standard error
  std::string log_level = "info";
  bool log_level_given = false;  ///< on the command line: a reload leaves it
  std::optional<int> ready_fd;
  std::string passphrase_file;  ///< empty: none
  std::optional<int> passphrase_fd;
  bool changes_passphrase = false;  ///< and does nothing else; of `host` the directory alone counts
  std::optional<int> new_passphrase_fd;
  std::optional<SocketAddress> rendezvous;  ///< a discovery server there, and no member
  RendezvousSettings rendezvous_settings;
  std::optional<HostPort> check;  ///< what works there, and nothing else is done
  bool json = false;              ///< of check
  std::string print_and_exit;     ///< help or version text
};

/// Errors: kUsage, kConfig; a sentence and what to type. `ready_fd` is filled in `options` even then, if it
/// could be read.
Result<void> parse_daemon_options(int argc, const char* const* argv, DaemonOptions& options);

/// The keys of a configuration file; what is missing stays empty.
struct DaemonConfig {
  std::optional<std::string> name;
  std::optional<bool> exact_name;
  std::optional<bool> port_mapping;
  std::optional<std::string> listen;
  std::optional<std::vector<std::string>> join;
  std::optional<std::vector<std::string>> rendezvous_places;  ///< "rendezvous" as an array
  std::optional<bool> known_only;
  std::optional<bool> lan;
  std::optional<std::vector<std::string>> lan_interfaces;
  std::optional<std::string> data_dir;
  std::optional<std::string> log_level;
  ProtocolParameters protocol;
  CarryQuota carry;
  LinkBounds links;
  RendezvousSettings rendezvous;
};

/// Every number that a configuration file sets, as it is now.
std::vector<HostSetting> list_settings(const DaemonConfig& config);

/// Errors: kConfig with the file and the line.
Result<DaemonConfig> read_daemon_config(const std::string& path);

/// Reads the passphrase that the options name; nothing when they name none. Errors: see secret_input.h.
Result<std::optional<SecretText>> read_passphrase(const DaemonOptions& options);

bool is_log_level(const std::string& level);

}  // namespace p2pmesh
