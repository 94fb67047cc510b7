// A core node in company, for the fuzz targets: neighbors that have joined, members whose records it holds,
// something said in its room, and a store that answers. Signatures are taken as they come.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "fuzz_input.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/core/node.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/wire/envelope.h"
#include "p2pmesh/wire/membership_messages.h"
#include "p2pmesh/wire/messages.h"
#include "p2pmesh/wire/text_body.h"
#include "tests/unit/core/many_members.h"
#include "tests/unit/core/memory_store.h"

namespace p2pmesh {

inline constexpr std::uint32_t kMembersFew = 6;    // beside the node itself: a full mesh
inline constexpr std::uint32_t kMembersMany = 12;  // partial views
inline constexpr std::uint32_t kNeighbors = 3;     // the first of them
inline constexpr const char* kRooms[] = {"#lobby", "#dev"};

inline ByteView payload_of(const Bytes& frame) {
  return ByteView(frame).subspan(limits::kFrameHeaderBytes);
}

/// Whether a frame that the node sends is one that it would take.
inline bool is_well_formed(const Bytes& frame) {
  if (frame.size() > limits::kFrameHeaderBytes + limits::kFrameBytesMax) return false;
  const ByteView payload = payload_of(frame);
  switch (static_cast<FrameType>(frame[4])) {
    case FrameType::kGossip:
      return decode_gossip(payload).has_value();
    case FrameType::kRepair:
      return decode_envelope(payload).has_value();
    case FrameType::kTaken:
      return decode_taken(payload).has_value();
    case FrameType::kPing:
      return decode_ping(payload).has_value();
    case FrameType::kPong:
      return decode_pong(payload).has_value();
    case FrameType::kSponsorRequest:
      return decode_sponsor_request(payload).has_value();
    case FrameType::kSponsorReply:
      return decode_sponsor_reply(payload).has_value();
    case FrameType::kForwardJoin:
      return decode_forward_join(payload).has_value();
    case FrameType::kJoin:
      return payload.empty();
    case FrameType::kNeighbor:
      return decode_neighbor_request(payload).has_value();
    case FrameType::kNeighborReply:
      return decode_neighbor_reply(payload).has_value();
    case FrameType::kShuffle:
      return decode_shuffle(payload).has_value();
    case FrameType::kShuffleReply:
      return decode_shuffle_reply(payload).has_value();
    case FrameType::kIHave:
      return decode_ihave(payload).has_value();
    case FrameType::kGraft:
      return decode_graft(payload).has_value();
    case FrameType::kPrune:
      return decode_prune(payload).has_value();
    case FrameType::kSyncDigest:
      return decode_sync_digest(payload).has_value();
    case FrameType::kSyncBranch:
      return decode_sync_branch(payload).has_value();
    case FrameType::kSyncDescend:
      return decode_sync_descend(payload).has_value();
    case FrameType::kSyncListing:
      return decode_sync_listing(payload).has_value();
    case FrameType::kSyncRequest:
      return decode_sync_request(payload).has_value();
    case FrameType::kSyncGone:
      return decode_sync_gone(payload).has_value();
    case FrameType::kSyncDone:
      return decode_sync_done(payload).has_value();
    default:
      return false;
  }
}

class Company {
 public:
  /// Of so many members beside the node itself, which is number 0.
  explicit Company(std::uint32_t member_count) : members(member_count) {
    static const bool is_ready = init_crypto();
    demand(is_ready);
    NodeOptions options;
    options.name = "Alice";
    options.member_signer = options.node_signer = &signer_;
    options.verifier = &verifier_;
    options.founder_nonce = MeshNonce{};
    options.mesh = mesh = hash_mesh(key(0), MeshNonce{});
    options.listen = address_of(0);
    Outputs out;
    node_ = std::make_unique<Node>(options, RestoredState{}, now, out);
    take(out);
    answer();
    for (std::uint32_t number = 1; number <= kNeighbors; ++number) {
      bring_up(number, false);
      demand(node_->is_neighbor(links[number]));
    }
    for (std::uint32_t number = 1; number <= members; ++number)
      receive(1, member_record(number, 1, true), false, 0);
    for (std::uint32_t number = 1; number <= 3; ++number)
      receive(number, text(number, next(number), "hello"), true, 1);
    demand(node_->status().online == members + 1);
  }

  [[nodiscard]] Node& node() { return *node_; }

  /// Of member 0, the node itself, and of the others.
  [[nodiscard]] MemberKey key(std::uint32_t number) const {
    return number == 0 ? to_member(signer_.public_key()) : key_of(number);
  }
  static NodeKey node_key(std::uint32_t number) { return NodeKey{key_of(number).bytes}; }
  static NetAddress address_of(std::uint32_t number) {
    NetAddress address;
    address.ip = {10, 0, 0, static_cast<std::uint8_t>(number)};
    address.port = 9750;
    return address;
  }

