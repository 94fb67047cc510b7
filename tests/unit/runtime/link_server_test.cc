// Two link servers on loopback: how a link comes up, and how its end is told.
#include "link_server.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "address.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/posix/socket.h"
#include "p2pmesh/wire/messages.h"

namespace p2pmesh {
namespace {

struct NoLog final : LogSink {
  void log(LogLevel, std::string_view) override {}
};

/// Writes down what it is told, as words in order.
struct Side final : LinkEvents {
  Side(EventLoop& event_loop, std::uint8_t seed_byte, const LinkBounds& bounds) : loop(event_loop) {
    std::array<std::uint8_t, 32> seed;
    seed.fill(seed_byte);
    signer = make_ed25519_signer(seed);
    tls = std::move(*TlsContext::make(seed));
    links = std::make_unique<LinkServer>(loop, *tls, *signer, ed25519_verifier(), *this, log, bounds);
    auto listener = listen_tcp(SocketAddress::loopback(0));
    REQUIRE(listener);
    address = to_net(*local_address(listener->get()));
    REQUIRE(links->listen(std::move(*listener)));
  }
  [[nodiscard]] NodeKey node() const { return to_node(signer->public_key()); }

  MeshTerms local_terms(const std::optional<MeshId>&) const override {
    MeshTerms terms;
    terms.mesh.emplace();
    terms.addresses.push_back(address);
    return terms;
  }
  bool on_link_up(const LinkUp& up, const MeshId&, std::uint64_t) override {
    link = up.link;
    told.push_back("up");
    return true;
  }
  void on_link_down(LinkId, bool is_faulty) override { told.push_back(is_faulty ? "faulty" : "down"); }
  void on_link_progress(LinkId) override { ++progress; }
  bool is_welcome(const NodeKey& node) const override { return node != unwelcome; }
  void on_dial_failed(const MeshId&, const NodeKey&, const NetAddress&) override {
    told.push_back("dial failed");
  }
  void on_join_failed(std::uint64_t, const Error&) override {}
  bool on_frame(LinkId, const FrameView& frame) override {
    const auto type = static_cast<FrameType>(frame.type);
    if (type == FrameType::kClose) {
      const auto close = decode_close(frame.payload);
      told.push_back("close " + (close ? std::to_string(static_cast<int>(close->reason)) : std::string("?")));
      return close.has_value();
    }
    told.push_back("frame");
    return true;
  }

