// One mesh with its store and nobody at the other end: what is taken in while the disk is behind, and while
// what others carry is used up.
#include "mesh_runner.h"

#include <doctest/doctest.h>

#include <future>

#include "control_requests.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/posix/local_socket.h"
#include "p2pmesh/wire/text_body.h"
#include "temp_directory.h"
#include "unit/core/many_members.h"

namespace p2pmesh {
namespace {

/// Links that lead nowhere.
struct NoLinks final : LinkEvents {
  MeshTerms local_terms(const std::optional<MeshId>&) const override { return {}; }
  bool on_link_up(const LinkUp&, const MeshId&, std::uint64_t) override { return false; }
  void on_link_down(LinkId, bool) override {}
  void on_link_progress(LinkId) override {}
  bool is_welcome(const NodeKey&) const override { return false; }
  void on_dial_failed(const MeshId&, const NodeKey&, const NetAddress&) override {}
  void on_join_failed(std::uint64_t, const Error&) override {}
  bool on_frame(LinkId, const FrameView&) override { return false; }
};

struct Fixture {
  Fixture() {
    place.directory = directory.path();
    place.mesh.bytes[0] = 5;
    place.name = "Alice";
    place.founder_nonce = MeshNonce{1};
    loop->run_once(Duration{});
  }
  ~Fixture() { runner.reset(); }
  void open() {
    auto opened = MeshRunner::open(
        place, {*loop, links, control, seen, *signer, *signer, verifier, *agreement, files, log});
    REQUIRE(opened);
    runner = std::move(*opened);
    runner->begin();
  }
  void run_until(const std::function<bool()>& done) {
    for (int i = 0; i < 3000 && !done(); ++i) loop->run_once(std::chrono::milliseconds(10));
    REQUIRE(done());
  }
  [[nodiscard]] std::uint64_t counter(const std::string& wanted) const {
    for (const auto& [name, value] : runner->counters()) {
      if (name == wanted) return value;
    }
    return UINT64_MAX;
  }
  [[nodiscard]] MemberKey self() const { return to_member(signer->public_key()); }

  const bool is_ready = init_crypto();  // before the keys
  TempDirectory directory;
  const KeySeed seed{1};
  NullLog log;
  NoLinks events;
  Credulous verifier;
  std::unique_ptr<Signer> signer = make_ed25519_signer(seed);
  std::unique_ptr<KeyAgreement> agreement = make_x25519_agreement(seed);
  FileSeal files{seed};
  std::unique_ptr<EventLoop> loop = std::move(*EventLoop::open());
  std::unique_ptr<TlsContext> tls = std::move(*TlsContext::make(seed));
  LinkServer links{*loop, *tls, *signer, verifier, events, log};
  ControlRequests requests{HostActions{}, false};
  ControlServer control{*loop, requests, log};
  SeenTable seen{SeenTableOptions{}};
  MeshPlace place;
  std::unique_ptr<MeshRunner> runner;
};

/// With a neighbor that sends as much as there may wait for the disk.
struct Flooded : Fixture {
  static constexpr LinkId kLink = 7;
  static constexpr std::uint32_t kAuthors = 10;  // each within its budget

