// Finds the profile's running node, or starts a private one, and attaches a screen to it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chat_options.h"
#include "node_call.h"
#include "node_connection.h"
#include "p2pmesh/base/result.h"
#include "p2pmesh/control/reply.h"
#include "p2pmesh/posix/event_loop.h"
#include "p2pmesh/posix/process.h"

namespace p2pmesh {

struct AttachedNode {
  std::unique_ptr<NodeConnection> connection;
  std::optional<ChildProcess> child;  ///< nothing when the node was running before
  control::AttachReply attached;
};

/// p2pmeshd, beside this program if it is there.
std::string node_program();

/// The command line of a private node; `program` is p2pmeshd.
std::vector<std::string> node_command(const std::string& program, const ChatOptions& options,
                                      const std::string& data_dir, int ready_fd);

/// What a starting node said on its ready descriptor.
struct ReadyWord {
  bool is_ready = false;
  Error error;                            ///< if not
  bool is_locked = false;                 ///< the passphrase is wrong
  std::vector<std::string> choices = {};  ///< how the ids of meshes begin of which one is to be chosen
};
/// Reads "ready", or "error STATUS MESSAGE", "locked STATUS MESSAGE" or "choose STATUS ID,ID MESSAGE";
/// nothing for anything else. `\n` in the message is a line break.
std::optional<ReadyWord> parse_ready_word(std::string_view text);

/// Attaches to the node of the directory (absolute, made already), starting one if none answers. A node that
/// runs has its key; for one that is started the passphrase is asked for. Errors: what the node said;
/// kTryAgain when the directory stays in use by a node that does not answer. When `wait` gives up early, the
/// started node is ended and the error has the status kOk.
Result<AttachedNode> attach_node(EventLoop& loop, const ChatOptions& wanted, const std::string& data_dir,
                                 const Wait& wait, const std::function<bool()>& is_interrupted);

}  // namespace p2pmesh
