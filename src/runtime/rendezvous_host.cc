#include "p2pmesh/runtime/rendezvous_host.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "address.h"
#include "control_server.h"
#include "data_directory.h"
#include "link_server.h"
#include "member_key_file.h"
#include "p2pmesh/posix/descriptors.h"
#include "p2pmesh/posix/event_loop.h"
#include "p2pmesh/posix/files.h"
#include "p2pmesh/posix/process.h"
#include "p2pmesh/posix/signals.h"
#include "p2pmesh/posix/socket.h"
#include "p2pmesh/rendezvous/registry.h"
#include "p2pmesh/storage/mesh_store.h"
#include "p2pmesh/storage/rendezvous_store.h"
#include "rendezvous_requests.h"
#include "rendezvous_storage.h"

namespace p2pmesh {
namespace {

constexpr auto kEndTimeout = std::chrono::milliseconds(1500);  // "quietly within 2 s"
// Beside the links: those who knock, clients of the control socket, the store, and some.
constexpr std::size_t kOtherDescriptors =
    limits::kHalfOpenLinksMax + limits::kWaitingLinksMax + limits::kControlClientsMax + 64;
// For one who does not read: the changes and requests that may be on their way, and as much for answers.
constexpr std::size_t kQueueBytesMax = 2 * limits::kRendezvousChangesAhead * limits::kFrameBytesMax;

void keep_sooner(std::optional<Instant>& next, std::optional<Instant> other) {
  if (other && (!next || *other < *next)) next = other;
}

}  // namespace

struct RendezvousHost::Impl final : LinkEvents, RendezvousStorageEvents {
  Impl(RendezvousOptions host_options, HostCallbacks host_callbacks, LogSink& log_sink)
      : options(std::move(host_options)), callbacks(std::move(host_callbacks)), log(log_sink) {}

  Result<void> run();
  Result<void> prepare();
  Result<void> open_keys();
  Result<std::unique_ptr<RendezvousStore>> open_store(RendezvousSnapshot& snapshot);
  Result<std::unique_ptr<RendezvousStore>> open_and_load(RendezvousSnapshot& snapshot);
  Result<void> open_control();
  void turn();
  void leave();
  void carry_out();
  [[nodiscard]] control::StatusReply status() const;
  [[nodiscard]] LimitUses uses() const;

  MeshTerms local_terms(const std::optional<MeshId>& wanted) const override;
  bool on_link_up(const LinkUp& up, const MeshId& mesh, std::uint64_t join) override;
  void on_link_down(LinkId link, bool is_faulty) override;
  void on_link_progress(LinkId) override {}
  bool is_welcome(const NodeKey&) const override { return true; }
  void on_dial_failed(const MeshId&, const NodeKey&, const NetAddress&) override {}
  void on_join_failed(std::uint64_t, const Error&) override {}
  bool on_frame(LinkId link, const FrameView& frame) override;

  void on_kept(std::vector<RendezvousSend> then) override;
  void on_asks_read(RendezvousLink link, std::vector<Bytes> asks) override;
  void on_storage_state(const std::string& state) override;

  RendezvousOptions options;
  HostCallbacks callbacks;
  LogSink& log;

  // In the order of need: what comes later uses what comes earlier, and is destroyed first.
  std::optional<LockFile> lock;
  std::unique_ptr<Signer> signer;
  std::unique_ptr<TlsContext> tls;
  std::unique_ptr<EventLoop> loop;
  std::unique_ptr<Signals> signals;
  std::unique_ptr<LinkServer> links;
  std::unique_ptr<RendezvousRequests> requests;
  std::unique_ptr<ControlServer> control;
  std::unique_ptr<RendezvousRegistry> registry;
  std::unique_ptr<RendezvousStorage> storage;

