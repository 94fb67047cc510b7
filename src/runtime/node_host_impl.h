// What a host holds; node_host.cc runs it, node_host_joining.cc finds its meshes, node_host_strangers.cc
// those of two.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "control_desk.h"
#include "control_server.h"
#include "join_attempt.h"
#include "known_callers.h"
#include "lan_beacon.h"
#include "lan_dials.h"
#include "link_server.h"
#include "mesh_door.h"
#include "mesh_seats.h"
#include "p2pmesh/posix/event_loop.h"
#include "p2pmesh/posix/files.h"
#include "p2pmesh/posix/resolver.h"
#include "p2pmesh/posix/signals.h"
#include "p2pmesh/runtime/node_host.h"
#include "port_mapping.h"
#include "profile.h"
#include "reachability.h"
#include "rendezvous_links.h"
#include "strangers.h"

namespace p2pmesh {

/// To three bits: not each one who comes is worth telling everybody.
inline std::uint32_t about(std::uint64_t count) {
  int shift = 0;
  while (count >> shift >= 8) ++shift;
  return static_cast<std::uint32_t>(count >> shift << shift);
}

inline constexpr Duration kLanWarmUp = std::chrono::seconds(3);      // everybody has said something
inline constexpr Duration kLanAfterFirst = std::chrono::seconds(1);  // others answer as fast as the first

/// A mesh as it is told apart by people where it has no name.
inline std::string short_id(const MeshId& mesh) {
  return mesh.hex().substr(0, 8);
}

struct NodeHost::Impl final : LinkEvents {
  Impl(HostOptions host_options, HostCallbacks host_callbacks, LogSink& log_sink)
      : options(std::move(host_options)), callbacks(std::move(host_callbacks)), log(log_sink) {}

  Result<void> run();
  Result<void> prepare();
  // node_host_joining.cc
  using Entered = std::function<void(Result<MeshId>)>;
  /// For a mesh at one place after the other.
  struct Search {
    std::vector<HostPort> targets;
    std::size_t next = 0;
    std::optional<InviteLink> invite;
    std::optional<MeshId> mesh = std::nullopt;       ///< the wanted one, if it is known
    std::optional<NodeKey> expected = std::nullopt;  ///< who has to answer
    std::optional<Error> refused;                    ///< what somebody said of us, and where
    HostPort refused_at{};
    Entered done;
  };
  void begin();
  void begin_joined(const Result<MeshId>& entered);
  void enter(const control::EnterMeshRequest& request, Entered done);
  /// `founder`: whose mesh it has to be.
  void enter_by(const InviteLink& invite, Entered done, std::optional<MemberKey> founder = std::nullopt);
  std::unique_ptr<InviteDoor> open_door(const InviteLink& invite, const std::optional<MemberKey>& founder);
  void enter_with(const std::string& name, Entered done);
  [[nodiscard]] std::optional<RendezvousPresence> presence() const;
  void find_at_rendezvous(const std::string& name, Entered done);
  void search(std::shared_ptr<Search> search);
  void end_search(const std::shared_ptr<Search>& search, const Error& error);
  void look_there(const MeshId& mesh, const std::vector<HostPort>& targets);
  /// A mesh to be opened, joined or resumed. Errors: as MeshRunner::open().
  struct Opening {
    MeshId mesh;
    std::optional<MeshNonce> nonce = std::nullopt;
    std::optional<ClosedMesh> closed = std::nullopt;
    bool resumes = false;  ///< it was here before
  };
  Result<MeshRunner*> open_mesh(Opening opening);
  Result<MeshId> open_new_mesh(bool closed);
  std::unique_ptr<ControlRequests> make_requests();
  void resume_others();
  /// Its files are here, and say that it is closed or cannot be read.
  [[nodiscard]] bool holds_closed(const MeshId& mesh) const;
  void retire_door(const MeshId& mesh);
  [[nodiscard]] bool is_seen_everywhere() const;
  Result<void> keep_meshes();
  Result<void> leave_mesh(const MeshId& mesh);
  Result<void> switch_to(const MeshId& mesh);
  void check_left();
  Result<void> start_port_mapping();
  void port_mapping_changed();

