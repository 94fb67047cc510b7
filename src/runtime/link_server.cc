#include "link_server.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "address.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/socket.h"
#include "p2pmesh/posix/stream_io.h"
#include "p2pmesh/wire/messages.h"

namespace p2pmesh {
namespace {

constexpr auto kLocalCheckInterval = std::chrono::seconds(1);  // at a turn: a heartbeat is one

}  // namespace

LinkServer::~LinkServer() {
  if (listener_) loop_.remove(listener_.get());
  for (auto& [number, waiting] : waiting_) loop_.remove(waiting.fd.get());
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
      pause_accepting();
      break;
    }
    if (!*accepted) break;
    ++counters_.accepted;
    const std::uint64_t number = next_waiting_++;
    Waiting waiting{std::move((*accepted)->fd), (*accepted)->peer, {}, loop_.now().monotonic, false};
    waiting.source = source_of(to_net(waiting.remote));
    const int fd = waiting.fd.get();
    // Edge-triggered: a part of what is waited for does not call again and again.
    if (!loop_.add(fd, kReadable | kEdgeTriggered, [this, number](Ready) { on_first_bytes(number); }))
      continue;
    waiting_.emplace(number, std::move(waiting));
    on_first_bytes(number);
  }
  admit_waiting();
}

/// No descriptor is left. Who has waited longest is closed, so that it knows, and the rest wait.
void LinkServer::pause_accepting() {
  if (spare_.is_held()) {
    spare_.give_up();
    const auto refused = accept_tcp(listener_.get());
    if (refused && *refused) ++counters_.refused_descriptors;
  }
  spare_.take();
  accept_paused_ = true;
  accept_again_at_ = loop_.now().monotonic + limits::kAcceptPause;
  loop_.modify(listener_.get(), kNoInterest);
}

void LinkServer::drop_waiting(std::uint64_t number) {
  const auto found = waiting_.find(number);
  loop_.remove(found->second.fd.get());
  waiting_.erase(found);
}

void LinkServer::on_first_bytes(std::uint64_t number) {
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return;
  Waiting& waiting = found->second;
  std::array<std::uint8_t, kTlsBeginBytes> first;
  const IoResult seen = peek_some(waiting.fd.get(), first);
  if (seen.status == IoStatus::kWouldBlock) return;
  const TlsHello hello = seen.status == IoStatus::kOk ? look_for_hello(ByteView(first).first(seen.bytes),
                                                                       unread_bytes(waiting.fd.get()))
                                                      : TlsHello::kNone;
  if (hello == TlsHello::kNone) {
    ++counters_.handshakes_failed;
    return drop_waiting(number);
  }
  if (hello == TlsHello::kPart || std::exchange(waiting.has_spoken, true)) return;
  admit_waiting();
}

/// First those whose address has the fewest half-open links: a crowd waits for itself.
void LinkServer::admit_waiting() {
  const Instant now = loop_.now().monotonic;
  for (;;) {
    const std::vector<HalfOpenLink> links = half_open();
    bool is_delayed = false;
    std::optional<std::tuple<std::size_t, std::uint64_t>> next;
    for (const auto& [number, waiting] : waiting_) {
      if (!waiting.has_spoken) continue;
      if (budget_.is_spent(waiting.source, now)) {
        is_delayed = true;
        continue;
      }
      const std::size_t count = count_from(links, waiting.source);
      if (!next || std::tuple(count, number) < *next) next = {count, number};
    }
    if (is_delayed) ++counters_.handshakes_delayed;
    if (!next) break;
    const std::uint64_t number = std::get<1>(*next);
    const LinkAdmission admission = admit_link(links, waiting_.at(number).source, now);
    if (!admission.enters) break;
    if (admission.dropped) {
      ++counters_.refused_full;
      fail(*admission.dropped, {ExitStatus::kUnavailable, "too many half-open links"});
    }
    enter(number);
  }
  while (waiting_.size() > limits::kWaitingLinksMax) {
    ++counters_.refused_full;
    std::vector<WaitingLink> links;
    std::vector<std::uint64_t> numbers;
    for (const auto& [number, waiting] : waiting_) {
      links.push_back({waiting.source, waiting.has_spoken});
      numbers.push_back(number);
    }
    drop_waiting(numbers[least_wanted(links)]);
  }
}

