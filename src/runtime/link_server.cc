#include "link_server.h"

#include <array>

#include "address.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/socket.h"
#include "p2pmesh/wire/messages.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kReadBytes =
    256 * 1024;  // a socket buffer's worth; one send for many frames is worth 19 times
constexpr auto kClosingTimeout = std::chrono::seconds(2);      // "quietly within 2 s"
constexpr auto kAcceptPause = std::chrono::milliseconds(200);  // out of descriptors: not spinning

}  // namespace

LinkServer::~LinkServer() {
  if (listener_) loop_.remove(listener_.get());
  for (auto& [id, connection] : connections_) loop_.remove(connection->fd.get());
}

Result<void> LinkServer::listen(UniqueFd listener) {
  listener_ = std::move(listener);
  return loop_.add(listener_.get(), kReadable, [this](Ready) { on_listener_ready(); });
}

void LinkServer::on_listener_ready() {
  for (int i = 0; i < 64; ++i) {  // the rest of the loop has its turn
    auto accepted = accept_tcp(listener_.get());
    if (!accepted) {
      accept_paused_ = true;
      accept_again_at_ = loop_.now().monotonic + kAcceptPause;
      loop_.modify(listener_.get(), kNoInterest);
      return;
    }
    if (!*accepted) return;
    const std::size_t half_open = count(ConnectionState::kHandshaking) + count(ConnectionState::kConnecting);
    if (half_open >= limits::kHalfOpenLinksMax) {
      // The oldest has had the longest time to say something.
      for (auto& [id, connection] : connections_) {
        if (connection->state != ConnectionState::kHandshaking || connection->outbound) continue;
        ++counters_.refused_full;
        fail(id, {ExitStatus::kUnavailable, "too many half-open links"});
        break;
      }
    }
    ++counters_.accepted;
    Connection& connection = add(std::move((*accepted)->fd), (*accepted)->peer, false);
    start_handshake(connection, events_.local_terms().mesh);
  }
}

Connection& LinkServer::add(UniqueFd fd, const SocketAddress& remote, bool outbound) {
  auto owned = std::make_unique<Connection>();
  Connection& connection = *owned;
  connection.id = next_id_++;
  connection.fd = std::move(fd);
  connection.remote = remote;
  connection.outbound = outbound;
  connection.deadline = loop_.now().monotonic + limits::kHandshakeTimeout;
  connections_.emplace(connection.id, std::move(owned));
  const LinkId id = connection.id;
  auto added = loop_.add(connection.fd.get(), outbound ? kWritable : kReadable,
                         [this, id](Ready ready) { on_ready(id, ready); });
  if (!added) connection.deadline = loop_.now().monotonic;  // ended by the next check
  return connection;
}

void LinkServer::dial(const NodeKey& node, const NetAddress& address) {
  start_dial(to_socket(address), node, events_.local_terms().mesh, 0);
}

void LinkServer::dial_to_join(const SocketAddress& address, const std::optional<MeshId>& wanted,
                              std::uint64_t join) {
  start_dial(address, std::nullopt, wanted, join);
}

void LinkServer::start_dial(const SocketAddress& address, std::optional<NodeKey> expected,
                            std::optional<MeshId> wanted, std::uint64_t join) {
  auto socket = connect_tcp(address);
  if (!socket) {
    if (expected) events_.on_dial_failed(*expected, to_net(address));
    if (join != 0) events_.on_join_failed(join, socket.error());
    return;
  }
  Connection& connection = add(std::move(*socket), address, true);
  connection.expected = expected;
  connection.join = join;
  wanted_[connection.id] = wanted;
}

void LinkServer::on_ready(LinkId id, Ready ready) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = *found->second;
  if (connection.state == ConnectionState::kConnecting) {
    if (ready.writable || ready.closed) on_connected(connection);
    return;
  }
  if (ready.readable && !read(id)) return;
  found = connections_.find(id);
  if (found == connections_.end()) return;
  if (ready.writable)
    write(*found->second);
  else if (ready.closed && !ready.readable)
    fail(id, {ExitStatus::kUnavailable, "the connection was closed"});
}

