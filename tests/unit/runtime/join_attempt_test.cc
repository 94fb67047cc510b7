// Joining through a name with several addresses, of which some are silent, some refuse and one answers.
#include "join_attempt.h"

#include <doctest/doctest.h>

#include "address.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/socket.h"
#include "silent_listener.h"

using namespace std::chrono_literals;

namespace p2pmesh {
namespace {

struct Quiet final : LogSink {
  void log(LogLevel, std::string_view) override {}
};

/// One end; joins when it is told to.
struct End final : LinkEvents {
  End(EventLoop& event_loop, std::uint8_t seed_byte, HostLookup lookup) : loop(event_loop) {
    std::array<std::uint8_t, 32> seed;
    seed.fill(seed_byte);
    signer = make_ed25519_signer(seed);
    tls = std::move(*TlsContext::make(seed));
    links = std::make_unique<LinkServer>(loop, *tls, *signer, ed25519_verifier(), *this, log);
    resolver = std::move(*Resolver::open(loop, std::move(lookup)));
    joins = std::make_unique<JoinAttempts>(loop, *resolver, *links);
    auto listener = listen_tcp(SocketAddress::loopback(0));
    address = *local_address(listener->get());
    REQUIRE(links->listen(std::move(*listener)));
  }
  MeshTerms local_terms(const std::optional<MeshId>&) const override {
    MeshTerms terms;
    if (!refusal) terms.mesh.emplace();
    if (refusal) terms.refusal = *refusal;
    return terms;
  }
  bool on_link_up(const LinkUp& up, const MeshId& mesh, std::uint64_t join) override {
    ++ups;
    link = up.link;
    if (!is_wanted) return false;
    if (join != 0) joins->end(join, JoinFound{up.node, mesh});
    return true;
  }
  void on_link_down(LinkId, bool) override {}
  void on_link_progress(LinkId) override {}
  bool is_welcome(const NodeKey&) const override { return true; }
  void on_dial_failed(const MeshId&, const NodeKey&, const NetAddress&) override {}
  void on_join_failed(std::uint64_t join, const Error& error) override {
    joins->on_address_failed(join, error);
  }
  bool on_frame(LinkId, const FrameView&) override { return true; }

  EventLoop& loop;
  Quiet log;
  std::unique_ptr<Signer> signer;
  std::unique_ptr<TlsContext> tls;
  std::unique_ptr<LinkServer> links;
  std::unique_ptr<Resolver> resolver;
  std::unique_ptr<JoinAttempts> joins;
  SocketAddress address;
  std::optional<RefuseReason> refusal;
  bool is_wanted = true;
  int ups = 0;
  LinkId link = 0;
};

struct Two {
  Two() {
    init_crypto();
    loop = std::move(*EventLoop::open());
    loop->run_once(Duration{});
    one = std::make_unique<End>(
        *loop, std::uint8_t{1},
        [this](const std::string&, std::uint16_t) -> Result<std::vector<SocketAddress>> {
          return addresses;
        });
    other = std::make_unique<End>(*loop, std::uint8_t{2}, look_up_host);
  }
  /// Joins through the addresses, and tells how that ended.
  Result<JoinFound> join(const std::vector<SocketAddress>& through) {
    addresses = through;
    began = loop->now().monotonic;
    std::optional<Result<JoinFound>> ended;
    int times = 0;
    one->joins->start("somewhere", 1, {}, true, [&](Result<JoinFound> found) {
      ended = std::move(found);
      ++times;
    });
    const Instant give_up = began + 20s;
    while (!ended && loop->now().monotonic < give_up) turn();
    REQUIRE(ended);
    took = loop->now().monotonic - began;
    for (int i = 0; i < 5; ++i) turn();
    CHECK(times == 1);
    CHECK_FALSE(one->joins->next_deadline());
    return *ended;
  }
  void turn() {
    std::optional<Instant> deadline = loop->now().monotonic + 10ms;
    loop->run_until(deadline);
    for (End* end : {one.get(), other.get()}) {
      end->joins->check_deadlines();
      end->links->check_deadlines();
      end->links->flush();
    }
  }
  std::unique_ptr<EventLoop> loop;
  std::vector<SocketAddress> addresses;
  std::unique_ptr<End> one, other;
  Instant began{};
  Duration took{};
};

SocketAddress closed_port() {
  const auto listener = listen_tcp(SocketAddress::loopback(0));
  return *local_address(listener->get());
}

TEST_CASE("ASilentAddressDoesNotKeepTheNextOneWaiting") {
  Two two;
  const SilentListener silent;
  const auto found = two.join({silent.address(), two.other->address});
  REQUIRE(found);
  CHECK(found->node == to_node(two.other->signer->public_key()));
  CHECK(two.took >= limits::kNextAddressDelay);
  CHECK(two.took < 2s);
  // The silent one is given up: nothing of it is left to end later.
  two.one->links->close(two.one->link, CloseReason::kDisconnect);
  for (int i = 0; i < 50 && !two.one->links->is_drained(); ++i) two.turn();
  CHECK(two.one->links->is_drained());
}

TEST_CASE("AnAddressThatRefusesMakesRoomForTheNextOneAtOnce") {
  Two two;
  REQUIRE(two.join({closed_port(), closed_port(), two.other->address}));
  CHECK(two.took < limits::kNextAddressDelay);
}

TEST_CASE("WhereBothAnswerOneLinkComesUp") {
  Two two;
  REQUIRE(two.join({two.other->address, two.other->address}));
  for (int i = 0; i < 50; ++i) two.turn();
  CHECK(two.one->ups == 1);
  CHECK(two.other->ups == 1);
}

TEST_CASE("AnAttemptEndsWithWhatTellsMostOfAllItsAddresses") {
  Two two;
  two.other->refusal = RefuseReason::kClosed;
  const auto found = two.join({closed_port(), two.other->address, closed_port()});
  REQUIRE(!found);
  CHECK(found.error().status == ExitStatus::kNoPermission);
  CHECK(found.error().message.starts_with("somewhere: " + two.other->address.format()));
  const auto refused = two.join({closed_port(), closed_port()});
  REQUIRE(!refused);
  CHECK(refused.error().status == ExitStatus::kUnavailable);
  const auto nothing = two.join({});
  REQUIRE(!nothing);
  CHECK(nothing.error().status == ExitStatus::kUnknownHost);
}

TEST_CASE("AnAttemptWhoseLinkIsNotWantedEndsToo") {
  Two two;
  two.one->is_wanted = false;
  const auto found = two.join({two.other->address});
  REQUIRE(!found);
  CHECK(found.error().status == ExitStatus::kTryAgain);
}

}  // namespace
}  // namespace p2pmesh