  void handle(const Input& input) {
    Outputs out;
    node_->handle(input, now, out);
    take(out);
  }
  /// The end of a turn: what was put off is done, and answered.
  void end_turn() {
    Outputs out;
    node_->flush(now, out);
    take(out);
    if (!store_waits) answer();
  }
  /// Time passes as a driver lets it pass: the node is woken when it wants to be, and never in vain.
  void pass(Duration span) {
    constexpr int kWakesMax = 20'000;
    const Instant end = now.monotonic + span;
    for (int wakes = 0;; ++wakes) {
      demand(wakes < kWakesMax);
      const auto deadline = node_->next_deadline();
      if (!deadline || *deadline > end) break;
      advance(std::max(*deadline, now.monotonic));
      handle(Wake{});
      end_turn();
    }
    advance(end);
  }

  void say(std::uint32_t neighbor, const Bytes& frame) {
    if (frame.size() > limits::kFrameHeaderBytes + limits::kFrameBytesMax) return;
    handle(FrameReceived{links[neighbor], static_cast<FrameType>(frame[4]), payload_of(frame)});
  }

  /// What ingress does: only what a neighbor sends is taken, each once.
  void receive(std::uint32_t neighbor, const EnvelopePtr& envelope, bool live, std::uint16_t round) {
    const LinkId link = links[neighbor];
    if (envelope == nullptr || !node_->is_neighbor(link)) return;
    if (!seen_.insert(envelope->id).second) return handle(DuplicateReceived{link, envelope->id, round, live});
    known.push_back(envelope);
    handle(EnvelopeReceived{link, live, round, envelope});
  }

  /// A link of this member to the node, or of the node to it. Who asks has no link any more.
  void bring_up(std::uint32_t number, bool outbound) {
    if (const LinkId old = std::exchange(links[number], 0); old != 0) handle(LinkDown{old});
    LinkUp up;
    up.link = links[number] = ++last_link_;
    up.node = node_key(number);
    up.outbound = outbound;
    up.remote = address_of(number);
    up.local = up.observed = address_of(0);
    up.addresses = {address_of(number)};
    up.heads_given = node_->deepest_heads();
    if (!known.empty()) up.heads_received = {{known.back()->id, known.back()->envelope.depth}};
    handle(up);
    if (links[number] != up.link) return;
    outbound ? say(number, encode_frame_of(NeighborReply{true})) : say(number, encode_join());
  }

  /// Signed, as it travels; nothing when no codec takes it.
  static EnvelopePtr seal(Envelope envelope) {
    auto sealed = std::make_shared<SealedEnvelope>();
    sealed->encoded = encode_envelope(envelope);
    auto decoded = decode_envelope(sealed->encoded);
    if (!decoded) return nullptr;
    sealed->id = hash_envelope(unsigned_part(sealed->encoded));
    sealed->envelope = *std::move(decoded);
    return sealed;
  }
  [[nodiscard]] EnvelopePtr member_record(std::uint32_t number, std::uint64_t version, bool online) const {
    Envelope envelope = record_of(number, "Member" + std::to_string(number), version, 5, online)->envelope;
    envelope.mesh = mesh;
    envelope.wall_ms = now.wall_ms;
    return seal(std::move(envelope));
  }
  /// The next envelope of a member's log, without a body.
  Envelope next(std::uint32_t number, Kind kind = Kind::kText) {
    Envelope envelope;
    envelope.kind = static_cast<std::uint16_t>(kind);
    envelope.mesh = mesh;
    envelope.room = kRooms[0];
    envelope.author = key(number);
    envelope.epoch = 1;
    envelope.wall_ms = now.wall_ms;
    envelope.seq = ++last_seq_[number];
    envelope.prev = last_id_[number];
    envelope.depth = 1;
    if (!known.empty() && known.back()->envelope.envelope_class == EnvelopeClass::kLog) {
      envelope.parents = {known.back()->id};
      envelope.depth = known.back()->envelope.depth % 1000 + 1;
    }
    return envelope;
  }
  EnvelopePtr text(std::uint32_t number, Envelope place, const std::string& said) {
    place.body = encode_text_body({said});
    return write(number, std::move(place));
  }
  EnvelopePtr write(std::uint32_t number, Envelope envelope) {
    const EnvelopePtr sealed = seal(std::move(envelope));
    if (sealed != nullptr) last_id_[number] = sealed->id;
    return sealed;
  }

  const std::uint32_t members;
  Now now{Instant(std::chrono::seconds(1000)), 1'700'000'000'000};
  MeshId mesh;
  std::map<std::uint32_t, LinkId> links;  ///< by member; 0: none
  std::vector<EnvelopePtr> known;         ///< of others, in the order in which they came
  std::deque<Dial> dials;                 ///< not answered yet
  Ping pinged{};                          ///< the node's last one
  std::uint32_t session = 1;              ///< of its last comparison,
  std::uint32_t compared_with = 1;        ///< and with whom
  bool store_waits = false;               ///< nothing that the store is asked is answered

