#include "p2pmesh/posix/event_loop.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "p2pmesh/posix/clock.h"
#include "p2pmesh/posix/process.h"
#include "p2pmesh/posix/stream_io.h"
#include "temp_directory.h"

using namespace p2pmesh;
using namespace std::chrono_literals;

namespace {
std::unique_ptr<EventLoop> open_loop() {
  auto loop = EventLoop::open();
  REQUIRE(loop);
  return std::move(*loop);
}
Pipe open_pipe() {
  auto pipe = make_pipe();
  REQUIRE(pipe);
  return std::move(*pipe);
}
void put_byte(const UniqueFd& fd) {
  REQUIRE(write_all(fd.get(), as_bytes("x")));
}
}  // namespace

TEST_CASE("a handler is called while its descriptor is readable, level-triggered") {
  auto loop = open_loop();
  Pipe pipe = open_pipe();
  int calls = 0;
  REQUIRE(loop->add(pipe.read_end.get(), kReadable, [&](Ready ready) { calls += ready.readable ? 1 : 0; }));
  CHECK(loop->run_once(0us) == 0);
  put_byte(pipe.write_end);
  CHECK(loop->run_once(1s) == 1);
  CHECK(loop->run_once(1s) == 1);
  CHECK(calls == 2);
}

TEST_CASE("an edge-triggered handler is called once for what arrived") {
  auto loop = open_loop();
  Pipe pipe = open_pipe();
  REQUIRE(loop->add(pipe.read_end.get(), kReadable | kEdgeTriggered, [](Ready) {}));
  put_byte(pipe.write_end);
  CHECK(loop->run_once(1s) == 1);
  CHECK(loop->run_once(0us) == 0);
}

TEST_CASE("modify changes what is waited for") {
  auto loop = open_loop();
  Pipe pipe = open_pipe();
  bool writable = false;
  REQUIRE(loop->add(pipe.write_end.get(), kNoInterest, [&](Ready ready) { writable = ready.writable; }));
  CHECK(loop->run_once(0us) == 0);
  loop->modify(pipe.write_end.get(), kWritable);
  CHECK(loop->run_once(1s) == 1);
  CHECK(writable);
  loop->modify(pipe.write_end.get(), kNoInterest);
  CHECK(loop->run_once(0us) == 0);
}

TEST_CASE("a hang-up is told as readable and closed") {
  auto loop = open_loop();
  Pipe pipe = open_pipe();
  Ready seen;
  REQUIRE(loop->add(pipe.read_end.get(), kReadable, [&](Ready ready) { seen = ready; }));
  pipe.write_end.reset();
  CHECK(loop->run_once(1s) == 1);
  CHECK(seen.readable);
  CHECK(seen.closed);
}

TEST_CASE("a descriptor removed by another handler of the same turn hears nothing") {
  auto loop = open_loop();
  Pipe first = open_pipe();
  Pipe second = open_pipe();
  int calls = 0;
  const auto remove_both = [&](Ready) {
    ++calls;
    loop->remove(first.read_end.get());
    loop->remove(second.read_end.get());
  };
  REQUIRE(loop->add(first.read_end.get(), kReadable, remove_both));
  REQUIRE(loop->add(second.read_end.get(), kReadable, remove_both));
  put_byte(first.write_end);
  put_byte(second.write_end);
  CHECK(loop->run_once(1s) == 1);
  CHECK(calls == 1);
  CHECK(!loop->contains(first.read_end.get()));
  CHECK(!loop->contains(second.read_end.get()));
}

TEST_CASE("an event gathered for a closed descriptor does not reach the next one with its number") {
  auto loop = open_loop();
  Pipe pipes[2] = {open_pipe(), open_pipe()};
  Pipe fresh;
  int stale = 0;
  bool swapped = false;
  for (int i = 0; i < 2; ++i) {
    REQUIRE(loop->add(pipes[i].read_end.get(), kReadable, [&, i](Ready) {
      if (swapped) return;
      swapped = true;
      const int other = pipes[1 - i].read_end.get();
      loop->remove(other);
      pipes[1 - i].read_end.reset();
      fresh = open_pipe();
      REQUIRE(fresh.read_end.get() == other);  // the lowest free number
      REQUIRE(loop->add(other, kReadable, [&](Ready) { ++stale; }));
    }));
    put_byte(pipes[i].write_end);
  }
  CHECK(loop->run_once(1s) == 1);
  CHECK(swapped);
  CHECK(stale == 0);
}