void LinkServer::enter(std::uint64_t number) {
  Waiting waiting = std::move(waiting_.at(number));
  loop_.remove(waiting.fd.get());
  waiting_.erase(number);
  budget_.take(waiting.source, loop_.now().monotonic);
  Connection& connection = add(std::move(waiting.fd), waiting.remote, false);
  // From here on it is left alone for a moment, however long it has waited.
  connection.deadline = waiting.since + limits::kHandshakeTimeout;
  connection.state = ConnectionState::kSecuring;
  connection.tls = std::make_unique<TlsStream>(tls_, false);
}

std::vector<HalfOpenLink> LinkServer::half_open() const {
  std::vector<HalfOpenLink> found;
  for (const LinkId id : unsettled_) {
    const auto& connection = connections_.at(id);
    const bool is_half_open =
        connection->state == ConnectionState::kSecuring || connection->state == ConnectionState::kHandshaking;
    if (!is_half_open || connection->outbound) continue;
    found.push_back({id, source_of(to_net(connection->remote)), connection->since,
                     connection->state == ConnectionState::kHandshaking});
  }
  return found;
}

Connection& LinkServer::add(UniqueFd fd, const SocketAddress& remote, bool outbound) {
  auto owned = std::make_unique<Connection>();
  Connection& connection = *owned;
  connection.id = next_id_++;
  connection.fd = std::move(fd);
  connection.remote = remote;
  connection.outbound = outbound;
  connection.since = loop_.now().monotonic;
  connection.deadline = connection.since + limits::kHandshakeTimeout;
  connections_.emplace(connection.id, std::move(owned));
  unsettled_.insert(connection.id);
  const LinkId id = connection.id;
  auto added = loop_.add(connection.fd.get(), outbound ? kWritable : kReadable,
                         [this, id](Ready ready) { on_ready(id, ready); });
  if (!added) connection.deadline = loop_.now().monotonic;  // ended by the next check
  return connection;
}

void LinkServer::dial(const MeshId& mesh, const NodeKey& node, const NetAddress& address) {
  start_dial(to_socket(address), node, mesh, 0);
}

void LinkServer::dial_to_join(const SocketAddress& address, const std::optional<MeshId>& wanted,
                              std::uint64_t join, const std::optional<NodeKey>& expected) {
  start_dial(address, expected, wanted, join);
}

void LinkServer::give_up_join(std::uint64_t join) {
  std::vector<LinkId> given_up;
  for (const auto& [id, connection] : connections_) {
    const bool is_shaking =
        connection->state != ConnectionState::kUp && connection->state != ConnectionState::kClosing;
    if (join != 0 && connection->join == join && is_shaking) given_up.push_back(id);
  }
  for (LinkId id : given_up) drop(id);
}

void LinkServer::probe(const NodeKey& node, const NetAddress& address, std::function<void(Reach)> done) {
  auto socket = connect_tcp(to_socket(address));
  if (!socket) return done(Reach::kRefused);
  Connection& connection = add(std::move(*socket), to_socket(address), true);
  connection.expected = node;
  connection.probe = std::move(done);
}

void LinkServer::start_dial(const SocketAddress& address, std::optional<NodeKey> expected,
                            std::optional<MeshId> wanted, std::uint64_t join) {
  auto socket = connect_tcp(address);
  if (!socket) {
    if (expected && join == 0) events_.on_dial_failed(*wanted, *expected, to_net(address));
    if (join != 0) events_.on_join_failed(join, socket.error());
    return;
  }
  Connection& connection = add(std::move(*socket), address, true);
  connection.expected = expected;
  connection.join = join;
  connection.wanted = wanted;
}

