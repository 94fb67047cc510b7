// What comes over links, apart from envelopes: their beginning and end, heartbeats, sponsoring, anti-entropy.
#include <algorithm>

#include "node_state.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {
namespace {

constexpr std::uint32_t kPingsPerPong = 8;
constexpr auto kScanInterval = std::chrono::milliseconds(500);  // who has no link, in a full mesh

}  // namespace

void Node::State::on(const LinkUp& up, Turn& turn) {
  const bool full = links.size() >= limits::kLinksMax && links.find_node(up.node) == nullptr;
  if (is_refused(up.node)) return turn_away(up.link, up.node, turn);
  if (up.node == own.node() || left || full) {
    if (full) {
      ++counters.links_refused;
      addresses.on_lost(up.node, false, false, turn.now.monotonic);
    }
    turn.out.push_back(CloseLink{up.link, CloseReason::kBetterLink});
    return;
  }
  const bool is_faulty = addresses.is_shut_out(up.node, turn.now.monotonic);
  if (is_faulty) ++counters.links_of_faulty_refused;
  if (is_faulty || was_told_of_ban(up.node, turn.now.monotonic)) {
    addresses.on_lost(up.node, false, false, turn.now.monotonic);
    turn.out.push_back(CloseLink{up.link, CloseReason::kDisconnect});
    return;
  }
  const PeerSource source = up.outbound ? 0 : source_of_network(up.remote);
  addresses.on_connected(up.node, up.outbound ? std::optional(up.remote) : std::nullopt, turn.out, source);
  for (const NetAddress& address : up.addresses)
    addresses.learn(up.node, address, turn.now.monotonic, source);
  if (!first_link_at) first_link_at = turn.now.monotonic;
  membership.on_link_up(up, turn);
}

void Node::State::on_candidate_frame(const FrameReceived& frame, Turn& turn) {
  broadcast.note_tree(links);
  const Membership::Outcome outcome = membership.on_candidate_frame(frame, turn);
  if (outcome.faulty) {
    ++counters.faulty_frames;
    addresses.on_fault(*outcome.faulty, turn.now.monotonic);
    turn.out.push_back(PenaliseLink{frame.link, "malformed or unexpected frame"});
    return;
  }
  if (outcome.alive) {
    for (const MemberKey& member : roster.hosted_by(*outcome.alive))
      membership.note_alive(member, turn.now.monotonic);
  }
  if (outcome.evicted) disconnect(*outcome.evicted, turn);
  if (!outcome.granted) return;
  if (is_refused(outcome.granted->node)) {  // it was revoked while it asked
    return turn_away(frame.link, outcome.granted->node, turn);
  }
  begin_neighbor(outcome, turn);
  if (const Link* link = links.find(outcome.granted->link); link != nullptr && outcome.joined)
    membership.pass_on(*link, turn);
}

void Node::State::begin_neighbor(const Membership::Outcome& outcome, Turn& turn) {
  const LinkUp& up = *outcome.granted;
  const auto loser = links.add(up, own.node(), turn.now.monotonic);
  if (loser) {
    turn.out.push_back(CloseLink{*loser, CloseReason::kBetterLink});
    if (*loser == up.link) return;
    own.on_link_down(*loser);
    anti_entropy.on_link_down(*loser, turn);
    broadcast.on_link_down(*loser, turn);
  }
  if (own.on_observed(up)) record_stale = true;
  Link* link = links.find(up.link);
  link->chosen = outcome.chosen;
  if (outcome.beside) link->extra_until = turn.now.monotonic + options.parameters.merge_time;
  broadcast.on_link_up(up.link, outcome.beside, turn);
  presence.on_link_up(up.node, turn);
  // Before the first digest: a neighbor that has just begun may not hold its own record yet, and one with
  // nothing to compare would be taken for one that is like us.
  if (own_record) turn.send(up.link, encode_repair(own_record->encoded));
  own.ask_sponsor(links, turn);
  beat_at = turn.now.monotonic;
  on(Wake{}, turn);
}

void Node::State::on(const LinkProgress& progress, Turn& turn) {
  Link* link = links.find(progress.link);
  if (link == nullptr) return;
  link->heard_at = turn.now.monotonic;
  link->suspected = false;
}

