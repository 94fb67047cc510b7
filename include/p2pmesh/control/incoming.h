// A client's side of the line: what a node sends is a reply or an event.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "p2pmesh/base/result.h"

#include "p2pmesh/control/event.h"
#include "p2pmesh/control/reply.h"
#include "p2pmesh/control/rpc_error.h"

namespace p2pmesh::control {

struct IncomingReply {
  std::uint64_t sequence = 0;  ///< of the request that it answers; 0 when the node could not tell
  tl::expected<Reply, RpcError> reply;
};

/// An event of a type that this version does not know; skip it.
struct UnknownEvent {};

/// Not a line of the control protocol: whatever is at the other end is no node of this version.
struct MalformedLine {
  std::string reason;
};

using Incoming = std::variant<IncomingReply, Event, UnknownEvent, MalformedLine>;

/// Reads one line, without its line feed. A reply is parsed as the request asked for it: append_request()
/// puts the method into the id. Unknown keys are skipped. Nothing is thrown.
Incoming parse_incoming(std::string_view line);

/// A refusal as an error of a program: the node's own status, kUsage for bad parameters, else kProtocol.
Error to_error(const RpcError& error);

}  // namespace p2pmesh::control
