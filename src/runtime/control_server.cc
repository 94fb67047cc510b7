#include "control_server.h"

#include <array>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/files.h"
#include "p2pmesh/posix/local_socket.h"
#include "p2pmesh/posix/stream_io.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;  // some hundred lines: what arrives together shares an envelope
constexpr std::size_t kReplayRoomBytes = 1024 * 1024;  // the next page is read when less than this waits

}  // namespace

ControlServer::~ControlServer() {
  if (listener_) {
    loop_.remove(listener_.get());
    (void)remove_file(path_);
  }
  for (auto& [id, session] : sessions_) loop_.remove(session->fd.get());
}

Result<void> ControlServer::listen(const std::string& path) {
  auto listener = listen_local(path);
  if (!listener) return tl::unexpected(listener.error());
  path_ = path;
  listener_ = std::move(*listener);
  return loop_.add(listener_.get(), kReadable, [this](Ready) { on_listener_ready(); });
}

void ControlServer::on_listener_ready() {
  for (;;) {
    auto accepted = accept_local(listener_.get());
    if (!accepted && spare_.is_held()) {
      spare_.give_up();  // who looks after the node gets in, when nobody else does
      continue;
    }
    if (!accepted) {
      accept_again_at_ = loop_.now().monotonic + limits::kAcceptPause;
      loop_.modify(listener_.get(), kNoInterest);
      return;
    }
    if (!*accepted) return;
    auto credentials = peer_credentials((*accepted)->get());
    // Root may look after any node; others have the directory's mode against them already.
    if (!credentials || (credentials->uid != own_uid() && credentials->uid != 0)) {
      const std::string user = credentials ? " (" + std::to_string(credentials->uid) + ")" : "";
      note_refused(refused_user_,
                   "of another user" + user + ", whom the modes let in; type: chmod 600 " + path_);
      continue;
    }
    if (sessions_.size() >= limits::kControlClientsMax) {
      note_refused(refused_full_, "beyond the " + std::to_string(sessions_.size()) + " that are connected");
      continue;
    }
    auto session = std::make_unique<ControlSession>();
    session->id = next_id_++;
    session->mesh = events_.default_mesh();
    session->fd = std::move(**accepted);
    const SessionId id = session->id;
    if (!loop_.add(session->fd.get(), kReadable, [this, id](Ready ready) { on_ready(id, ready); })) continue;
    sessions_.emplace(id, std::move(session));
  }
}

/// The first of its kind is told, all are counted: whoever tries again and again fills no log.
void ControlServer::note_refused(std::uint64_t& count, const std::string& why) {
  if (++count == 1) log_.log(LogLevel::kWarning, "refused a control client " + why);
}

ControlSession* ControlServer::find(SessionId id) {
  auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second.get();
}

void ControlServer::on_ready(SessionId id, Ready ready) {
  if (ControlSession* session = find(id); session != nullptr && ready.readable) read(*session);
  if (ControlSession* session = find(id); session != nullptr && ready.writable) write(*session);
  if (ControlSession* session = find(id); session != nullptr && ready.closed && !ready.readable) close(id);
}

void ControlServer::read(ControlSession& session) {
  if (!may_handle(session)) return watch(session);
  static thread_local std::array<std::uint8_t, kReadBytes> buffer;
  const IoResult result = read_some(session.fd.get(), buffer);
  if (result.status == IoStatus::kWouldBlock) return;
  if (result.status == IoStatus::kClosed) {
    // A script that has said all it wants to say still wants its answers.
    session.half_closed = true;
    return queued(session);
  }
  if (result.status != IoStatus::kOk) return close(session.id);
  session.lines.push(as_text(ByteView(buffer).first(result.bytes)));
  handle_lines(session);
}

bool ControlServer::may_handle(const ControlSession& session) const {
  const bool is_held = session.mesh && held_.contains(*session.mesh);
  return !is_held && !session.closing && session.unanswered < limits::kControlRequestsMax &&
         session.reads < limits::kControlReadsMax && session.queued_bytes() < limits::kControlQueueBytesMax;
}

/// Reads only from those that may go on: what they send waits in their socket, then in the client.
void ControlServer::watch(ControlSession& session) {
  Interest interest = kNoInterest;
  if (may_handle(session) && !session.half_closed) interest |= kReadable;
  if (session.write_blocked) interest |= kWritable;
  loop_.modify(session.fd.get(), interest);
}

void ControlServer::handle_lines(ControlSession& session) {
  if (session.handling) return;
  const SessionId id = session.id;
  session.handling = true;
  while (may_handle(session)) {
    const auto line = session.lines.next();
    if (!line) break;
    control::ParsedRequest parsed = control::parse_request(*line);
    if (parsed.request) {
      events_.on_request(session, std::move(parsed.id), std::move(*parsed.request));
    } else {
      control::append_error(session.out, parsed.id, parsed.request.error());
      queued(session);
    }
    if (find(id) != &session) return;
  }
  session.handling = false;
  if (session.lines.too_long() && !session.closing) {
    control::append_error(session.out, "null", control::line_too_long_error());
    session.closing = true;
    queued(session);
  }
  watch(session);
}

void ControlServer::refuse(SessionId id, const std::string& request_id, const control::RpcError& error) {
  ControlSession* session = find(id);
  if (session == nullptr) return;
  control::append_error(session->out, request_id, error);
  queued(*session);
}

