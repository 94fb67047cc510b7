// The links of a node: listens, dials, shakes hands, reads frames, writes what is queued at the end of a
// turn.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "connection.h"
#include "link_admission.h"
#include "p2pmesh/base/log.h"
#include "p2pmesh/core/handshake.h"
#include "p2pmesh/core/inputs.h"
#include "p2pmesh/core/outputs.h"
#include "p2pmesh/crypto/signature.h"
#include "p2pmesh/posix/descriptors.h"
#include "p2pmesh/posix/event_loop.h"
#include "p2pmesh/posix/socket_address.h"
#include "p2pmesh/posix/stream_io.h"

namespace p2pmesh {

/// Called on the loop thread, from inside the loop's turn.
class LinkEvents {
 public:
  virtual ~LinkEvents() = default;
  /// What this node says in a handshake for a mesh, or for whatever mesh it is in; asked at each one.
  [[nodiscard]] virtual MeshTerms local_terms(const std::optional<MeshId>& wanted) const = 0;
  /// The handshake is through. `join`: the ticket of the dial_to_join() that made it, else 0. False: the link
  /// is not wanted and is closed.
  virtual bool on_link_up(const LinkUp& up, const MeshId& mesh, std::uint64_t join) = 0;
  /// `is_faulty`: it was closed from here, since what came no honest node sends.
  virtual void on_link_down(LinkId link, bool is_faulty) = 0;
  /// A long frame gets on; told about once a second while it does.
  virtual void on_link_progress(LinkId link) = 0;
  /// Whether a link to it may come up; asked when it has proven its key.
  [[nodiscard]] virtual bool is_welcome(const NodeKey& node) const = 0;
  virtual void on_dial_failed(const MeshId& mesh, const NodeKey& node, const NetAddress& address) = 0;
  /// A dial_to_join() came to nothing.
  virtual void on_join_failed(std::uint64_t join, const Error& error) = 0;
  /// A frame of a link that is up. False: the peer is at fault and the link is closed.
  virtual bool on_frame(LinkId link, const FrameView& frame) = 0;
};

struct LinkCounters {
  std::uint64_t accepted = 0;
  std::uint64_t refused_full = 0;         ///< dropped half-open for a newcomer, or never begun
  std::uint64_t refused_descriptors = 0;  ///< closed as soon as accepted: no descriptor was left
  std::uint64_t refused_faulty = 0;       ///< was at fault lately
  std::uint64_t handshakes_delayed = 0;   ///< looks at those who wait that found a budget spent
  std::uint64_t handshakes_failed = 0;    ///< of TLS and of ours
  std::uint64_t frames_received = 0;
  std::uint64_t bytes_received = 0;  ///< of sockets: sealed
  std::uint64_t bytes_sent = 0;
  std::uint64_t live_dropped = 0;  ///< payloads not sent because a queue was long
  std::uint64_t queues_overfull = 0;
  std::uint64_t faults = 0;
  std::uint64_t slow_frames = 0;  ///< of the faults: a frame that was begun did not get on
};

class LinkServer {
 public:
  LinkServer(EventLoop& loop, const TlsContext& tls, const Signer& node_signer, const Verifier& verifier,
             LinkEvents& events, LogSink& log, const LinkBounds& bounds = {})
      : loop_(loop),
        tls_(tls),
        node_signer_(node_signer),
        verifier_(verifier),
        events_(events),
        log_(log),
        bounds_(bounds),
        budget_(bounds) {}
  ~LinkServer();
  LinkServer(const LinkServer&) = delete;
  LinkServer& operator=(const LinkServer&) = delete;

  /// Takes over a listening socket.
  Result<void> listen(UniqueFd listener);

  void dial(const MeshId& mesh, const NodeKey& node, const NetAddress& address);
  /// Dials whoever is there. `wanted`: the mesh that is asked for, or whatever is there.
  /// `expected`: who has to answer, before anything is said to it.
  void dial_to_join(const SocketAddress& address, const std::optional<MeshId>& wanted, std::uint64_t join,
                    const std::optional<NodeKey>& expected = std::nullopt);
  /// Ends the dials of this ticket that are not up; nothing is told of them.
  void give_up_join(std::uint64_t join);

