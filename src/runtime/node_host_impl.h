// What a host holds; node_host.cc runs it, node_host_joining.cc finds its mesh.
#pragma once

#include <memory>
#include <optional>

#include "control_requests.h"
#include "control_server.h"
#include "join_attempt.h"
#include "link_server.h"
#include "mesh_runner.h"
#include "p2pmesh/posix/event_loop.h"
#include "p2pmesh/posix/files.h"
#include "p2pmesh/posix/resolver.h"
#include "p2pmesh/posix/signals.h"
#include "p2pmesh/runtime/node_host.h"
#include "profile.h"

namespace p2pmesh {

struct NodeHost::Impl final : LinkEvents {
  Impl(HostOptions host_options, HostCallbacks host_callbacks, LogSink& log_sink)
      : options(std::move(host_options)), callbacks(std::move(host_callbacks)), log(log_sink) {}

  Result<void> run();
  Result<void> prepare();
  // node_host_joining.cc
  void begin();
  void join_next();
  void open_mesh(const MeshId& mesh, std::optional<MeshNonce> nonce,
                 std::optional<ClosedMesh> closed = std::nullopt);
  void open_new_mesh();
  Result<void> begin_by_invite();
  void resume_and_find(const MeshId& mesh);
  void end_joining(const Error& error);

  void check_ready();
  void check_revoked();
  [[nodiscard]] bool is_name_settled();
  void refuse(Error error);
  void turn();
  void leave();
  void finish(std::optional<Error> error);
  void screens_changed();

  LocalTerms local_terms() const override;
  bool on_link_up(const LinkUp& up, const MeshId& mesh, std::uint64_t join) override;
  void on_link_down(LinkId link, bool is_faulty) override;
  void on_link_progress(LinkId link) override;
  bool is_welcome(const NodeKey& node) const override;
  void on_dial_failed(const NodeKey& node, const NetAddress& address) override;
  void on_join_failed(std::uint64_t join, const Error& error) override;
  bool on_frame(LinkId link, const FrameView& frame) override;

  HostOptions options;
  HostCallbacks callbacks;
  LogSink& log;

  // In the order of need: what comes later uses what comes earlier, and is destroyed first.
  std::optional<LockFile> lock;
  std::optional<Profile> profile;
  std::unique_ptr<Signer> signer;
  std::unique_ptr<KeyAgreement> agreement;
  std::unique_ptr<FileSeal> files;
  std::unique_ptr<SeenTable> seen;
  std::unique_ptr<EventLoop> loop;
  std::unique_ptr<Signals> signals;
  std::unique_ptr<Resolver> resolver;
  std::unique_ptr<TlsContext> tls;
  std::unique_ptr<LinkServer> links;
  std::unique_ptr<JoinAttempts> joins;
  std::unique_ptr<ControlRequests> requests;
  std::unique_ptr<ControlServer> control;
  std::unique_ptr<InviteDoor> invite_door;  // until the mesh is joined
  std::unique_ptr<MeshRunner> runner;

  SocketAddress listen_address;
  std::optional<Error> join_refused;
  HostPort refused_at;
  std::size_t next_join = 0;
  bool told_ready = false;
  bool leaving = false;
  bool closing_links = false;
  bool ended = false;
  bool had_screen = false;
  std::optional<Error> failure;
  std::optional<Instant> ready_by;
  std::optional<Instant> name_by;  // exact_name: until then it is known who holds it
  std::optional<Instant> screen_by;
  std::optional<Instant> leave_by;
};

}  // namespace p2pmesh
