// Which meshes a host is in: those that are joined, resumed or opened, until they are left.
#include <algorithm>

#include "address.h"
#include "node_host_impl.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/posix/socket.h"
#include "p2pmesh/text/name.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

constexpr auto kReadyTimeout = std::chrono::seconds(1);          // for a first neighbor after a resumption
constexpr auto kLeaveTimeout = std::chrono::milliseconds(1500);  // of a mesh, as of the node

std::string shown_address(const std::optional<SocketAddress>& wanted) {
  if (wanted && !wanted->is_unspecified()) return wanted->host();
  auto outside = default_route_address();
  return outside ? outside->host() : "127.0.0.1";
}

}  // namespace

/// Joins, resumes the last meshes, or opens one.
void NodeHost::Impl::begin() {
  const Entered done = [this](const Result<MeshId>& entered) { begin_joined(entered); };
  rendezvous->use(options.rendezvous);
  if (options.invite) return enter_by(*options.invite, done);
  if (!options.find.empty()) return enter_with(options.find, done);
  if (!options.joins.empty()) {
    auto first = std::make_shared<Search>();
    first->targets = options.joins;
    first->done = done;
    return search(std::move(first));
  }
  if (options.lan_join && !lan_begin_by) return begin_on_lan();
  const auto last = profile->last_mesh();
  if (!last || options.open_new) return begin_joined(open_new_mesh(options.closed));
  const auto opened = open_mesh({*last, {}, {}, true});
  if (!opened) return finish(opened.error());
  if (options.closed && !(*opened)->is_closed()) {
    return finish(
        Error{ExitStatus::kUsage, "the last mesh of " + format_safe_line(profile->name()) +
                                      " is open to everybody; --new --private opens a closed one beside it"});
  }
  begin_joined(*last);
}

void NodeHost::Impl::begin_joined(const Result<MeshId>& entered) {
  if (!entered) return finish(entered.error());
  seats.set_current(*entered);
  const MeshRunner& runner = *seats.current();
  ready_by = loop->now().monotonic;
  if (runner.node().status().neighbors == 0 && runner.knows_peers()) *ready_by += kReadyTimeout;
  // Who is refused in one mesh resumes the one it was in.
  if (!options.exact_name) {
    if (auto kept = keep_meshes(); !kept) return finish(kept.error());
  }
}

Result<MeshId> NodeHost::Impl::open_new_mesh(bool is_closed) {
  const MemberKey self = to_member(signer->public_key());
  Opening opening;
  MeshNonce nonce;
  if (is_closed) {
    opening.closed.emplace().grant.founder = self;
    draw_random(opening.closed->grant.secret);
    nonce = closed_mesh_nonce(opening.closed->grant.secret);
  } else {
    draw_random(nonce);
  }
  opening.mesh = hash_mesh(self, nonce);
  opening.nonce = nonce;
  const auto opened = open_mesh(std::move(opening));
  if (!opened) return tl::unexpected<Error>(opened.error());
  return (*opened)->mesh();
}

void NodeHost::Impl::enter(const control::EnterMeshRequest& request, Entered done) {
  if (request.link) {
    const auto invite = parse_invite_link(*request.link);
    if (!invite) {
      return done(fail(ExitStatus::kUsage,
                       "That is no whole invite; it has the form p2pmesh://HOST:PORT/MESH/SECRET."));
    }
    return enter_by(*invite, std::move(done));
  }
  if (request.find) return enter_with(*request.find, std::move(done));
  auto wanted = std::make_shared<Search>();
  wanted->targets.push_back({request.host, request.port});
  wanted->done = std::move(done);
  search(std::move(wanted));
}

/// Who is near is found without telling anybody.
void NodeHost::Impl::enter_with(const std::string& name, Entered done) {
  if (auto checked = check_name(name); !checked) return done(tl::unexpected<Error>(checked.error()));
  if (lan) return find_on_lan({name, std::move(done)});
  find_at_rendezvous(name, std::move(done));
}

