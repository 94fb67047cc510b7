#include <doctest/doctest.h>
#include <sys/socket.h>

#include "connection.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/random.h"
#include "p2pmesh/posix/stream_io.h"

namespace p2pmesh {
namespace {

struct SocketPair {
  SocketPair() {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    writer = UniqueFd(fds[0]);
    reader = UniqueFd(fds[1]);
  }
  Bytes read_all() {
    Bytes all;
    std::uint8_t buffer[65536];
    for (;;) {
      const IoResult result = read_some(reader.get(), buffer);
      if (result.status != IoStatus::kOk) return all;
      all.insert(all.end(), buffer, buffer + result.bytes);
    }
  }
  UniqueFd writer, reader;
};

/// What a link does, without its channel.
IoStatus write_to(SendQueue& queue, int fd) {
  std::array<std::uint8_t, 5000> bytes;
  while (!queue.empty()) {
    const IoResult result = write_some(fd, ByteView(bytes).first(queue.peek(bytes)));
    if (result.status != IoStatus::kOk) return result.status;
    queue.pop(result.bytes);
  }
  return IoStatus::kOk;
}

SharedBytes frame(std::uint8_t fill, std::size_t size = 3) {
  return std::make_shared<const Bytes>(Bytes(size, fill));
}

TEST_CASE("RepairWaitsForEverythingElse") {
  SocketPair sockets;
  SendQueue queue;
  queue.push(frame(9), FrameClass::kRepair);
  queue.push(frame(1), FrameClass::kLive);
  queue.push(frame(2), FrameClass::kControl);
  CHECK(queue.bytes() == 9);
  CHECK(write_to(queue, sockets.writer.get()) == IoStatus::kOk);
  CHECK(queue.empty());
  CHECK(queue.bytes() == 0);
  CHECK(sockets.read_all() == Bytes{1, 1, 1, 2, 2, 2, 9, 9, 9});
}

TEST_CASE("LivePayloadsAreDroppedAboveTheSoftBoundAndNothingElseIs") {
  SendQueue queue;
  while (queue.push(frame(1, 60000), FrameClass::kLive)) {
  }
  CHECK(queue.bytes() <= limits::kSendQueueBytesSoft);
  CHECK(queue.bytes() + 60000 > limits::kSendQueueBytesSoft);
  CHECK(queue.push(frame(2, 60000), FrameClass::kControl));
  CHECK_FALSE(queue.is_overfull());
  while (!queue.is_overfull()) queue.push(frame(3, 60000), FrameClass::kRepair);
  CHECK(queue.bytes() > limits::kSendQueueBytesMax);
}

TEST_CASE("AFrameIsNeverTornWhateverTheReaderTakesAndWhateverComesBetween") {
  SocketPair sockets;
  const int small = 4096;
  ::setsockopt(sockets.writer.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  SendQueue queue;
  Random random(3);
  Bytes received;
  std::size_t pushed = 0;
  std::uint8_t next[2] = {0, 0};  // numbers in each queue's own order
  while (pushed < 2000 || !queue.empty()) {
    if (pushed < 2000 && queue.bytes() < 200000) {
      const bool repair = random.below(2) == 1;
      Bytes bytes(4 + random.below(3000));
      // Length, class, number; the rest says the number again.
      bytes[0] = static_cast<std::uint8_t>(bytes.size() >> 8);
      bytes[1] = static_cast<std::uint8_t>(bytes.size());
      bytes[2] = repair ? 1 : 0;
      for (std::size_t i = 3; i < bytes.size(); ++i) bytes[i] = next[bytes[2]];
      ++next[bytes[2]];
      queue.push(std::make_shared<const Bytes>(std::move(bytes)),
                 repair ? FrameClass::kRepair : FrameClass::kControl);
      ++pushed;
    }
    write_to(queue, sockets.writer.get());
    if (random.below(3) != 0) continue;
    const Bytes some = sockets.read_all();
    received.insert(received.end(), some.begin(), some.end());
  }
  const Bytes rest = sockets.read_all();
  received.insert(received.end(), rest.begin(), rest.end());
  std::uint8_t expected[2] = {0, 0};
  std::size_t frames = 0;
  for (std::size_t at = 0; at < received.size(); ++frames) {
    const std::size_t size = static_cast<std::size_t>(received[at]) << 8 | received[at + 1];
    const std::uint8_t which = received[at + 2];
    REQUIRE(which <= 1);
    REQUIRE(at + size <= received.size());
    for (std::size_t i = 3; i < size; ++i) REQUIRE(received[at + i] == expected[which]);
    ++expected[which];
    at += size;
  }
  CHECK(frames == 2000);
}

}  // namespace
}  // namespace p2pmesh
