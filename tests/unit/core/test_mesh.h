// A few core nodes in one process with a virtual clock, links without loss and stores in memory, so that a
// protocol test is ten lines. Pair is the two-node form.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "memory_store.h"
#include "p2pmesh/core/node.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/crypto/signature.h"
#include "p2pmesh/wire/messages.h"
#include "p2pmesh/wire/text_body.h"

namespace p2pmesh::test {

using namespace std::chrono_literals;

class TestMesh;

/// One node with its driver.
class TestNode {
 public:
  TestNode(TestMesh& mesh, std::string node_name, std::uint8_t key_byte);

  void start(bool clean = false);
  void crash();  ///< its links are lost; the store stays
  void say(const std::string& text, const std::string& room = "#lobby");
  void tell(const TestNode& other, const std::string& text);
  void renew_prekey();
  void handle(const Input& input);

  [[nodiscard]] std::vector<std::string> heard() const;  ///< announced texts of rooms, in order
  /// Texts of direct messages from others that are shown as things stand, in the order in which they came.
  [[nodiscard]] std::vector<std::string> told() const;
  [[nodiscard]] const std::vector<std::string>& notices() const { return notices_; }
  [[nodiscard]] MemberKey key() const { return to_member(signer->public_key()); }
  [[nodiscard]] NodeKey node_key() const { return to_node(signer->public_key()); }
  [[nodiscard]] Now time() const;
  [[nodiscard]] std::uint64_t counter(const std::string& wanted) const;

  TestMesh& mesh;
  std::string name;
  std::unique_ptr<Signer> signer;
  std::unique_ptr<KeyAgreement> agreement;
  std::vector<Prekey> prekeys;  ///< the newest first
  std::optional<MeshNonce> nonce;
  bool discoverable = true;        ///< at the next start
  std::vector<MemberKey> blocked;  ///< likewise
  MemoryStore store;
  std::unique_ptr<Node> node;
  NetAddress listen;
  std::vector<Announce> announced;
  std::vector<std::uint64_t> acknowledged;
  std::vector<std::uint64_t> kept;  ///< numbers of drafts
  std::vector<NameVerdict> name_answers;
  std::vector<Dial> dials;
  std::vector<TellConversation> conversations;
  std::size_t penalties = 0;
  bool settled = false;
  bool commits_held = false;  ///< commits wait until it is false again
  bool exact_name = false;
  WallMs clock_behind_ms = 0;  ///< its wall clock, behind that of the others
  std::deque<Committed> waiting_commits;
  std::deque<RefusedHidden> hides;  ///< answered behind the commits
  std::size_t hides_asked = 0;      ///< that were answered
  std::vector<FrameType> sent_types;
  std::vector<SharedBytes> sent_gossip;
  std::vector<Instant> told_repaired;  ///< when it told a neighbor that it was repaired

 private:
  friend class TestMesh;
  static constexpr std::uint64_t kHeld = UINT64_MAX;  // row of what is not in the store yet
  std::uint64_t commit(const Store& stored);
  void run(Outputs& outputs);
  std::vector<std::string> notices_;
  std::set<EnvelopeId> seen_;
  std::uint64_t next_token_ = 1;
  int drawn_ = 0;
};

/// The nodes, the links between them, the clock.
class TestMesh {
 public:
  TestMesh() {
    init_crypto();
    now.monotonic = Instant(1s);
    now.wall_ms = 1'700'000'000'000;
  }

  TestNode& add(const std::string& name) {
    const auto number = static_cast<std::uint8_t>(nodes.size() + 1);
    nodes.push_back(std::make_unique<TestNode>(*this, name, number));
    TestNode& node = *nodes.back();
    node.listen.ip = {127, 0, 0, 1};
    node.listen.port = static_cast<std::uint16_t>(1000 + number);
    if (nodes.size() == 1) {
      node.nonce = MeshNonce{1, 2, 3};
      mesh = hash_mesh(node.key(), *node.nonce);
    }
    return node;
  }

  /// A handshake happened; `a` dialled.
  void link(TestNode& a, TestNode& b) {
    const LinkId at_a = next_link_++;
    const LinkId at_b = next_link_++;
    wires[at_a] = {&a, &b, at_b};
    wires[at_b] = {&b, &a, at_a};
    LinkUp up_a{at_a,
                b.node_key(),
                true,
                b.listen,
                a.listen,
                a.listen,
                b.node->advertised(),
                a.node->deepest_heads(),
                b.node->deepest_heads()};
    LinkUp up_b{at_b,
                a.node_key(),
                false,
                a.listen,
                b.listen,
                b.listen,
                a.node->advertised(),
                b.node->deepest_heads(),
                a.node->deepest_heads()};
    a.handle(up_a);
    b.handle(up_b);
  }