void LinkServer::give_up(const MeshId& mesh) {
  std::vector<LinkId> dialled;
  for (const auto& [id, connection] : connections_) {
    const bool is_open =
        connection->state == ConnectionState::kUp || connection->state == ConnectionState::kClosing;
    if (!is_open && connection->wanted == mesh) dialled.push_back(id);
  }
  for (LinkId id : dialled) fail(id, {ExitStatus::kTryAgain, "the mesh was left meanwhile"});
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
    if (connection.queue.is_overfull() || connection.queue.bytes() > bounds_.send_queue_bytes_max) {
      ++counters_.queues_overfull;
      fail(id, {ExitStatus::kUnavailable, connection.remote.format() + " does not read"});
    } else if (!connection.write_blocked) {
      write(connection);
    }
  }
}

void LinkServer::close(LinkId id, CloseReason reason) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = *found->second;
  if (connection.state != ConnectionState::kUp) return drop(id);
  connection.queue.push(std::make_shared<const Bytes>(encode_frame_of(Close{reason})), FrameClass::kRepair);
  connection.state = ConnectionState::kClosing;
  unsettled_.insert(id);
  connection.deadline = loop_.now().monotonic + limits::kClosingTimeout;
  if (!connection.write_blocked) write(connection);
}

/// The peer has sent its last frame: what is queued for it still goes out.
void LinkServer::on_peer_closes(Connection& connection) {
  const LinkId id = connection.id;
  const bool was_up = connection.state == ConnectionState::kUp;
  connection.peer_closed = true;
  if (was_up) {
    connection.state = ConnectionState::kClosing;
    unsettled_.insert(id);
    connection.deadline = loop_.now().monotonic + limits::kClosingTimeout;
  }
  if (!connection.write_blocked) write(connection);
  if (was_up) events_.on_link_down(id, false);
}

/// The far end has sent what no honest node sends.
void LinkServer::end_faulty(LinkId id, const std::string& what) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  ++counters_.faults;
  log_.log(LogLevel::kWarning, "closing the link to " + found->second->remote.format() + ": " + what);
  const bool was_up = found->second->state == ConnectionState::kUp;
  drop(id);
  if (was_up) events_.on_link_down(id, true);
}

void LinkServer::fail(LinkId id, const Error& error) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  const Connection& connection = *found->second;
  const ConnectionState state = connection.state;
  const auto expected = connection.expected;
  const auto wanted = connection.wanted;
  const std::uint64_t join = connection.join;
  const NetAddress address = to_net(connection.remote);
  const auto probe = connection.probe;
  const bool is_late = connection.deadline <= loop_.now().monotonic;
  log_.log(LogLevel::kDebug, "link " + std::to_string(id) + " ended: " + error.message);
  drop(id);
  if (probe) {
    if (state != ConnectionState::kConnecting) return probe(Reach::kOtherNode);
    return probe(is_late ? Reach::kSilent : Reach::kRefused);
  }
  if (state == ConnectionState::kUp) return events_.on_link_down(id, false);
  if (state == ConnectionState::kClosing) return;
  if (expected && join == 0) events_.on_dial_failed(*wanted, *expected, address);
  if (join != 0) events_.on_join_failed(join, error);
}

void LinkServer::drop(LinkId id) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  loop_.remove(found->second->fd.get());
  connections_.erase(found);
  unsettled_.erase(id);
  begun_.erase(id);
}

void LinkServer::check_deadlines() {
  const Instant now = loop_.now().monotonic;
  if (accept_paused_ && accept_again_at_ <= now) {
    accept_paused_ = false;
    spare_.take();
    loop_.modify(listener_.get(), kReadable);
  }
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    const auto waiting = next++;
    if (waiting->second.since + limits::kHandshakeTimeout <= now) {
      ++counters_.handshakes_failed;
      drop_waiting(waiting->first);
    }
  }
  admit_waiting();
  std::vector<LinkId> late;
  for (const LinkId id : unsettled_) {
    if (connections_.at(id)->deadline <= now) late.push_back(id);
  }
  for (LinkId id : late) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) continue;  // the end of another one ended it
    const ConnectionState state = found->second->state;
    if (state == ConnectionState::kSecuring || state == ConnectionState::kHandshaking)
      ++counters_.handshakes_failed;
    const std::string where = found->second->remote.format();
    fail(id, {ExitStatus::kUnavailable,
              "no answer from " + where + " within 5 s; is it a p2pmesh node, and is it running?"});
  }
  check_paces();
  check_local_addresses();
}

