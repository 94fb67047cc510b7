// What comes over links, apart from envelopes: their beginning and end, heartbeats, sponsoring, anti-entropy.
#include <algorithm>

#include "node_state.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh {

void Node::State::on(const LinkUp& up, Turn& turn) {
  const bool full = links.size() >= limits::kLinksMax && links.find_node(up.node) == nullptr;
  if (up.node == own.node() || left || full) {
    if (full) {
      ++counters.links_refused;
      addresses.on_lost(up.node, false, false, turn.now.monotonic);
    }
    turn.out.push_back(CloseLink{up.link, CloseReason::kBetterLink});
    return;
  }
  addresses.on_connected(up.node, up.outbound ? std::optional(up.remote) : std::nullopt, turn.out);
  const auto loser = links.add(up, own.node(), turn.now.monotonic);
  if (loser) {
    turn.out.push_back(CloseLink{*loser, CloseReason::kBetterLink});
    if (*loser == up.link) return;
    own.on_link_down(*loser);
    anti_entropy.on_link_down(*loser, turn);
  }
  for (const NetAddress& address : up.addresses)
    addresses.learn(up.node, address, turn.now.monotonic, turn.out);
  if (own.on_observed(up)) record_stale = true;
  if (!first_link_at) first_link_at = turn.now.monotonic;
  suspect_aloud(presence.on_link_up(up.node, turn), turn);
  if (OfflineList list = presence.offline_list(); !list.items.empty())
    turn.send(up.link, encode_frame_of(list));
  // Before the first digest: a neighbor that has just begun may not hold its own record yet, and one with
  // nothing to compare would be taken for one that is like us.
  if (own_record) turn.send(up.link, encode_repair(own_record->encoded));
  own.ask_sponsor(links, turn);
  beat(turn);
}

void Node::State::on(const LinkDown& down, Turn& turn) {
  lose_link(down.link, turn);
}

void Node::State::lose_link(LinkId id, Turn& turn) {
  Link* link = links.find(id);
  if (link == nullptr) return;
  const NodeKey node = link->node;
  const bool proven = link->up_at + limits::kLinkProven <= turn.now.monotonic;
  links.remove(id);
  own.on_link_down(id);
  anti_entropy.on_link_down(id, turn);
  const auto hosted = roster.hosted_by(node);
  const bool node_left = !hosted.empty() && std::none_of(hosted.begin(), hosted.end(),
                                                         [](const Member* m) { return m->body.online; });
  addresses.on_lost(node, node_left, proven, turn.now.monotonic);
  suspect_aloud(presence.on_link_lost(node, turn), turn);
  on(Wake{}, turn);
}

void Node::State::on(const DialFailed& failed, Turn& turn) {
  addresses.on_failed(failed.node, failed.address, turn.now.monotonic, turn.out);
}

void Node::State::beat(Turn& turn) {
  suspect_aloud(presence.on_silence(turn), turn);
  suspect_aloud(presence.on_unlinked(turn), turn);
  std::vector<LinkId> dead;
  for (auto& [id, link] : links.all()) {
    if (link.heard_at + limits::kSilenceBeforeClose <= turn.now.monotonic) dead.push_back(id);
    if (link.next_ping > turn.now.monotonic) continue;
    link.next_ping = turn.now.monotonic + limits::kHeartbeatInterval;
    const auto token = static_cast<std::uint64_t>(turn.now.monotonic.time_since_epoch().count());
    turn.send(id, encode_ping({token, index.root()}));
  }
  for (LinkId id : dead) {
    turn.out.push_back(CloseLink{id, CloseReason::kFault});
    lose_link(id, turn);
  }
}

