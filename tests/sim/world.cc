#include "world.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "liar.h"
#include "p2pmesh/base/check.h"
#include "p2pmesh/crypto/hash.h"

namespace p2pmesh::sim {
namespace {

constexpr SimTime kJoinAgain = kSecond;
constexpr SimTime kLieInterval = 100 * kMillisecond;
constexpr SimTime kLeaveTime = 200 * kMillisecond;  // its disk is done long before

}  // namespace

World::World(const WorldOptions& options)
    : options_(options),
      signatures_(options.real_crypto ? make_ed25519_scheme(options.seed)
                                      : make_stand_in_scheme(options.seed)),
      pool_(signatures_->signed_log()),
      network_(queue_, *this, options_.faults, derive_seed(options.seed, 1)),
      around_{
          queue_, network_, pool_, *signatures_, options_.faults, options_.parameters, {}, 0, 0, 0, Draw(0),
          {},     {},       {}},
      draw_(derive_seed(options.seed, 2)) {
  init_crypto();
  around_.seen_entries = options.seen_entries;
  around_.seed = options.seed;
  around_.disk_draw = Draw(derive_seed(options.seed, 3));
}

World::~World() = default;

std::uint32_t World::add_node(std::string name) {
  const std::uint32_t number = size();
  nodes_.push_back(std::make_unique<SimNode>(number, around_));
  SimNode& node = *nodes_.back();
  network_.add_node();
  if (!name.empty()) node.name = std::move(name);
  if (options_.people) node.make_person();
  node.disk.set_journal(options_.journal);
  node.disk.set_carry_max(options_.carry_max);
  pool_.add_author(node.key(), number);
  by_key_[node.node_key()] = number;
  if (number == 0) {
    MeshNonce nonce{};
    for (std::size_t i = 0; i < nonce.size(); ++i)
      nonce[i] = static_cast<std::uint8_t>(options_.seed >> (i % 8 * 8));
    node.founder_nonce = nonce;
    around_.mesh = hash_mesh(node.key(), nonce);
  }
  std::int64_t wall_off = 0;
  if (draw_.chance(options_.faults.wall_off_ppm))
    wall_off = draw_.between(-options_.faults.wall_off_max_ms, options_.faults.wall_off_max_ms);
  const std::int64_t drift = options_.faults.drift_max_ppm;
  node.clock = VirtualClock(drift == 0 ? 0 : draw_.between(-drift, drift), wall_off);
  return number;
}

void World::make_liar(std::uint32_t number, std::uint32_t lies) {
  SimNode& node = *nodes_[number];
  pool_.mark_liar(node.key());
  node.liar = std::make_unique<Liar>(node, around_, lies, derive_seed(options_.seed, 0x11a000 + number));
  act_as_liar(number);
}

void World::act_as_liar(std::uint32_t number) {
  after(kLieInterval, [this, number] {
    if (nodes_[number]->liar == nullptr) return;
    nodes_[number]->liar->act();
    act_as_liar(number);
  });
}

void World::open(std::uint32_t number) {
  nodes_[number]->joined = true;
  nodes_[number]->start(restored_state(*nodes_[number]));
}

void World::join(std::uint32_t number, std::uint32_t contact) {
  nodes_[number]->contact = contact;
  restart(number);
}

void World::restart(std::uint32_t number) {
  SimNode& node = *nodes_[number];
  if (node.is_running()) return;
  if (node.started_before && draw_.chance(options_.faults.wall_step_ppm))
    node.clock.set_wall_offset(
        draw_.between(-options_.faults.wall_off_max_ms, options_.faults.wall_off_max_ms));
  // Who knows no address is told one again by whoever starts it.
  if (node.contact != kNone && !node.disk.knows_peers()) node.joined = false;
  node.start(restored_state(node));
  if (!node.joined) try_join(number);
}

void World::try_join(std::uint32_t number) {
  const SimNode& node = *nodes_[number];
  if (!node.is_running() || node.joined || node.contact == kNone) return;
  network_.dial(number, address_of(node.contact), std::nullopt);
}

void World::kill(std::uint32_t number) {
  SimNode& node = *nodes_[number];
  if (!node.is_running()) return;
  node.stop();
  node.disk.kill(draw_.below(2) == 0, now());
  node.state = HostState::kStopped;
  network_.reset_all(number);
}

void World::cut_power(std::uint32_t number) {
  SimNode& node = *nodes_[number];
  if (!node.is_running()) return;
  node.stop();
  const std::vector<std::uint32_t> lost = node.disk.cut_power(now());
  node.state = HostState::kOff;
  network_.vanish(number);
  for (Observer* observer : around_.observers) {
    observer->on_rows_lost(number, lost);
  }
}

void World::pause(std::uint32_t number, SimTime duration) {
  SimNode& node = *nodes_[number];
  if (node.state != HostState::kRunning) return;
  node.state = HostState::kPaused;
  const std::uint32_t boot = node.boot;
  after(duration, [this, number, boot] {
    if (nodes_[number]->boot == boot) resume(number);
  });
}

void World::resume(std::uint32_t number) {
  SimNode& node = *nodes_[number];
  if (node.state != HostState::kPaused) return;
  node.state = HostState::kRunning;
  const std::uint32_t boot = node.boot;
  std::vector<Event> events;
  events.swap(node.deferred);
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (node.boot != boot) {
      network_.discard(events[i]);
      continue;
    }
    events[i].kind() == EventKind::kArrive ? network_.on_deferred(events[i]) : dispatch(events[i]);
  }
}