void LinkServer::on_connected(Connection& connection) {
  const LinkId id = connection.id;
  auto result = connect_result(connection.fd.get(), connection.remote);
  if (!result) return fail(id, result.error());
  loop_.modify(connection.fd.get(), kReadable);
  const std::optional<MeshId> wanted = wanted_[id];
  wanted_.erase(id);
  start_handshake(connection, wanted);
}

void LinkServer::start_handshake(Connection& connection, std::optional<MeshId> wanted) {
  LocalTerms local = events_.local_terms();
  HandshakeTerms terms;
  terms.dialler = connection.outbound;
  terms.node_signer = &node_signer_;
  terms.verifier = &verifier_;
  draw_random(terms.nonce);
  terms.mesh = wanted;
  terms.expected = connection.expected;
  terms.observed = to_net(connection.remote);
  terms.addresses = std::move(local.addresses);
  terms.heads = local.heads;
  connection.heads_given = std::move(local.heads);
  connection.handshake.emplace(std::move(terms));
  connection.state = ConnectionState::kHandshaking;
  Bytes first = connection.handshake->start();
  if (first.empty()) return;
  connection.queue.push(std::make_shared<const Bytes>(std::move(first)), FrameClass::kControl);
  write(connection);
}

bool LinkServer::read(LinkId id) {
  static thread_local std::array<std::uint8_t, kReadBytes> buffer;
  Connection& connection = *connections_.at(id);
  const IoResult result = read_some(connection.fd.get(), buffer);
  if (result.status == IoStatus::kWouldBlock) return true;
  if (result.status != IoStatus::kOk) {
    fail(id, {connection.handshake && connection.outbound && !connection.handshake->done()
                  ? ExitStatus::kProtocol
                  : ExitStatus::kUnavailable,
              "the connection to " + connection.remote.format() + " was closed" +
                  (connection.state == ConnectionState::kUp ? ""
                                                            : " before a welcome; is that a p2pmesh node?")});
    return false;
  }
  counters_.bytes_received += result.bytes;
  connection.decoder.push(ByteView(buffer).first(result.bytes));
  return read_frames(id);
}

bool LinkServer::read_frames(LinkId id) {
  for (;;) {
    auto found = connections_.find(id);
    if (found == connections_.end()) return false;
    Connection& connection = *found->second;
    const auto frame = connection.decoder.next();
    if (!frame) {
      if (connection.decoder.error() == FrameError::kNone) return true;
      ++counters_.faults;
      fail(id, {ExitStatus::kProtocol, connection.remote.format() + " does not speak the p2pmesh protocol"});
      return false;
    }
    ++counters_.frames_received;
    if (connection.handshake && !connection.handshake->done()) {
      if (!on_handshake_frame(connection, *frame)) return false;
      continue;
    }
    if (frame->type == static_cast<std::uint8_t>(FrameType::kClose)) {
      // The core hears why before it hears that the link is down: who closes on purpose is not suspected.
      if (connection.state == ConnectionState::kUp) events_.on_frame(id, *frame);
      if (found = connections_.find(id); found != connections_.end()) on_peer_closes(*found->second);
      return false;
    }
    if (!events_.on_frame(id, *frame)) {
      ++counters_.faults;
      log_.log(LogLevel::kWarning,
               "closing the link to " + connection.remote.format() + ": malformed or unknown frame");
      found = connections_.find(id);
      if (found == connections_.end()) return false;
      const bool was_up = found->second->state == ConnectionState::kUp;
      drop(id);
      if (was_up) events_.on_link_down(id);
      return false;
    }
  }
}