void Node::State::on(const LinkDown& down, Turn& turn) {
  if (down.is_faulty) {
    const Link* link = links.find(down.link);
    const auto node = link != nullptr ? std::optional(link->node) : membership.candidate_node(down.link);
    if (node) addresses.on_fault(*node, turn.now.monotonic);
  }
  if (membership.is_candidate(down.link)) {
    membership.on_candidate_down(down.link, turn);
    on(Wake{}, turn);
    return;
  }
  lose_link(down.link, turn);
}

void Node::State::lose_link(LinkId id, Turn& turn) {
  Link* link = links.find(id);
  if (link == nullptr) return;
  const Link lost = *link;
  const bool proven = lost.up_at + limits::kLinkProven <= turn.now.monotonic;
  links.remove(id);
  own.on_link_down(id);
  anti_entropy.on_link_down(id, turn);
  broadcast.on_link_down(id, turn);
  const auto hosted = roster.hosted_by(lost.node);
  const bool node_left =
      !hosted.empty() && std::none_of(hosted.begin(), hosted.end(),
                                      [&](const MemberKey& key) { return roster.find(key)->facts->online; });
  addresses.on_lost(lost.node, node_left, proven && !lost.disconnected, turn.now.monotonic);
  membership.on_neighbor_lost(lost, lost.disconnected, turn);
  if (!lost.disconnected) presence.on_link_lost(lost.node, turn);
  on(Wake{}, turn);
}

void Node::State::disconnect(LinkId id, Turn& turn) {
  Link* link = links.find(id);
  if (link == nullptr) return;
  send_takens(*link, turn);
  const Link ended = *link;
  if (!P2P_PLANTED(DisconnectUntold)) turn.out.push_back(CloseLink{id, CloseReason::kDisconnect});
  links.remove(id);
  own.on_link_down(id);
  anti_entropy.on_link_down(id, turn);
  broadcast.on_link_down(id, turn);
  addresses.on_lost(ended.node, false, false, turn.now.monotonic);
  membership.on_neighbor_lost(ended, true, turn);
}

void Node::State::on(const DialFailed& failed, Turn& turn) {
  if (const auto silent = membership.on_dial_failed(failed, turn)) presence.on_unreachable(*silent, turn);
  on(Wake{}, turn);
}

void Node::State::on(const OutsideAddress& outside, Turn& turn) {
  if (!own.set_outside(outside.address)) return;
  record_stale = true;
  on(Wake{}, turn);
}

void Node::State::ping(Link& link, bool repaired, Turn& turn) {
  Ping ping;
  // The round trip is measured now and then; any frame shows that a link lives.
  if (link.pings % kPingsPerPong == 0)
    ping.token = static_cast<std::uint64_t>(turn.now.monotonic.time_since_epoch().count());
  ping.as_of_ms = link.pings == 0 ? kAsOfAll : AntiEntropy::as_of(turn.now);
  ping.root = digest.root(ping.as_of_ms, turn.now.monotonic);
  ping.repaired = repaired;
  ping.place = broadcast.place_for(link.id, turn.now.monotonic);
  ++link.pings;
  turn.send(link.id, encode_ping(ping));
}

void Node::State::beat(Turn& turn) {
  if (beat_at > turn.now.monotonic) return;
  const Duration heartbeat = membership.heartbeat();
  beat_at = turn.now.monotonic + (membership.is_partial() ? heartbeat : Duration(kScanInterval));
  if (const MemberRow* root = roster.first_online())
    broadcast.set_root(root->key(), root->key() == own.key(), turn);
  presence.on_silence(turn);
  presence.on_unlinked(turn);
  shut_out_banned(turn);
  std::vector<LinkId> dead;
  const bool due = std::any_of(links.all().begin(), links.all().end(),
                               [&](const auto& item) { return item.second.next_ping <= turn.now.monotonic; });
  for (auto& [id, link] : links.all()) {
    const bool silent = link.heard_at + limits::kSilenceBeforeClose <= turn.now.monotonic;
    if (silent && !P2P_PLANTED(SilenceIgnored)) dead.push_back(id);
    // All neighbors in one turn, some of them early once: one wake a heartbeat instead of one a link.
    if (due && link.next_ping <= turn.now.monotonic + heartbeat * 3 / 4) {
      link.next_ping = turn.now.monotonic + heartbeat;
      ping(link, false, turn);
    }
    beat_at = std::min({beat_at, link.next_ping, presence.silent_from(link)});
    if (!silent) beat_at = std::min(beat_at, link.heard_at + limits::kSilenceBeforeClose);
  }
  for (LinkId id : dead) {
    if (links.find(id) == nullptr) continue;  // the turn of the one before closed it
    turn.out.push_back(CloseLink{id, CloseReason::kFault});
    lose_link(id, turn);
  }
}

