#include "node_connection.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "fake_node.h"
#include "node_call.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

TEST_CASE("replies find their requests whatever their order") {
  FakeNode node;
  std::vector<std::string> answers;
  const auto note = [&](const std::string& name) {
    return [&answers, name](tl::expected<control::Reply, control::RpcError> reply) {
      answers.push_back(name + (reply ? " ok" : ": " + reply.error().message));
    };
  };
  node.connection->request(control::RoomsRequest{}, note("rooms"));
  node.connection->request(control::ShutdownRequest{}, note("shutdown"));
  CHECK(node.connection->waiting_replies() == 2);
  node.wait([&] { return node.requests.size() == 2; });
  std::string out;
  control::append_error(out, node.requests[1].id,
                        {control::RpcErrorCode::kApplication, "not now", ExitStatus::kTryAgain});
  control::append_reply(out, node.requests[0].id, control::RoomsReply{{{}}});
  REQUIRE(write_all(node.peer.get(), as_bytes(out)));
  node.wait([&] { return answers.size() == 2; });
  CHECK(answers == std::vector<std::string>{"shutdown: not now", "rooms ok"});
  CHECK(node.connection->waiting_replies() == 0);
}

TEST_CASE("what is no line of the protocol ends the connection with a reason") {
  for (const std::string line : {"hello", "[]", R"({"jsonrpc":"2.0","id":"status#77","result":{}})",
                                 R"({"jsonrpc":"2.0","id":"rooms.list#9","result":[]})"}) {
    FakeNode node;
    node.say(line);
    node.wait([&] { return !node.connection->is_open(); });
    REQUIRE(node.connection->fault());
    CHECK(node.connection->fault()->status == ExitStatus::kProtocol);
  }
}

TEST_CASE("what the node said before it ended is heard, its end is no fault") {
  FakeNode node;
  int events = 0;
  node.connection->set_event_handler([&](const control::Event&) { ++events; });
  std::string out;
  for (int i = 0; i < 1000; ++i) control::append_event(out, control::LiveEvent{});
  REQUIRE(write_all(node.peer.get(), as_bytes(out)));
  node.hang_up();
  node.wait([&] { return !node.connection->is_open(); });
  CHECK(events == 1000);
  CHECK_FALSE(node.connection->fault());
}

TEST_CASE("a connection that does not read holds events back, also over the node's end") {
  FakeNode node;
  int events = 0;
  node.connection->set_event_handler([&](const control::Event&) { ++events; });
  node.connection->set_reading(false);
  std::string out;
  control::append_event(out, control::SyncedEvent{});
  REQUIRE(write_all(node.peer.get(), as_bytes(out)));
  node.hang_up();
  node.settle();
  CHECK(events == 0);
  CHECK(node.connection->is_open());
  node.connection->set_reading(true);
  node.wait([&] { return !node.connection->is_open(); });
  CHECK(events == 1);
}

TEST_CASE("a call gives the reply, the refusal or the end") {
  FakeNode node;
  // Answers the last request by `answer`, once it is there.
  const auto answered_by = [&](const std::function<void(const std::string& id)>& answer) -> Wait {
    return [&node, answer](const std::function<bool()>& done, Duration) {
      const std::size_t before = node.requests.size();
      node.wait([&] { return node.requests.size() > before; });
      answer(node.requests.back().id);
      node.wait(done);
      return true;
    };
  };
  const auto write = [&](const std::string& out) { REQUIRE(write_all(node.peer.get(), as_bytes(out))); };
  const auto rooms = call<control::RoomsReply>(*node.connection, control::RoomsRequest{},
                                               answered_by([&](const std::string& id) {
                                                 std::string out;
                                                 control::append_reply(out, id, control::RoomsReply{{{}}});
                                                 write(out);
                                               }));
  REQUIRE(rooms);
  CHECK(rooms->rooms.size() == 1);
  const auto refused = call<control::RoomsReply>(
      *node.connection, control::RoomsRequest{}, answered_by([&](const std::string& id) {
        std::string out;
        control::append_error(out, id, control::invalid_params("no"));
        write(out);
      }));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().status == ExitStatus::kUsage);
  const auto ended = call<control::RoomsReply>(*node.connection, control::RoomsRequest{},
                                               answered_by([&](const std::string&) { node.hang_up(); }));
  REQUIRE_FALSE(ended);
  CHECK(ended.error().status == ExitStatus::kUnavailable);
}

TEST_CASE("nobody at the socket is told from nothing there") {
  auto loop = *EventLoop::open();
  const auto refused = NodeConnection::open(*loop, "/nonexistent/directory");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().status == ExitStatus::kUnavailable);
}

TEST_CASE("a line longer than any reply ends the connection") {
  FakeNode node;
  const Bytes piece(64 * 1024, 'x');
  std::size_t sent = 0;
  const auto send_up_to = [&](std::size_t bytes) {
    while (sent < bytes && node.connection->is_open()) {
      const auto some = ByteView(piece).first(std::min(piece.size(), bytes - sent));
      const IoResult result = write_some(node.peer.get(), some);
      if (result.status == IoStatus::kOk) sent += result.bytes;
      node.loop->run_once(Duration::zero());
    }
  };
  send_up_to(limits::kControlReplyBytesMax);
  node.settle();
  CHECK(node.connection->is_open());
  send_up_to(limits::kControlReplyBytesMax + 1);
  node.wait([&] { return !node.connection->is_open(); });
  REQUIRE(node.connection->fault());
  CHECK(node.connection->fault()->message.find("does not end") != std::string::npos);
}

}  // namespace
}  // namespace p2pmesh