void World::leave(std::uint32_t number) {
  SimNode& node = *nodes_[number];
  if (!node.is_running()) return;
  resume(number);
  node.leave();
  const std::uint32_t boot = node.boot;
  after(kLeaveTime, [this, number, boot] {
    SimNode& leaving = *nodes_[number];
    if (leaving.boot != boot || !leaving.is_running()) return;
    leaving.stop();
    leaving.disk.stop_cleanly(now());
    leaving.state = HostState::kStopped;
    network_.reset_all(number);
  });
}

std::uint64_t World::say(std::uint32_t number, std::string text, std::string room) {
  P2P_CHECK(is_running(number));
  const std::uint64_t token = next_token_++;
  SimNode& node = *nodes_[number];
  if (!node.core->can_take_text() || node.left) return 0;
  node.say(token, std::move(text), std::move(room));
  return token;
}

std::uint64_t World::tell(std::uint32_t number, std::uint32_t to, std::string text) {
  P2P_CHECK(is_running(number));
  const std::uint64_t token = next_token_++;
  SimNode& node = *nodes_[number];
  const MemberKey& recipient = nodes_[to]->key();
  const DirectAccess access = node.core->access_to(recipient);
  const bool can_write = access == DirectAccess::kOpen || access == DirectAccess::kNoKey;
  if (!can_write || !node.core->can_take_draft() || node.left) return 0;
  node.tell(token, recipient, std::move(text));
  return token;
}

void World::after(SimTime delay, std::function<void()> script) {
  queue_.push(now() + delay, EventKind::kScript, scripts_.put(std::move(script)));
}

bool World::run_until(SimTime end) {
  while (!is_over_ && !queue_.empty() && queue_.next_time() <= end) {
    const Event event = queue_.pop();
    prefetch();
    around_.now = event.time;
    network_.set_time(event.time);
    dispatch(event);
    if ((++events_ & 0xFFFF) == 0 && options_.progress) report_progress();
    if (events_ < options_.events_max) continue;
    is_over_ = true;
    for (Observer* observer : around_.observers) observer->on_no_end(options_.events_max, now());
  }
  around_.now = std::max(around_.now, end);
  network_.set_time(around_.now);
  return !is_over_;
}

/// With thousands of nodes nothing of what an event touches is in the cache: it is fetched while the events
/// before it are handled, one step of the way at each distance.
void World::prefetch() const {
  constexpr std::size_t kFlight = 22;
  constexpr std::size_t kConnection = 17;
  constexpr std::size_t kNode = 12;
  constexpr std::size_t kCore = 8;
  constexpr std::size_t kState = 5;
  constexpr std::size_t kInner = 2;
  if (!options_.prefetch) return;
  const std::size_t known = queue_.ahead_count();
  if (known > kFlight) network_.prefetch_flight(queue_.ahead(kFlight));
  if (known > kConnection) network_.prefetch_connection(queue_.ahead(kConnection));
  const auto node_of = [&](const Event& event) -> const SimNode* {
    const EventKind kind = event.kind();
    if (kind == EventKind::kWake || kind == EventKind::kCommit) return nodes_[event.a].get();
    const std::uint32_t number = network_.receiver(event);
    return number == kNone ? nullptr : nodes_[number].get();
  };
  if (known > kNode) {
    if (const SimNode* node = node_of(queue_.ahead(kNode))) node->prefetch(0);
  }
  if (known > kCore) {
    if (const SimNode* node = node_of(queue_.ahead(kCore))) node->prefetch(1);
  }
  if (known > kState) {
    if (const SimNode* node = node_of(queue_.ahead(kState))) node->prefetch(2);
  }
  if (known > kInner) {
    if (const SimNode* node = node_of(queue_.ahead(kInner))) node->prefetch(3);
  }
}