  /// Both ends lose the link, as when a cable is cut and noticed.
  void cut(TestNode& a, TestNode& b) {
    std::vector<LinkId> gone;
    for (const auto& [id, wire] : wires) {
      if ((wire.from == &a && wire.to == &b) || (wire.from == &b && wire.to == &a)) gone.push_back(id);
    }
    for (LinkId id : gone) {
      TestNode* owner = wires[id].from;
      wires.erase(id);
      if (owner->node) owner->handle(LinkDown{id});
    }
  }

  /// Cuts every link that is not allowed now.
  void cut_forbidden() {
    for (auto& a : nodes) {
      for (auto& b : nodes) {
        if (a < b && !links_allowed(*a, *b)) cut(*a, *b);
      }
    }
  }

  /// Carries frames and lets time pass in small steps until `span` is over.
  void run(Duration span = 100ms) {
    const Instant end = now.monotonic + span;
    for (;;) {
      settle_frames();
      if (now.monotonic >= end) return;
      now.monotonic += 10ms;
      now.wall_ms += 10;
      for (auto& node : nodes) {
        if (!node->node) continue;
        const auto deadline = node->node->next_deadline();
        if (deadline && *deadline <= now.monotonic) node->handle(Wake{});
      }
    }
  }

  struct Wire {
    TestNode* from = nullptr;
    TestNode* to = nullptr;
    LinkId other_end = 0;
  };
  struct InFlight {
    LinkId to_link;
    TestNode* to;
    SharedBytes frame;
  };

  MeshId mesh;
  Now now;
  std::vector<std::unique_ptr<TestNode>> nodes;
  std::map<LinkId, Wire> wires;
  std::deque<InFlight> in_flight;
  bool links_by_dialling = true;                                        ///< Dial outputs make links
  std::function<bool(const TestNode&, const TestNode&)> links_allowed;  ///< none: all are
  std::function<bool(TestNode&, const Dial&)> answers_dial;             ///< somebody else does
  std::set<FrameType> lost;  ///< frames of these types never arrive
  std::size_t live_payloads = 0;

 private:
  friend class TestNode;
  void settle_frames() {
    for (int i = 0; i < 10000; ++i) {
      bool moved = false;
      for (auto& node : nodes) {
        if (!node->node) continue;
        while (!node->commits_held && !node->waiting_commits.empty()) {
          Committed committed = std::move(node->waiting_commits.front());
          node->waiting_commits.pop_front();
          if (committed.row == TestNode::kHeld)
            committed.row = node->commit({committed.envelope, committed.context});
          node->handle(committed);
          moved = true;
        }
        while (node->waiting_commits.empty() && !node->hides.empty()) {
          const RefusedHidden answer = std::move(node->hides.front());
          ++node->hides_asked;
          node->hides.pop_front();
          node->handle(answer);
          moved = true;
        }
        Outputs outputs;
        node->node->flush(node->time(), outputs);
        moved = moved || !outputs.empty();
        node->run(outputs);
        std::vector<Dial> dials;
        dials.swap(node->dials);
        for (const Dial& dial : dials) answer_dial(*node, dial);
      }
      while (!in_flight.empty()) {
        InFlight flight = std::move(in_flight.front());
        in_flight.pop_front();
        if (flight.to->node && wires.contains(flight.to_link)) deliver(flight);
        moved = true;
      }
      if (!moved) return;
    }
  }

  void answer_dial(TestNode& from, const Dial& dial) {
    if (answers_dial && answers_dial(from, dial)) return;
    for (auto& node : nodes) {
      if (node->node_key() != dial.node) continue;
      const bool allowed = links_by_dialling && (!links_allowed || links_allowed(from, *node));
      if (allowed && node->node && node->listen == dial.address) return link(from, *node);
    }
    from.handle(DialFailed{dial.node, dial.address});
  }

  void deliver(const InFlight& flight) {
    const auto type = static_cast<FrameType>((*flight.frame)[4]);
    if (lost.contains(type)) return;
    const ByteView payload = ByteView(*flight.frame).subspan(5);
    TestNode& to = *flight.to;
    if (type != FrameType::kGossip && type != FrameType::kRepair)
      return to.handle(FrameReceived{flight.to_link, type, payload});
    const bool live = type == FrameType::kGossip;
    if (!live) return deliver_envelope(to, flight.to_link, payload, false, 0);
    const auto gossip = decode_gossip(payload);
    for (const GossipItem& item : gossip->items) {
      ++live_payloads;
      deliver_envelope(to, flight.to_link, item.envelope, true, item.round);
    }
  }