void ControlServer::queued(ControlSession& session) {
  if (session.dirty) return;
  session.dirty = true;
  dirty_.push_back(session.id);
}

void ControlServer::subscribe(ControlSession& session, Subscription subscription) {
  if (session.subscription == Subscription::kLive) --live_;
  session.subscription = subscription;
  if (subscription == Subscription::kLive) ++live_;
}

void ControlServer::publish_line(const std::optional<MeshId>& mesh, const std::string& line,
                                 const control::Cursor* cursor) {
  for (auto& [id, session] : sessions_) {
    if (mesh && session->mesh != mesh) continue;
    if (session->subscription != Subscription::kLive || session->closing) continue;
    if (session->queued_bytes() + line.size() > limits::kControlQueueBytesMax) {
      if (cursor == nullptr) continue;
      control::append_event(session->out, control::GapEvent{session->position});
      subscribe(*session, Subscription::kNone);
    } else {
      session->out += line;
      if (cursor != nullptr) session->position = *cursor;
    }
    queued(*session);
  }
}

void ControlServer::flush() {
  for (int round = 0; round < 4 && !dirty_.empty(); ++round) {
    std::vector<SessionId> dirty;
    dirty.swap(dirty_);
    for (SessionId id : dirty) {
      ControlSession* session = find(id);
      if (session == nullptr) continue;
      session->dirty = false;
      if (!session->write_blocked) write(*session);
      session = find(id);
      if (session != nullptr && session->lines.buffered_bytes() > 0) handle_lines(*session);
      session = find(id);
      if (session != nullptr && session->half_closed && may_handle(*session) && session->unanswered == 0 &&
          session->queued_bytes() == 0) {
        close(id);  // what is left of its input is no whole line
      }
    }
  }
}

void ControlServer::write(ControlSession& session) {
  const SessionId id = session.id;
  session.write_blocked = false;
  while (session.queued_bytes() > 0) {
    const IoResult result = write_some(session.fd.get(), as_bytes(session.out).subspan(session.sent_of_out));
    if (result.status == IoStatus::kWouldBlock) {
      session.write_blocked = true;
      break;
    }
    if (result.status != IoStatus::kOk) return close(id);
    session.sent_of_out += result.bytes;
  }
  if (session.queued_bytes() == 0) {
    session.out.clear();
    session.sent_of_out = 0;
    if (session.out.capacity() > limits::kControlQueueBytesMax / 8) session.out.shrink_to_fit();
    if (session.closing) return close(id);
  } else if (session.sent_of_out > limits::kControlQueueBytesMax / 4) {
    session.out.erase(0, session.sent_of_out);
    session.sent_of_out = 0;
  }
  watch(session);
  if (session.subscription == Subscription::kReplaying && session.queued_bytes() < kReplayRoomBytes) {
    events_.on_replay_wanted(session);
  }
}

void ControlServer::close(SessionId id) {
  auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  std::unique_ptr<ControlSession> session = std::move(found->second);
  sessions_.erase(found);
  subscribe(*session, Subscription::kNone);
  loop_.remove(session->fd.get());
  session->fd.reset();
  spare_.take();
  events_.on_session_closed(*session);
}

std::size_t ControlServer::screens() const {
  std::size_t screens = 0;
  for (const auto& [id, session] : sessions_) screens += session->is_screen ? 1 : 0;
  return screens;
}

void ControlServer::check_deadlines() {
  if (!listener_) return;
  if (!accept_again_at_ || *accept_again_at_ > loop_.now().monotonic) return;
  accept_again_at_.reset();
  spare_.take();
  loop_.modify(listener_.get(), kReadable);
}

std::size_t ControlServer::longest_queue() const {
  std::size_t longest = 0;
  for (const auto& [id, session] : sessions_) longest = std::max(longest, session->queued_bytes());
  return longest;
}

void ControlServer::hold_requests(const MeshId& mesh, bool held) {
  if (held_.contains(mesh) == held) return;
  held ? (void)held_.insert(mesh) : (void)held_.erase(mesh);
  std::vector<SessionId> ids;
  for (auto& [id, session] : sessions_) {
    if (session->mesh == mesh) ids.push_back(id);
  }
  for (SessionId id : ids) {
    ControlSession* session = find(id);
    if (session == nullptr) continue;
    if (!held) handle_lines(*session);
    session = find(id);
    if (session == nullptr) continue;
    watch(*session);
    if (!held) queued(*session);
  }
}

void ControlServer::use_mesh(ControlSession& session, const MeshId& mesh) {
  subscribe(session, Subscription::kNone);
  session.mesh = mesh;
  session.position = {};
  session.replay_until = 0;
  session.told_synced = false;
}

void ControlServer::forget_mesh(const MeshId& mesh, const std::string& label) {
  hold_requests(mesh, false);
  for (auto& [id, session] : sessions_) {
    if (session->mesh != mesh) continue;
    // What was asked of it is answered no more.
    session->unanswered = 0;
    session->reads = 0;
    session->replay_asked = false;
    subscribe(*session, Subscription::kNone);
    session->mesh.reset();
    tell(*session, control::MeshEvent{mesh, label, false});
  }
  publish_everywhere(control::MeshEvent{mesh, label, false});
}

void ControlServer::shut_down() {
  if (listener_) {
    loop_.remove(listener_.get());
    listener_.reset();
    accept_again_at_.reset();
    (void)remove_file(path_);
  }
  flush();
}

}  // namespace p2pmesh
