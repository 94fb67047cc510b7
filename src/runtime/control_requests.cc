#include "control_requests.h"

#include <algorithm>

#include "address.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/process.h"
#include "p2pmesh/text/name.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kReplayPage = 500;

control::PortMappingFacts to_facts(const MappingState& state) {
  control::PortMappingFacts facts;
  facts.why = state.why;
  switch (state.phase) {
    case MappingState::Phase::kOff:
      break;
    case MappingState::Phase::kAsking:
      facts.state = "asking";
      break;
    case MappingState::Phase::kFailed:
      facts.state = "failed";
      break;
    case MappingState::Phase::kOpen:
      facts.state = "open";
      facts.address = state.outside.format();
      facts.by = state.by == MappingMethod::kNatPmp ? "NAT-PMP" : "UPnP";
      facts.until_ms = state.until_ms;
      break;
  }
  return facts;
}

}  // namespace

void ControlRequests::serve(ControlServer& server, MeshRunner& runner, std::string address,
                            std::uint16_t port) {
  server_ = &server;
  runner_ = &runner;
  address_ = std::move(address);
  port_ = port;
  look_for_places();
}

std::optional<MeshId> ControlRequests::default_mesh() const {
  return runner_ == nullptr ? std::nullopt : std::optional(runner_->mesh());
}

void ControlRequests::on_request(ControlSession& session, std::string id, control::Request request) {
  std::visit([&](auto& alternative) { answer(session, id, alternative); }, request);
}

void ControlRequests::on_session_closed(const ControlSession& session) {
  if (session.is_screen) actions_.screens_changed();
}

void ControlRequests::answer(ControlSession& session, const std::string& id, const control::StatusRequest&) {
  const NodeStatus status = runner_->node().status();
  control::StatusReply reply;
  reply.name = status.name;
  reply.claimed_name = status.claimed_name;
  reply.profile = runner_->name();
  reply.key = runner_->member();
  reply.node_key = runner_->node_key();
  reply.mesh = runner_->mesh();
  reply.address = address_;
  reply.port = port_;
  reply.view = status.partial ? "partial" : "full";
  reply.neighbors = status.neighbors;
  reply.passive = status.passive;
  reply.members = status.members;
  reply.online = status.online;
  reply.pending = status.pending;
  reply.messages = runner_->messages_held();
  const StorageThread::Carried& carried = runner_->storage().carried();
  reply.carried = carried.held.envelopes;
  reply.carried_bytes = carried.held.bytes;
  reply.carried_dropped = carried.dropped;
  reply.closed = runner_->is_closed();
  reply.discoverable = status.discoverable;
  reply.receipts = runner_->gives_receipts();
  reply.synced = runner_->is_synced();
  reply.leaves_with_last_screen = leaves_with_last_screen_;
  reply.screens = server_->screens();
  reply.pid = own_pid();
  reply.version = P2PMESH_VERSION;
  reply.storage = runner_->storage_state();
  if (actions_.reachable) {
    ReachState reach = actions_.reachable();
    reply.reachable = std::move(reach.reachable);
    reply.reachable_why = std::move(reach.why);
  }
  if (actions_.port_mapping) reply.port_mapping = to_facts(actions_.port_mapping());
  reply.counters = runner_->counters();
  if (actions_.lan) {
    const control::LanReply lan = actions_.lan();
    reply.lan = "on";
    reply.counters.insert(reply.counters.end(), lan.counters.begin(), lan.counters.end());
  }
  reply.counters.emplace_back("control_clients", server_->sessions());
  reply.counters.emplace_back("control_refused_user", server_->refused_user());
  reply.counters.emplace_back("control_refused_full", server_->refused_full());
  server_->reply(session.id, id, reply);
}

void ControlRequests::answer(ControlSession& session, const std::string& id, const control::MembersRequest&) {
  control::MembersReply reply;
  bool has_self = false;
  runner_->names();
  for (const MemberView& member : runner_->node().members()) {
    control::MemberEntry entry;
    entry.name = member.name;
    entry.key = member.key;
    entry.online = member.online;
    entry.since_ms = member.since_ms;
    entry.self = member.self;
    entry.hidden = member.hidden;
    if (const StoredPerson* person = runner_->people().find(member.key)) {
      entry.ignored = person->ignored;
      entry.blocked = person->blocked;
    }
    entry.doubt = runner_->doubt_about(member.key);
    has_self = has_self || member.self;
    for (const NetAddress& address : member.addresses) entry.addresses.push_back(to_socket(address).format());
    reply.members.push_back(std::move(entry));
  }
  if (!has_self) {
    control::MemberEntry self;
    self.name = runner_->node().status().name;
    self.key = runner_->member();
    self.online = true;
    self.self = true;
    reply.members.push_back(std::move(self));
  }
  server_->reply(session.id, id, reply);
}