bool LinkServer::on_handshake_frame(Connection& connection, const FrameView& frame) {
  const LinkId id = connection.id;
  Bytes out;
  connection.handshake->on_frame(frame.type, frame.payload, out);
  if (!out.empty())
    connection.queue.push(std::make_shared<const Bytes>(std::move(out)), FrameClass::kControl);
  if (connection.handshake->fault() != HandshakeFault::kNone) {
    ++counters_.handshakes_failed;
    if (!connection.queue.empty()) connection.queue.write_to(connection.fd.get());
    fail(id, fault_error(connection));
    return false;
  }
  if (!write(connection)) return false;
  if (!connection.handshake->done()) return true;
  const HandshakeResult& result = connection.handshake->result();
  connection.decoder.set_frame_bytes_max(limits::kFrameBytesMax);
  connection.state = ConnectionState::kUp;
  LinkUp up;
  up.link = id;
  up.node = result.node;
  up.outbound = connection.outbound;
  up.remote = to_net(connection.remote);
  if (auto local = local_address(connection.fd.get())) up.local = to_net(*local);
  up.observed = result.observed;
  up.addresses = result.addresses;
  up.heads_given = connection.heads_given;
  up.heads_received = result.heads;
  const std::uint64_t join = connection.join;
  if (!events_.on_link_up(up, result.mesh, join)) {
    drop(id);
    return false;
  }
  return connections_.contains(id);
}

void LinkServer::send(const SendFrame& send) {
  auto found = connections_.find(send.link);
  if (found == connections_.end() || found->second->state != ConnectionState::kUp) return;
  Connection& connection = *found->second;
  if (!connection.queue.push(send.frame, send.frame_class)) ++counters_.live_dropped;
  if (!connection.dirty) {
    connection.dirty = true;
    dirty_.push_back(send.link);
  }
}

void LinkServer::flush() {
  std::vector<LinkId> dirty;
  dirty.swap(dirty_);
  for (LinkId id : dirty) {
    auto found = connections_.find(id);
    if (found == connections_.end()) continue;
    Connection& connection = *found->second;
    connection.dirty = false;
    if (connection.queue.is_overfull()) {
      ++counters_.queues_overfull;
      fail(id, {ExitStatus::kUnavailable, connection.remote.format() + " does not read"});
    } else if (!connection.write_blocked) {
      write(connection);
    }
  }
}

bool LinkServer::write(Connection& connection) {
  const LinkId id = connection.id;
  const std::size_t before = connection.queue.bytes();
  const IoStatus status = connection.queue.write_to(connection.fd.get());
  counters_.bytes_sent += before - connection.queue.bytes();
  if (status == IoStatus::kClosed || status == IoStatus::kFailed) {
    // Unread frames may still be there; the read tells the end.
    if (connection.state == ConnectionState::kUp) {
      loop_.modify(connection.fd.get(), kReadable);
      return read(id);
    }
    fail(id, {ExitStatus::kProtocol, connection.remote.format() + " closed the connection before a welcome"});
    return false;
  }
  connection.write_blocked = status == IoStatus::kWouldBlock;
  if (connection.state == ConnectionState::kClosing && !connection.write_blocked) {
    if (connection.peer_closed) {
      drop(id);
      return false;
    }
    // Closing with unread bytes would reset the connection and take what we just sent from the peer.
    shut_down_writing(connection.fd.get());
  }
  loop_.modify(connection.fd.get(), connection.write_blocked ? kReadable | kWritable : kReadable);
  return true;
}

void LinkServer::close(LinkId id, CloseReason reason) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = *found->second;
  if (connection.state != ConnectionState::kUp) return drop(id);
  connection.queue.push(std::make_shared<const Bytes>(encode_frame_of(Close{reason})), FrameClass::kRepair);
  connection.state = ConnectionState::kClosing;
  connection.deadline = loop_.now().monotonic + kClosingTimeout;
  if (!connection.write_blocked) write(connection);
}

/// The peer has sent its last frame: what is queued for it still goes out.
void LinkServer::on_peer_closes(Connection& connection) {
  const LinkId id = connection.id;
  const bool was_up = connection.state == ConnectionState::kUp;
  connection.peer_closed = true;
  if (was_up) {
    connection.state = ConnectionState::kClosing;
    connection.deadline = loop_.now().monotonic + kClosingTimeout;
  }
  if (!connection.write_blocked) write(connection);
  if (was_up) events_.on_link_down(id);
}