  EventLoop& loop;
  NoLog log;
  std::unique_ptr<Signer> signer;
  std::unique_ptr<TlsContext> tls;
  std::unique_ptr<LinkServer> links;
  NetAddress address;
  LinkId link = 0;
  int progress = 0;
  NodeKey unwelcome;
  std::vector<std::string> told;
};

struct Pair {
  explicit Pair(const LinkBounds& bounds = {}) {
    init_crypto();
    loop = std::move(*EventLoop::open());
    loop->run_once(Duration{});
    one = std::make_unique<Side>(*loop, std::uint8_t{1}, bounds);
    other = std::make_unique<Side>(*loop, std::uint8_t{2}, bounds);
  }
  void connect() {
    one->links->dial(MeshId{}, other->node(), other->address);
    run_until([&] { return one->told.size() == 1 && other->told.size() == 1; });
  }
  void run_until(const std::function<bool()>& done) {
    for (int i = 0; i < 1000 && !done(); ++i) {
      loop->run_once(std::chrono::milliseconds(10));
      for (Side* side : {one.get(), other.get()}) {
        side->links->check_deadlines();
        side->links->flush();
      }
    }
    REQUIRE(done());
  }
  std::unique_ptr<EventLoop> loop;
  std::unique_ptr<Side> one, other;
};

using Told = std::vector<std::string>;

TEST_CASE("ALinkComesUpAtBothEnds") {
  Pair pair;
  pair.connect();
  CHECK(pair.one->told == Told{"up"});
  CHECK(pair.other->told == Told{"up"});
}

TEST_CASE("WhyALinkIsClosedIsToldBeforeThatItIsDown") {
  for (const CloseReason reason :
       {CloseReason::kDisconnect, CloseReason::kBetterLink, CloseReason::kLeaving}) {
    Pair pair;
    pair.connect();
    pair.one->links->send(
        {pair.one->link, std::make_shared<const Bytes>(encode_ping(Ping{})), FrameClass::kControl});
    pair.one->links->close(pair.one->link, reason);
    pair.run_until([&] { return pair.other->told.size() >= 4 && pair.one->links->is_drained(); });
    CHECK(pair.other->told ==
          Told{"up", "frame", "close " + std::to_string(static_cast<int>(reason)), "down"});
    CHECK(pair.one->told == Told{"up"});
    CHECK(pair.other->links->is_drained());
  }
}

TEST_CASE("AMalformedCloseClosesAllTheSame") {
  Pair pair;
  pair.connect();
  pair.one->links->send({pair.one->link,
                         std::make_shared<const Bytes>(encode_frame(FrameType::kClose, Bytes{99})),
                         FrameClass::kControl});
  pair.run_until([&] { return pair.other->told.size() >= 3; });
  CHECK(pair.other->told == Told{"up", "close ?", "down"});
}

TEST_CASE("TwoThatCloseAtTheSameTimeAreToldNothingMore") {
  Pair pair;
  pair.connect();
  pair.one->links->close(pair.one->link, CloseReason::kDisconnect);
  pair.other->links->close(pair.other->link, CloseReason::kDisconnect);
  pair.run_until([&] { return pair.one->links->is_drained() && pair.other->links->is_drained(); });
  CHECK(pair.one->told == Told{"up"});
  CHECK(pair.other->told == Told{"up"});
}

/// Raw bytes of frames, in pieces as one likes.
void say(Side& side, const Bytes& bytes) {
  side.links->send({side.link, std::make_shared<const Bytes>(bytes), FrameClass::kControl});
}

TEST_CASE("ALinkForWhichMoreWaitsThanMayIsClosed") {
  LinkBounds bounds;
  bounds.send_queue_bytes_max = 100 * 1024;
  for (const bool is_bounded : {false, true}) {
    Pair pair(is_bounded ? bounds : LinkBounds{});
    pair.connect();
    for (int i = 0; i < 3; ++i) say(*pair.one, encode_frame(FrameType::kGossip, Bytes(50 * 1024)));
    pair.one->links->flush();
    CHECK(pair.one->told.back() == (is_bounded ? "down" : "up"));
    CHECK(pair.one->links->counters().queues_overfull == (is_bounded ? 1 : 0));
  }
}

TEST_CASE("AFrameThatDoesNotGetOnIsAFault") {
  LinkBounds bounds;
  bounds.frame_patience = std::chrono::milliseconds(100);
  Pair pair(bounds);
  pair.connect();
  say(*pair.one, {0, 0, 1});  // not even its length
  pair.run_until([&] { return pair.other->told.size() >= 2 && pair.one->told.size() >= 2; });
  CHECK(pair.other->told == Told{"up", "faulty"});
  CHECK(pair.other->links->counters().slow_frames == 1);
  CHECK(pair.one->told == Told{"up", "down"});
}

TEST_CASE("ALongFrameOnASlowLineIsNoFault") {
  LinkBounds bounds;
  bounds.frame_patience = std::chrono::milliseconds(1000);
  Pair pair(bounds);
  pair.connect();
  // 20 KiB in 2.5 s: over the patience, and not too slow.
  const Bytes frame = encode_frame(FrameType::kTaken, Bytes(20 * 1024));
  const Instant begun = pair.loop->now().monotonic;
  for (std::size_t sent = 0; sent < frame.size(); sent += 1024) {
    const auto from = frame.begin() + static_cast<std::ptrdiff_t>(sent);
    const auto size = static_cast<std::ptrdiff_t>(std::min<std::size_t>(1024, frame.size() - sent));
    say(*pair.one, Bytes(from, from + size));
    const Instant next = begun + std::chrono::milliseconds(125) * (sent / 1024 + 1);
    pair.run_until([&] { return pair.loop->now().monotonic >= next; });
  }
  pair.run_until([&] { return pair.other->told.size() >= 2; });
  CHECK(pair.other->told == Told{"up", "frame"});
  CHECK(pair.other->progress >= 1);
  CHECK(pair.other->progress <= 3);
}

TEST_CASE("AnImpossibleLengthIsAFault") {
  Pair pair;
  pair.connect();
  say(*pair.one, {0, 1, 0, 1, 6});
  pair.run_until([&] { return pair.other->told.size() >= 2; });
  CHECK(pair.other->told == Told{"up", "faulty"});
}

TEST_CASE("WhoIsNotWelcomeGetsNoWelcome") {
  Pair pair;
  pair.other->unwelcome = pair.one->node();
  pair.one->links->dial(MeshId{}, pair.other->node(), pair.other->address);
  pair.run_until([&] { return !pair.one->told.empty(); });
  CHECK(pair.one->told == Told{"dial failed"});
  CHECK(pair.other->told.empty());
  CHECK(pair.other->links->counters().refused_faulty == 1);
}

TEST_CASE("ADialThatReachesNobodyOrAnotherNodeHasFailed") {
  Pair pair;
  NodeKey stranger;
  stranger.bytes.fill(7);
  pair.one->links->dial(MeshId{}, stranger, pair.other->address);
  pair.run_until([&] { return !pair.one->told.empty(); });
  CHECK(pair.one->told == Told{"dial failed"});
  const NetAddress gone = pair.other->address;
  const NodeKey node = pair.other->node();
  pair.other->links->shut_down();
  pair.one->links->dial(MeshId{}, node, gone);
  pair.run_until([&] { return pair.one->told.size() == 2; });
  CHECK(pair.one->told.back() == "dial failed");
}

TEST_CASE("AProbeTellsWhoAnswersAndNoLinkComesUp") {
  Pair pair;
  const auto probe = [&](const NodeKey& node, const NetAddress& address) {
    std::optional<Reach> told;
    pair.one->links->probe(node, address, [&](Reach reach) { told = reach; });
    pair.run_until([&] { return told.has_value(); });
    return *told;
  };
  CHECK(probe(pair.other->node(), pair.other->address) == Reach::kReached);
  NodeKey stranger;
  stranger.bytes.fill(7);
  CHECK(probe(stranger, pair.other->address) == Reach::kOtherNode);
  const NetAddress gone = pair.other->address;
  pair.other->links->shut_down();
  CHECK(probe(pair.other->node(), gone) == Reach::kRefused);
  CHECK(pair.one->told.empty());
  CHECK(pair.other->told.empty());
  CHECK(pair.one->links->is_drained());
}

std::uint64_t waiting_at(const Side& side) {
  for (const auto& [name, value] : side.links->uses()) {
    if (name == "waiting_links_max") return value;
  }
  return UINT64_MAX;
}

TEST_CASE("OfTooManyThatWaitAndSayNothingTheFirstIsClosedAndWhoSpeaksGetsIn") {
  Pair pair;
  std::vector<UniqueFd> silent;
  const auto knock = [&] {
    auto fd = connect_tcp(to_socket(pair.other->address));
    REQUIRE(fd);
    silent.push_back(std::move(*fd));
    const std::uint64_t expected = silent.size();
    pair.run_until([&] { return pair.other->links->counters().accepted >= expected; });
  };
  const auto is_closed = [&](std::size_t i) {
    std::array<std::uint8_t, 1> byte;
    return read_some(silent[i].get(), byte).status != IoStatus::kWouldBlock;
  };
  for (std::size_t i = 0; i < limits::kWaitingLinksMax; ++i) knock();
  REQUIRE(waiting_at(*pair.other) == limits::kWaitingLinksMax);
  CHECK(pair.other->links->counters().refused_full == 0);
  knock();
  CHECK(waiting_at(*pair.other) == limits::kWaitingLinksMax);
  CHECK(pair.other->links->counters().refused_full == 1);
  pair.run_until([&] { return is_closed(0); });
  CHECK_FALSE(is_closed(1));
  CHECK_FALSE(is_closed(silent.size() - 1));
  pair.connect();
  CHECK(pair.one->told == Told{"up"});
  CHECK(waiting_at(*pair.other) <= limits::kWaitingLinksMax);
}

TEST_CASE("WhoDoesNotReadWhatIsSentToItLosesItsLink") {
  Pair pair;
  pair.connect();
  const Bytes frame =
      encode_frame(FrameType::kTaken, Bytes(limits::kFrameBytesMax - limits::kFrameHeaderBytes));
  constexpr std::size_t kFit = limits::kSendQueueBytesMax / limits::kFrameBytesMax;
  REQUIRE(frame.size() == limits::kFrameBytesMax);
  for (std::size_t i = 0; i < kFit; ++i) say(*pair.one, frame);
  pair.run_until([&] { return pair.other->told.size() == 1 + kFit; });
  CHECK(pair.one->told == Told{"up"});
  CHECK(pair.one->links->counters().queues_overfull == 0);
  for (std::size_t i = 0; i < kFit; ++i) say(*pair.one, frame);
  say(*pair.one, encode_ping(Ping{}));
  pair.one->links->flush();
  CHECK(pair.one->links->counters().queues_overfull == 1);
  CHECK(pair.one->told == Told{"up", "down"});
  pair.run_until([&] { return pair.other->told.back() == "down"; });
}

TEST_CASE("WhoWaitsIsLookedAtAgainAfterAMoment") {
  Pair pair;
  CHECK_FALSE(pair.other->links->next_deadline());
  const auto silent = connect_tcp(to_socket(pair.other->address));
  REQUIRE(silent);
  pair.run_until([&] { return pair.other->links->counters().accepted == 1; });
  REQUIRE(waiting_at(*pair.other) == 1);
  CHECK(pair.other->links->next_deadline() == pair.loop->now().monotonic + limits::kAdmitInterval);
}

TEST_CASE("WithoutADescriptorNobodyIsTakenForAMoment") {
  Pair pair;
  const auto first = connect_tcp(to_socket(pair.other->address));
  const auto second = connect_tcp(to_socket(pair.other->address));
  REQUIRE(first);
  REQUIRE(second);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const UniqueFd lowest(::dup(first->get()));
  rlimit none_left = before;
  none_left.rlim_cur = static_cast<rlim_t>(lowest.get());
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none_left) == 0);
  pair.loop->run_once(std::chrono::milliseconds(1000));
  ::setrlimit(RLIMIT_NOFILE, &before);
  const LinkCounters& counters = pair.other->links->counters();
  CHECK(counters.refused_descriptors == 1);
  CHECK(counters.accepted == 0);
  const Instant paused = pair.loop->now().monotonic;
  CHECK(pair.other->links->next_deadline() == paused + limits::kAcceptPause);
  pair.run_until([&] { return counters.accepted == 1; });
  CHECK(pair.loop->now().monotonic >= paused + limits::kAcceptPause);
  CHECK(counters.refused_descriptors == 1);
}

}  // namespace
}  // namespace p2pmesh