 private:
  void advance(Instant to) {
    now.wall_ms += static_cast<WallMs>(
        std::chrono::duration_cast<std::chrono::milliseconds>(to - now.monotonic).count());
    now.monotonic = to;
  }

  void take(const Outputs& outputs) {
    for (const Output& output : outputs) {
      if (const auto* send = std::get_if<SendFrame>(&output)) {
        look_at(*send);
      } else if (const auto* stored = std::get_if<Store>(&output)) {
        waiting_.push_back(*stored);
      } else if (const auto* load = std::get_if<Load>(&output)) {
        waiting_.push_back(*load);
      } else if (const auto* hide = std::get_if<HideRefused>(&output)) {
        waiting_.push_back(*hide);
      } else if (const auto* acts = std::get_if<LoadActs>(&output)) {
        waiting_.push_back(*acts);
      } else if (const auto* seen = std::get_if<MarkSeen>(&output)) {
        seen_.insert(seen->id);
      } else if (const auto* forgotten = std::get_if<ForgetSeen>(&output)) {
        seen_.erase(forgotten->envelope->id);
      } else if (const auto* dial = std::get_if<Dial>(&output)) {
        dials.push_back(*dial);
        demand(dials.size() <= limits::kDialsMax);
      } else if (const auto* closed = std::get_if<CloseLink>(&output)) {
        forget(closed->link);
      } else if (const auto* fault = std::get_if<PenaliseLink>(&output)) {
        forget(fault->link);
        handle(LinkDown{fault->link});
      }
    }
  }
  void forget(LinkId link) {
    for (auto& [number, id] : links) id = id == link ? 0 : id;
  }
  void look_at(const SendFrame& sent) {
    const Bytes& frame = *sent.frame;
    demand(is_well_formed(frame));
    if (frame[4] == static_cast<std::uint8_t>(FrameType::kPing)) pinged = *decode_ping(payload_of(frame));
    if (frame[4] != static_cast<std::uint8_t>(FrameType::kSyncDigest)) return;
    session = decode_sync_digest(payload_of(frame))->session;
    for (const auto& [number, link] : links) compared_with = link == sent.link ? number : compared_with;
  }

  /// The store's answers, in the order of the questions.
  void answer() {
    while (!waiting_.empty()) {
      const auto asked = std::move(waiting_.front());
      waiting_.pop_front();
      if (const auto* stored = std::get_if<Store>(&asked)) {
        commit(*stored);
      } else if (const auto* load = std::get_if<Load>(&asked)) {
        handle(load_from_store(*load));
      } else if (const auto* hide = std::get_if<HideRefused>(&asked)) {
        handle(store_.hide(*hide));
      } else if (const auto* acts = std::get_if<LoadActs>(&asked)) {
        ActsLoaded read{acts->author, {}};
        for (const EnvelopePtr& held : store_.logs)
          if (held->envelope.author == acts->author && is_act(held->envelope)) read.acts.push_back(held);
        handle(read);
      }
    }
  }
  void commit(const Store& stored) {
    const EnvelopePtr& envelope = stored.envelope;
    const std::uint64_t row = store_.commit(stored);
    handle(Committed{envelope, stored.context, row});
    if (row == 0 && envelope->envelope.envelope_class == EnvelopeClass::kLog) keep_fork(envelope);
  }
  /// As MeshStore: both are kept, and the lower id is shown.
  void keep_fork(const EnvelopePtr& envelope) {
    for (EnvelopePtr& held : store_.logs) {
      const Envelope& there = held->envelope;
      const Envelope& here = envelope->envelope;
      if (there.author != here.author || there.epoch != here.epoch || there.seq != here.seq) continue;
      if (held->id == envelope->id || !forks_.insert(envelope->id).second) return;
      const EnvelopeId replaced = envelope->id < held->id ? held->id : EnvelopeId{};
      forks_.insert(held->id);
      if (!replaced.is_zero()) held = envelope;
      return handle(ForkKept{envelope, replaced});
    }
  }
  Loaded load_from_store(const Load& load) const {
    Loaded loaded{load.request, store_.load(load), true};
    std::size_t bytes = 0, count = 0;
    while (count < loaded.envelopes.size() && count < load.envelopes_max && bytes < load.bytes_max)
      bytes += loaded.envelopes[count++]->encoded.size();
    loaded.complete = count == loaded.envelopes.size();
    loaded.envelopes.resize(count);
    return loaded;
  }

  Scribble signer_{PublicKey{9}};
  Credulous verifier_;
  std::unique_ptr<Node> node_;
  test::MemoryStore store_;
  std::deque<std::variant<Store, Load, HideRefused, LoadActs>> waiting_;
  std::set<EnvelopeId> seen_, forks_;
  std::map<std::uint32_t, std::uint64_t> last_seq_;
  std::map<std::uint32_t, EnvelopeId> last_id_;
  LinkId last_link_ = 0;
};

}  // namespace p2pmesh