/// What the discovery servers say of somebody can at worst lead to nobody: who answers has to hold the key.
void NodeHost::Impl::find_at_rendezvous(const std::string& name, Entered done) {
  rendezvous->look_up({name, {}, false}, [this, name, done = std::move(done)](Result<FoundMember> found) {
    if (!found) return done(tl::unexpected<Error>(found.error()));
    const Registration& registration = found->registration;
    const std::string shown = format_safe_line(name);
    if (registration.member == to_member(signer->public_key()))
      return done(fail(ExitStatus::kUsage, "That is you."));
    if (registration.meshes.empty() || is_reserved(registration.meshes.front().mesh)) {
      return done(fail(ExitStatus::kNoPermission,
                       shown + " is in no mesh that is open; ask for an invite (/link makes one)"));
    }
    auto wanted = std::make_shared<Search>();
    wanted->mesh = registration.meshes.front().mesh;
    wanted->expected = registration.node;
    wanted->targets = places_of(*found);
    wanted->done = done;
    if (wanted->targets.empty())
      return done(fail(ExitStatus::kUnavailable, shown + " has told no address at which it can be reached"));
    search(std::move(wanted));
  });
}

std::optional<RendezvousPresence> NodeHost::Impl::presence() const {
  const MeshRunner* current = seats.current();
  if (current == nullptr || options.exact_name) return std::nullopt;
  const NodeStatus status = current->node().status();
  RendezvousPresence presence;
  presence.name = status.claimed_name;
  presence.discoverable = is_seen_everywhere();
  presence.addresses = current->node().advertised();
  if (presence.addresses.empty()) {
    const auto outside = default_route_address();
    const SocketAddress address = outside ? *outside : SocketAddress::loopback(0);
    presence.addresses.push_back(to_net(address.with_port(listen_address.port())));
  }
  for (const auto& seat : seats.all()) {
    if (seat->leave_by || seat->runner->is_closed()) continue;
    if (presence.meshes.size() >= limits::kRendezvousMeshesPerMember) break;
    const std::uint64_t online = seat->runner->node().status().online;
    presence.meshes.push_back({seat->runner->mesh(), about(online), seats.label_of(*seat->runner)});
  }
  std::sort(presence.meshes.begin(), presence.meshes.end(),
            [](const OpenMesh& one, const OpenMesh& other) { return one.mesh < other.mesh; });
  return presence;
}

/// Who has come in by it already resumes that mesh.
void NodeHost::Impl::enter_by(const InviteLink& invite, Entered done, std::optional<MemberKey> founder) {
  if (is_reserved(invite.mesh)) return done(fail(ExitStatus::kUsage, "That is no invite into a mesh."));
  auto wanted = std::make_shared<Search>();
  for (const std::string& address : invite.addresses) {
    const auto target = parse_host_port(address);
    if (!target) return done(tl::unexpected<Error>(target.error()));
    wanted->targets.push_back(*target);
  }
  wanted->invite = invite;
  const std::string path = mesh_file(profile->meshes_directory(), invite.mesh, ".closed");
  const auto held = read_closed_mesh(path, invite.mesh, *files);
  if (!held) return done(tl::unexpected<Error>(held.error()));
  if (!*held) {
    if (invite_doors.contains(invite.mesh))
      return done(fail(ExitStatus::kTryAgain, "That mesh is being entered already; wait a moment."));
    wanted->done = std::move(done);
    invite_doors[invite.mesh] = open_door(invite, founder);
    return search(std::move(wanted));
  }
  if (founder && (*held)->grant.founder != *founder)
    return done(fail(ExitStatus::kNoPermission, "that mesh is not one of the two"));
  // It may be needed once more: who let this node in may have lost what it wrote of it.
  ClosedMesh renewed = **held;
  renewed.invite = invite.secret;
  if (auto kept = write_closed_mesh(path, renewed, *files); !kept)
    return done(tl::unexpected<Error>(kept.error()));
  if (seats.find(invite.mesh) == nullptr) {
    if (const auto opened = open_mesh({invite.mesh, {}, {}, true}); !opened)
      return done(tl::unexpected<Error>(opened.error()));
  }
  look_there(invite.mesh, wanted->targets);
  done(invite.mesh);
}

