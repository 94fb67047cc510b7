#include "p2pmesh/posix/socket.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "p2pmesh/posix/event_loop.h"
#include "p2pmesh/posix/stream_io.h"

using namespace p2pmesh;
using namespace std::chrono_literals;

namespace {

void wait_for(int fd, Interest interest) {
  auto loop = EventLoop::open();
  REQUIRE(loop);
  REQUIRE((*loop)->add(fd, interest, [](Ready) {}));
  REQUIRE((*loop)->run_once(5s) == 1);
}

struct Link {
  UniqueFd client;
  UniqueFd server;
};

Link open_link(const SocketAddress& at) {
  auto listener = listen_tcp(at);
  REQUIRE(listener);
  const auto address = local_address(listener->get());
  REQUIRE(address);
  auto client = connect_tcp(*address);
  REQUIRE(client);
  wait_for(listener->get(), kReadable);
  auto accepted = accept_tcp(listener->get());
  REQUIRE(accepted);
  REQUIRE(accepted->has_value());
  wait_for(client->get(), kWritable);
  CHECK(connect_result(client->get(), *address));
  CHECK((*accepted)->peer == *local_address(client->get()));
  CHECK(*peer_address(client->get()) == *address);
  return {std::move(*client), std::move((*accepted)->fd)};
}

int option(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, level, name, &value, &size) == 0 ? value : -1;
}

}  // namespace

TEST_CASE("an address is this machine's, or it is not") {
  CHECK(has_address(SocketAddress::loopback(9)));
  CHECK(has_address(*SocketAddress::from_host("127.1.2.3", 0)));
  CHECK_FALSE(has_address(*SocketAddress::from_host("192.0.2.1", 0)));
  CHECK_FALSE(has_address(*SocketAddress::from_host("2001:db8::1", 0)));
}

TEST_CASE("a connection is made over IPv4 and carries bytes both ways") {
  Link link = open_link(SocketAddress::loopback(0));
  for (const auto* fd : {&link.client, &link.server}) {
    CHECK((::fcntl(fd->get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(option(fd->get(), IPPROTO_TCP, TCP_NODELAY) == 1);
  }
  std::array<std::uint8_t, 64> buffer;
  CHECK(read_some(link.server.get(), buffer).status == IoStatus::kWouldBlock);
  CHECK(peek_some(link.server.get(), buffer).status == IoStatus::kWouldBlock);
  CHECK(unread_bytes(link.server.get()) == 0);
  CHECK(write_some(link.client.get(), as_bytes("")).bytes == 0);
  CHECK(write_some(link.client.get(), as_bytes("one send")).bytes == 8);
  wait_for(link.server.get(), kReadable);
  CHECK(peek_some(link.server.get(), std::span(buffer).first(3)).bytes == 3);
  CHECK(unread_bytes(link.server.get()) == 8);
  const IoResult got = read_some(link.server.get(), buffer);
  CHECK(as_text(ByteView(buffer).first(got.bytes)) == "one send");
  link.server.reset();
  wait_for(link.client.get(), kReadable);
  CHECK(read_some(link.client.get(), buffer).status == IoStatus::kClosed);
}

TEST_CASE("a connection is made over IPv6") {
  const auto loopback = *SocketAddress::from_host("::1", 0);
  if (!listen_tcp(loopback)) return;  // no IPv6 on this machine
  open_link(loopback);
}

TEST_CASE("writing to a closed peer is an answer, not a signal") {
  Link link = open_link(SocketAddress::loopback(0));
  link.server.reset();
  IoResult result;
  for (int i = 0; i < 1000 && result.status != IoStatus::kClosed; ++i)
    result = write_some(link.client.get(), as_bytes("x"));
  CHECK(result.status == IoStatus::kClosed);
}

TEST_CASE("a full socket says so") {
  Link link = open_link(SocketAddress::loopback(0));
  const Bytes block(1 << 20, 7);
  IoResult result;
  for (int i = 0; i < 1000 && result.status == IoStatus::kOk; ++i)
    result = write_some(link.client.get(), block);
  CHECK(result.status == IoStatus::kWouldBlock);
}

TEST_CASE("nobody waiting is nothing, not an error") {
  auto listener = listen_tcp(SocketAddress::loopback(0));
  REQUIRE(listener);
  auto accepted = accept_tcp(listener->get());
  REQUIRE(accepted);
  CHECK(!accepted->has_value());
}

TEST_CASE("a port in use is named, with what to type") {
  auto first = listen_tcp(SocketAddress::loopback(0));
  REQUIRE(first);
  const auto address = *local_address(first->get());
  const auto second = listen_tcp(address);
  REQUIRE(!second);
  CHECK(second.error().status == ExitStatus::kUnavailable);
  CHECK(second.error().message.find(std::to_string(address.port())) != std::string::npos);
  CHECK(second.error().message.find("--listen 127.0.0.1:0") != std::string::npos);
}

TEST_CASE("a foreign address cannot be listened at") {
  const auto listener = listen_tcp(*SocketAddress::parse("192.0.2.1:0"));
  REQUIRE(!listener);
  CHECK(listener.error().status == ExitStatus::kUnavailable);
  CHECK(listener.error().message.find("192.0.2.1") != std::string::npos);
}

TEST_CASE("a privileged port is refused to a user") {
  if (::geteuid() == 0) return;  // root may
  const auto listener = listen_tcp(SocketAddress::loopback(1));
  if (listener) return;  // this machine lets everybody
  CHECK(listener.error().status == ExitStatus::kNoPermission);
}

TEST_CASE("a refused connection is told with its address") {
  SocketAddress address;
  {
    auto listener = listen_tcp(SocketAddress::loopback(0));
    REQUIRE(listener);
    address = *local_address(listener->get());
  }
  auto client = connect_tcp(address);
  Error error;
  if (client) {
    wait_for(client->get(), kWritable);
    const auto result = connect_result(client->get(), address);
    REQUIRE(!result);
    error = result.error();
  } else {
    error = client.error();
  }
  CHECK(error.status == ExitStatus::kUnavailable);
  CHECK(error.message.find(address.format()) != std::string::npos);
}

TEST_CASE("the default route's address is one to show, or nothing") {
  const auto address = default_route_address();
  if (address) CHECK(!address->is_unspecified());
}
