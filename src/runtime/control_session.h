// One client of the control socket: lines in, replies and events out, bounded both ways.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/control/chat_message.h"
#include "p2pmesh/control/line_splitter.h"
#include "p2pmesh/posix/unique_fd.h"

namespace p2pmesh {

using SessionId = std::uint64_t;

enum class Subscription : std::uint8_t { kNone, kReplaying, kLive };

/// State of one client; ControlServer moves it.
struct ControlSession {
  SessionId id = 0;
  std::optional<MeshId> mesh;  ///< which its requests concern; nothing: it was left
  UniqueFd fd;
  control::LineSplitter lines;
  std::string out;
  std::size_t sent_of_out = 0;
  bool dirty = false;
  bool write_blocked = false;
  bool closing = false;        ///< after what is queued
  bool handling = false;       ///< its lines are being read: not again from inside
  bool half_closed = false;    ///< its end of input was read: closed once everything is answered
  std::size_t reads = 0;       ///< questions to the store on their way
  std::size_t unanswered = 0;  ///< message.send and other requests that are on their way
  /// One of them was answered. Those of a mesh that was left meanwhile are counted no more.
  void end_one() { unanswered -= unanswered > 0 ? 1 : 0; }

  bool is_screen = false;
  Subscription subscription = Subscription::kNone;
  control::Cursor position;        ///< the last event that was queued
  std::uint64_t replay_until = 0;  ///< rows up to here are from before the subscription
  bool replay_asked = false;       ///< a page is on its way
  bool told_synced = false;

  [[nodiscard]] std::size_t queued_bytes() const { return out.size() - sent_of_out; }
};

}  // namespace p2pmesh
