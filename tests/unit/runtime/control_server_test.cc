// The control socket under too many clients, and under one that does not read.
#include "control_server.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/local_socket.h"
#include "p2pmesh/posix/stream_io.h"

namespace p2pmesh {
namespace {

struct NoLog final : LogSink {
  void log(LogLevel, std::string_view) override {}
};
/// Answers nothing.
struct Requests final : ControlEvents {
  void on_request(ControlSession& session, std::string, control::Request) override {
    ++taken;
    if (count != nullptr) ++(session.*count);
  }
  [[nodiscard]] std::optional<MeshId> default_mesh() const override { return MeshId{}; }
  void on_session_closed(const ControlSession&) override {}
  void on_replay_wanted(ControlSession&) override {}

  std::size_t taken = 0;
  std::size_t ControlSession::*count = nullptr;  ///< what a request adds to
};

struct Fixture {
  Fixture() {
    directory = (std::filesystem::temp_directory_path() / "p2pmesh-control-XXXXXX").string();
    REQUIRE(::mkdtemp(directory.data()) != nullptr);
    loop = std::move(*EventLoop::open());
    server.emplace(*loop, events, log);
    REQUIRE(server->listen(directory + "/control"));
  }
  ~Fixture() {
    server.reset();
    std::filesystem::remove_all(directory);
  }
  void turn() {
    loop->run_once(Duration{});
    server->flush();
  }
  void run_until(const std::function<bool()>& done) {
    for (int i = 0; i < 1000 && !done(); ++i) turn();
    REQUIRE(done());
  }
  UniqueFd connect() {
    auto fd = connect_local(directory + "/control");
    REQUIRE(fd);
    turn();
    turn();
    return std::move(*fd);
  }
  /// What has come for this client; `is_open`: more may come.
  static std::string read_all(const UniqueFd& fd, bool& is_open) {
    std::string text;
    static std::array<std::uint8_t, 65536> buffer;
    for (;;) {
      const IoResult got = read_some(fd.get(), buffer);
      is_open = got.status == IoStatus::kWouldBlock;
      if (got.status != IoStatus::kOk) return text;
      text += as_text(ByteView(buffer).first(got.bytes));
    }
  }

  std::string directory;
  std::unique_ptr<EventLoop> loop;
  NoLog log;
  Requests events;
  std::optional<ControlServer> server;
};

TEST_CASE_FIXTURE(Fixture, "OneControlClientMoreThanTheBoundIsClosed") {
  std::vector<UniqueFd> clients;
  for (std::size_t i = 0; i < limits::kControlClientsMax; ++i) clients.push_back(connect());
  REQUIRE(server->sessions() == limits::kControlClientsMax);
  const UniqueFd beyond = connect();
  CHECK(server->sessions() == limits::kControlClientsMax);
  bool is_open = true;
  (void)read_all(beyond, is_open);
  CHECK_FALSE(is_open);
  (void)read_all(clients.front(), is_open);
  CHECK(is_open);
  clients.pop_back();
  run_until([&] { return server->sessions() == limits::kControlClientsMax - 1; });
  const UniqueFd next = connect();
  CHECK(server->sessions() == limits::kControlClientsMax);
  (void)read_all(next, is_open);
  CHECK(is_open);
}

TEST_CASE_FIXTURE(Fixture, "AClientThatDoesNotReadIsToldOfAGapAndOthersGoOn") {
  const UniqueFd slow = connect();
  const UniqueFd quick = connect();
  for (const SessionId id : {1U, 2U}) {
    REQUIRE(server->find(id) != nullptr);
    server->subscribe(*server->find(id), Subscription::kLive);
  }
  control::MessageEvent event;
  event.message.text = std::string(limits::kMessageBytesMax, 'x');
  std::size_t longest = 0;
  std::size_t heard = 0;
  bool is_open = true;
  constexpr std::size_t kPublished = limits::kControlQueueBytesMax / limits::kMessageBytesMax + 200;
  for (std::size_t i = 1; i <= kPublished; ++i) {
    event.cursor.row = i;
    server->publish(MeshId{}, event, event.cursor);
    longest = std::max(longest, server->longest_queue());
    turn();
    heard += read_all(quick, is_open).size();
  }
  CHECK(longest > limits::kControlQueueBytesMax - 2 * limits::kMessageBytesMax);
  CHECK(longest <= limits::kControlQueueBytesMax + 256);  // the gap itself
  CHECK(server->find(1)->subscription == Subscription::kNone);
  CHECK(server->find(2)->subscription == Subscription::kLive);
  CHECK(heard > kPublished * limits::kMessageBytesMax);
  const std::uint64_t last = server->find(1)->position.row;
  CHECK(last < kPublished);
  std::string text;
  run_until([&] {
    text += read_all(slow, is_open);
    return server->longest_queue() == 0;
  });
  text += read_all(slow, is_open);
  CHECK(is_open);
  // All up to where it may go on, and then the gap.
  CHECK(static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')) == last + 1);
  const std::string end = text.substr(text.rfind('\n', text.size() - 2) + 1);
  CHECK(end.find("gap") != std::string::npos);
  CHECK(end.find(std::to_string(last)) != std::string::npos);
}

/// A client that asks more than is taken at once.
struct Asking : Fixture {
  /// How many are taken of so many requests, when each adds to `count` until it is answered.
  void ask(std::size_t requests, std::size_t ControlSession::*count) {
    events.count = count;
    client = connect();
    std::string lines;
    for (std::size_t i = 0; i < requests; ++i)
      lines += "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}\n";
    // What is not taken stays in the socket, and then with the client.
    std::size_t sent = 0;
    for (int idle = 0; idle < 10; ++idle) {
      const IoResult wrote = write_some(client.get(), as_bytes(lines).subspan(sent));
      if (wrote.status == IoStatus::kOk && wrote.bytes > 0) idle = 0;
      if (wrote.status == IoStatus::kOk) sent += wrote.bytes;
      turn();
      if (sent == lines.size()) break;
    }
    for (int i = 0; i < 100; ++i) turn();
  }
  void answer_one() {
    ControlSession& session = *server->find(1);
    --(session.*events.count);
    server->refuse(session.id, "1", control::RpcError{});
    for (int i = 0; i < 100; ++i) turn();
  }
  UniqueFd client;
};

TEST_CASE_FIXTURE(Asking, "OfAClientsRequestsOneMoreThanMayBeOnTheirWayWaits") {
  ask(limits::kControlRequestsMax + 2, &ControlSession::unanswered);
  CHECK(events.taken == limits::kControlRequestsMax);
  answer_one();
  CHECK(events.taken == limits::kControlRequestsMax + 1);
  answer_one();
  CHECK(events.taken == limits::kControlRequestsMax + 2);
}

TEST_CASE_FIXTURE(Asking, "OfAClientsReadsOneMoreThanMayBeOnTheirWayWaits") {
  ask(limits::kControlReadsMax + 2, &ControlSession::reads);
  CHECK(events.taken == limits::kControlReadsMax);
  answer_one();
  CHECK(events.taken == limits::kControlReadsMax + 1);
}

}  // namespace
}  // namespace p2pmesh
