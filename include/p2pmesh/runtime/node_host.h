// A running node: one data directory, its keys, its mesh, its links, its control socket, until it leaves.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "p2pmesh/base/invite_link.h"
#include "p2pmesh/base/log.h"
#include "p2pmesh/base/result.h"
#include "p2pmesh/base/secret_text.h"
#include "p2pmesh/core/parameters.h"
#include "p2pmesh/posix/socket_address.h"
#include "p2pmesh/runtime/link_bounds.h"
#include "p2pmesh/storage/carry_quota.h"

namespace p2pmesh {

/// A key of the configuration file that sets a bound, and its value, given or not.
struct HostSetting {
  std::string key;  ///< "protocol.active_view_max"
  std::uint64_t value = 0;
  std::string unit;  ///< as control::LimitEntry's
};

struct HostOptions {
  std::string name;      ///< as given; checked by start()
  std::string data_dir;  ///< made if it is not there
  std::optional<SocketAddress>
      listen;  ///< nothing: every address, the last run's port, else the first free from 9750
  std::vector<HostPort> joins;  ///< members to join through; the first that answers
  bool open_new = false;        ///< another mesh instead of resuming the last
  bool closed = false;  ///< the mesh that is opened lets in who is invited alone; one that is resumed must
  std::optional<InviteLink> invite;       ///< into the closed mesh to be joined, instead of `joins`
  std::vector<HostPort> rendezvous = {};  ///< discovery servers to be registered at
  bool known_only = false;                ///< who calls is cut unless a discovery server knows its key
  std::string find;                       ///< whose mesh is joined, as they say where; empty: nobody's
  bool lan = false;                       ///< announces itself on the local network, and hears who does
  std::vector<std::string> lan_interfaces = {};  ///< used for that whatever they are, by name
  /// Instead of resuming the last mesh or opening one: joins the only one that is heard there, or the one
  /// whose id begins so. The last one goes first.
  std::optional<std::string> lan_join = std::nullopt;
  bool exact_name = false;  ///< leave again, kCannotCreate, when another member holds the name
  bool leaves_with_last_screen = false;
  bool port_mapping = false;             ///< asks the router to send on the listening port
  bool undiscoverable = false;           ///< as after /discover off
  std::optional<SecretText> passphrase;  ///< of the member's key; locks a new one
  ProtocolParameters protocol;
  CarryQuota carry;
  LinkBounds links;
  std::vector<HostSetting> settings = {};  ///< told to who asks for the limits
};

/// Calls on the thread that runs the host.
struct HostCallbacks {
  std::function<void()> ready;               ///< joined, opened or resumed, and the control socket answers
  std::function<void()> hang_up;             ///< SIGHUP
  std::function<void()> passphrase_refused;  ///< that of the options does not open the key; run() fails then
  /// More than one mesh is heard on the local network: how their ids begin; run() fails then.
  std::function<void(const std::vector<std::string>& ids)> several_heard = {};
};

/// Threads: start() and run() on one thread.
class NodeHost {
 public:
  NodeHost(HostOptions options, HostCallbacks callbacks, LogSink& log);
  ~NodeHost();
  NodeHost(const NodeHost&) = delete;
  NodeHost& operator=(const NodeHost&) = delete;

  /// Locks the directory, reads or makes the keys, binds, then runs until the node has left. Errors, each
  /// with its exit status: kUsage (name), kTryAgain (directory in use), kCannotCreate (also: exact_name),
  /// kUnavailable (port in use, no member answers), kUnknownHost, kProtocol, kConfig, kNoPermission, kIo.
  Result<void> run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace p2pmesh