  // node_host_strangers.cc
  void prepare_strangers();
  void prepare_callers();
  [[nodiscard]] std::map<MeshId, Conversation> conversations() const;
  [[nodiscard]] bool is_called(const std::string& name, const MemberKey& but) const;
  Result<InviteLink> open_for_two();
  void renew_invites();
  [[nodiscard]] std::vector<control::ContactEntry> list_strangers() const;

  // node_host_lan.cc
  Result<void> open_lan();
  [[nodiscard]] control::LanReply list_lan() const;
  [[nodiscard]] std::optional<LanPresence> lan_presence() const;
  [[nodiscard]] std::vector<MeshId> recognise(const Beacon& beacon) const;
  [[nodiscard]] bool is_looked_for(const HeardNode& node) const;
  void on_lan_heard(const HeardNode& node);
  void on_interfaces(const std::vector<NetworkInterface>& all);
  void check_lan();
  void look_for_lost();
  [[nodiscard]] LanNeed need_of(const MeshRunner& runner, const std::vector<const HeardNode*>& heard,
                                bool reads_roster) const;
  /// Of one who was heard, one address after the other.
  struct HeardDial {
    LanDial dial;
    std::vector<HostPort> targets;
    std::size_t next = 0;
  };
  void dial_heard(const LanDial& dial);
  void dial_next(std::shared_ptr<HeardDial> heard);
  [[nodiscard]] std::optional<Instant> lan_deadline() const;
  // node_host_lan_find.cc
  void begin_on_lan();
  void choose_heard();
  /// Whose mesh is to be joined.
  struct LanFind {
    std::string name;  ///< in NFC
    Entered done;
    Instant not_before{};  ///< another one of that name may be heard until then
  };
  void find_on_lan(LanFind find);
  void enter_heard(const MeshId& mesh, std::vector<NodeKey> nodes, Entered done);

  void check_ready();
  void check_revoked();
  [[nodiscard]] bool is_name_settled();
  void refuse(Error error);
  void turn();
  void leave();
  void finish(std::optional<Error> error);
  void screens_changed();

  MeshTerms local_terms(const std::optional<MeshId>& wanted) const override;
  bool on_link_up(const LinkUp& up, const MeshId& mesh, std::uint64_t join) override;
  bool let_in(const LinkUp& up, const MeshId& mesh, std::uint64_t join);
  void on_link_down(LinkId link, bool is_faulty) override;
  void on_link_progress(LinkId link) override;
  bool is_welcome(const NodeKey& node) const override;
  void on_dial_failed(const MeshId& mesh, const NodeKey& node, const NetAddress& address) override;
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
  std::unique_ptr<RendezvousLinks> rendezvous;
  std::unique_ptr<Strangers> strangers;
  std::unique_ptr<KnownCallers> callers;  // null: whoever comes is let in
  std::unique_ptr<Reachability> reach;
  std::unique_ptr<PortMapping> port_mapping;
  std::optional<NetAddress> outside_address;  // what the router sends on
  std::unique_ptr<LanBeacon> lan;             // null: off
  std::unique_ptr<LanDials> lan_dials;
  std::unique_ptr<ControlDesk> desk;
  std::unique_ptr<ControlServer> control;
  std::map<MeshId, std::unique_ptr<InviteDoor>> invite_doors;  // until the mesh is joined
  std::vector<std::unique_ptr<InviteDoor>> spent_doors;        // handshakes may still be at them
  MeshSeats seats;
  std::vector<ActiveMesh> unresumed;  // could not be opened in this run, and are not forgotten for that

  SocketAddress listen_address;
  bool told_ready = false;
  bool leaving = false;
  bool closing_links = false;
  bool ended = false;
  bool had_screen = false;
  std::optional<Error> failure;
  std::optional<Instant> ready_by;
  std::optional<Instant> name_by;       // exact_name: until then it is known who holds it
  std::vector<LanFind> lan_finds;       // that wait until everybody there was heard
  std::optional<Instant> lan_begin_by;  // a mesh is chosen of those that were heard
  std::optional<Instant> lan_warm_at;   // everybody there was heard; set at the first turn
  Instant lan_look_at{};
  Instant lan_roster_at{};                // it is read again
  std::optional<Instant> lan_carrier_by;  // what has no carrier then is lost
  std::optional<Instant> screen_by;
  std::optional<Instant> leave_by;
  std::optional<Instant> unmap_by;  // the router has until then
};

}  // namespace p2pmesh