/// One that was tried before is used again.
std::unique_ptr<InviteDoor> NodeHost::Impl::open_door(const InviteLink& invite,
                                                      const std::optional<MemberKey>& founder) {
  const auto same = std::find_if(spent_doors.begin(), spent_doors.end(), [&](const auto& door) {
    return door->is_of(invite.mesh, invite.secret, founder);
  });
  if (same == spent_doors.end())
    return std::make_unique<InviteDoor>(invite.mesh, invite.secret, ed25519_verifier(), founder);
  auto door = std::move(*same);
  spent_doors.erase(same);
  return door;
}

/// The mesh is here already; what was typed may say better where its members are.
void NodeHost::Impl::look_there(const MeshId& mesh, const std::vector<HostPort>& targets) {
  for (const HostPort& target : targets) {
    joins->start(target.host, target.port, mesh, false, [this](const Result<JoinFound>& found) {
      if (!found) log.log(LogLevel::kInfo, found.error().message);
    });
  }
}

void NodeHost::Impl::search(std::shared_ptr<Search> search) {
  const HostPort target = search->targets[search->next++];
  const auto wanted = search->invite ? std::optional(search->invite->mesh) : search->mesh;
  joins->start(
      target.host, target.port, wanted, true,
      [this, search, target](const Result<JoinFound>& found) {
        if (found) return search->done(found->mesh);
        // What a member says of us is worth more than that another one is silent.
        if (!search->refused && found.error().status == ExitStatus::kNoPermission) {
          search->refused = found.error();
          search->refused_at = target;
        }
        if (search->next >= search->targets.size() || leaving) return end_search(search, found.error());
        log.log(LogLevel::kWarning, found.error().message);
        this->search(search);
      },
      search->expected);
}

/// A closed mesh that turned us away may be one that we are a member of.
void NodeHost::Impl::end_search(const std::shared_ptr<Search>& search, const Error& error) {
  if (search->invite) retire_door(search->invite->mesh);
  const Error shown = search->refused.value_or(error);
  const auto last = profile->last_mesh();
  const bool may_be_ours =
      !told_ready && search->refused && !search->invite && !leaving && last && profile->was_closed(*last);
  if (!may_be_ours) return search->done(tl::unexpected<Error>(shown));
  joins->start(search->refused_at.host, search->refused_at.port, last, false,
               [this, search, shown, mesh = *last](const Result<JoinFound>& found) {
                 // Of another mesh it would have said so.
                 if (!found && found.error().status != ExitStatus::kNoPermission)
                   return search->done(tl::unexpected<Error>(shown));
                 if (seats.find(mesh) == nullptr) {
                   if (const auto opened = open_mesh({mesh, {}, {}, true}); !opened)
                     return search->done(tl::unexpected<Error>(opened.error()));
                 }
                 look_there(mesh, search->targets);
                 search->done(mesh);
               });
}

