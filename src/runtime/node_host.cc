#include "node_host_impl.h"

#include <algorithm>

#include "address.h"
#include "data_directory.h"
#include "p2pmesh/posix/files.h"
#include "p2pmesh/posix/socket.h"
#include "p2pmesh/text/name.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

constexpr std::uint16_t kFirstPort = 9750;  // design.md, section 6
constexpr std::uint16_t kLastPort = 9849;
constexpr auto kLeaveTimeout = std::chrono::milliseconds(1500);  // "quietly within 2 s"
constexpr auto kUnmapTimeout = std::chrono::milliseconds(1000);  // a router of the same house; guess
constexpr auto kNameTimeout = std::chrono::seconds(10);          // as long as a first comparison may take
constexpr auto kNamePoll = std::chrono::milliseconds(100);
constexpr auto kFirstScreenTimeout = std::chrono::seconds(10);  // a screen that never came

void keep_sooner(std::optional<Instant>& next, std::optional<Instant> other) {
  if (other && (!next || *other < *next)) next = other;
}

/// Both families; IPv4 alone where there is no other.
SocketAddress every_interface() {
  const SocketAddress both = *SocketAddress::from_host("::", 0);
  return listen_tcp(both) ? both : *SocketAddress::from_host("0.0.0.0", 0);
}

/// Binds what the options ask for, else all interfaces; the last run's port first, so that others find the
/// node again.
Result<UniqueFd> bind_listener(const std::optional<SocketAddress>& wanted,
                               std::optional<std::uint16_t> last_port) {
  if (wanted && wanted->port() != 0) return listen_tcp(*wanted);
  const SocketAddress address = wanted ? *wanted : every_interface();
  if (last_port) {
    if (auto listener = listen_tcp(address.with_port(*last_port))) return listener;
  }
  if (!wanted) {
    for (std::uint16_t port = kFirstPort; port <= kLastPort; ++port) {
      if (auto listener = listen_tcp(address.with_port(port))) return listener;
    }
  }
  return listen_tcp(address);
}

}  // namespace

Result<void> NodeHost::Impl::prepare() {
  auto name = check_name(options.name);
  if (!name) return tl::unexpected(name.error());
  options.name = *name;
  auto locked = claim_data_directory(options.data_dir);
  if (!locked) return tl::unexpected(locked.error());
  lock.emplace(std::move(*locked));
  auto opened =
      Profile::open(options.data_dir, options.name, options.passphrase ? &*options.passphrase : nullptr);
  const bool is_refused = !opened && options.passphrase && opened.error().status == ExitStatus::kNoPermission;
  options.passphrase.reset();
  if (is_refused && callbacks.passphrase_refused) callbacks.passphrase_refused();
  if (!opened) return tl::unexpected(opened.error());
  profile = std::move(*opened);
  signer = make_ed25519_signer(profile->seed());
  agreement = make_x25519_agreement(profile->seed());
  files = std::make_unique<FileSeal>(profile->seed());
  auto made_tls = TlsContext::make(profile->seed());
  profile->forget_seed();
  if (!made_tls) return tl::unexpected(made_tls.error());
  tls = std::move(*made_tls);

  auto listener = bind_listener(options.listen, profile->last_port());
  if (!listener) return tl::unexpected(listener.error());
  auto bound = local_address(listener->get());
  if (!bound) return tl::unexpected(bound.error());
  listen_address = *bound;
  if (auto kept = profile->remember_port(bound->port()); !kept) return kept;

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
  auto made_resolver = Resolver::open(*loop);
  if (!made_resolver) return tl::unexpected(made_resolver.error());
  resolver = std::move(*made_resolver);

  SeenTableOptions seen_options;
  seen_options.seed = draw_random_64();
  seen = std::make_unique<SeenTable>(seen_options);
  links = std::make_unique<LinkServer>(*loop, *tls, *signer, ed25519_verifier(), *this, log, options.links);
  joins = std::make_unique<JoinAttempts>(*loop, *resolver, *links);
  rendezvous =
      std::make_unique<RendezvousLinks>(*loop, *joins, *links, *signer, log, [this] { return presence(); });
  prepare_strangers();
  if (auto read = strangers->open(); !read) return read;
  if (options.known_only) prepare_callers();
  ReachActions dial_back;
  dial_back.is_open = [this](LinkId link) { return links->is_open(link); };
  dial_back.send = [this](LinkId link, Bytes frame) {
    links->send({link, std::make_shared<const Bytes>(std::move(frame)), FrameClass::kControl});
  };
  dial_back.probe = [this](const NodeKey& node, const NetAddress& address, std::function<void(Reach)> done) {
    links->probe(node, address, std::move(done));
  };
  dial_back.not_reached = [this] {
    if (port_mapping && outside_address) port_mapping->ask_again();
  };
  reach = std::make_unique<Reachability>(to_net(listen_address), std::move(dial_back));
  DeskActions actions;
  actions.enter = [this](const control::EnterMeshRequest& request, Entered done) {
    enter(request, std::move(done));
  };
  actions.open = [this](bool closed) { return open_new_mesh(closed); };
  actions.leave = [this](const MeshId& mesh) { return leave_mesh(mesh); };
  actions.switch_to = [this](const MeshId& mesh) { return switch_to(mesh); };
  actions.screens_changed = [this] { screens_changed(); };
  actions.lan = [this] { return list_lan(); };
  desk = std::make_unique<ControlDesk>(seats, *strangers, *rendezvous, std::move(actions));
  control = std::make_unique<ControlServer>(*loop, *desk, log);
  desk->serve(*control);
  if (auto listening = links->listen(std::move(*listener)); !listening) return listening;
  return options.lan ? open_lan() : Result<void>();
}