/// What came by repair is passed on by repair: the neighbors are told at once that there is something to
/// fetch.
void Node::State::tell_repaired(Turn& turn) {
  if (!tell_repaired_due || told_repaired_at + limits::kTellRepaired > turn.now.monotonic) return;
  tell_repaired_due = false;
  told_repaired_at = turn.now.monotonic;
  for (auto& [id, link] : links.all()) ping(link, true, turn);
}

void Node::State::on(const FrameReceived& frame, Turn& turn) {
  if (membership.is_candidate(frame.link)) return on_candidate_frame(frame, turn);
  Link* link = links.find(frame.link);
  if (link == nullptr) return;
  link->heard_at = turn.now.monotonic;
  link->suspected = false;
  if (is_over_budget(*link, frame, turn)) return;
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
      take(decode_pong(frame.payload), [&](std::uint64_t token) {
        const auto sent = Instant(Duration(static_cast<Duration::rep>(token)));
        if (sent <= turn.now.monotonic && sent >= link->up_at) link->note_rtt(turn.now.monotonic - sent);
      });
      break;
    case FrameType::kSponsorRequest:
      take(decode_sponsor_request(frame.payload), [&](const SponsorRequest& request) {
        turn.send(link->id, encode_frame_of(own.sponsor(*link, request, roster, heads, turn.now)));
      });
      break;
    case FrameType::kSponsorReply:
      take(decode_sponsor_reply(frame.payload), [&](const SponsorReply& reply) {
        if (own.on_reply(*link, reply, turn)) record_stale = true;
        own.ask_sponsor(links, turn);
      });
      break;
    case FrameType::kIHave:
      take(decode_ihave(frame.payload),
           [&](const IHave& ihave) { broadcast.on_ihave(link->id, ihave, turn); });
      break;
    case FrameType::kGraft:
      take(decode_graft(frame.payload), [&](const Graft& graft) { on_graft(*link, graft, turn); });
      break;
    case FrameType::kPrune:
      take(decode_prune(frame.payload),
           [&](const Prune& prune) { broadcast.on_prune(link->id, prune, turn); });
      break;
    case FrameType::kForwardJoin:
      take(decode_forward_join(frame.payload),
           [&](const ForwardJoin& join) { membership.on_forward_join(*link, join, turn); });
      break;
    case FrameType::kShuffle:
      take(decode_shuffle(frame.payload),
           [&](const Shuffle& shuffle) { membership.on_shuffle(*link, shuffle, turn); });
      break;
    case FrameType::kShuffleReply:
      take(decode_shuffle_reply(frame.payload),
           [&](const ShuffleReply& reply) { membership.on_shuffle_reply(*link, reply, turn); });
      break;
    case FrameType::kJoin:  // asked again: it is a neighbor already
      ok = frame.payload.empty();
      break;
    case FrameType::kNeighbor:
      ok = decode_neighbor_request(frame.payload).has_value();
      break;
    case FrameType::kNeighborReply:
      ok = decode_neighbor_reply(frame.payload).has_value();
      break;
    case FrameType::kSyncDigest:
      take(decode_sync_digest(frame.payload),
           [&](const SyncDigest& theirs) { anti_entropy.on_digest(*link, theirs, turn); });
      break;
    case FrameType::kSyncBranch:
      take(decode_sync_branch(frame.payload),
           [&](const SyncBranch& theirs) { anti_entropy.on_branch(*link, theirs, turn); });
      break;
    case FrameType::kSyncDescend:
      take(decode_sync_descend(frame.payload),
           [&](const SyncDescend& descend) { anti_entropy.on_descend(*link, descend, turn); });
      break;
    case FrameType::kSyncListing:
      take(decode_sync_listing(frame.payload),
           [&](const SyncListing& listing) { on_listing(*link, listing, turn); });
      break;
    case FrameType::kSyncRequest:
      take(decode_sync_request(frame.payload),
           [&](SyncRequest& request) { anti_entropy.on_request(*link, std::move(request), turn); });
      break;
    case FrameType::kSyncGone:
      take(decode_sync_gone(frame.payload),
           [&](const SyncGone& gone) { anti_entropy.on_gone(*link, gone, turn); });
      break;
    case FrameType::kSyncDone:
      take(decode_sync_done(frame.payload), [&](const SyncDone& done) {
        anti_entropy.on_done(*link, done, turn);
        if (link->compared) settle(true, turn);
      });
      break;
    case FrameType::kClose:  // the driver closes; LinkDown follows
      take(decode_close(frame.payload), [&](const Close& close) {
        link->disconnected =
            close.reason == CloseReason::kDisconnect || close.reason == CloseReason::kBetterLink;
      });
      break;
    default:
      ok = false;
  }
  if (!ok) {
    ++counters.faulty_frames;
    if (link = links.find(frame.link); link != nullptr) addresses.on_fault(link->node, turn.now.monotonic);
    turn.out.push_back(PenaliseLink{frame.link, "malformed frame"});
  }
}

