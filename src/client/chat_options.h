// What p2pchat was asked to do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "p2pmesh/base/result.h"
#include "p2pmesh/posix/profile_directory.h"

namespace p2pmesh {

struct ChatOptions {
  std::string name;      ///< checked, in NFC
  std::string data_dir;  ///< given or the default one, not yet made
  std::string listen;    ///< "ADDR:PORT", empty if not given
  std::string host;      ///< empty if not given
  std::uint16_t port = 0;
  std::string invite;                   ///< a whole link; empty if not given
  std::vector<std::string> rendezvous;  ///< "HOST:PORT" of discovery servers
  std::string find;                     ///< whose mesh is joined, as they say; empty if not given
  std::string mesh;                     ///< which of the node's is shown first; empty if not given
  bool known_only = false;              ///< who is not known there is cut
  bool lan = false;
  std::string lan_mesh;         ///< how the id of the one begins that was chosen; no option
  bool fresh = false;           ///< --new
  bool closed = false;          ///< --private
  std::string passphrase_file;  ///< empty if not given
  bool undiscoverable = false;
  bool port_mapping = false;  ///< asks the router, see p2pmeshd(8)
  bool exact_name = false;
  bool plain = false;
  bool lists_history = false;          ///< --history was given
  std::optional<std::size_t> history;  ///< nothing with lists_history: all

  /// Nothing says which mesh, so those that are heard on the local network are looked at.
  [[nodiscard]] bool looks_around() const {
    return lan && host.empty() && invite.empty() && find.empty() && mesh.empty() && !fresh && !closed;
  }
  /// "host:port" as p2pmeshd takes it; an IPv6 address in brackets.
  [[nodiscard]] std::string join_target() const;
};

/// Text to print instead of doing anything.
struct PrintOnly {
  std::string text;
};

/// Reads the command line, `arguments[0]` being the program. Errors: kUsage, kConfig (no HOME).
Result<std::variant<ChatOptions, PrintOnly>> parse_chat_options(int count, const char* const* arguments,
                                                                const Environment& environment);

}  // namespace p2pmesh
