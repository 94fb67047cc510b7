// What goes through a link: the TLS channel's bytes, the frames in them, the handshake among the first.
#include <algorithm>
#include <array>

#include "address.h"
#include "link_server.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/socket.h"
#include "p2pmesh/posix/stream_io.h"
#include "p2pmesh/wire/messages.h"

namespace p2pmesh {
namespace {

// Read of one link at a time: a socket buffer's worth, then the others have their turn.
constexpr std::size_t kReadBytes = 256 * 1024;
constexpr std::size_t kPlainBytes = 16 * 1024;  // a TLS record

}  // namespace

void LinkServer::on_ready(LinkId id, Ready ready) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  if (found->second->state == ConnectionState::kConnecting) {
    if (ready.writable || ready.closed) on_connected(*found->second);
    return;
  }
  if (ready.writable && found->second->read_held) {
    found->second->read_held = false;
    if (!write(*found->second) || !read_channel(id)) return;
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
  connection.state = ConnectionState::kSecuring;
  connection.tls = std::make_unique<TlsStream>(tls_, true);
  read_channel(id);  // nothing yet: this makes the first message
}

bool LinkServer::read(LinkId id) {
  for (std::size_t total = 0; total < kReadBytes;) {
    Connection& connection = *connections_.at(id);
    const std::span<std::uint8_t> space = connection.tls->receive_space();
    if (space.empty() && connection.write_broken) return on_read_end(id);
    if (space.empty()) {
      // The channel has to say something first, and the far end does not read.
      connection.read_held = connection.write_blocked = true;
      loop_.modify(connection.fd.get(), kWritable);
      return true;
    }
    const IoResult result = read_some(connection.fd.get(), space);
    if (result.status == IoStatus::kWouldBlock) return true;
    if (result.status != IoStatus::kOk) return on_read_end(id);
    total += result.bytes;
    counters_.bytes_received += result.bytes;
    connection.tls->received(result.bytes);
    if (!read_channel(id)) return false;
  }
  return true;
}

bool LinkServer::on_read_end(LinkId id) {
  const Connection& connection = *connections_.at(id);
  const bool is_up = connection.state == ConnectionState::kUp;
  fail(id, {connection.outbound && !is_up ? ExitStatus::kProtocol : ExitStatus::kUnavailable,
            "the connection to " + connection.remote.format() + " was closed" +
                (is_up ? "" : " before a welcome; is that a p2pmesh node?")});
  return false;
}

/// What the channel holds, to its end: the loop tells of sockets alone.
bool LinkServer::read_channel(LinkId id) {
  static thread_local std::array<std::uint8_t, kPlainBytes> plain;
  for (;;) {
    Connection& connection = *connections_.at(id);
    const bool was_established = connection.tls->is_established();
    const TlsResult result = connection.tls->read(plain);
    if (result.status == TlsStatus::kFailed) return on_channel_fault(connection);
    if (!was_established && connection.tls->is_established() && !on_channel(connection)) return false;
    switch (result.status) {
      case TlsStatus::kOk:
        connection.decoder.push(ByteView(plain).first(result.bytes));
        if (!read_frames(id)) return false;
        break;
      case TlsStatus::kClosed:
        return on_read_end(id);
      case TlsStatus::kWaiting: {
        const bool was_full = connection.tls->is_full();
        if (!connection.tls->to_send().empty() && !write(connection)) return false;
        // It may have waited for room, not for bytes.
        if (!was_full || connection.write_blocked || connection.write_broken) return true;
        break;
      }
      case TlsStatus::kFailed:
        break;
    }
  }
}

bool LinkServer::on_channel_fault(Connection& connection) {
  const LinkId id = connection.id;
  const bool is_up = connection.state == ConnectionState::kUp;
  const ByteView alert = connection.tls->to_send();
  if (!alert.empty()) write_some(connection.fd.get(), alert);
  const std::string why = " (TLS: " + connection.tls->fault() + ")";
  const std::string where = connection.remote.format();
  // Whoever is on the way can break a channel, but not flood it.
  if (is_up && connection.tls->is_flooded()) {
    end_faulty(id, "it floods" + why);
    return false;
  }
  is_up ? ++counters_.faults : ++counters_.handshakes_failed;
  if (is_up) log_.log(LogLevel::kWarning, "closing the link to " + where + why);
  fail(id, {ExitStatus::kProtocol, where + " does not speak the p2pmesh protocol" + why +
                                       "; check host and port, and that both sides run the same release"});
  return false;
}

/// Who is there is known now, but for what the welcome says.
bool LinkServer::on_channel(Connection& connection) {
  const LinkId id = connection.id;
  if (connection.expected && *connection.expected != to_node(connection.tls->peer())) {
    ++counters_.handshakes_failed;
    fail(id, {ExitStatus::kUnavailable, "another node answers at " + connection.remote.format()});
    return false;
  }
  if (connection.probe) {
    const auto probe = connection.probe;
    drop(id);
    probe(Reach::kReached);
    return false;
  }
  if (!events_.is_welcome(to_node(connection.tls->peer()))) {
    ++counters_.refused_faulty;
    fail(id, {ExitStatus::kTryAgain, "the node at " + connection.remote.format() +
                                         " has sent what no node sends, and is left alone for a while"});
    return false;
  }
  return start_handshake(connection);
}

bool LinkServer::start_handshake(Connection& connection) {
  HandshakeTerms terms;
  terms.dialler = connection.outbound;
  terms.node_signer = &node_signer_;
  terms.verifier = &verifier_;
  draw_random(terms.nonce);
  terms.expected = connection.expected;
  terms.channel_peer = to_node(connection.tls->peer());
  terms.channel = connection.tls->binding();
  terms.observed = to_net(connection.remote);
  if (connection.outbound) {
    MeshTerms local = events_.local_terms(connection.wanted);
    terms.mesh = connection.wanted;
    terms.addresses = std::move(local.addresses);
    // Of whatever mesh is there, nothing is held yet.
    if (connection.wanted) {
      terms.heads = std::move(local.heads);
      terms.door = local.door;
    }
  } else {
    terms.choose = [this](const std::optional<MeshId>& wanted) { return events_.local_terms(wanted); };
  }
  connection.handshake.emplace(std::move(terms));
  connection.state = ConnectionState::kHandshaking;
  Bytes first = connection.handshake->start();
  if (first.empty()) return true;
  connection.queue.push(std::make_shared<const Bytes>(std::move(first)), FrameClass::kControl);
  return write(connection);
}

bool LinkServer::read_frames(LinkId id) {
  for (;;) {
    auto found = connections_.find(id);
    if (found == connections_.end()) return false;
    Connection& connection = *found->second;
    const auto frame = connection.decoder.next();
    if (!frame) {
      if (connection.decoder.error() == FrameError::kNone) {
        const bool grows =
            connection.pace.on_part(connection.decoder.buffered_bytes(), loop_.now().monotonic);
        if (connection.decoder.buffered_bytes() == 0)
          begun_.erase(id);
        else
          begun_.insert(id);
        if (!grows || connection.state != ConnectionState::kUp) return true;
        events_.on_link_progress(id);
        return connections_.contains(id);
      }
      if (connection.state == ConnectionState::kUp) {
        end_faulty(id, "a frame of an impossible length");
        return false;
      }
      ++counters_.faults;
      fail(id, {ExitStatus::kProtocol, connection.remote.format() + " does not speak the p2pmesh protocol"});
      return false;
    }
    connection.pace.on_frame();
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
      end_faulty(id, "malformed or unknown frame");
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
    send_queued(connection);
    fail(id, fault_error(connection));
    return false;
  }
  if (!write(connection)) return false;
  if (!connection.handshake->done()) return true;
  const HandshakeResult& result = connection.handshake->result();
  connection.decoder.set_frame_bytes_max(limits::kFrameBytesMax +
                                         (connection.handshake->is_closed() ? limits::kSealedFrameBytes : 0));
  connection.state = ConnectionState::kUp;
  unsettled_.erase(id);
  LinkUp up;
  up.link = id;
  up.node = result.node;
  up.outbound = connection.outbound;
  up.is_closed = connection.handshake->is_closed();
  up.remote = to_net(connection.remote);
  if (auto local = local_address(connection.fd.get())) {
    connection.local = *local;
    up.local = to_net(*local);
  }
  up.observed = result.observed;
  up.addresses = result.addresses;
  up.heads_given = connection.handshake->heads_given();
  up.heads_received = result.heads;
  const std::uint64_t join = connection.join;
  const std::string where = connection.remote.format();
  if (!events_.on_link_up(up, result.mesh, join)) {
    drop(id);
    // Where that was said already, nobody listens any more.
    if (join != 0)
      events_.on_join_failed(join,
                             {ExitStatus::kTryAgain, "the mesh at " + where + " cannot be entered now"});
    return false;
  }
  return connections_.contains(id);
}

IoStatus LinkServer::send_queued(Connection& connection) {
  static thread_local std::array<std::uint8_t, kPlainBytes> plain;
  for (;;) {
    const ByteView sealed = connection.tls->to_send();
    if (!sealed.empty()) {
      const IoResult result = write_some(connection.fd.get(), sealed);
      if (result.status != IoStatus::kOk) return result.status;
      counters_.bytes_sent += result.bytes;
      connection.tls->sent(result.bytes);
      continue;
    }
    const std::size_t space = std::min(connection.tls->write_space(), plain.size());
    if (connection.queue.empty() || space == 0) return IoStatus::kOk;
    // Many small frames are one record.
    const std::size_t size = connection.queue.peek(std::span(plain).first(space));
    if (!connection.tls->write(ByteView(plain).first(size))) return IoStatus::kFailed;
    connection.queue.pop(size);
  }
}

bool LinkServer::write(Connection& connection) {
  const LinkId id = connection.id;
  if (!connection.tls || connection.write_broken) return true;
  IoStatus status = send_queued(connection);
  if (status == IoStatus::kOk && connection.state == ConnectionState::kClosing && !connection.said_close) {
    connection.said_close = true;
    connection.tls->close();
    status = send_queued(connection);
  }
  if (status == IoStatus::kClosed || status == IoStatus::kFailed) {
    // Unread frames may still be there; the read tells the end.
    if (connection.state == ConnectionState::kUp && connection.tls->fault().empty()) {
      connection.write_broken = true;
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

Error LinkServer::fault_error(const Connection& connection) const {
  const std::string where = connection.remote.format();
  switch (connection.handshake->fault()) {
    case HandshakeFault::kOtherVersion:
      return {ExitStatus::kProtocol,
              where + " speaks version " + std::to_string(connection.handshake->peer_version()) +
                  " of the p2pmesh protocol, this program version " + std::to_string(kProtocolVersion) +
                  "; use the same release on both sides"};
    case HandshakeFault::kOtherMesh:
      return {
          ExitStatus::kTryAgain,
          where +
              " is in another mesh; nothing was changed. To be in that one too, type /enter HOST PORT, or "
              "./p2pchat NAME HOST PORT"};
    case HandshakeFault::kSelf:
      return {ExitStatus::kUsage, where + " is this node itself; give the address of another member"};
    case HandshakeFault::kBusy:
      return {ExitStatus::kTryAgain, where + " is still starting; try again in a moment"};
    case HandshakeFault::kOtherNode:
      return {ExitStatus::kUnavailable, "another node answers at " + where};
    case HandshakeFault::kBadSignature:
      return {ExitStatus::kProtocol, "the node at " + where + " could not prove its key"};
    case HandshakeFault::kClosed:
      return {ExitStatus::kNoPermission,
              where +
                  " is in a closed mesh, and lets in who has an invite alone; ask a member for a link (it "
                  "types p2pmeshctl invite), then type ./p2pchat NAME LINK"};
    case HandshakeFault::kInviteUnknown:
      return {ExitStatus::kNoPermission,
              where +
                  " knows no such invite: it was cancelled, or who made it was banned, or it has not come "
                  "there yet; try again, or ask for a new one"};
    case HandshakeFault::kBanned:
      return {ExitStatus::kNoPermission,
              where + " lets this key in no more: it was banned from the mesh, or revoked"};
    case HandshakeFault::kCannotAdmit:
      return {ExitStatus::kTryAgain, "the member at " + where +
                                         " can let nobody in now, since it is undiscoverable or has just "
                                         "started itself; try again, or through another member"};
    case HandshakeFault::kNotOfMesh:
      return {ExitStatus::kNoPermission,
              "the node at " + where + " has not shown to be a member of the mesh"};
    case HandshakeFault::kRendezvous:
      return {ExitStatus::kUnavailable, "a discovery server is at " + where +
                                            ", no member: use --rendezvous HOST:PORT to find people there"};
    case HandshakeFault::kInviteExpired:
      return {ExitStatus::kNoPermission, "the invite was good for a time that is over; ask for a new one"};
    case HandshakeFault::kInviteUsedUp:
      return {
          ExitStatus::kNoPermission,
          "the invite was used up by others; ask for a new one (p2pmeshctl invite --uses N lets in more)"};
    case HandshakeFault::kNotOurProtocol:
    case HandshakeFault::kMalformed:
    case HandshakeFault::kNone:
      break;
  }
  return {ExitStatus::kProtocol, where + " does not speak the p2pmesh protocol; check host and port"};
}
}  // namespace p2pmesh