std::unique_ptr<ControlRequests> NodeHost::Impl::make_requests() {
  HostActions actions;
  actions.shut_down = [this] { leave(); };
  actions.connect = [this](const MeshId& mesh, const std::string& host, std::uint16_t port,
                           std::function<void(Result<NodeKey>)> done) {
    joins->start(host, port, mesh, false,
                 [this, mesh, done = std::move(done)](const Result<JoinFound>& found) {
                   if (seats.find_seat(mesh) == nullptr) return;  // it was left, and who asked with it
                   done(found ? Result<NodeKey>(found->node) : tl::unexpected<Error>(found.error()));
                 });
  };
  actions.ask_at = [this](const HostPort& place, std::function<void(Result<control::MemberReply>)> done) {
    strangers->ask_at(place, [this, done = std::move(done)](const Result<MeshId>& met) {
      if (!met) return done(tl::unexpected<Error>(met.error()));
      const Stranger& stranger = *strangers->book().find(*met);
      done(control::MemberReply{stranger.member, strangers->shown_name(stranger), *met});
    });
  };
  actions.strangers = [this] { return list_strangers(); };
  actions.is_for_two = [this](const MeshId& mesh) { return strangers->book().find(mesh) != nullptr; };
  actions.set_discoverable = [this](bool on) {
    for (const auto& seat : seats.all()) {
      if (auto set = seat->runner->set_discoverable(on); !set) return set;
    }
    return Result<void>();
  };
  actions.set_receipts = [this](bool on) {
    for (const auto& seat : seats.all()) seat->runner->set_receipts(on);
  };
  actions.screens_changed = [this] { screens_changed(); };
  actions.lookups = [this] { return resolver->pending(); };
  actions.reachable = [this] { return reach->state(); };
  actions.port_mapping = [this] {
    return port_mapping ? port_mapping->state(loop->now().monotonic) : MappingState{};
  };
  if (lan) actions.lan = [this] { return list_lan(); };
  actions.settings = options.settings;
  return std::make_unique<ControlRequests>(std::move(actions), options.leaves_with_last_screen);
}

Result<MeshRunner*> NodeHost::Impl::open_mesh(Opening opening) {
  if (seats.all().size() >= limits::kMeshesMax) {
    return fail(ExitStatus::kTryAgain, "This node is in " + std::to_string(limits::kMeshesMax) +
                                           " meshes, which is all that it may; leave one first: /leave MESH");
  }
  if (seats.find_seat(opening.mesh) != nullptr)
    return fail(ExitStatus::kTryAgain, "That mesh is just being left; try again in a moment.");
  MeshPlace place;
  place.mesh = opening.mesh;
  place.directory = profile->meshes_directory();
  place.name = profile->name();
  place.exact_name = options.exact_name;
  place.listen = to_net(listen_address);
  place.founder_nonce = opening.nonce;
  place.protocol = options.protocol;
  place.carry = options.carry;
  // Who is not to be seen is not to be seen anywhere.
  place.undiscoverable = options.undiscoverable || !is_seen_everywhere();
  place.closed = std::move(opening.closed);
  place.was_closed = profile->was_closed(opening.mesh);
  auto opened = MeshRunner::open(
      place, {*loop, *links, *control, *seen, *signer, *signer, ed25519_verifier(), *agreement, *files, log});
  if (!opened) return tl::unexpected<Error>(opened.error());
  const bool is_first = seats.all().empty();
  MeshSeat& seat = seats.add(std::move(*opened), make_requests());
  MeshRunner& runner = *seat.runner;
  runner.begin();
  if (outside_address) runner.handle(OutsideAddress{outside_address});
  seat.requests->serve(*control, runner, shown_address(options.listen), listen_address.port());
  if (is_first) {
    if (auto listening = control->listen(options.data_dir + "/control.sock"); !listening)
      return tl::unexpected<Error>(listening.error());
    if (auto started = start_port_mapping(); !started) log.log(LogLevel::kError, started.error().message);
  }
  if (told_ready) {
    if (auto kept = keep_meshes(); !kept) log.log(LogLevel::kError, kept.error().message);
  }
  log.log(LogLevel::kInfo, profile->name() + " is in mesh " + opening.mesh.hex().substr(0, 8) +
                               ", listening at " + listen_address.format());
  control->publish_everywhere(control::MeshEvent{opening.mesh, seats.label_of(runner), true});
  return &runner;
}