void LinkServer::fail(LinkId id, const Error& error) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  const Connection& connection = *found->second;
  const ConnectionState state = connection.state;
  const auto expected = connection.expected;
  const std::uint64_t join = connection.join;
  const NetAddress address = to_net(connection.remote);
  log_.log(LogLevel::kDebug, "link " + std::to_string(id) + " ended: " + error.message);
  drop(id);
  if (state == ConnectionState::kUp) return events_.on_link_down(id);
  if (state == ConnectionState::kClosing) return;
  if (expected) events_.on_dial_failed(*expected, address);
  if (join != 0) events_.on_join_failed(join, error);
}

void LinkServer::drop(LinkId id) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  loop_.remove(found->second->fd.get());
  wanted_.erase(id);
  connections_.erase(found);
}

void LinkServer::check_deadlines() {
  const Instant now = loop_.now().monotonic;
  if (accept_paused_ && accept_again_at_ <= now) {
    accept_paused_ = false;
    loop_.modify(listener_.get(), kReadable);
  }
  std::vector<LinkId> late;
  for (const auto& [id, connection] : connections_) {
    if (connection->state != ConnectionState::kUp && connection->deadline <= now) late.push_back(id);
  }
  for (LinkId id : late) {
    const std::string where = connections_.at(id)->remote.format();
    fail(id, {ExitStatus::kUnavailable,
              "no answer from " + where + " within 5 s; is it a p2pmesh node, and is it running?"});
  }
}

std::optional<Instant> LinkServer::next_deadline() const {
  std::optional<Instant> next;
  if (accept_paused_) next = accept_again_at_;
  for (const auto& [id, connection] : connections_) {
    if (connection->state != ConnectionState::kUp && (!next || connection->deadline < *next))
      next = connection->deadline;
  }
  return next;
}

void LinkServer::shut_down() {
  if (listener_) {
    loop_.remove(listener_.get());
    listener_.reset();
  }
  std::vector<LinkId> ids;
  for (const auto& [id, connection] : connections_) ids.push_back(id);
  for (LinkId id : ids) close(id, CloseReason::kLeaving);
}

std::size_t LinkServer::count(ConnectionState state) const {
  std::size_t total = 0;
  for (const auto& [id, connection] : connections_) total += connection->state == state ? 1 : 0;
  return total;
}

Error LinkServer::fault_error(const Connection& connection) const {
  const std::string where = connection.remote.format();
  switch (connection.handshake->fault()) {
    case HandshakeFault::kOtherVersion:
      return {ExitStatus::kProtocol,
              where + " speaks version " + std::to_string(connection.handshake->peer_version()) +
                  " of the p2pmesh protocol, this program version " + std::to_string(kProtocolVersion) +
                  "; use the same release on both sides"};
    case HandshakeFault::kOtherMesh:
      return {ExitStatus::kTryAgain,
              where +
                  " is in another mesh; nothing was changed. A node is in one mesh at a time: to join that "
                  "one, leave here (:q in its screen), then type ./p2pchat NAME HOST PORT"};
    case HandshakeFault::kSelf:
      return {ExitStatus::kUsage, where + " is this node itself; give the address of another member"};
    case HandshakeFault::kBusy:
      return {ExitStatus::kTryAgain, where + " is still starting; try again in a moment"};
    case HandshakeFault::kOtherNode:
      return {ExitStatus::kUnavailable, "another node answers at " + where};
    case HandshakeFault::kBadSignature:
      return {ExitStatus::kProtocol, "the node at " + where + " could not prove its key"};
    case HandshakeFault::kNotOurProtocol:
    case HandshakeFault::kMalformed:
    case HandshakeFault::kNone:
      break;
  }
  return {ExitStatus::kProtocol, where + " does not speak the p2pmesh protocol; check host and port"};
}

}  // namespace p2pmesh
