// One request and its reply, for code that has nothing to do in between.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "node_connection.h"
#include "p2pmesh/base/result.h"
#include "p2pmesh/base/time.h"

namespace p2pmesh {

/// Runs the loop until `done` or until `timeout` has passed; says whether it is done. May give up early, when
/// the user wants to leave.
using Wait = std::function<bool(const std::function<bool()>& done, Duration timeout)>;

/// A node that is alive answers sooner, unless its disk hangs; guess.
inline constexpr Duration kCallTimeout = std::chrono::seconds(15);

/// Asks and waits for the reply, of whatever kind where OneReply is control::Reply. Errors: the node's own;
/// kUnavailable when it does not answer or ends.
template <class OneReply>
Result<OneReply> call(NodeConnection& node, const control::Request& request, const Wait& wait) {
  using Answer = tl::expected<control::Reply, control::RpcError>;
  const auto answer = std::make_shared<std::optional<Answer>>();
  node.request(request, [answer](Answer given) { *answer = std::move(given); });
  wait([&] { return answer->has_value() || !node.is_open(); }, kCallTimeout);
  if (!answer->has_value()) {
    if (node.fault()) return tl::unexpected<Error>(*node.fault());
    return fail(ExitStatus::kUnavailable,
                node.is_open() ? "The node does not answer." : "The node has ended.");
  }
  if (!**answer) return tl::unexpected<Error>(control::to_error((*answer)->error()));
  if constexpr (std::is_same_v<OneReply, control::Reply>) {
    return std::move(***answer);
  } else {
    auto* reply = std::get_if<OneReply>(&***answer);
    if (reply == nullptr)
      return fail(ExitStatus::kProtocol, "The node gave another answer than was asked for.");
    return std::move(*reply);
  }
}

}  // namespace p2pmesh