Result<void> NodeHost::Impl::run() {
  if (auto prepared = prepare(); !prepared) return prepared;
  loop->run_once(Duration{});  // reads the clock
  begin();
  while (!ended) turn();
  for (const auto& seat : seats.all()) {
    const std::string state = seat->runner->storage_state();
    if (!seat->runner->stop() && !failure)
      failure = Error{ExitStatus::kIo, "not everything could be written to the disk: " + state};
  }
  if (failure) return tl::unexpected(*failure);
  return {};
}

void NodeHost::Impl::turn() {
  std::optional<Instant> deadline = links->next_deadline();
  keep_sooner(deadline, joins->next_deadline());
  if (!leaving) keep_sooner(deadline, rendezvous->next_deadline());
  if (!leaving && told_ready) keep_sooner(deadline, strangers->next_deadline());
  keep_sooner(deadline, reach->next_deadline());
  keep_sooner(deadline, lan_deadline());
  keep_sooner(deadline, ready_by);
  keep_sooner(deadline, name_by);
  keep_sooner(deadline, screen_by);
  keep_sooner(deadline, leave_by);
  keep_sooner(deadline, unmap_by);
  for (const auto& seat : seats.all()) {
    keep_sooner(deadline, seat->runner->next_deadline());
    keep_sooner(deadline, seat->requests->next_deadline());
    keep_sooner(deadline, seat->leave_by);
  }
  keep_sooner(deadline, control->next_deadline());
  loop->run_until(deadline);
  joins->check_deadlines();
  if (!leaving) rendezvous->check_deadlines();
  if (!leaving && told_ready) strangers->check_deadlines();
  links->check_deadlines();
  reach->ask_due(loop->now().monotonic);
  if (lan) check_lan();
  control->check_deadlines();
  // A request that was held may open a mesh.
  for (MeshSeat* seat : seats.snapshot()) {
    seat->runner->end_turn();
    seat->requests->check_looking(loop->now().monotonic);
    control->hold_requests(seat->runner->mesh(), !seat->runner->node().can_take_text());
  }
  check_left();
  check_revoked();
  check_ready();
  links->flush();
  control->flush();
  const Instant now = loop->now().monotonic;
  if (screen_by && *screen_by <= now) {
    screen_by.reset();
    if (!had_screen) leave();
  }
  if (!leaving || ended) return;
  const bool has_left = std::all_of(seats.all().begin(), seats.all().end(),
                                    [](const auto& seat) { return seat->runner->has_left(); });
  if (!closing_links && has_left) {
    closing_links = true;
    links->shut_down();
  }
  if (unmap_by && (*unmap_by <= now || port_mapping->has_ended())) unmap_by.reset();
  if ((closing_links && links->is_drained() && !unmap_by) || (leave_by && *leave_by <= now)) {
    control->shut_down();
    ended = true;
  }
}

/// A key that counts no more has nothing to say.
void NodeHost::Impl::check_revoked() {
  const bool is_revoked = std::any_of(seats.all().begin(), seats.all().end(), [](const auto& seat) {
    return seat->runner->node().is_revoked(seat->runner->member());
  });
  if (leaving || !is_revoked) return;
  refuse({ExitStatus::kNoPermission,
          "the key of " + format_safe_line(profile->name()) +
              " was revoked, and no node takes anything from it any more; begin as a new member with another "
              "--data-dir"});
}

