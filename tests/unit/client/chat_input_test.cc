#include "chat_input.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "fake_node.h"
#include "p2pmesh/posix/process.h"

namespace p2pmesh {
namespace {

/// A pipe that is typed into, and a node that acknowledges when it is told to.
struct Typing {
  Typing() {
    auto opened = make_pipe();
    REQUIRE(opened);
    pipe = std::move(*opened);
    REQUIRE(set_nonblocking(pipe.write_end.get(), true));
    const auto complain = [this](std::string_view said) { complaints.emplace_back(said); };
    screens.all.push_back(std::make_unique<MeshScreen>(std::move(node.connection), 100, complain));
    screens.current = screens.all.front().get();
    input = std::make_unique<ChatInput>(*node.loop, pipe.read_end.get(), screens, complain);
    REQUIRE(input->open());
  }
  void type(const std::string& text) { REQUIRE(write_all(pipe.write_end.get(), as_bytes(text))); }
  void end() { pipe.write_end.reset(); }

  /// Answers every request that has not been answered; sends are refused with `refusal` if given.
  void answer(const control::RpcError* refusal = nullptr) {
    std::string out;
    for (; answered < node.requests.size(); ++answered) {
      const control::ParsedRequest& request = node.requests[answered];
      REQUIRE(request.request);
      const auto* send = std::get_if<control::SendRequest>(&*request.request);
      if (const auto* join = std::get_if<control::JoinRoomRequest>(&*request.request)) {
        control::append_reply(out, request.id, control::RoomReply{{join->room, true, true, 0, 0, 0}});
        continue;
      }
      if (std::holds_alternative<control::ConnectRequest>(*request.request)) {
        control::append_error(
            out, request.id,
            {control::RpcErrorCode::kApplication, "nobody is there", ExitStatus::kUnavailable});
        continue;
      }
      if (send == nullptr) {
        control::append_reply(out, request.id, control::MembersReply{});
        continue;
      }
      texts.push_back((send->room == "#lobby" ? "" : send->room + " ") + send->text);
      control::SendReply reply;
      reply.id.index = static_cast<std::uint32_t>(answered);
      if (refusal != nullptr) control::append_error(out, request.id, *refusal);
      if (refusal == nullptr) control::append_reply(out, request.id, reply);
    }
    if (!out.empty()) REQUIRE(write_all(node.peer.get(), as_bytes(out)));
  }
  /// Until the input has ended or quit and everything is answered.
  void finish(const control::RpcError* refusal = nullptr) {
    node.wait([&] {
      answer(refusal);
      input->pump();
      return (input->has_ended() || input->has_quit()) && input->unanswered() == 0;
    });
  }

