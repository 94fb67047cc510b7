// A client's connection to the control socket of a node: requests out, replies and events in.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "p2pmesh/base/result.h"
#include "p2pmesh/control/incoming.h"
#include "p2pmesh/control/line_splitter.h"
#include "p2pmesh/control/request.h"
#include "p2pmesh/posix/event_loop.h"
#include "p2pmesh/posix/unique_fd.h"

namespace p2pmesh {

/// Path of the socket in a data directory.
std::string control_socket_path(const std::string& data_dir);

/// Handlers run in the loop's turns, never from inside request(); they must not destroy the connection.
class NodeConnection {
 public:
  using ReplyHandler = std::function<void(tl::expected<control::Reply, control::RpcError>)>;
  using EventHandler = std::function<void(control::Event)>;

  /// Errors: kUnavailable (no node there), kNoPermission, kTryAgain.
  static Result<std::unique_ptr<NodeConnection>> open(EventLoop& loop, const std::string& data_dir);
  ~NodeConnection();
  NodeConnection(const NodeConnection&) = delete;
  NodeConnection& operator=(const NodeConnection&) = delete;

  void set_event_handler(EventHandler handler) { on_event_ = std::move(handler); }

  /// Sends a request. The handler is called once, or never if the connection ends before.
  void request(const control::Request& request, ReplyHandler handler);

  /// Stops reading, and so holds the node back, or goes on.
  void set_reading(bool reading);

  void close();
  [[nodiscard]] bool is_open() const { return is_open_; }
  /// Why it ended, if not because the node went away: kProtocol.
  [[nodiscard]] const std::optional<Error>& fault() const { return fault_; }
  [[nodiscard]] std::size_t unsent_bytes() const { return outgoing_.size(); }
  [[nodiscard]] std::size_t waiting_replies() const { return handlers_.size(); }

 private:
  NodeConnection(EventLoop& loop, UniqueFd fd);
  void watch();
  void on_ready(Ready ready);
  void read();
  void write();
  void take_line(std::string_view line);
  void fail_with(std::string reason);

  EventLoop& loop_;
  UniqueFd fd_;
  control::LineSplitter splitter_;
  std::string outgoing_;
  std::uint64_t last_sequence_ = 0;
  std::unordered_map<std::uint64_t, ReplyHandler> handlers_;
  EventHandler on_event_;
  std::optional<Error> fault_;
  bool is_open_ = true;
  bool is_reading_ = true;
};

}  // namespace p2pmesh