  Flooded() {
    open();
    LinkUp up;
    up.link = kLink;
    up.node = NodeKey{key_of(1).bytes};
    runner->handle(up);
    REQUIRE(runner->on_frame(kLink, {static_cast<std::uint8_t>(FrameType::kJoin), {}}));
    REQUIRE(runner->node().is_neighbor(kLink));
  }
  Bytes next_text() {
    const std::uint32_t number = made++;
    Envelope envelope;
    envelope.kind = static_cast<std::uint16_t>(Kind::kText);
    envelope.mesh = place.mesh;
    envelope.room = "#lobby";
    envelope.author = key_of(100 + number % kAuthors);
    envelope.epoch = 1;
    envelope.wall_ms = runner->wall_ms();
    envelope.seq = 1 + number / kAuthors;
    if (envelope.seq > 1) envelope.prev.bytes[0] = 1;
    envelope.depth = 1;
    envelope.body = encode_text_body(std::vector<std::string>(7, std::string(limits::kMessageBytesMax, 'x')));
    return encode_envelope(envelope);
  }
  void receive(const Bytes& encoded) {
    REQUIRE(runner->on_frame(kLink, {static_cast<std::uint8_t>(FrameType::kRepair), encoded}));
  }
  std::uint32_t made = 0;
};

TEST_CASE_FIXTURE(Flooded, "WhileTooMuchWaitsForTheDiskNothingMoreIsTakenIn") {
  std::promise<void> begun, freed;
  runner->storage().ask(
      [&begun, gate = freed.get_future().share()](MeshStore&) {
        begun.set_value();
        gate.wait();
      },
      [] {});
  begun.get_future().wait();
  while (runner->storage().queued_bytes() <= limits::kStoreQueueBytesMax) {
    const std::size_t before = runner->storage().queued_bytes();
    const Bytes text = next_text();
    receive(text);
    if (runner->storage().queued_bytes() != before + text.size()) break;
  }
  const std::size_t full = runner->storage().queued_bytes();
  CHECK(full > limits::kStoreQueueBytesMax);
  CHECK(full <= limits::kStoreQueueBytesMax + limits::kEnvelopeBytesMax);
  CHECK(counter("store_overflows") == 0);
  const Bytes beyond = next_text();
  receive(beyond);
  CHECK(runner->storage().queued_bytes() == full);
  CHECK(counter("store_overflows") == 1);
  freed.set_value();
  run_until([&] { return runner->storage().queued_bytes() == 0; });
  // It was not marked as seen.
  receive(beyond);
  CHECK(runner->storage().queued_bytes() == beyond.size());
  CHECK(counter("store_overflows") == 1);
}

/// Alice, who has written to Bob; he has not said that any of it came.
struct Writer : Fixture {
  static EnvelopePtr seal(Envelope envelope) {
    Bytes encoded = encode_envelope(envelope);
    const EnvelopeId id = hash_envelope(unsigned_part(encoded));
    return std::make_shared<const SealedEnvelope>(
        SealedEnvelope{id, std::move(encoded), std::move(envelope)});
  }
  /// What she is told when she writes once more.
  std::string write_after(std::uint64_t undelivered) {
    auto store = MeshStore::open(place.file(".db"), place.mesh);
    REQUIRE(store);
    Envelope record = record_of(2, "Bob")->envelope;
    record.mesh = place.mesh;
    Envelope direct;
    direct.kind = static_cast<std::uint16_t>(Kind::kDirect);
    direct.mesh = place.mesh;
    direct.author = self();
    direct.epoch = 10;
    direct.seq = 1;
    direct.depth = 1;
    direct.body = Bytes(300, 7);
    StoreBatch batch;
    batch.items.resize(2);
    batch.items[0].envelope = seal(record);
    batch.items[1].envelope = seal(direct);
    batch.items[1].direct = StoredDirect{key_of(2), true, undelivered, 1, {"hello"}};
    StoredCorrespondent bob;
    bob.member = key_of(2);
    bob.relation = static_cast<std::uint8_t>(Relation::kAccepted);
    batch.correspondents = {bob};
    REQUIRE((*store)->write(batch));
    store->reset();
    open();
    REQUIRE(runner->node().undelivered() == undelivered);
    requests.serve(control, *runner, "127.0.0.1", 1);
    REQUIRE(control.listen(directory / "control"));
    const auto client = connect_local(directory / "control");
    REQUIRE(client);
    run_until([&] { return control.sessions() == 1; });
    control::SendRequest request;
    request.text = "are you there?";
    request.to = key_of(2).hex();
    requests.on_request(*control.find(1), "1", request);
    return control.find(1)->out;
  }
};

TEST_CASE_FIXTURE(Writer, "WhoHasAsMuchUndeliveredAsOthersCarryIsToldToWait") {
  const std::string told = write_after(limits::kCarriedEnvelopesPerAuthor);
  CHECK(told.find(std::to_string(limits::kCarriedEnvelopesPerAuthor) + " direct messages") !=
        std::string::npos);
  CHECK(runner->node().drafts().empty());
}

TEST_CASE_FIXTURE(Writer, "WhoHasOneLessUndeliveredMayWriteOneMore") {
  const std::string told = write_after(limits::kCarriedEnvelopesPerAuthor - 1);
  CHECK(told.find("error") == std::string::npos);
  CHECK(runner->node().drafts().size() == 1);  // until his key is here
}

}  // namespace
}  // namespace p2pmesh
