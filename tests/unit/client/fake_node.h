// The other end of a control socket, on the same loop, for the tests of what talks to a node.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "node_connection.h"
#include "p2pmesh/control/line_splitter.h"
#include "p2pmesh/posix/clock.h"
#include "p2pmesh/posix/local_socket.h"
#include "p2pmesh/posix/stream_io.h"

namespace p2pmesh {

/// A node that records requests and says what the test tells it to. One connection, made by the constructor.
struct FakeNode {
  FakeNode() {
    std::string pattern = (std::filesystem::temp_directory_path() / "p2pmesh-client-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    directory = pattern;
    loop = *EventLoop::open();
    listener = *listen_local(control_socket_path(directory));
    connection = *NodeConnection::open(*loop, directory);
    wait([&] {
      auto accepted = accept_local(listener.get());
      REQUIRE(accepted);
      if (*accepted) peer = std::move(**accepted);
      return static_cast<bool>(peer);
    });
    REQUIRE(loop->add(peer.get(), kReadable, [this](Ready) { read(); }));
  }
  ~FakeNode() {
    hang_up();
    connection.reset();
    std::filesystem::remove_all(directory);
  }

  void say(const std::string& line) { REQUIRE(write_all(peer.get(), as_bytes(line + "\n"))); }
  void hang_up() {
    if (!peer) return;
    loop->remove(peer.get());
    peer.reset();
  }
  /// Runs the loop until `done`; a test that waits for what does not come fails.
  void wait(const std::function<bool()>& done) {
    const Instant deadline = read_clock().monotonic + std::chrono::seconds(20);
    while (!done()) {
      REQUIRE(read_clock().monotonic < deadline);
      loop->run_once(std::chrono::milliseconds(5));
    }
  }
  /// A few turns, in which something must not happen.
  void settle() {
    for (int i = 0; i < 50; ++i) loop->run_once(Duration::zero());
  }

  void read() {
    std::array<std::uint8_t, 65536> buffer;
    const IoResult got = read_some(peer.get(), buffer);
    if (got.status == IoStatus::kClosed || got.status == IoStatus::kFailed) return hang_up();
    if (got.status == IoStatus::kOk) lines.push(as_text(ByteView(buffer).first(got.bytes)));
    while (const auto line = lines.next()) {
      control::ParsedRequest parsed = control::parse_request(*line);
      if (parsed.request && std::holds_alternative<control::PendingRequest>(*parsed.request)) {
        std::string out;
        control::append_reply(out, parsed.id, pending);
        REQUIRE(write_all(peer.get(), as_bytes(out)));
        continue;
      }
      requests.push_back(std::move(parsed));
    }
  }

  std::string directory;
  std::unique_ptr<EventLoop> loop;
  UniqueFd listener;
  std::unique_ptr<NodeConnection> connection;
  UniqueFd peer;
  control::LineSplitter lines;
  std::vector<control::ParsedRequest> requests;  // but for those about what waits, which are answered at once
  control::PendingReply pending;
};

}  // namespace p2pmesh
