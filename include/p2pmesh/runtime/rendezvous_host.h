// A running discovery server: one data directory, its key, its links, its control socket, until it is told to
// end. It holds no message.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "p2pmesh/base/log.h"
#include "p2pmesh/base/result.h"
#include "p2pmesh/posix/socket_address.h"
#include "p2pmesh/rendezvous/settings.h"
#include "p2pmesh/runtime/link_bounds.h"
#include "p2pmesh/runtime/node_host.h"

namespace p2pmesh {

struct RendezvousOptions {
  std::string data_dir;  ///< made if it is not there
  SocketAddress listen;  ///< port 0: any
  RendezvousSettings settings;
  LinkBounds links;
  std::vector<HostSetting> told_settings = {};  ///< told to who asks for the limits
};

/// Threads: as NodeHost's.
class RendezvousHost {
 public:
  /// Of the callbacks `ready` and `hang_up` count.
  RendezvousHost(RendezvousOptions options, HostCallbacks callbacks, LogSink& log);
  ~RendezvousHost();
  RendezvousHost(const RendezvousHost&) = delete;
  RendezvousHost& operator=(const RendezvousHost&) = delete;

  /// Runs until it is told to end. Errors: as NodeHost's; kUsage when the directory is a member's.
  Result<void> run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace p2pmesh