void ControlRequests::answer(ControlSession& session, const std::string& id, const control::PeersRequest&) {
  control::PeersReply reply;
  for (const LinkView& link : runner_->node().links()) {
    control::PeerEntry entry;
    entry.name = link.name;
    entry.key = link.node;
    entry.address = to_socket(link.address).format();
    entry.outbound = link.outbound;
    if (link.rtt) entry.rtt_ms = static_cast<double>(link.rtt->count()) / 1000.0;
    reply.peers.push_back(std::move(entry));
  }
  server_->reply(session.id, id, reply);
}

std::optional<control::RpcError> ControlRequests::check_as(const std::optional<std::string>& as) const {
  const std::string own = runner_->node().status().claimed_name;
  if (!as || name_key(*as) == name_key(own) || name_key(*as) == name_key(runner_->name()))
    return std::nullopt;
  return control::invalid_params("as: no member of that name lives on this node; the only one is " + own);
}

std::optional<Error> ControlRequests::check_can_send() const {
  // What cannot be made durable is not taken in: a sender must not be told "sent" by a full disk.
  if (runner_->storage_state() != "ok")
    return Error{ExitStatus::kIo, "not sent: " + runner_->storage_state()};
  if (runner_->node().can_take_draft()) return std::nullopt;
  return Error{ExitStatus::kTryAgain,
               "not taken in: " + std::to_string(runner_->node().status().pending) +
                   " lines wait to be sent, which is all that may. See them: /pending"};
}

void ControlRequests::answer(ControlSession& session, const std::string& id, control::SendRequest& request) {
  if (auto error = check_as(request.as)) return server_->refuse(session.id, id, *error);
  if (request.to) return send_direct(session, id, *request.to, std::move(request.text));
  auto room = find_writable_room(request.room);
  if (!room) return server_->refuse(session.id, id, control::invalid_params(room.error().message));
  if (const auto error = check_may_say(*room)) return server_->refuse(session.id, id, *error);
  if (const auto error = check_can_send()) return server_->refuse(session.id, id, *error);
  if (is_private_room(*room)) runner_->found_room(*room);
  runner_->send_text(session.id, id, std::move(*room), std::move(request.text));
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::SubscribeRequest& request) {
  if (auto error = check_as(request.as)) return server_->refuse(session.id, id, *error);
  runner_->names();  // so that it is told whose name is doubtful
  const control::Cursor last{runner_->last_row(), UINT32_MAX};
  session.position = request.after.value_or(last);
  session.replay_until = last.row;
  server_->reply(session.id, id, control::SubscribeReply{last});
  if (request.after) {
    server_->subscribe(session, Subscription::kReplaying);
    on_replay_wanted(session);
  } else {
    server_->subscribe(session, Subscription::kLive);
    server_->tell(session, control::LiveEvent{});
    if (runner_->is_synced()) server_->tell(session, control::SyncedEvent{});
  }
}

void ControlRequests::on_replay_wanted(ControlSession& session) {
  if (session.replay_asked || session.subscription != Subscription::kReplaying) return;
  session.replay_asked = true;
  using Events = std::vector<ListedEvent>;
  ask_store<Events>(
      session, "",
      [after = Cursor{session.position.row, session.position.index}](MeshStore& store) {
        return store.events_after(after, kReplayPage);
      },
      [this](ControlSession& asking, Events& events) {
        asking.replay_asked = false;
        if (asking.subscription == Subscription::kReplaying)
          replay(asking, events, events.size() < kReplayPage);
      });
}

/// The page was read behind everything committed before and its answer stands before everything committed
/// after: when it is the last one, live events follow without a hole and without one twice.
void ControlRequests::replay(ControlSession& session, const std::vector<ListedEvent>& events, bool complete) {
  bool has_told = false;
  for (const ListedEvent& listed : events) {
    session.position = {listed.cursor.row, listed.cursor.index};
    const bool replayed = listed.cursor.row <= session.replay_until;
    if (listed.message && !runner_->is_shown(*listed.message)) continue;
    has_told = true;
    if (listed.message) {
      control::MessageEvent event;
      event.cursor = session.position;
      event.message = runner_->to_chat(*listed.message);
      event.replayed = replayed;
      server_->tell(session, event);
    } else if (listed.notice && !runner_->people().is_ignored(listed.notice->member)) {
      control::NoticeEvent event = runner_->to_event(*listed.notice, session.position);
      event.replayed = replayed;
      server_->tell(session, event);
    }
  }
  if (!complete) {
    // The next page is asked for when this one is on its way, which is at once if nothing of it is told.
    if (!has_told) on_replay_wanted(session);
    return;
  }
  server_->subscribe(session, Subscription::kLive);
  server_->tell(session, control::LiveEvent{});
  if (runner_->is_synced()) server_->tell(session, control::SyncedEvent{});
}

void ControlRequests::answer(ControlSession& session, const std::string& id, const control::AttachRequest&) {
  session.is_screen = true;
  actions_.screens_changed();
  server_->reply(session.id, id, control::AttachReply{leaves_with_last_screen_, runner_->read_cursor()});
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::ShutdownRequest&) {
  server_->reply(session.id, id, control::EmptyReply{});
  actions_.shut_down();
}

}  // namespace p2pmesh
