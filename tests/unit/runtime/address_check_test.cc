// What a check says of a node, of somebody else and of nobody; and that the node there is joined by nobody.
#include "p2pmesh/runtime/address_check.h"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <thread>

#include "address.h"
#include "link_server.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/posix/clock.h"
#include "p2pmesh/posix/socket.h"
#include "p2pmesh/posix/stream_io.h"
#include "p2pmesh/wire/messages.h"
#include "silent_listener.h"

using namespace std::chrono_literals;

namespace p2pmesh {
namespace {

/// A node on a thread of its own, since a check blocks.
struct There final : LinkEvents, LogSink {
  explicit There(std::optional<RefuseReason> refuses = {}) : refusal(refuses) {
    init_crypto();
    std::array<std::uint8_t, 32> seed;
    seed.fill(9);
    signer = make_ed25519_signer(seed);
    auto listener = listen_tcp(SocketAddress::loopback(0));
    place = {"127.0.0.1", local_address(listener->get())->port()};
    thread = std::thread([this, seed, fd = std::make_shared<UniqueFd>(std::move(*listener))] {
      auto loop = std::move(*EventLoop::open());
      auto tls = std::move(*TlsContext::make(seed));
      LinkServer links(*loop, *tls, *signer, ed25519_verifier(), *this, *this);
      (void)links.listen(std::move(*fd));
      while (!ends) {
        loop->run_once(10ms);
        links.check_deadlines();
        links.flush();
      }
    });
  }
  ~There() override {
    ends = true;
    thread.join();
  }
  MeshTerms local_terms(const std::optional<MeshId>& wanted) const override {
    if (wanted) asked_for_a_mesh = true;
    MeshTerms terms;
    if (!refusal) terms.mesh.emplace().bytes[0] = 7;
    if (refusal) terms.refusal = *refusal;
    return terms;
  }
  bool on_link_up(const LinkUp&, const MeshId&, std::uint64_t) override {
    ++ups;
    return true;
  }
  void on_link_down(LinkId, bool) override {}
  void on_link_progress(LinkId) override {}
  bool is_welcome(const NodeKey&) const override { return true; }
  void on_dial_failed(const MeshId&, const NodeKey&, const NetAddress&) override {}
  void on_join_failed(std::uint64_t, const Error&) override {}
  bool on_frame(LinkId, const FrameView&) override { return true; }
  void log(LogLevel, std::string_view) override {}

  std::optional<RefuseReason> refusal;
  std::unique_ptr<Signer> signer;
  HostPort place;
  std::atomic<bool> ends = false;
  mutable std::atomic<bool> asked_for_a_mesh = false;
  std::atomic<int> ups = 0;
  std::thread thread;
};

HostLookup giving(std::vector<SocketAddress> addresses) {
  return [addresses = std::move(addresses)](
             const std::string&, std::uint16_t) -> Result<std::vector<SocketAddress>> { return addresses; };
}

TEST_CASE("AnOpenNodeIsToldOfAndSeesNoLink") {
  There there;
  const AddressCheck check = check_address(there.place);
  CHECK_FALSE(check.error);
  REQUIRE(check.addresses.size() == 1);
  CHECK(check.addresses[0].answered_after);
  CHECK(check.version == kProtocolVersion);
  CHECK(check.node == to_node(there.signer->public_key()));
  REQUIRE(check.mesh);
  CHECK(check.mesh->bytes[0] == 7);
  CHECK(check.greeted_for > Duration{});
  CHECK_FALSE(check.refusal);
  CHECK_FALSE(there.asked_for_a_mesh);
  CHECK(there.ups == 0);
}

TEST_CASE("AClosedMeshAndAReasonOfTheFutureAreAnswers") {
  for (const std::uint8_t reason : {std::uint8_t{6}, std::uint8_t{12}, std::uint8_t{200}}) {
    There there(static_cast<RefuseReason>(reason));
    const AddressCheck check = check_address(there.place);
    CHECK_FALSE(check.error);
    CHECK(check.refusal == reason);
    CHECK(check.version == kProtocolVersion);
    CHECK_FALSE(check.mesh);
  }
}

TEST_CASE("OfSeveralAddressesEachIsToldOfAndOneThatAnswersIsAsked") {
  There there;
  const SocketAddress good = SocketAddress::loopback(there.place.port);
  const SilentListener silent;
  const Instant began = read_clock().monotonic;
  const AddressCheck check = check_address({"somewhere", 1}, giving({silent.address(), good}));
  CHECK(read_clock().monotonic - began < 4s);
  REQUIRE(check.addresses.size() == 2);
  CHECK_FALSE(check.addresses[0].answered_after);
  CHECK(check.greeted == 1U);
  CHECK(check.mesh);
}

TEST_CASE("NobodyAnUnknownHostAndAStrangerAreTold") {
  init_crypto();
  auto listener = listen_tcp(SocketAddress::loopback(0));
  const SocketAddress stranger = *local_address(listener->get());
  REQUIRE(set_nonblocking(listener->get(), false));
  std::thread answers([&] {
    auto accepted = accept_tcp(listener->get());
    if (!accepted || !*accepted) return;
    const int fd = (*accepted)->fd.get();
    (void)write_all(fd, as_bytes("HTTP/1.1 400 Bad Request\r\n\r\n"));
    // Until the other end, which has a deadline, hangs up.
    std::array<std::uint8_t, 1024> said;
    if (set_nonblocking(fd, false)) {
      while (read_some(fd, said).status == IoStatus::kOk) continue;
    }
  });
  const AddressCheck foreign = check_address({"127.0.0.1", stranger.port()});
  answers.join();
  REQUIRE(foreign.error);
  CHECK(foreign.error->status == ExitStatus::kProtocol);
  CHECK(foreign.addresses[0].answered_after);
  CHECK_FALSE(foreign.version);
  listener->reset();
  const AddressCheck nobody = check_address({"127.0.0.1", stranger.port()});
  REQUIRE(nobody.error);
  CHECK(nobody.error->status == ExitStatus::kUnavailable);
  CHECK_FALSE(nobody.greeted);
  const AddressCheck unknown = check_address({"no such host", 1});
  REQUIRE(unknown.error);
  CHECK(unknown.error->status == ExitStatus::kUnknownHost);
  CHECK(unknown.addresses.empty());
}

}  // namespace
}  // namespace p2pmesh