  void deliver_envelope(TestNode& to, LinkId link, ByteView encoded, bool live, std::uint16_t round) {
    auto sealed = std::make_shared<SealedEnvelope>();
    auto envelope = decode_envelope(encoded);
    sealed->id = hash_envelope(unsigned_part(encoded));
    sealed->encoded.assign(encoded.begin(), encoded.end());
    sealed->envelope = *envelope;
    if (!to.seen_.insert(sealed->id).second) return to.handle(DuplicateReceived{link, sealed->id, round});
    to.handle(EnvelopeReceived{link, live, round, std::move(sealed)});
  }

  LinkId next_link_ = 1;
};

inline TestNode::TestNode(TestMesh& owner, std::string node_name, std::uint8_t key_byte)
    : mesh(owner), name(std::move(node_name)) {
  KeySeed seed{};
  seed[0] = key_byte;
  signer = make_ed25519_signer(seed);
  agreement = make_x25519_agreement(seed);
  renew_prekey();
}

inline void TestNode::renew_prekey() {
  KeySeed seed{};
  seed[0] = key().bytes[0];
  seed[1] = static_cast<std::uint8_t>(++drawn_);
  prekeys.insert(prekeys.begin(), Prekey{mesh.now.wall_ms, agreement->make_keys(seed)});
  if (node) handle(PrekeyDrawn{prekeys.front()});
}

inline Now TestNode::time() const {
  return {mesh.now.monotonic, mesh.now.wall_ms - clock_behind_ms};
}

inline void TestNode::start(bool clean) {
  NodeOptions options;
  options.mesh = mesh.mesh;
  options.founder_nonce = nonce;
  options.name = name;
  options.exact_name = exact_name;
  options.member_signer = signer.get();
  options.node_signer = signer.get();
  options.verifier = &ed25519_verifier();
  options.agreement = agreement.get();
  options.prekeys = prekeys;
  options.listen = listen;
  options.seed = key().bytes[0];
  options.discoverable = discoverable;
  store.clean = clean;
  Outputs outputs;
  seen_.clear();
  settled = false;
  RestoredState restored = store.restore();
  restored.blocked = blocked;
  node = std::make_unique<Node>(options, restored, time(), outputs);
  run(outputs);
}

inline void TestNode::crash() {
  node.reset();
  waiting_commits.clear();
  hides.clear();
  dials.clear();
  std::vector<std::pair<LinkId, TestMesh::Wire>> mine;
  for (const auto& wire : mesh.wires) {
    if (wire.second.from == this || wire.second.to == this) mine.push_back(wire);
  }
  for (const auto& [id, wire] : mine) {
    mesh.wires.erase(id);
    if (wire.from != this && wire.from->node) wire.from->handle(LinkDown{id});
  }
}

inline void TestNode::say(const std::string& text, const std::string& room) {
  handle(SendText{next_token_++, room, text});
}

inline void TestNode::tell(const TestNode& other, const std::string& text) {
  handle(SendDirect{next_token_++, other.key(), text});
}

inline void TestNode::handle(const Input& input) {
  Outputs outputs;
  node->handle(input, time(), outputs);
  run(outputs);
}

inline std::uint64_t TestNode::commit(const Store& stored) {
  if (stored.context.own && stored.envelope->envelope.envelope_class == EnvelopeClass::kLog)
    store.outbox.insert(stored.envelope->id);
  return store.commit(stored);
}

inline void TestNode::run(Outputs& outputs) {
  for (Output& output : outputs) {
    if (auto* send = std::get_if<SendFrame>(&output)) {
      auto wire = mesh.wires.find(send->link);
      if (wire == mesh.wires.end()) continue;
      sent_types.push_back(static_cast<FrameType>((*send->frame)[4]));
      if (sent_types.back() == FrameType::kGossip) sent_gossip.push_back(send->frame);
      if (sent_types.back() == FrameType::kPing && decode_ping(ByteView(*send->frame).subspan(5))->repaired)
        told_repaired.push_back(mesh.now.monotonic);
      mesh.in_flight.push_back({wire->second.other_end, wire->second.to, send->frame});
    } else if (auto* stored = std::get_if<Store>(&output)) {
      waiting_commits.push_back({stored->envelope, stored->context, commits_held ? kHeld : commit(*stored)});
    } else if (auto* notice = std::get_if<PublishNotice>(&output)) {
      static constexpr const char* kWords[] = {"joined", "left",     "offline",  "back",   "renamed",
                                               "asks",   "accepted", "declined", "hidden", "revoked"};
      notices_.push_back(notice->name + " " + kWords[static_cast<int>(notice->kind)]);
    } else if (auto* announce = std::get_if<Announce>(&output)) {
      announced.push_back(*announce);
    } else if (auto* ack = std::get_if<Acknowledge>(&output)) {
      acknowledged.push_back(ack->token);
    } else if (auto* draft = std::get_if<StoreDraft>(&output)) {
      store.last_draft = draft->number;
      store.drafts[draft->number] = *draft;
      kept.push_back(draft->number);
    } else if (auto* dropped = std::get_if<DropDraft>(&output)) {
      store.drafts.erase(dropped->number);
    } else if (auto* answer = std::get_if<NameAnswer>(&output)) {
      name_answers.push_back(answer->verdict);
    } else if (auto* taken = std::get_if<StoreTaken>(&output)) {
      store.outbox.erase(taken->id);
    } else if (auto* correspondent = std::get_if<StoreCorrespondent>(&output)) {
      store.correspondents[correspondent->member] = *correspondent;
    } else if (auto* conversation = std::get_if<TellConversation>(&output)) {
      conversations.push_back(*conversation);
    } else if (auto* seen = std::get_if<MarkSeen>(&output)) {
      seen_.insert(seen->id);
    } else if (auto* load = std::get_if<Load>(&output)) {
      handle(Loaded{load->request, store.load(*load), true, store.load_gone(*load)});
    } else if (auto* refused = std::get_if<HideRefused>(&output)) {
      hides.push_back(store.hide(*refused));  // what comes behind it is not in it
    } else if (auto* wanted = std::get_if<LoadActs>(&output)) {
      ActsLoaded read{wanted->author, {}};
      for (const EnvelopePtr& held : store.logs) {
        if (held->envelope.author == wanted->author && is_act(held->envelope)) read.acts.push_back(held);
      }
      handle(read);
    } else if (auto* forgotten = std::get_if<ForgetSeen>(&output)) {
      seen_.erase(forgotten->envelope->id);
    } else if (auto* anchored = std::get_if<StoreAnchors>(&output)) {
      store.anchors = anchored->anchors;
    } else if (auto* dial = std::get_if<Dial>(&output)) {
      dials.push_back(*dial);
    } else if (auto* close = std::get_if<CloseLink>(&output)) {
      auto wire = mesh.wires.find(close->link);
      if (wire == mesh.wires.end()) continue;
      const LinkId other = wire->second.other_end;
      TestNode* to = wire->second.to;
      const Bytes said = encode_frame_of(Close{close->reason});
      if (to->node) to->handle(FrameReceived{other, FrameType::kClose, ByteView(said).subspan(5)});
      mesh.wires.erase(close->link);
      mesh.wires.erase(other);
      if (to->node) to->handle(LinkDown{other});
    } else if (std::holds_alternative<PenaliseLink>(output)) {
      ++penalties;
    } else if (std::holds_alternative<Settled>(output)) {
      settled = true;
    }
  }
}

inline std::vector<std::string> TestNode::heard() const {
  std::vector<std::string> texts;
  for (const Announce& announce : announced) {
    auto messages = decode_text_body(announce.envelope->envelope.body);
    if (messages) texts.insert(texts.end(), messages->begin(), messages->end());
  }
  return texts;
}

inline std::vector<std::string> TestNode::told() const {
  std::vector<std::string> texts;
  for (const Announce& announce : announced) {
    const DirectMessagePtr& direct = announce.context.direct;
    if (!direct || direct->own || !node->is_shown(direct->peer)) continue;
    texts.insert(texts.end(), direct->texts.begin(), direct->texts.end());
  }
  return texts;
}

inline std::uint64_t TestNode::counter(const std::string& wanted) const {
  for (const auto& [counter_name, value] : node->counters()) {
    if (counter_name == wanted) return value;
  }
  return UINT64_MAX;
}

/// Two linked nodes; a() opened the mesh.
class Pair : public TestMesh {
 public:
  Pair() {
    add("Alice");
    add("Bob");
    a().start();
    b().start();
    link(b(), a());
    run();
  }
  TestNode& a() { return *nodes[0]; }
  TestNode& b() { return *nodes[1]; }
};

/// Alice, Bob and Carol, all linked.
class Three : public TestMesh {
 public:
  Three() {
    for (const char* name : {"Alice", "Bob", "Carol"}) add(name).start();
    link(b(), a());
    link(c(), a());
    link(c(), b());
    run(2s);
  }
  /// One asks, the other accepts.
  void befriend(TestNode& one, TestNode& other) {
    one.tell(other, "may I?");
    run();
    other.handle(AnswerRequest{one.key(), true});
    run(2s);
  }
  TestNode& a() { return *nodes[0]; }
  TestNode& b() { return *nodes[1]; }
  TestNode& c() { return *nodes[2]; }
};

}  // namespace p2pmesh::test
