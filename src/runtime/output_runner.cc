// The one switch that carries out what the core wants done: the store, the control clients, the links.
#include "address.h"
#include "mesh_runner.h"
#include "p2pmesh/base/check.h"
#include "p2pmesh/wire/text_body.h"

namespace p2pmesh {
namespace {

template <class... Cases>
struct Switch : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Switch(Cases...) -> Switch<Cases...>;  // clang 14 does not deduce aggregates

control::NoticeKind to_control(NoticeKind kind) {
  switch (kind) {
    case NoticeKind::kJoined:
      return control::NoticeKind::kJoined;
    case NoticeKind::kLeft:
      return control::NoticeKind::kLeft;
    case NoticeKind::kOffline:
      return control::NoticeKind::kOffline;
    case NoticeKind::kBack:
      return control::NoticeKind::kBack;
    case NoticeKind::kRenamed:
      return control::NoticeKind::kRenamed;
    case NoticeKind::kAsks:
      return control::NoticeKind::kAsks;
    case NoticeKind::kAccepted:
      return control::NoticeKind::kAccepted;
    case NoticeKind::kDeclined:
      return control::NoticeKind::kDeclined;
    case NoticeKind::kHidden:
      return control::NoticeKind::kHidden;
    case NoticeKind::kRevoked:
      return control::NoticeKind::kRevoked;
  }
  P2P_CHECK(false);
}

}  // namespace

/// Outputs may cause inputs (a dial that fails at once); those are handled behind what is under way.
void MeshRunner::drain() {
  if (draining_ || !storage_) return;
  draining_ = true;
  while (!outputs_.empty()) {
    Outputs batch;
    batch.swap(outputs_);
    for (const Output& output : batch) run(output);
  }
  draining_ = false;
}

void MeshRunner::run(const Output& output) {
  std::visit(
      Switch{
          [&](const SendFrame& send) {
            if (!seal_) return around_.links.send(send);
            around_.links.send({send.link, seal_->seal(send.frame), send.frame_class});
          },
          [&](const Dial& dial) { around_.links.dial(place_.mesh, dial.node, dial.address); },
          [&](const CloseLink& close) { around_.links.close(close.link, close.reason); },
          [&](const PenaliseLink& fault) {
            around_.log.log(LogLevel::kWarning,
                            "closing link " + std::to_string(fault.link) + ": " + fault.what);
            around_.links.close(fault.link, CloseReason::kFault);
            node_->handle(LinkDown{fault.link}, around_.loop.now(), outputs_);
          },
          [&](const MarkSeen& own) { ingress_.mark_seen(own.id, own.wall_ms, around_.loop.now().monotonic); },
          [&](const Store& store) { storage_->store(store.envelope, store.context); },
          [&](const StoreTaken& taken) { storage_->taken(taken.id); },
          [&](const StoreCorrespondent& person) {
            StoredCorrespondent stored;
            stored.member = person.member;
            stored.relation = static_cast<std::uint8_t>(person.relation);
            stored.asks = person.asks;
            storage_->store(std::move(stored));
            if (person.relation == Relation::kAccepted) on_contact(person.member);
          },
          [&](const ForgetSeen& refused) { ingress_.forget(*refused.envelope); },
          [&](const DropDraft& draft) { storage_->drop_draft(draft.number); },
          [&](const TellDelivery& tell) {
            for (const ReceivedLog& log : tell.received)
              storage_->store(StoredDelivery{tell.member, log.epoch, log.intervals, log.read_to});
            around_.control.publish_unordered(
                place_.mesh, control::DeliveryEvent{tell.member, node_->shown_name(tell.member)});
          },
          [&](const TellConversation& tell) {
            if (people_.is_ignored(tell.member)) return;
            around_.control.publish_unordered(
                place_.mesh,
                control::ConversationEvent{tell.member, node_->shown_name(tell.member), tell.opens});
          },
          [&](const Settled&) {
            contacts_due_ = true;
            // Behind everything that is on its way to the disk, so that who hears it has heard all.
            storage_->ask([](MeshStore&) {},
                          [this] {
                            synced_ = true;
                            around_.control.publish_unordered(place_.mesh, control::SyncedEvent{});
                          });
          },
          [&](const auto& other) { run(other); },
      },
      output);
}

void MeshRunner::run(const PublishNotice& notice) {
  watch_names(notice);
  if (!presence_notices_.on_notice(notice.kind, notice.member, around_.loop.now())) return;
  tell(to_control(notice.kind), notice.member, notice.name, notice.old_name, around_.loop.now().wall_ms);
}

void MeshRunner::tell(control::NoticeKind kind, const MemberKey& member, const std::string& name,
                      const std::string& old_name, WallMs at_ms) {
  Notice stored;
  stored.kind = control::format_notice_kind(kind);
  stored.member = member;
  stored.name = name;
  stored.old_name = old_name;
  stored.at_ms = at_ms;
  storage_->store(std::move(stored));
}

void MeshRunner::tell_held(const std::vector<PresenceNotices::Held>& notices) {
  for (const PresenceNotices::Held& held : notices)
    tell(to_control(held.kind), held.member, node_->shown_name(held.member), {}, held.at_ms);
}

void MeshRunner::run(const StorePeer& peer) {
  if (peer.success) peers_.note(peer.node, peer.address);
  const SocketAddress address = to_socket(peer.address);
  storage_->store(StoredPeer{peer.node, address.host(), address.port(),
                             peer.success ? around_.loop.now().wall_ms : 0, peer.failures});
}

void MeshRunner::run(const StoreDraft& draft) {
  storage_->store(StoredDraft{draft.number, draft.room, draft.to, draft.text, draft.wall_ms}, draft.token);
}

void MeshRunner::on_draft_kept(std::uint64_t number, std::uint64_t token) {
  auto found = sends_.find(token);
  if (found == sends_.end()) return;
  if (ControlSession* session = around_.control.find(found->second.session)) {
    session->end_one();
    around_.control.reply(session->id, found->second.request_id, control::SendReply{{}, number});
  }
  sends_.erase(found);
}

void MeshRunner::run(const Load& load) {
  auto loaded = std::make_shared<Loaded>();
  loaded->request = load.request;
  loaded->complete = true;
  auto error = std::make_shared<std::string>();
  storage_->ask(
      [load, loaded, error](MeshStore& store) {
        std::size_t bytes = 0;
        const auto take = [&](EnvelopePtr envelope) {
          bytes += envelope->encoded.size();
          loaded->envelopes.push_back(std::move(envelope));
        };
        const auto is_full = [&] {
          return bytes >= load.bytes_max || loaded->envelopes.size() >= load.envelopes_max;
        };
        for (const SyncRequest::Record& record : load.records) {
          if (is_full()) loaded->complete = false;
          if (!loaded->complete) return;
          auto found = store.read_record(record.author, record.kind, record.subject);
          if (!found)
            *error = found.error().message;
          else if (*found)
            take(std::move(*found));
        }
        for (const SyncRequest::Range& range : load.ranges) {
          if (is_full()) loaded->complete = false;
          if (!loaded->complete) return;
          auto held = store.read_range(range.author, range.epoch, range.first, range.last,
                                       load.bytes_max - bytes, load.envelopes_max - loaded->envelopes.size());
          if (!held) {
            *error = held.error().message;
            continue;
          }
          for (EnvelopePtr& envelope : held->envelopes) take(std::move(envelope));
          for (const StoredGone& gone : held->gone) {
            if (loaded->gone.size() >= load.gone_max) loaded->complete = false;
            if (loaded->complete)
              loaded->gone.push_back({range.author, range.epoch, gone.first, gone.last, gone.ids_digest});
          }
          if (!held->complete) loaded->complete = false;
        }
      },
      [this, loaded, error] {
        if (!error->empty()) around_.log.log(LogLevel::kError, *error);
        handle(*loaded);
      });
}

void MeshRunner::run(const Announce& announce) {
  const DirectMessagePtr& direct = announce.context.direct;
  messages_held_ += direct ? direct->texts.size() : announce.context.messages;
  last_row_ = announce.row;
  const Envelope& envelope = announce.envelope->envelope;
  if (!direct && announce.context.messages > 0)
    rooms_.on_messages(envelope, announce.row, announce.context.messages,
                       envelope.author == self_ || people_.is_ignored(envelope.author));
  if (direct && !direct->own) people_.on_direct(direct->peer, announce.row, direct->texts.size());
  const RoomContentPtr& opened = announce.context.opened;
  if (is_act(envelope)) on_act(announce);
  const bool is_topic = envelope.kind == static_cast<std::uint16_t>(Kind::kTopic);
  if (is_topic || (opened && opened->topic)) look_at_topic(envelope.room);
  if (is_sealed_room(envelope) && !opened && !has_room_key(envelope.room)) rooms_.on_sealed(envelope.room);
  if (direct && direct->invite && !direct->own) look_at_invitations({direct->peer, *direct->invite});
  if (people_.is_ignored(envelope.author)) return;
  if (!around_.control.has_live_subscribers()) return;
  std::vector<std::string> texts;
  control::MessageEvent event;
  event.repaired = announce.context.repaired;
  event.was_pending = !announce.context.drafts.empty();
  event.message.id.envelope = announce.envelope->id;
  event.message.author = envelope.author;
  event.message.name = node_->shown_name(envelope.author);
  event.message.wall_ms = envelope.wall_ms;
  event.message.own = envelope.author == self_;
  event.cursor.row = announce.row;
  if (direct) {
    // What somebody wrote whom the local member has not accepted waits in the store.
    if (!direct->own && !node_->is_shown(direct->peer)) return;
    texts = direct->texts;
    event.message.depth = direct->depth;
    event.message.direct = describe(ListedDirect{direct->peer, direct->own, envelope.epoch, direct->number},
                                    announce.envelope->id);
  } else {
    if (announce.context.messages == 0) return;
    auto decoded = opened ? opened->texts : decode_text_body(envelope.body);
    if (!decoded) return;
    texts = std::move(*decoded);
    event.gap = announce.context.gap;
    event.message.room = envelope.room;
    if (event.message.own) event.message.taken = node_->takers_of(announce.envelope->id);
    event.message.depth = envelope.depth;
  }
  for (std::uint32_t i = 0; i < texts.size(); ++i) {
    event.cursor.index = i;
    event.message.id.index = i;
    event.message.text = std::move(texts[i]);
    around_.control.publish(place_.mesh, event, event.cursor);
    event.gap = false;
  }
}

control::DirectFacts MeshRunner::describe(const ListedDirect& direct, const EnvelopeId& id) const {
  control::DirectFacts facts;
  facts.peer = direct.peer;
  facts.name = node_->shown_name(direct.peer);
  if (!direct.own) {
    facts.doubt = doubt_about(direct.peer);
    return facts;
  }
  const auto delivery = node_->delivery_of(direct.peer, id, direct.epoch, direct.number);
  if (direct.read || delivery == Delivery::kRead) {
    facts.state = control::DirectState::kRead;
  } else if (direct.delivered || delivery == Delivery::kDelivered) {
    facts.state = control::DirectState::kDelivered;
  } else {
    facts.state = delivery ? control::DirectState::kSent : control::DirectState::kPending;
  }
  return facts;
}

void MeshRunner::run(const Acknowledge& acknowledge) {
  auto found = sends_.find(acknowledge.token);
  if (found == sends_.end()) return;
  if (ControlSession* session = around_.control.find(found->second.session)) {
    session->end_one();
    const control::Reply sent = control::SendReply{{acknowledge.envelope, acknowledge.index}};
    std::visit(
        [&](const auto& reply) { around_.control.reply(session->id, found->second.request_id, reply); },
        found->second.reply ? *found->second.reply : sent);
  }
  sends_.erase(found);
}

void MeshRunner::run(const NameAnswer& answer) {
  const auto found = wishes_.find(answer.token);
  if (found == wishes_.end()) return;
  const auto done = std::move(found->second);
  wishes_.erase(found);
  done(answer.verdict);
}

void MeshRunner::on_committed(EnvelopePtr envelope, EnvelopeContext context, std::uint64_t row) {
  handle(Committed{std::move(envelope), std::move(context), row});
}

void MeshRunner::on_notice_committed(const Notice& notice, std::uint64_t row) {
  last_row_ = row;
  if (people_.is_ignored(notice.member)) return;
  const control::Cursor cursor{row, 0};
  around_.control.publish(place_.mesh, to_event(notice, cursor), cursor);
}

control::NoticeEvent MeshRunner::to_event(const Notice& notice, const control::Cursor& cursor) const {
  control::NoticeEvent event;
  event.kind = control::parse_notice_kind(notice.kind).value_or(control::NoticeKind::kJoined);
  event.cursor = cursor;
  event.member = notice.member;
  event.name = notice.name;
  event.old_name = notice.old_name;
  event.at_ms = notice.at_ms;
  using control::NoticeKind;
  if (event.kind == NoticeKind::kJoined || event.kind == NoticeKind::kRenamed ||
      event.kind == NoticeKind::kAsks)
    event.doubt = doubt_about(notice.member);
  return event;
}

void MeshRunner::on_fork_kept(EnvelopePtr envelope, const EnvelopeId& replaced) {
  const std::string room = envelope->envelope.room;
  handle(ForkKept{std::move(envelope), replaced});
  if (replaced.is_zero()) return;
  // One of them may have set a topic, and the two need not be of one room.
  if (!room.empty()) look_at_topic(room);
  if (const std::string before = rooms_.room_of_topic(replaced); !before.empty() && before != room)
    look_at_topic(before);
}

void MeshRunner::on_storage_state(const std::string& state) {
  storage_state_ = state;
  around_.log.log(state == "ok" ? LogLevel::kInfo : LogLevel::kError, "storage: " + state);
  around_.control.publish_unordered(place_.mesh, control::StorageEvent{state});
}

control::ChatMessage MeshRunner::to_chat(const ListedMessage& listed) const {
  control::ChatMessage chat;
  chat.id = {listed.envelope, listed.index};
  chat.author = listed.author;
  chat.name = node_->shown_name(listed.author);
  chat.room = listed.room;
  chat.text = listed.text;
  chat.wall_ms = listed.wall_ms;
  chat.depth = listed.depth;
  chat.own = listed.author == self_;
  chat.forked = listed.forked;
  if (listed.direct) {
    chat.direct = describe(*listed.direct, listed.envelope);
  } else if (chat.own) {
    chat.taken = node_->takers_of(listed.envelope);
  }
  return chat;
}

}  // namespace p2pmesh