TEST_CASE("a handler may remove itself and free what it captured") {
  auto loop = open_loop();
  Pipe pipe = open_pipe();
  auto captured = std::make_shared<int>(7);
  int seen = 0;
  const int fd = pipe.read_end.get();
  REQUIRE(loop->add(fd, kReadable, [&loop, &seen, fd, captured](Ready) {
    loop->remove(fd);
    seen = *captured;
  }));
  put_byte(pipe.write_end);
  CHECK(loop->run_once(1s) == 1);
  CHECK(seen == 7);
  CHECK(captured.use_count() == 1);
  CHECK(loop->run_once(0us) == 0);
}

TEST_CASE("regular files and /dev/null are always ready") {
  auto loop = open_loop();
  TempDirectory directory;
  for (const std::string& path : {directory / "file", std::string("/dev/null")}) {
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    REQUIRE(fd);
    int calls = 0;
    REQUIRE(loop->add(fd.get(), kReadable, [&](Ready ready) { calls += ready.readable ? 1 : 0; }));
    CHECK(loop->run_once(std::nullopt) == 1);
    CHECK(loop->run_once(std::nullopt) == 1);
    CHECK(calls == 2);
    loop->modify(fd.get(), kNoInterest);
    CHECK(loop->run_once(0us) == 0);
    loop->remove(fd.get());
    CHECK(loop->run_once(0us) == 0);
  }
}

TEST_CASE("a wait ends at its deadline and never before") {
  auto loop = open_loop();
  const Instant deadline = read_clock().monotonic + 3ms;
  CHECK(loop->run_until(deadline) == 0);
  CHECK(loop->now().monotonic >= deadline);
  CHECK(loop->run_until(deadline) == 0);  // past: returns at once
  CHECK(loop->run_once(-5s) == 0);
}

TEST_CASE("the clock is read once a turn") {
  auto loop = open_loop();
  Pipe pipe = open_pipe();
  Instant inside{};
  REQUIRE(loop->add(pipe.read_end.get(), kReadable, [&](Ready) {
    inside = loop->now().monotonic;
    while (read_clock().monotonic <= inside) {
    }
    CHECK(loop->now().monotonic == inside);
  }));
  put_byte(pipe.write_end);
  loop->run_once(1s);
  CHECK(loop->now().monotonic == inside);
}

TEST_CASE("a waker reaches a sleeping loop from another thread") {
  auto loop = open_loop();
  int calls = 0;
  auto waker = Waker::open(*loop, [&] { ++calls; });
  REQUIRE(waker);
  std::thread thread([&] { (*waker)->wake(); });
  while (calls == 0) loop->run_once(std::nullopt);
  thread.join();
  CHECK(calls == 1);
}

TEST_CASE("many wakes before a turn are one call, and a destroyed waker calls nothing") {
  auto loop = open_loop();
  int calls = 0;
  auto waker = Waker::open(*loop, [&] { ++calls; });
  REQUIRE(waker);
  for (int i = 0; i < 100; ++i) (*waker)->wake();
  CHECK(loop->run_once(1s) == 1);
  CHECK(loop->run_once(0us) == 0);
  CHECK(calls == 1);
  (*waker)->wake();
  waker->reset();
  CHECK(loop->run_once(0us) == 0);
  CHECK(calls == 1);
}

TEST_CASE("more descriptors than one turn takes are all served") {
  auto loop = open_loop();
  std::vector<Pipe> pipes;
  std::size_t calls = 0;
  for (int i = 0; i < 300; ++i) {
    pipes.push_back(open_pipe());
    const int fd = pipes.back().read_end.get();
    REQUIRE(loop->add(fd, kReadable, [&calls, &loop, fd](Ready) {
      ++calls;
      loop->remove(fd);
    }));
    put_byte(pipes.back().write_end);
  }
  while (loop->run_once(0us) > 0) {
  }
  CHECK(calls == pipes.size());
}