  /// Looks whether that node answers there, and hangs up.
  void probe(const NodeKey& node, const NetAddress& address, std::function<void(Reach)> done);

  /// Ends the dials for a mesh that are not through.
  void give_up(const MeshId& mesh);
  void send(const SendFrame& send);
  /// Ends the links and dials whose near end is at such an address: what is sent from there goes nowhere.
  void end_links_from(const std::function<bool(const SocketAddress& local)>& is_lost);
  /// Sends the close frame behind what is queued and ends the link; no LinkDown follows.
  void close(LinkId link, CloseReason reason);
  /// Writes what the turn has queued.
  void flush();
  /// Handshakes and closings whose time is up, and who may enter now; called each turn.
  void check_deadlines();
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  /// Stops listening and closes every link behind what is queued.
  void shut_down();
  [[nodiscard]] bool is_open(LinkId link) const { return connections_.contains(link); }
  [[nodiscard]] bool is_drained() const { return connections_.empty(); }
  [[nodiscard]] const LinkCounters& counters() const { return counters_; }
  /// How far the bounds of base/limits.h are used, by the constant's name in words.
  [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> uses() const;

 private:
  /// Accepted, and not begun: a channel costs memory, and is for who has said what a TLS client says first.
  struct Waiting {
    UniqueFd fd;
    SocketAddress remote;
    LinkSource source{};
    Instant since{};
    bool has_spoken = false;
  };
  void on_listener_ready();
  void pause_accepting();
  void on_first_bytes(std::uint64_t number);
  void admit_waiting();
  void enter(std::uint64_t number);
  void drop_waiting(std::uint64_t number);
  [[nodiscard]] std::vector<HalfOpenLink> half_open() const;
  Connection& add(UniqueFd fd, const SocketAddress& remote, bool outbound);
  void start_dial(const SocketAddress& address, std::optional<NodeKey> expected, std::optional<MeshId> wanted,
                  std::uint64_t join);
  void on_ready(LinkId id, Ready ready);
  void on_connected(Connection& connection);
  /// False when the connection is gone; so with all that follow.
  bool read(LinkId id);
  bool read_channel(LinkId id);
  bool on_read_end(LinkId id);
  bool on_channel(Connection& connection);
  bool on_channel_fault(Connection& connection);
  bool start_handshake(Connection& connection);
  bool read_frames(LinkId id);
  bool on_handshake_frame(Connection& connection, const FrameView& frame);
  bool write(Connection& connection);
  IoStatus send_queued(Connection& connection);
  void on_peer_closes(Connection& connection);
  void fail(LinkId id, const Error& error);
  void end_faulty(LinkId id, const std::string& what);
  void check_paces();
  void check_local_addresses();
  void drop(LinkId id);
  Error fault_error(const Connection& connection) const;

  EventLoop& loop_;
  const TlsContext& tls_;
  const Signer& node_signer_;
  const Verifier& verifier_;
  LinkEvents& events_;
  LogSink& log_;
  LinkBounds bounds_;
  HandshakeBudget budget_;
  UniqueFd listener_;
  SpareDescriptor spare_;
  std::map<std::uint64_t, Waiting> waiting_;  // in the order of coming
  std::uint64_t next_waiting_ = 1;
  bool accept_paused_ = false;
  Instant accept_again_at_{};
  Instant local_checked_at_{};
  LinkId next_id_ = 1;
  std::map<LinkId, std::unique_ptr<Connection>> connections_;
  // Those that are looked at each turn: of ten thousand links few have a deadline.
  std::set<LinkId> unsettled_;  // not up yet, or closing
  std::set<LinkId> begun_;      // up, and part of a frame has come
  std::vector<LinkId> dirty_;
  LinkCounters counters_;
};

}  // namespace p2pmesh