void Node::State::on(const FrameReceived& frame, Turn& turn) {
  Link* link = links.find(frame.link);
  if (link == nullptr) return;
  link->heard_at = turn.now.monotonic;
  link->suspected = false;
  bool ok = true;
  const auto take = [&](auto decoded, auto use) {
    ok = decoded.has_value();
    if (ok) use(*decoded);
  };
  switch (frame.type) {
    case FrameType::kTaken:
      take(decode_taken(frame.payload), [&](const Taken& taken) { on_taken(taken, turn); });
      break;
    case FrameType::kPing:
      take(decode_ping(frame.payload), [&](const Ping& ping) { on_ping(*link, ping, turn); });
      break;
    case FrameType::kPong:
      take(decode_ping(frame.payload), [&](const Ping& pong) {
        const auto sent = Instant(Duration(static_cast<Duration::rep>(pong.token)));
        if (sent <= turn.now.monotonic && sent >= link->up_at) link->rtt = turn.now.monotonic - sent;
      });
      break;
    case FrameType::kSponsorRequest:
      take(decode_sponsor_request(frame.payload), [&](const SponsorRequest& request) {
        turn.send(link->id, encode_frame_of(own.sponsor(*link, request, roster, turn.now)));
      });
      break;
    case FrameType::kSponsorReply:
      take(decode_sponsor_reply(frame.payload), [&](const SponsorReply& reply) {
        if (own.on_reply(*link, reply, turn.now.monotonic)) record_stale = true;
        own.ask_sponsor(links, turn);
      });
      break;
    case FrameType::kOffline:
      take(decode_offline_list(frame.payload), [&](const OfflineList& list) {
        const auto outcome = presence.on_offline_list(list, turn);
        if (outcome.refute) refute(turn);
        suspect_aloud(outcome.ask, turn);
      });
      break;
    case FrameType::kSyncDigest:
      take(decode_sync_digest(frame.payload),
           [&](const SyncDigest& digest) { anti_entropy.on_digest(*link, digest, turn); });
      break;
    case FrameType::kSyncListing:
      take(decode_sync_listing(frame.payload),
           [&](const SyncListing& listing) { on_listing(*link, listing, turn); });
      break;
    case FrameType::kSyncRequest:
      take(decode_sync_request(frame.payload),
           [&](SyncRequest& request) { anti_entropy.on_request(*link, std::move(request), turn); });
      break;
    case FrameType::kSyncDone:
      take(decode_sync_done(frame.payload), [&](const SyncDone& done) {
        anti_entropy.on_done(*link, done, turn);
        if (link->compared) settle(true, turn);
      });
      break;
    case FrameType::kClose:  // runtime closes; LinkDown follows
      break;
    default:
      ok = false;
  }
  if (!ok) {
    ++counters.faulty_frames;
    turn.out.push_back(PenaliseLink{frame.link, "malformed frame"});
  }
}

void Node::State::on_taken(const Taken& taken, Turn& turn) {
  for (const EnvelopeId& id : taken.ids) take(id, turn);
}

void Node::State::on_ping(Link& link, const Ping& ping, Turn& turn) {
  turn.send(link.id, encode_pong(ping));
  link.peer_root = ping.root;
  link.root_known = true;
  if (ping.root == index.root()) {
    // It holds all that is held here, so it has taken what is held here of our own.
    for (const EnvelopeId& id : outbox.all()) {
      const RestoredOwn* entry = outbox.find(id);
      const EpochLog* log = index.find(own.key(), entry->epoch);
      if (log != nullptr && log->held.contains(entry->seq)) take(id, turn);
    }
  }
  anti_entropy.on_root(link, turn);
  if (link.compared) settle(true, turn);
}

void Node::State::on_listing(Link& link, const SyncListing& listing, Turn& turn) {
  anti_entropy.on_listing(link, listing, turn);
  for (const EnvelopeId& id : outbox.covered_by(anti_entropy.own_held_by_neighbor())) take(id, turn);
  if (anti_entropy.neighbor_holds_all_own()) {
    for (const EnvelopeId& id : outbox.all()) {
      const RestoredOwn* entry = outbox.find(id);
      const EpochLog* log = index.find(own.key(), entry->epoch);
      if (log != nullptr && log->held.contains(entry->seq)) take(id, turn);
    }
  }
  if (anti_entropy.foreign_own_seq(author.epoch()) > author.last_seq()) draw_new_epoch(author.epoch(), turn);
  if (link.compared) settle(true, turn);
}

void Node::State::take(const EnvelopeId& id, Turn& turn) {
  if (outbox.take(id)) turn.out.push_back(StoreTaken{id});
}

}  // namespace p2pmesh
