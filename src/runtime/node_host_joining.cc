// Which mesh a host is in: one that is joined, resumed or opened.
#include "address.h"
#include "node_host_impl.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/posix/socket.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

constexpr auto kReadyTimeout = std::chrono::seconds(1);  // for a first neighbor after a resumption

std::string shown_address(const std::optional<SocketAddress>& wanted) {
  if (wanted && !wanted->is_unspecified()) return wanted->host();
  auto outside = default_route_address();
  return outside ? outside->host() : "127.0.0.1";
}

}  // namespace

/// Joins, resumes the last mesh, or opens one.
void NodeHost::Impl::begin() {
  if (options.invite) {
    if (auto begun = begin_by_invite(); !begun) finish(begun.error());
    return;
  }
  if (!options.joins.empty()) return join_next();
  const auto last = profile->last_mesh();
  if (last && !options.open_new) {
    open_mesh(*last, std::nullopt);
    if (!runner) return;
    ready_by = loop->now().monotonic;
    if (runner->knows_peers()) *ready_by += kReadyTimeout;
    return;
  }
  open_new_mesh();
}

void NodeHost::Impl::open_new_mesh() {
  const MemberKey self = to_member(signer->public_key());
  MeshNonce nonce;
  std::optional<ClosedMesh> closed;
  if (options.closed) {
    closed.emplace().grant.founder = self;
    draw_random(closed->grant.secret);
    nonce = closed_mesh_nonce(closed->grant.secret);
  } else {
    draw_random(nonce);
  }
  open_mesh(hash_mesh(self, nonce), nonce, closed);
  ready_by = loop->now().monotonic;
}

/// Who has come in by it already resumes that mesh.
Result<void> NodeHost::Impl::begin_by_invite() {
  for (const std::string& address : options.invite->addresses) {
    auto target = parse_host_port(address);
    if (!target) return tl::unexpected<Error>(target.error());
    options.joins.push_back(*target);
  }
  const MeshId& mesh = options.invite->mesh;
  const std::string path = mesh_file(profile->meshes_directory(), mesh, ".closed");
  const auto held = read_closed_mesh(path, mesh, *files);
  if (!held) return tl::unexpected<Error>(held.error());
  if (!*held) {
    invite_door = std::make_unique<InviteDoor>(options.invite->secret, ed25519_verifier());
    join_next();
    return {};
  }
  // It may be needed once more: who let this node in may have lost what it wrote of it.
  ClosedMesh renewed = **held;
  renewed.invite = options.invite->secret;
  if (auto kept = write_closed_mesh(path, renewed, *files); !kept) return kept;
  resume_and_find(mesh);
  return {};
}

/// The mesh is here already; what was typed may say better where its members are.
void NodeHost::Impl::resume_and_find(const MeshId& mesh) {
  open_mesh(mesh, std::nullopt);
  if (!runner) return;
  ready_by = loop->now().monotonic + kReadyTimeout;
  for (const HostPort& target : options.joins) {
    joins->start(target.host, target.port, runner->mesh(), [this](const Result<NodeKey>& found) {
      if (!found) log.log(LogLevel::kInfo, found.error().message);
    });
  }
}

void NodeHost::Impl::join_next() {
  const HostPort& target = options.joins[next_join++];
  const auto wanted = options.invite ? std::optional(options.invite->mesh) : std::nullopt;
  joins->start(target.host, target.port, wanted, [this](const Result<NodeKey>& found) {
    // What a member says of an invite is worth more than that another one is silent.
    if (!found && !join_refused && found.error().status == ExitStatus::kNoPermission) {
      join_refused = found.error();
      refused_at = options.joins[next_join - 1];
    }
    if (found) {
      ready_by = loop->now().monotonic;
    } else if (next_join < options.joins.size() && !leaving) {
      log.log(LogLevel::kWarning, found.error().message);
      join_next();
    } else {
      end_joining(found.error());
    }
  });
}

/// A closed mesh that turned us away may be the one that we are a member of.
void NodeHost::Impl::end_joining(const Error& error) {
  const auto last = profile->last_mesh();
  if (!join_refused || options.invite || leaving || !last || !profile->is_last_mesh_closed())
    return finish(join_refused.value_or(error));
  joins->start(refused_at.host, refused_at.port, last, [this, mesh = *last](const Result<NodeKey>& found) {
    // Of another mesh it would have said so.
    if (!found && found.error().status != ExitStatus::kNoPermission) return finish(join_refused);
    resume_and_find(mesh);
  });
}

void NodeHost::Impl::open_mesh(const MeshId& mesh, std::optional<MeshNonce> nonce,
                               std::optional<ClosedMesh> closed) {
  MeshPlace place;
  place.mesh = mesh;
  place.directory = profile->meshes_directory();
  place.name = profile->name();
  place.exact_name = options.exact_name;
  place.listen = to_net(listen_address);
  place.founder_nonce = nonce;
  place.protocol = options.protocol;
  place.carry = options.carry;
  place.undiscoverable = options.undiscoverable;
  place.closed = std::move(closed);
  place.was_closed = profile->last_mesh() == mesh && profile->is_last_mesh_closed();
  auto opened = MeshRunner::open(
      place, {*loop, *links, *control, *seen, *signer, *signer, ed25519_verifier(), *agreement, *files, log});
  if (!opened) return finish(opened.error());
  if (options.closed && !(*opened)->is_closed()) {
    return finish(
        Error{ExitStatus::kUsage, "the last mesh of " + format_safe_line(profile->name()) +
                                      " is open to everybody; --new --private opens a closed one beside it"});
  }
  runner = std::move(*opened);
  runner->begin();
  requests->serve(*control, *runner, shown_address(options.listen), listen_address.port());
  // Who is refused in one mesh resumes the one it was in.
  if (!options.exact_name) {
    if (auto kept = profile->remember_mesh(mesh, runner->is_closed()); !kept) return finish(kept.error());
  }
  if (auto listening = control->listen(options.data_dir + "/control.sock"); !listening)
    return finish(listening.error());
  log.log(LogLevel::kInfo, profile->name() + " is in mesh " + mesh.hex().substr(0, 8) + ", listening at " +
                               listen_address.format());
}

}  // namespace p2pmesh