/// A link from an address that this machine has no more is over, though nothing tells: its frames go nowhere.
void LinkServer::check_local_addresses() {
  const Instant now = loop_.now().monotonic;
  if (now < local_checked_at_ + kLocalCheckInterval) return;
  local_checked_at_ = now;
  std::map<SocketAddress, bool> is_there;
  end_links_from([&](const SocketAddress& local) {
    const auto [found, is_new] = is_there.try_emplace(local, true);
    if (is_new) found->second = has_address(local);
    return !found->second;
  });
}

void LinkServer::end_links_from(const std::function<bool(const SocketAddress& local)>& is_lost) {
  std::vector<std::pair<LinkId, std::string>> over;
  for (const auto& [id, connection] : connections_) {
    const bool is_up = connection->state == ConnectionState::kUp;
    const auto local = is_up ? Result<SocketAddress>(connection->local) : local_address(connection->fd.get());
    if (!local || local->is_loopback() || local->is_unspecified()) continue;
    if (is_lost(local->with_port(0))) over.emplace_back(id, local->host());
  }
  for (const auto& [id, host] : over)
    fail(id, {ExitStatus::kUnavailable, "this machine has the address " + host + " no more"});
}

/// After the reads of this turn: what had come while this node itself was stopped has been looked at.
void LinkServer::check_paces() {
  const Instant now = loop_.now().monotonic;
  std::vector<LinkId> slow;
  for (const LinkId id : begun_) {
    const auto& connection = connections_.at(id);
    if (connection->state != ConnectionState::kUp || connection->read_held) continue;
    const auto deadline = connection->pace.deadline(bounds_.frame_patience);
    if (deadline && *deadline <= now) slow.push_back(id);
  }
  for (LinkId id : slow) {
    ++counters_.slow_frames;
    end_faulty(id, "too slow: a frame was begun and does not get on");
  }
}

std::optional<Instant> LinkServer::next_deadline() const {
  std::optional<Instant> next;
  if (accept_paused_) next = accept_again_at_;
  if (!waiting_.empty()) {
    const Instant again = loop_.now().monotonic + limits::kAdmitInterval;
    next = next ? std::min(*next, again) : again;
  }
  const auto keep_sooner = [&](std::optional<Instant> due) {
    if (due && (!next || *due < *next)) next = due;
  };
  for (const LinkId id : unsettled_) keep_sooner(connections_.at(id)->deadline);
  for (const LinkId id : begun_) {
    const auto& connection = connections_.at(id);
    if (connection->state == ConnectionState::kUp && !connection->read_held)
      keep_sooner(connection->pace.deadline(bounds_.frame_patience));
  }
  return next;
}

std::vector<std::pair<std::string, std::uint64_t>> LinkServer::uses() const {
  const std::vector<HalfOpenLink> links = half_open();
  std::size_t crowd = 0, longest = 0;
  for (const HalfOpenLink& link : links) crowd = std::max(crowd, count_from(links, link.source));
  for (const auto& [id, connection] : connections_) longest = std::max(longest, connection->queue.bytes());
  return {{"half_open_links_max", links.size()},  {"half_open_per_address_max", crowd},
          {"waiting_links_max", waiting_.size()}, {"handshake_sources_max", budget_.sources()},
          {"send_queue_bytes_soft", longest},     {"send_queue_bytes_max", longest}};
}

void LinkServer::shut_down() {
  if (listener_) {
    loop_.remove(listener_.get());
    listener_.reset();
  }
  accept_paused_ = false;
  while (!waiting_.empty()) drop_waiting(waiting_.begin()->first);
  std::vector<LinkId> ids;
  for (const auto& [id, connection] : connections_) ids.push_back(id);
  for (LinkId id : ids) close(id, CloseReason::kLeaving);
}

}  // namespace p2pmesh
