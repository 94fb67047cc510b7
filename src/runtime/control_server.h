// The control socket: takes clients, reads their requests, writes replies and events.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "control_session.h"
#include "p2pmesh/base/log.h"
#include "p2pmesh/control/event.h"
#include "p2pmesh/control/reply.h"
#include "p2pmesh/control/request.h"
#include "p2pmesh/posix/descriptors.h"
#include "p2pmesh/posix/event_loop.h"

namespace p2pmesh {

/// Called on the loop thread. A handler answers now or later through reply() or refuse(), by session and id.
class ControlEvents {
 public:
  virtual ~ControlEvents() = default;
  /// Which mesh a new client's requests concern, until it chooses another one.
  [[nodiscard]] virtual std::optional<MeshId> default_mesh() const = 0;
  virtual void on_request(ControlSession& session, std::string id, control::Request request) = 0;
  virtual void on_session_closed(const ControlSession& session) = 0;
  /// A replaying session has room for the next page.
  virtual void on_replay_wanted(ControlSession& session) = 0;
};

class ControlServer {
 public:
  ControlServer(EventLoop& loop, ControlEvents& events, LogSink& log)
      : loop_(loop), events_(events), log_(log) {}
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  /// Listens at `path`; the file is removed in the end.
  Result<void> listen(const std::string& path);

  [[nodiscard]] ControlSession* find(SessionId id);
  template <class Reply>
  void reply(SessionId id, const std::string& request_id, const Reply& value) {
    if (ControlSession* session = find(id)) {
      control::append_reply(session->out, request_id, value);
      queued(*session);
    }
  }
  void refuse(SessionId id, const std::string& request_id, const control::RpcError& error);
  /// With the exit status that a program would end with.
  void refuse(SessionId id, const std::string& request_id, const Error& error) {
    refuse(id, request_id, control::application_error(error));
  }

  /// Sends an event to every live subscriber of a mesh; formats it once. One that is too slow gets a gap
  /// instead and is subscribed no more.
  template <class Event>
  void publish(const MeshId& mesh, const Event& event, const control::Cursor& cursor) {
    if (live_ == 0) return;
    line_.clear();
    control::append_event(line_, event);
    publish_line(mesh, line_, &cursor);
  }
  /// As publish(), for what has no place in the order of events.
  template <class Event>
  void publish_unordered(const MeshId& mesh, const Event& event) {
    if (live_ == 0) return;
    line_.clear();
    control::append_event(line_, event);
    publish_line(mesh, line_, nullptr);
  }
  /// As publish_unordered(), to the subscribers of all meshes.
  template <class Event>
  void publish_everywhere(const Event& event) {
    line_.clear();
    control::append_event(line_, event);
    publish_line(std::nullopt, line_, nullptr);
  }
  /// An event for one session.
  template <class Event>
  void tell(ControlSession& session, const Event& event) {
    control::append_event(session.out, event);
    queued(session);
  }
  void subscribe(ControlSession& session, Subscription subscription);
  [[nodiscard]] bool has_live_subscribers() const { return live_ > 0; }
  [[nodiscard]] std::size_t screens() const;
  [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }
  /// Clients of other users that were turned away, and those that came when there were too many.
  [[nodiscard]] std::uint64_t refused_user() const { return refused_user_; }
  [[nodiscard]] std::uint64_t refused_full() const { return refused_full_; }

  /// Reads on from clients that were held up, writes what the turn has queued.
  void flush();
  /// Nothing more is taken from a mesh's clients while it is held.
  void hold_requests(const MeshId& mesh, bool held);
  /// From now on the client's requests concern this mesh; its subscription has ended.
  void use_mesh(ControlSession& session, const MeshId& mesh);
  /// The node has left it: its clients are told, and have to choose another one.
  void forget_mesh(const MeshId& mesh, const std::string& label);
  /// Whether clients are taken again, after descriptors had run out; called each turn.
  void check_deadlines();
  [[nodiscard]] std::optional<Instant> next_deadline() const { return accept_again_at_; }
  /// Bytes that wait for the slowest client.
  [[nodiscard]] std::size_t longest_queue() const;
  void shut_down();

 private:
  void on_listener_ready();
  void note_refused(std::uint64_t& count, const std::string& why);
  void on_ready(SessionId id, Ready ready);
  void read(ControlSession& session);
  void handle_lines(ControlSession& session);
  void write(ControlSession& session);
  void queued(ControlSession& session);
  void publish_line(const std::optional<MeshId>& mesh, const std::string& line,
                    const control::Cursor* cursor);
  void close(SessionId id);
  [[nodiscard]] bool may_handle(const ControlSession& session) const;
  void watch(ControlSession& session);

  EventLoop& loop_;
  ControlEvents& events_;
  LogSink& log_;
  std::string path_;
  UniqueFd listener_;
  SpareDescriptor spare_;
  std::optional<Instant> accept_again_at_;  // nothing: clients are taken
  SessionId next_id_ = 1;
  std::map<SessionId, std::unique_ptr<ControlSession>> sessions_;
  std::vector<SessionId> dirty_;
  std::size_t live_ = 0;
  std::uint64_t refused_user_ = 0;
  std::uint64_t refused_full_ = 0;
  std::set<MeshId> held_;
  std::string line_;
};

}  // namespace p2pmesh