  SocketAddress listen_address;
  std::size_t links_max = 0;
  RendezvousOutputs outputs;
  std::string storage_state = "ok";
  bool ended = false;
  std::optional<Instant> leave_by;
};

Result<void> RendezvousHost::Impl::open_keys() {
  const auto name = read_file(options.data_dir + "/name", 4096);
  if (!name) return tl::unexpected(name.error());
  if (*name) {
    return fail(ExitStatus::kUsage, "the data directory " + options.data_dir +
                                        " is a member's, and a discovery server needs one of its own; give "
                                        "another --data-dir");
  }
  auto seed = MemberKeyFile(options.data_dir, "the discovery server").open(nullptr);
  if (!seed) return tl::unexpected(seed.error());
  signer = make_ed25519_signer(*seed);
  auto made = TlsContext::make(*seed);
  wipe_secret(*seed);
  if (!made) return tl::unexpected(made.error());
  tls = std::move(*made);
  return {};
}

Result<std::unique_ptr<RendezvousStore>> RendezvousHost::Impl::open_and_load(RendezvousSnapshot& snapshot) {
  auto store = RendezvousStore::open(options.data_dir + "/rendezvous.db");
  if (!store) return store;
  auto loaded = (*store)->load();
  if (!loaded) return tl::unexpected(loaded.error());
  snapshot = std::move(*loaded);
  return store;
}

Result<std::unique_ptr<RendezvousStore>> RendezvousHost::Impl::open_store(RendezvousSnapshot& snapshot) {
  auto store = open_and_load(snapshot);
  if (store || store.error().status != ExitStatus::kDamagedInput) return store;
  auto copy = MeshStore::set_aside(options.data_dir + "/rendezvous.db");
  if (!copy) return tl::unexpected(copy.error());
  log.log(LogLevel::kError, store.error().message + "; it is kept as " + *copy +
                                ", a new one is begun: members register anew, and names are free until then");
  return open_and_load(snapshot);
}

Result<void> RendezvousHost::Impl::prepare() {
  auto locked = claim_data_directory(options.data_dir);
  if (!locked) return tl::unexpected(locked.error());
  lock.emplace(std::move(*locked));
  if (auto opened = open_keys(); !opened) return opened;
  RendezvousSnapshot snapshot;
  auto store = open_store(snapshot);
  if (!store) return tl::unexpected(store.error());
  auto listener = listen_tcp(options.listen);
  if (!listener) return tl::unexpected(listener.error());
  auto bound = local_address(listener->get());
  if (!bound) return tl::unexpected(bound.error());
  listen_address = *bound;

  const std::size_t descriptors = raise_descriptors();
  links_max = descriptors > 2 * kOtherDescriptors ? descriptors - kOtherDescriptors : descriptors / 2;
  auto made_loop = EventLoop::open();
  if (!made_loop) return tl::unexpected(made_loop.error());
  loop = std::move(*made_loop);
  auto made_signals = Signals::open(*loop, [this](Signal signal) {
    if (signal != Signal::kHangUp)
      leave();
    else if (callbacks.hang_up)
      callbacks.hang_up();
  });
  if (!made_signals) return tl::unexpected(made_signals.error());
  signals = std::move(*made_signals);
  options.links.send_queue_bytes_max = kQueueBytesMax;
  links = std::make_unique<LinkServer>(*loop, *tls, *signer, ed25519_verifier(), *this, log, options.links);
  registry = std::make_unique<RendezvousRegistry>(to_node(signer->public_key()), ed25519_verifier(),
                                                  options.settings);
  loop->run_once(Duration{});  // reads the clock
  registry->restore(to_state(std::move(snapshot)), loop->now());
  auto started = RendezvousStorage::start(std::move(*store), *loop, *this);
  if (!started) return tl::unexpected(started.error());
  storage = std::move(*started);
  if (auto opened = open_control(); !opened) return opened;
  return links->listen(std::move(*listener));
}

Result<void> RendezvousHost::Impl::open_control() {
  RendezvousActions actions;
  actions.status = [this] { return status(); };
  actions.uses = [this] { return uses(); };
  actions.shut_down = [this] { leave(); };
  actions.settings = options.told_settings;
  actions.queue_bytes_max = kQueueBytesMax;
  actions.links_max = links_max;
  requests = std::make_unique<RendezvousRequests>(std::move(actions));
  control = std::make_unique<ControlServer>(*loop, *requests, log);
  requests->serve(*control);
  return control->listen(options.data_dir + "/control.sock");
}

Result<void> RendezvousHost::Impl::run() {
  if (auto prepared = prepare(); !prepared) return prepared;
  log.log(LogLevel::kInfo, "a discovery server, listening at " + listen_address.format() + "; " +
                               std::to_string(registry->status().registered) + " members have registered");
  if (callbacks.ready) callbacks.ready();
  while (!ended) turn();
  if (!storage->stop())
    return fail(ExitStatus::kIo, "not everything could be written to the disk: " + storage_state);
  return {};
}

void RendezvousHost::Impl::turn() {
  std::optional<Instant> deadline = links->next_deadline();
  keep_sooner(deadline, control->next_deadline());
  keep_sooner(deadline, registry->next_deadline());
  keep_sooner(deadline, leave_by);
  loop->run_until(deadline);
  links->check_deadlines();
  control->check_deadlines();
  for (const RendezvousLink link : registry->end_turn(loop->now(), outputs)) {
    links->close(link, CloseReason::kDisconnect);
    registry->on_link_down(link, loop->now());
  }
  carry_out();
  links->flush();
  control->flush();
  if (leave_by && (links->is_drained() || *leave_by <= loop->now().monotonic)) {
    control->shut_down();
    ended = true;
  }
}

void RendezvousHost::Impl::leave() {
  if (leave_by) return;
  leave_by = loop->now().monotonic + kEndTimeout;
  links->shut_down();
}

/// What the registry wants done.
void RendezvousHost::Impl::carry_out() {
  RendezvousOutputs wanted;
  wanted.swap(outputs);
  for (RendezvousOutput& output : wanted) {
    if (auto* send = std::get_if<RendezvousSend>(&output)) {
      links->send({send->link, std::move(send->frame), FrameClass::kControl});
    } else if (auto* keep = std::get_if<RendezvousKeep>(&output)) {
      storage->keep(std::move(*keep));
    } else if (auto* hand_over = std::get_if<RendezvousHandOver>(&output)) {
      storage->read(std::move(*hand_over));
    }
  }
  registry->set_writes_waiting(storage->waiting());
}

MeshTerms RendezvousHost::Impl::local_terms(const std::optional<MeshId>& wanted) const {
  MeshTerms terms;
  if (!wanted || *wanted != kRendezvousMesh) {
    terms.refusal = RefuseReason::kRendezvous;
  } else if (!leave_by && registry->status().links < links_max) {
    terms.mesh = kRendezvousMesh;
    if (!listen_address.is_unspecified()) terms.addresses.push_back(to_net(listen_address));
  }
  return terms;
}

bool RendezvousHost::Impl::on_link_up(const LinkUp& up, const MeshId&, std::uint64_t) {
  return !leave_by && registry->on_link_up(up.link, up.node, up.remote, loop->now());
}

void RendezvousHost::Impl::on_link_down(LinkId link, bool) {
  registry->on_link_down(link, loop->now());
}

bool RendezvousHost::Impl::on_frame(LinkId link, const FrameView& frame) {
  const bool is_fine = registry->on_frame(link, frame, loop->now(), outputs);
  carry_out();
  return is_fine;
}

void RendezvousHost::Impl::on_kept(std::vector<RendezvousSend> then) {
  for (RendezvousSend& send : then) links->send({send.link, std::move(send.frame), FrameClass::kControl});
}

void RendezvousHost::Impl::on_asks_read(RendezvousLink link, std::vector<Bytes> asks) {
  for (const Bytes& ask : asks) {
    auto frame = std::make_shared<const Bytes>(encode_frame(FrameType::kAskDelivery, ask));
    links->send({link, std::move(frame), FrameClass::kControl});
  }
}

void RendezvousHost::Impl::on_storage_state(const std::string& state) {
  storage_state = state;
  if (state == "ok")
    log.log(LogLevel::kInfo, "the disk takes what is written again");
  else
    log.log(LogLevel::kError, state + " Nothing more is acknowledged until then.");
}

control::StatusReply RendezvousHost::Impl::status() const {
  const RendezvousStatus facts = registry->status();
  control::StatusReply reply;
  reply.node_key = to_node(signer->public_key());
  reply.mesh = kRendezvousMesh;
  reply.address = listen_address.host();
  reply.port = listen_address.port();
  reply.view = "none";
  reply.pid = own_pid();
  reply.version = P2PMESH_VERSION;
  reply.storage = storage_state;
  reply.rendezvous =
      control::RendezvousFacts{facts.registered, facts.online, facts.asks, facts.watchers, facts.links};
  const LinkCounters& of_links = links->counters();
  reply.counters = registry->counters();
  const std::pair<const char*, std::uint64_t> more[] = {{"links_accepted", of_links.accepted},
                                                        {"handshakes_failed", of_links.handshakes_failed},
                                                        {"handshakes_delayed", of_links.handshakes_delayed},
                                                        {"frames_received", of_links.frames_received},
                                                        {"bytes_received", of_links.bytes_received},
                                                        {"bytes_sent", of_links.bytes_sent},
                                                        {"queues_overfull", of_links.queues_overfull},
                                                        {"faults", of_links.faults}};
  for (const auto& [name, value] : more) reply.counters.emplace_back(name, value);
  return reply;
}

LimitUses RendezvousHost::Impl::uses() const {
  LimitUses uses = registry->uses();
  const LimitUses more = links->uses();
  uses.insert(uses.end(), more.begin(), more.end());
  uses.emplace_back("links_max", registry->status().links);
  return uses;
}

RendezvousHost::RendezvousHost(RendezvousOptions options, HostCallbacks callbacks, LogSink& log)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(callbacks), log)) {}

RendezvousHost::~RendezvousHost() = default;

Result<void> RendezvousHost::run() {
  return impl_->run();
}

}  // namespace p2pmesh