  FakeNode node;
  MeshScreens screens;
  Pipe pipe;
  std::vector<std::string> complaints;
  std::vector<std::string> texts;
  std::size_t answered = 0;
  std::unique_ptr<ChatInput> input;
};

TEST_CASE("lines are sent in order, empty ones and commands are not") {
  Typing typing;
  typing.type("one\n\n/foo bar\n//etc\r\n /x\ntwo");
  typing.end();
  typing.finish();
  CHECK(typing.texts == std::vector<std::string>{"one", "/etc", " /x", "two"});
  CHECK(typing.screens.current->view.take_output() ==
        ">INFO: Unknown command /foo. Type /help for commands.\n");
  CHECK(typing.complaints.empty());
  CHECK(typing.input->status() == ExitStatus::kOk);
  CHECK(typing.input->sent() == 4);
}

TEST_CASE("what comes after leaving is not sent") {
  for (const char* word : {":q", "/quit", "/logout"}) {
    Typing typing;
    typing.type(std::string("before\n") + word + "\nafter\n");
    typing.finish();
    typing.node.settle();
    typing.answer();
    CHECK(typing.input->has_quit());
    CHECK(typing.texts == std::vector<std::string>{"before"});
  }
}

TEST_CASE("who leaves does not wait until a host is found, and a line behind that does") {
  for (const char* command : {"/connect far 1", "/enter far 1", "/add Zoe far 1"}) {
    Typing typing;
    typing.type(std::string(command) + "\n");
    typing.node.wait([&] {
      typing.input->pump();
      return typing.input->is_searching();
    });
    typing.type("/qu");
    typing.node.settle();
    typing.input->pump();
    CHECK_FALSE(typing.input->has_quit());
    typing.type("it\nafter\n");
    typing.node.wait([&] {
      typing.input->pump();
      return typing.input->has_quit();
    });
    CHECK(typing.input->is_searching());
  }
  Typing typing;
  typing.type("/connect far 1\nbehind\n:q\n");
  typing.node.wait([&] {
    typing.input->pump();
    return typing.input->is_searching();
  });
  typing.node.settle();
  typing.input->pump();
  CHECK_FALSE(typing.input->has_quit());
  CHECK(typing.input->sent() == 0);
  typing.finish();
  CHECK(typing.texts == std::vector<std::string>{"behind"});
  CHECK(typing.input->has_quit());
}

TEST_CASE("a line that is too long or not UTF-8 is skipped with its number, the rest goes on") {
  Typing typing;
  const std::string longest(8192, 'L');
  typing.type("first\n" + std::string(8193, 'x') + "\n\xff\xfe\n" + longest + "\n/" + "/" +
              longest.substr(1) + "\n//" + longest + "\nlast\n");
  typing.end();
  typing.finish();
  CHECK(typing.texts == std::vector<std::string>{"first", longest, "/" + longest.substr(1), "last"});
  REQUIRE(typing.complaints.size() == 3);
  CHECK(typing.complaints[0].find("Line 2 has 8193 bytes") != std::string::npos);
  CHECK(typing.complaints[1].find("Line 3 (2 bytes) is not UTF-8") != std::string::npos);
  CHECK(typing.complaints[2].find("Line 6 has 8194 bytes") != std::string::npos);
  CHECK(typing.input->status() == ExitStatus::kDamagedInput);
}

TEST_CASE("a failed send is said and outweighs a skipped line") {
  Typing typing;
  typing.type("\xff\nnever\n");
  typing.end();
  const control::RpcError refusal{control::RpcErrorCode::kApplication, "disk full", ExitStatus::kIo};
  typing.finish(&refusal);
  REQUIRE(typing.complaints.size() == 2);
  CHECK(typing.complaints[1] == "Line 2 was not sent: disk full");
  CHECK(typing.input->status() == ExitStatus::kIo);
}

TEST_CASE("no more than a window of lines is on its way") {
  Typing typing;
  std::string lines;
  for (int i = 0; i < 5000; ++i) lines += std::to_string(i) + "\n";
  typing.type(lines);
  typing.end();
  typing.node.settle();
  typing.node.wait([&] {
    typing.input->pump();
    return typing.node.requests.size() == 1024;
  });
  typing.node.settle();
  typing.input->pump();
  CHECK(typing.node.requests.size() == 1024);
  CHECK(typing.input->unanswered() == 1024);
  CHECK_FALSE(typing.input->has_ended());
  typing.finish();
  REQUIRE(typing.texts.size() == 5000);
  for (std::size_t i = 0; i < typing.texts.size(); ++i) REQUIRE(typing.texts[i] == std::to_string(i));
}

TEST_CASE("/who is answered before the input counts as done") {
  Typing typing;
  typing.type("/who\n");
  typing.end();
  typing.node.wait([&] { return typing.node.requests.size() == 1; });
  typing.node.settle();
  typing.input->pump();
  CHECK(typing.input->unanswered() == 1);
  CHECK_FALSE(typing.input->has_ended());
  typing.finish();
  CHECK(typing.input->sent() == 0);
}

TEST_CASE("a line behind /join goes to that room, however fast it was typed") {
  Typing typing;
  typing.type("before\n/join #dev\nafter\n");
  typing.end();
  typing.finish();
  CHECK(typing.texts == std::vector<std::string>{"before", "#dev after"});
}

}  // namespace
}  // namespace p2pmesh