bool World::run_until_true(const std::function<bool()>& done, SimTime bound, SimTime step) {
  const SimTime end = now() + bound;
  while (!done()) {
    if (now() >= end || !run_for(std::min(step, end - now()))) return false;
  }
  return true;
}

void World::dispatch(const Event& event) {
  const EventKind kind = event.kind();
  ++by_kind_[static_cast<std::size_t>(kind)];
  switch (kind) {
    case EventKind::kScript: {
      const auto script = scripts_.take(event.a);
      return script();
    }
    case EventKind::kWake:
    case EventKind::kCommit:
    case EventKind::kLoad: {
      SimNode& node = *nodes_[event.a];
      if (!node.is_running()) return;
      if (node.state == HostState::kPaused) return node.deferred.push_back(event);
      trace_.add(static_cast<std::uint64_t>(now()), event.a, 0, static_cast<std::uint8_t>(kind));
      if (kind == EventKind::kWake) return node.on_wake(event.b);
      if (kind == EventKind::kCommit) return node.on_commit(event.b);
      return node.on_load(event.b);
    }
    default:
      return network_.on_event(event);
  }
}

HandshakeTerms World::local_terms(std::uint32_t number) {
  const SimNode& node = *nodes_[number];
  HandshakeTerms terms;
  terms.node_signer = node.signer.get();
  terms.verifier = &signatures_->verifier();
  // A daemon learns its mesh from whom it joins: until then it knows none, and takes nobody in. Otherwise
  // those who wait for the same absent contact would found an island, of which that contact could never hear.
  if (node.joined) terms.mesh = around_.mesh;
  if (node.core == nullptr) return terms;
  terms.addresses = node.core->advertised();
  terms.heads = node.core->deepest_heads();
  return terms;
}

void World::on_link_up(std::uint32_t number, const LinkUp& up) {
  trace_.add(static_cast<std::uint64_t>(now()), number, 0xF0, up.node.view());
  // Somebody who came to it is no answer to its own call: whoever joins goes on until one answers.
  if (up.outbound) nodes_[number]->joined = true;
  nodes_[number]->handle(up);
}

void World::on_link_down(std::uint32_t number, LinkId link) {
  trace_.add(static_cast<std::uint64_t>(now()), number, static_cast<std::uint32_t>(link >> 32), 0xF1);
  nodes_[number]->handle(LinkDown{link});
}

void World::on_dial_failed(std::uint32_t number, const std::optional<NodeKey>& expected,
                           const NetAddress& address) {
  trace_.add(static_cast<std::uint64_t>(now()), number, address.ip[3], 0xF2);
  if (expected) return nodes_[number]->handle(DialFailed{*expected, address});
  after(kJoinAgain, [this, number] {
    SimNode& node = *nodes_[number];
    if (node.joined || !node.is_running()) return;
    // Whoever joins is told another address when the first does not answer.
    std::vector<std::uint32_t> running = honest();
    std::erase(running, number);
    std::erase_if(running, [&](std::uint32_t other) { return !nodes_[other]->joined; });
    if (!running.empty()) node.contact = running[draw_.below(running.size())];
    try_join(number);
  });
}

void World::on_frame(std::uint32_t number, std::uint32_t from, LinkId link, ByteView frame) {
  trace_.add(static_cast<std::uint64_t>(now()), number, frame[4], frame);
  nodes_[number]->on_frame(from, link, frame);
}

std::vector<std::uint32_t> World::honest() const {
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t number = 0; number < size(); ++number) {
    if (is_running(number) && !is_liar(number) && !nodes_[number]->left) numbers.push_back(number);
  }
  return numbers;
}

std::uint32_t World::find(const NodeKey& key) const {
  auto found = by_key_.find(key);
  return found == by_key_.end() ? kNone : found->second;
}

void World::end_faults() {
  FaultOptions& faults = options_.faults;
  faults.payload_loss_ppm = 0;
  faults.loss_ppm = faults.duplication_ppm = faults.reordering_ppm = faults.tail_ppm = faults.clog_ppm = 0;
  network_.set_faults(faults);
  network_.remove_partitions();
}

void World::report_progress() {
  using Clock = std::chrono::steady_clock;
  static Clock::time_point next{};
  const auto real = Clock::now();
  if (real < next) return;
  next = real + std::chrono::seconds(1);
  std::fprintf(stderr, "\r%9.1f s virtual, %llu events, %zu links   ", static_cast<double>(now()) / 1e6,
               static_cast<unsigned long long>(events_), network_.connections());
  std::fflush(stderr);
}

}  // namespace p2pmesh::sim