void NodeHost::Impl::check_ready() {
  const MeshRunner* runner = seats.current();
  if (leaving || told_ready || !ready_by || runner == nullptr) return;
  if (*ready_by > loop->now().monotonic && runner->node().status().neighbors == 0) return;
  if (options.exact_name && !is_name_settled()) return;
  ready_by.reset();
  resume_others();
  renew_invites();
  seats.set_conversations(conversations());
  told_ready = true;
  if (options.leaves_with_last_screen) screen_by = loop->now().monotonic + kFirstScreenTimeout;
  if (callbacks.ready) callbacks.ready();
}

/// With exact_name: whether the name is this member's. If it is not, the node leaves.
bool NodeHost::Impl::is_name_settled() {
  if (leaving) return false;
  const MeshRunner* runner = seats.current();
  const NodeStatus status = runner->node().status();
  const Instant now = loop->now().monotonic;
  if (!name_by) name_by = now + kNameTimeout;
  const bool is_known = status.has_claim && (runner->is_synced() || status.neighbors == 0 || *name_by <= now);
  const std::string name = format_safe_line(status.claimed_name);
  if (status.name_refused || (is_known && status.name != status.claimed_name)) {
    refuse({ExitStatus::kCannotCreate, "The name " + name +
                                           " is held by another member of the mesh. Choose another one, or "
                                           "start without --exact-name to be shown as " +
                                           name + " with a suffix"});
    return false;
  }
  if (!is_known && *name_by <= now) {
    refuse({ExitStatus::kTryAgain, "nobody in the mesh has said within 10 s whether the name " + name +
                                       " is free; try again, or start without --exact-name"});
    return false;
  }
  if (!is_known) {
    // What is waited for comes by the links; a deadline that has passed must not spin.
    ready_by = std::max(*ready_by, std::min(now + kNamePoll, *name_by));
    return false;
  }
  name_by.reset();
  options.exact_name = false;
  if (auto kept = keep_meshes(); !kept) {
    refuse(kept.error());
    return false;
  }
  return true;
}

void NodeHost::Impl::refuse(Error error) {
  name_by.reset();
  ready_by.reset();
  failure = std::move(error);
  leave();
}

void NodeHost::Impl::leave() {
  if (leaving) return;
  leaving = true;
  if (lan) lan->say_farewell();
  if (seats.all().empty()) {
    ended = true;
    return;
  }
  leave_by = loop->now().monotonic + kLeaveTimeout;
  rendezvous->withdraw();
  if (port_mapping) {
    port_mapping->end();
    unmap_by = loop->now().monotonic + kUnmapTimeout;
  }
  for (const auto& seat : seats.all()) {
    if (!seat->leave_by) seat->runner->leave();
  }
}

void NodeHost::Impl::finish(std::optional<Error> error) {
  failure = std::move(error);
  ended = true;
}

void NodeHost::Impl::screens_changed() {
  const std::size_t screens = control->screens();
  had_screen = had_screen || screens > 0;
  if (options.leaves_with_last_screen && had_screen && screens == 0) leave();
}

MeshTerms NodeHost::Impl::local_terms(const std::optional<MeshId>& wanted) const {
  MeshTerms terms;
  const MeshRunner* runner = wanted ? seats.find(*wanted) : seats.for_anybody();
  if (runner != nullptr && !leaving) {
    terms.mesh = runner->mesh();
    terms.addresses = runner->node().advertised();
    terms.heads = runner->node().deepest_heads();
    terms.door = seats.find(runner->mesh())->door();
    return terms;
  }
  if (wanted == kStrangersMesh && !leaving && strangers->is_open()) {
    terms.mesh = kStrangersMesh;
    return terms;
  }
  if (wanted && !seats.all().empty() && !leaving) terms.refusal = RefuseReason::kOtherMesh;
  const auto door = wanted ? invite_doors.find(*wanted) : invite_doors.end();
  if (door != invite_doors.end()) terms.door = door->second.get();
  if (!listen_address.is_unspecified()) terms.addresses.push_back(to_net(listen_address));
  return terms;
}

