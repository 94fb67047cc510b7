#include "sim_node.h"

#include <utility>

#include "liar.h"
#include "p2pmesh/base/check.h"
#include "p2pmesh/wire/messages.h"

namespace p2pmesh::sim {
namespace {

constexpr SimTime kTurn =
    10;  // a loop turn takes at least that long; so a deadline in the past cannot stop time
constexpr std::uint32_t kOverdueMax = 200;  // a real loop would take a whole processor
constexpr SimTime kReadMin = kMillisecond;  // one answer of the store
constexpr SimTime kReadMax = 5 * kMillisecond;

}  // namespace

SimNode::SimNode(std::uint32_t node_number, Surroundings& around)
    : number(node_number),
      name("n" + std::to_string(node_number)),
      signer(around.signatures.make_signer(node_number)),
      disk(around.pool),
      around_(around) {}

SimNode::~SimNode() = default;

void SimNode::start(const RestoredState& restored) {
  P2P_CHECK(!is_running());
  state = HostState::kRunning;
  ++boot;
  settled = false;
  left = false;
  SeenTableOptions seen_options;
  seen_options.entries_max = around_.seen_entries;
  seen_options.seed = derive_seed(around_.seed, 0x5ee0000000000ULL + number * 65536ULL + boot);
  seen_ = std::make_unique<SeenTable>(seen_options);
  ingress_ = std::make_unique<Ingress>(around_.mesh, *seen_, around_.signatures.verifier());
  NodeOptions options;
  options.mesh = around_.mesh;
  options.founder_nonce = founder_nonce;
  options.name = name;
  options.member_signer = signer.get();
  options.node_signer = signer.get();
  options.verifier = &around_.signatures.verifier();
  options.listen = address_of(number);
  options.seed = derive_seed(around_.seed, 0xc04e0000000000ULL + number * 65536ULL + boot);
  options.parameters = around_.parameters;
  if (person != nullptr) {
    options.agreement = person->agreement.get();
    options.prekeys = person->prekeys;
    options.discoverable = disk.people()->discoverable;
  }
  for (Observer* observer : around_.observers) observer->on_start(number, started_before);
  started_before = true;
  P2P_CHECK(around_.outputs.empty());
  core = std::make_unique<Node>(options, restored, now(), around_.outputs);
  drain();
  if (person != nullptr) begin_person();
  end_turn();
}

void SimNode::stop() {
  for (Observer* observer : around_.observers) observer->on_stop(number);
  for (const Event& event : deferred) around_.network.discard(event);
  deferred.clear();
  loads_.clear();
  core.reset();
  ingress_.reset();
  seen_.reset();
  ++boot;  // commits and answers on their way come to nothing
  ++wake_generation_;
  wake_pending_ = false;
  deadline_.reset();
}

void SimNode::say(std::uint64_t token, std::string text, std::string room) {
  for (Observer* observer : around_.observers) observer->on_text(number, token, around_.now);
  handle(SendText{token, std::move(room), std::move(text)});
}

void SimNode::leave() {
  left = true;
  handle(Leave{});
  for (const LinkView& link : core->links()) around_.network.close(link.link, CloseReason::kLeaving);
}

void SimNode::handle(const Input& input) {
  core->handle(input, now(), around_.outputs);
  drain();
  end_turn();
}

void SimNode::end_turn() {
  do {
    core->flush(now(), around_.outputs);
    drain();
    // How somebody stands to the member goes with what is stored behind it, in one commit.
    if (person != nullptr && disk.has_work()) commit_if_idle();
  } while (commit_at_once());
  schedule_wake();
}

void SimNode::on_frame(std::uint32_t from, LinkId link, ByteView frame) {
  const std::uint8_t raw_type = frame[4];
  const ByteView payload = frame.subspan(limits::kFrameHeaderBytes);
  const auto type = static_cast<FrameType>(raw_type);
  if (type == FrameType::kGossip) {
    const auto gossip = decode_gossip(payload);
    bool good = gossip.has_value();
    for (std::size_t i = 0; good && i < gossip->items.size(); ++i)
      good = admit(from, link, true, gossip->items[i].round, gossip->items[i].envelope);
    if (!good) fault(from, link, "gossip");
  } else if (type == FrameType::kRepair) {
    if (!admit(from, link, false, 0, payload)) fault(from, link, "repair");
  } else if (raw_type > static_cast<std::uint8_t>(FrameType::kRepair) && raw_type <= kFrameTypeLast) {
    core->handle(FrameReceived{link, type, payload}, now(), around_.outputs);
    drain();
  } else if ((raw_type & kSkippableFrameBit) == 0) {
    fault(from, link, "unknown frame");
  }
  end_turn();
}

bool SimNode::admit(std::uint32_t from, LinkId link, bool live, std::uint16_t round, ByteView encoded) {
  if (!core->is_neighbor(link)) return true;  // not granted yet, or just closed from here
  Admission admission = ingress_->admit(encoded, live ? Path::kLive : Path::kRepair, now());
  Interned interned;
  if (admission.verdict == Verdict::kFresh)
    interned = around_.pool.intern(std::move(admission.envelope));
  else if (admission.verdict == Verdict::kDuplicate)
    interned.entry = around_.pool.find(admission.id);
  for (Observer* observer : around_.observers)
    observer->on_envelope(number, from, interned.entry, admission.verdict, live, round, interned.genuine);
  switch (admission.verdict) {
    case Verdict::kFresh:
      core->handle(EnvelopeReceived{link, live, round, std::move(interned.envelope)}, now(), around_.outputs);
      drain();
      return true;
    case Verdict::kDuplicate:
      core->handle(DuplicateReceived{link, admission.id, round, live}, now(), around_.outputs);
      drain();
      return true;
    case Verdict::kOverBudget:
      return true;
    case Verdict::kMalformed:
    case Verdict::kOtherMesh:
    case Verdict::kBadSignature:
      return false;
  }
  return false;
}

/// As the link server does: the link is dropped at once, then the core hears of it.
void SimNode::fault(std::uint32_t from, LinkId link, const char* what) {
  ++penalties;
  for (Observer* observer : around_.observers) observer->on_penalty(number, from, what);
  around_.network.abort(link);
  core->handle(LinkDown{link, true}, now(), around_.outputs);
  drain();
}

/// Outputs may cause inputs; those are handled behind what is under way.
void SimNode::drain() {
  while (!around_.outputs.empty()) {
    std::swap(around_.batch, around_.outputs);
    for (Output& output : around_.batch) run(output);
    around_.batch.clear();
  }
}

void SimNode::run(Output& output) {
  if (person != nullptr) {
    for (Observer* observer : around_.observers) observer->on_output(number, output, around_.now);
  }
  if (auto* send = std::get_if<SendFrame>(&output)) {
    if (liar != nullptr && !liar->passes(*send)) return;
    around_.network.send(send->link, send->frame, send->frame_class);
  } else if (auto* stored = std::get_if<Store>(&output)) {
    run(*stored);
  } else if (auto* announce = std::get_if<Announce>(&output)) {
    const std::uint32_t entry = around_.pool.find(announce->envelope->id);
    for (Observer* observer : around_.observers) observer->on_announce(number, entry, *announce, around_.now);
  } else if (auto* dial = std::get_if<Dial>(&output)) {
    around_.network.dial(number, dial->address, dial->node);
  } else if (auto* close = std::get_if<CloseLink>(&output)) {
    around_.network.close(close->link, close->reason);
  } else if (auto* seen = std::get_if<MarkSeen>(&output)) {
    ingress_->mark_seen(seen->id, seen->wall_ms, now().monotonic);
  } else if (auto* taken = std::get_if<StoreTaken>(&output)) {
    const std::uint32_t entry = around_.pool.find(taken->id);
    for (Observer* observer : around_.observers) observer->on_taken(number, entry);
    disk.note_taken(taken->id);
    commit_if_idle();
  } else if (auto* draft = std::get_if<StoreDraft>(&output)) {
    disk.store(std::move(*draft));
    commit_if_idle();
  } else if (auto* dropped = std::get_if<DropDraft>(&output)) {
    disk.drop_draft(dropped->number);
    commit_if_idle();
  } else if (auto* peer = std::get_if<StorePeer>(&output)) {
    disk.note_peer(*peer, now().wall_ms);
  } else if (auto* anchors = std::get_if<StoreAnchors>(&output)) {
    disk.note_anchors(std::move(anchors->anchors));
  } else if (auto* load = std::get_if<Load>(&output)) {
    loads_.push_back(std::move(*load));
    const SimTime takes = around_.disk_draw.between(kReadMin, kReadMax) * static_cast<SimTime>(loads_.size());
    around_.queue.push(around_.now + takes, EventKind::kLoad, number, boot);
  } else if (auto* acknowledge = std::get_if<Acknowledge>(&output)) {
    const std::uint32_t entry = around_.pool.find(acknowledge->envelope);
    for (Observer* observer : around_.observers) observer->on_acknowledge(number, acknowledge->token, entry);
  } else if (auto* notice = std::get_if<PublishNotice>(&output)) {
    disk.draw_notice_row();
    for (Observer* observer : around_.observers) observer->on_notice(number, *notice, around_.now);
  } else if (auto* penalise = std::get_if<PenaliseLink>(&output)) {
    ++penalties;
    const std::uint32_t from = around_.network.peer_of(penalise->link);
    for (Observer* observer : around_.observers) observer->on_penalty(number, from, penalise->what);
    around_.network.close(penalise->link, CloseReason::kFault);
    core->handle(LinkDown{penalise->link}, now(), around_.outputs);
  } else if (std::holds_alternative<Settled>(output)) {
    settled = true;
  } else if (person != nullptr) {
    run_of_people(output);
  }
}

void SimNode::run(Store& store) {
  Interned interned = around_.pool.intern(std::move(store.envelope));
  store.envelope = std::move(interned.envelope);
  if (store.context.own && interned.entry != kNone) {
    for (Observer* observer : around_.observers)
      observer->on_written(number, interned.entry, store.context.tokens, around_.now);
  }
  for (Observer* observer : around_.observers) observer->on_store(number, interned.entry, interned.genuine);
  disk.store(std::move(store));
  commit_if_idle();
}

void SimNode::commit_if_idle() {
  if (disk.is_committing() || around_.faults.commit_max == 0) return;
  disk.begin_commit();
  const SimTime takes = around_.disk_draw.between(around_.faults.commit_min, around_.faults.commit_max);
  around_.queue.push(around_.now + takes, EventKind::kCommit, number, boot);
}

void SimNode::on_commit(std::uint32_t of_boot) {
  if (of_boot != boot) return;
  tell_committed();
  end_turn();
  if (disk.has_work()) commit_if_idle();
}

/// A world whose commits take no time has no events for them. False: there was nothing to commit.
bool SimNode::commit_at_once() {
  if (around_.faults.commit_max != 0 || !disk.has_work()) return false;
  disk.begin_commit();
  tell_committed();
  return true;
}

void SimNode::tell_committed() {
  CommitResult result;
  disk.finish_commit(around_.now, result);
  if (person != nullptr) {
    for (Observer* observer : around_.observers) observer->on_commit(number, result);
  }
  for (Committed& committed : result.committed) {
    core->handle(std::move(committed), now(), around_.outputs);
    drain();
  }
  for (ForkKept& fork : result.forks) {
    core->handle(std::move(fork), now(), around_.outputs);
    drain();
  }
  for (const DiskQuestion& question : result.questions) answer(question);
}

void SimNode::on_load(std::uint32_t of_boot) {
  if (of_boot != boot || loads_.empty()) return;
  const Load load = std::move(loads_.front());
  loads_.pop_front();
  handle(disk.load(load));
}

void SimNode::schedule_wake() {
  const auto deadline = core->next_deadline();
  if (!deadline) {
    deadline_.reset();
    return;
  }
  const SimTime wanted = clock.when(*deadline);
  const SimTime at = std::max(wanted, around_.now + kTurn);
  // Frames that come in the meantime, thousands at once after a pause, are no wakes.
  if (wanted > around_.now)
    overdue_ = 0;
  else if (waking_)
    ++overdue_;
  if (waking_ && overdue_ == kOverdueMax) {
    for (Observer* observer : around_.observers) observer->on_spin(number);
  }
  deadline_ = at;
  if (wake_pending_ && wake_at_ <= at) return;
  wake_pending_ = true;
  wake_at_ = at;
  around_.queue.push(at, EventKind::kWake, number, ++wake_generation_);
}

void SimNode::on_wake(std::uint32_t generation) {
  if (generation != wake_generation_ || !wake_pending_) return;
  wake_pending_ = false;
  if (!deadline_) return;
  if (*deadline_ > around_.now) {
    wake_pending_ = true;
    wake_at_ = *deadline_;
    around_.queue.push(wake_at_, EventKind::kWake, number, ++wake_generation_);
    return;
  }
  ++wakes;
  waking_ = true;
  handle(Wake{});
  waking_ = false;
}

}  // namespace p2pmesh::sim