/// Those of the last run. One that cannot be opened does not keep anybody from the others.
void NodeHost::Impl::resume_others() {
  for (const ActiveMesh& active : profile->active_meshes()) {
    if (seats.find_seat(active.mesh) != nullptr) continue;
    const auto opened = open_mesh({active.mesh, {}, {}, true});
    if (!opened) unresumed.push_back(active);
    if (!opened)
      log.log(LogLevel::kError, "mesh " + active.mesh.hex().substr(0, 8) + ": " + opened.error().message);
  }
}

bool NodeHost::Impl::holds_closed(const MeshId& mesh) const {
  const auto held = read_closed_mesh(mesh_file(profile->meshes_directory(), mesh, ".closed"), mesh, *files);
  return !held || held->has_value();
}

void NodeHost::Impl::retire_door(const MeshId& mesh) {
  auto door = invite_doors.extract(mesh);
  if (door) spent_doors.push_back(std::move(door.mapped()));
}

bool NodeHost::Impl::is_seen_everywhere() const {
  return std::all_of(seats.all().begin(), seats.all().end(),
                     [](const auto& seat) { return seat->runner->node().status().discoverable; });
}

Result<void> NodeHost::Impl::keep_meshes() {
  const MeshRunner& current = *seats.current();
  if (auto kept = profile->remember_mesh(current.mesh(), current.is_closed()); !kept) return kept;
  std::vector<ActiveMesh> active = seats.active();
  // Before the others are resumed, they are those of the last run.
  for (const ActiveMesh& earlier : profile->active_meshes()) {
    if (!told_ready && seats.find_seat(earlier.mesh) == nullptr) active.push_back(earlier);
  }
  for (const ActiveMesh& other : unresumed) {
    if (seats.find_seat(other.mesh) == nullptr) active.push_back(other);
  }
  return profile->remember_active(active);
}

Result<void> NodeHost::Impl::leave_mesh(const MeshId& mesh) {
  if (seats.staying() <= 1)
    return fail(ExitStatus::kUsage, "It is the only mesh here; :q leaves it and ends the node with it.");
  MeshSeat& seat = *seats.find_seat(mesh);
  seat.leave_by = loop->now().monotonic + kLeaveTimeout;
  if (seats.current() == seat.runner.get()) {
    for (const ActiveMesh& other : seats.active()) seats.set_current(other.mesh);
  }
  seat.runner->leave();
  strangers->forget(mesh);
  return keep_meshes();
}

Result<void> NodeHost::Impl::switch_to(const MeshId& mesh) {
  seats.set_current(mesh);
  return keep_meshes();
}

/// Ends what has been left, and leaves where the local member was put out.
void NodeHost::Impl::check_left() {
  if (leaving) return;
  std::vector<MeshId> left, kicked;
  for (const auto& seat : seats.all()) {
    const bool is_done =
        seat->leave_by && (seat->runner->has_left() || *seat->leave_by <= loop->now().monotonic);
    if (is_done) left.push_back(seat->runner->mesh());
    if (!seat->leave_by && seat->runner->is_kicked()) kicked.push_back(seat->runner->mesh());
  }
  for (const MeshId& mesh : kicked) {
    if (seats.staying() <= 1) return leave();
    if (auto gone = leave_mesh(mesh); !gone) log.log(LogLevel::kError, gone.error().message);
  }
  for (const MeshId& mesh : left) {
    MeshSeat& seat = *seats.find_seat(mesh);
    links->give_up(mesh);  // whose handshakes know the door of its runner
    for (LinkId link : seats.links_of(mesh)) links->close(link, CloseReason::kLeaving);
    const std::string label = seats.label_of(*seat.runner);
    if (!seat.runner->stop())
      log.log(LogLevel::kError,
              "not everything could be written to the disk: " + seat.runner->storage_state());
    control->forget_mesh(mesh, label);
    seats.remove(mesh);
  }
}

}  // namespace p2pmesh