bool NodeHost::Impl::on_link_up(const LinkUp& up, const MeshId& mesh, std::uint64_t join) {
  if (leaving) return false;
  if (!joins->is_expected(join, up.node)) {
    joins->end(join, fail(ExitStatus::kUnavailable, "another node answers there than was looked for"));
    return false;
  }
  if (mesh == kRendezvousMesh) {
    if (join == 0) return false;
    rendezvous->on_link_up(up.link, up.node, join);
    if (rendezvous->has(up.link)) {
      joins->end(join, JoinFound{up.node, mesh});
      return true;
    }
    joins->end(join, fail(ExitStatus::kUnavailable,
                          "a discovery server is there, no member: use --rendezvous HOST:PORT"));
    return false;
  }
  // A closed mesh has a door of its own.
  if (callers && !up.outbound && !up.is_closed) return callers->on_link_up(up, mesh);
  return let_in(up, mesh, join);
}

/// To where it wants.
bool NodeHost::Impl::let_in(const LinkUp& up, const MeshId& mesh, std::uint64_t join) {
  // Who names no mesh where one was wanted.
  if (is_reserved(mesh) && join != 0 && joins->wanted(join) != mesh) {
    joins->end(join, fail(ExitStatus::kProtocol, "who answers there is in no mesh"));
    return false;
  }
  if (mesh == kStrangersMesh) {
    if (!strangers->on_link_up(up, join)) return false;
    joins->end(join, JoinFound{up.node, mesh});
    return true;
  }
  MeshRunner* runner = seats.find(mesh);
  // Who names a closed mesh has to have shown that it is of it.
  if (!up.is_closed && (runner != nullptr ? runner->is_closed() : holds_closed(mesh))) {
    if (join != 0)
      joins->end(join, fail(ExitStatus::kNoPermission, "who answers there has not shown to be of that mesh"));
    return false;
  }
  if (runner == nullptr) {
    if (seats.find_seat(mesh) != nullptr || !joins->opens(join)) return false;
    Opening opening{mesh};
    if (const auto door = invite_doors.find(mesh); door != invite_doors.end()) {
      opening.closed = door->second->gained();
      if (!opening.closed) return false;
      opening.closed->let_in_by = MemberKey{up.node.bytes};
    }
    const auto opened = open_mesh(std::move(opening));
    if (!opened) {
      joins->end(join, tl::unexpected<Error>(opened.error()));
      return false;
    }
    runner = *opened;
    retire_door(mesh);
  }
  seats.drop_links([this](LinkId link) { return !links->is_open(link); });
  seats.take_link(up.link, mesh);
  runner->handle(up);
  reach->on_link_up(up, loop->now().monotonic);
  if (join != 0) joins->end(join, JoinFound{up.node, mesh});
  return true;
}

void NodeHost::Impl::on_link_down(LinkId link, bool is_faulty) {
  if (rendezvous->on_link_down(link) || strangers->on_link_down(link)) return;
  if (callers && callers->on_link_down(link)) return;
  MeshRunner* runner = seats.home_of(link);
  seats.drop_link(link);
  reach->on_link_down(link);
  if (runner != nullptr) runner->handle(LinkDown{link, is_faulty});
}

void NodeHost::Impl::on_link_progress(LinkId link) {
  if (MeshRunner* runner = seats.home_of(link)) runner->handle(LinkProgress{link});
}

/// Who was at fault in one mesh is left alone in all.
bool NodeHost::Impl::is_welcome(const NodeKey& node) const {
  return std::none_of(seats.all().begin(), seats.all().end(), [&](const auto& seat) {
    return seat->runner->node().is_shut_out(node, loop->now().monotonic);
  });
}

void NodeHost::Impl::on_dial_failed(const MeshId& mesh, const NodeKey& node, const NetAddress& address) {
  if (MeshSeat* seat = seats.find_seat(mesh)) seat->runner->handle(DialFailed{node, address});
}

void NodeHost::Impl::on_join_failed(std::uint64_t join, const Error& error) {
  joins->on_address_failed(join, error);
}

bool NodeHost::Impl::on_frame(LinkId link, const FrameView& frame) {
  if (callers && callers->holds(link)) return callers->on_frame(link, frame);
  if (rendezvous->has(link)) return rendezvous->on_frame(link, frame);
  if (strangers->has(link)) return strangers->on_frame(link, frame);
  if (const auto taken = reach->on_frame(link, frame, loop->now().monotonic)) return *taken;
  // What was on its way when its mesh was left is nobody's fault.
  MeshRunner* runner = seats.home_of(link);
  return runner == nullptr || runner->on_frame(link, frame);
}

NodeHost::NodeHost(HostOptions options, HostCallbacks callbacks, LogSink& log)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(callbacks), log)) {}

NodeHost::~NodeHost() = default;

Result<void> NodeHost::run() {
  return impl_->run();
}

}  // namespace p2pmesh
