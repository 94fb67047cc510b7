#include "p2pmesh/posix/process.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <string>

#include "p2pmesh/posix/event_loop.h"
#include "p2pmesh/posix/stream_io.h"

using namespace p2pmesh;
using namespace std::chrono_literals;

namespace {
constexpr int kPatienceMs = 20000;

std::string read_all(int fd) {
  std::string out;
  std::array<std::uint8_t, 256> buffer;
  for (;;) {
    const IoResult part = read_some(fd, buffer);
    if (part.status != IoStatus::kOk) return out;
    out += as_text(ByteView(buffer).first(part.bytes));
  }
}
}  // namespace

TEST_CASE("a child's end is an event of the loop, with its status") {
  auto child = ChildProcess::spawn({{"sh", "-c", "exit 7"}, {}, false});
  REQUIRE(child);
  auto loop = EventLoop::open();
  REQUIRE((*loop)->add(child->event_fd(), kReadable, [](Ready) {}));
  CHECK((*loop)->run_once(20s) == 1);
  CHECK(child->try_wait() == 7);
  CHECK(child->try_wait() == 7);
}

TEST_CASE("a child still running is not waited for, and can be ended") {
  auto child = ChildProcess::spawn({{"sleep", "60"}, {}, false});
  REQUIRE(child);
  CHECK(!child->try_wait());
  CHECK(!child->wait(1));
  child->terminate();
  CHECK(child->wait(kPatienceMs) == 128 + 15);
  child->terminate();  // reaches nobody any more

  auto hard = ChildProcess::spawn({{"sleep", "60"}, {}, true});
  REQUIRE(hard);
  hard->terminate(true);
  CHECK(hard->wait(kPatienceMs) == 128 + 9);
}

TEST_CASE("a program that is not there is told at once, by name") {
  const auto child = ChildProcess::spawn({{"/nowhere/p2pmeshd"}, {}, false});
  REQUIRE(!child);
  CHECK(child.error().status == ExitStatus::kUnavailable);
  CHECK(child.error().message.find("/nowhere/p2pmeshd") != std::string::npos);
  CHECK(!ChildProcess::spawn({{"no-such-program-anywhere"}, {}, false}));
}

TEST_CASE("descriptors reach the child under the numbers asked for, crossing ones too") {
  auto one = make_pipe();
  auto two = make_pipe();
  const int a = one->write_end.get();
  const int b = two->write_end.get();
  auto child = ChildProcess::spawn(
      {{"sh", "-c", "echo one >&" + std::to_string(b) + "; echo two >&" + std::to_string(a)},
       {{b, a}, {a, b}},
       false});
  REQUIRE(child);
  one->write_end.reset();
  two->write_end.reset();
  CHECK(read_all(one->read_end.get()) == "one\n");
  CHECK(read_all(two->read_end.get()) == "two\n");
  CHECK(child->wait(kPatienceMs) == 0);
}

TEST_CASE("nothing else reaches the child, and the standard streams are /dev/null") {
  auto out = make_pipe();
  auto stray = make_pipe();
  const UniqueFd leaky(::dup(stray->write_end.get()));  // not close-on-exec
  auto child = ChildProcess::spawn(
      {{"sh", "-c", "read x; echo ignored >&2; exec ls /proc/self/fd"}, {{1, out->write_end.get()}}, false});
  REQUIRE(child);
  out->write_end.reset();
  // The fourth is the directory that ls reads.
  CHECK(read_all(out->read_end.get()) == "0\n1\n2\n3\n");
  CHECK(child->wait(kPatienceMs) == 0);
}

TEST_CASE("a new session takes the child away from this process group") {
  auto out = make_pipe();
  auto child = ChildProcess::spawn(
      {{"sh", "-c", "cut -d' ' -f6 /proc/$$/stat; echo $$"}, {{1, out->write_end.get()}}, true});
  REQUIRE(child);
  out->write_end.reset();
  const std::string pid = std::to_string(child->pid()) + "\n";
  CHECK(read_all(out->read_end.get()) == pid + pid);
  child->wait(kPatienceMs);
}

TEST_CASE("a descriptor handed on is taken over once it is known to be open") {
  CHECK(!inherited_descriptor(-1));
  CHECK(!inherited_descriptor(100000));
  CHECK(!inherited_descriptor(1));  // the standard streams are nobody's to take
  auto pipe = make_pipe();
  auto taken = inherited_descriptor(pipe->read_end.release());
  CHECK(taken);
}

TEST_CASE("this program knows its own directory") {
  const auto directory = executable_directory();
  REQUIRE(directory);
  CHECK(::access((*directory + "/unit_posix").c_str(), X_OK) == 0);
}