/// Dropped before it is decoded. What is lost that way comes by anti-entropy.
bool Node::State::is_over_budget(Link& link, const FrameReceived& frame, Turn& turn) {
  const auto verdict = link.budget.take(frame.type, frame.payload.size(), turn.now.monotonic);
  if (verdict == FrameBudget::Verdict::kWithin) return false;
  ++counters.frames_over_budget;
  if (verdict == FrameBudget::Verdict::kOver) return true;
  ++counters.faulty_frames;
  addresses.on_fault(link.node, turn.now.monotonic);
  turn.out.push_back(PenaliseLink{frame.link, "a flood of control frames"});
  return true;
}

void Node::State::on_graft(Link& link, const Graft& graft, Turn& turn) {
  const Instant now = turn.now.monotonic;
  link.budget.charge_graft_answer(broadcast.on_graft(link.id, graft, turn, link.budget.may_answer_graft(now)),
                                  now);
}

void Node::State::on(const ChangeName& wish, Turn& turn) {
  if (own.change_name(wish, roster, links, turn)) record_stale = true;
}

void Node::State::on_taken(const Taken& taken, Turn& turn) {
  for (const EnvelopeId& id : taken.ids) {
    outbox.count_taker(id);
    take(id, turn);
  }
}

void Node::State::on_ping(Link& link, const Ping& ping, Turn& turn) {
  if (ping.token != 0) turn.send(link.id, encode_pong(ping.token));
  link.differs = ping.root != digest.root(ping.as_of_ms, turn.now.monotonic);
  link.root_known = true;
  // What is young may be in neither root.
  if (!link.differs)
    take_held_own(ping.as_of_ms == kAsOfAll ? turn.now.monotonic : turn.now.monotonic - limits::kYoungKept,
                  turn);
  broadcast.on_place(link.id, ping.place, link.rtt, turn);
  anti_entropy.on_root(link, ping.as_of_ms, ping.repaired, turn);
  if (link.compared) settle(true, turn);
}

/// A neighbor holds all that was held here by then, so it has taken that much of our own.
void Node::State::take_held_own(Instant held_by, Turn& turn) {
  if (outbox.empty()) return;
  for (const EnvelopeId& id : outbox.all()) {
    if (!outbox.is_held_since(id, held_by)) continue;
    const RestoredOwn* entry = outbox.find(id);
    const EpochLog* log = index.find(own.key(), entry->epoch);
    if (log != nullptr && log->held.contains(entry->seq)) take(id, turn);
  }
}

void Node::State::on_listing(Link& link, const SyncListing& listing, Turn& turn) {
  if (!anti_entropy.on_listing(link, listing, turn)) return;
  for (const EnvelopeId& id : outbox.covered_by(anti_entropy.own_held_by_neighbor())) take(id, turn);
  for (const HeldRecord& record : listing.records) {
    const bool is_member = record.kind == static_cast<std::uint16_t>(Kind::kMember) && record.subject.empty();
    if (is_member && record.offline &&
        presence.on_reported_offline({record.author, record.epoch, record.version}, turn))
      refute(turn);
  }
  if (anti_entropy.neighbor_holds_all_own()) take_held_own(turn.now.monotonic, turn);
  if (anti_entropy.foreign_own_seq(author.epoch()) > author.last_seq()) draw_new_epoch(author.epoch(), turn);
  if (link.compared) settle(true, turn);
}

void Node::State::take(const EnvelopeId& id, Turn& turn) {
  if (outbox.take(id)) turn.out.push_back(StoreTaken{id});
}

}  // namespace p2pmesh
