// What a node tells of itself: figures, members, links, people, counters.
#include "node_state.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/core/node.h"

namespace p2pmesh {

NodeStatus Node::status() const {
  NodeStatus status;
  const MemberRow* self = state_->roster.find(state_->own.key());
  const RosterCounts& counts = state_->roster.counts();
  status.name = self != nullptr ? state_->roster.shown_name(state_->own.key()) : state_->options.name;
  status.claimed_name = state_->own.claimed_name();
  status.has_claim = state_->own.has_claim();
  status.name_refused = state_->own.is_refused();
  status.neighbors = state_->links.size();
  status.members = counts.members + (self == nullptr ? 1 : 0);
  status.online = counts.online + (self == nullptr || self->presence != Presence::kOnline ? 1 : 0);
  status.pending = state_->outbox.messages() + state_->author.waiting() + state_->drafts.size();
  status.discoverable = !state_->conversations.is_hidden();
  status.settled = state_->presence.is_settled();
  status.partial = state_->membership.is_partial();
  status.passive = state_->membership.passive().size();
  return status;
}

std::vector<MemberView> Node::members() const {
  std::vector<MemberView> views;
  state_->roster.for_each([&](const MemberRow& member) {
    if (!member.facts->well_formed) return;
    const bool self = member.key() == state_->own.key();
    const bool seen = member.presence == Presence::kOnline;
    const bool hidden =
        !seen && (self ? state_->conversations.is_hidden() : state_->conversations.is_here(member.key()));
    views.push_back({member.key(), member.facts->node(), state_->roster.shown_name(member.key()),
                     self || seen || hidden, self ? state_->online_since_ms : member.since_ms(), self,
                     member.facts->addresses, hidden});
  });
  return views;
}

std::vector<LinkView> Node::links() const {
  std::vector<LinkView> views;
  for (const auto& [id, link] : state_->links.all()) {
    const auto hosted = state_->roster.hosted_by(link.node);
    views.push_back({id, link.node,
                     hosted.empty() ? std::string() : state_->roster.shown_name(hosted.front()), link.remote,
                     link.outbound, link.rtt});
  }
  return views;
}

bool Node::is_neighbor(LinkId link) const {
  return state_->links.find(link) != nullptr;
}

bool Node::awaits_repair(LinkId link) const {
  return state_->anti_entropy.awaits_repair(link);
}

std::vector<NodeKey> Node::passive_view() const {
  std::vector<NodeKey> nodes;
  for (const PeerEntry& peer : state_->membership.passive().all()) nodes.push_back(peer.node);
  return nodes;
}

std::shared_ptr<const SharedRoster> Node::share_roster() const {
  auto shared = std::make_shared<SharedRoster>();
  HeldDigest digest;
  Roster copy(state_->options.mesh, *state_->options.verifier, digest);
  copy.adopt(state_->roster.share());
  state_->roster.for_each([&](const MemberRow& member) {
    if (member.facts->online) copy.set_presence(member.key(), Presence::kOnline, Now{});
    copy.set_suspicion(member.key(), 0);
  });
  shared->tables = copy.share();
  return shared;
}

std::string Node::shown_name(const MemberKey& member) const {
  if (member == state_->own.key() && state_->roster.find(member) == nullptr) return state_->options.name;
  return state_->roster.shown_name(member);
}

std::vector<Head> Node::deepest_heads() const {
  return state_->heads.deepest(limits::kParentsMax);
}

std::vector<NetAddress> Node::advertised() const {
  return state_->own.addresses();
}

bool Node::can_take_text() const {
  return state_->author.has_room();
}

std::vector<DraftView> Node::drafts() const {
  std::vector<DraftView> views;
  // Those that were released and wait for the author's own budget came before the rest.
  for (const Draft& draft : state_->author.drafts()) {
    if (draft.number != 0) views.push_back({draft.number, draft.room, draft.to, draft.text, draft.typed_ms});
  }
  const std::vector<DraftView> rest = state_->drafts.list();
  views.insert(views.end(), rest.begin(), rest.end());
  return views;
}

bool Node::can_take_draft() const {
  return state_->drafts.has_room();
}

std::size_t Node::takers_of(const EnvelopeId& id) const {
  return state_->outbox.takers_of(id);
}

std::uint64_t Node::undelivered() const {
  return state_->conversations.undelivered();
}

bool Node::is_revoked(const MemberKey& member) const {
  return state_->revoked.contains(member);
}

bool Node::can_take_revocation() const {
  return state_->revoked.size() < limits::kRevocationsMax;
}

DirectAccess Node::access_to(const MemberKey& member) const {
  return state_->conversations.access_to(member);
}

std::vector<CorrespondentView> Node::correspondents() const {
  return state_->conversations.list();
}

bool Node::is_shown(const MemberKey& member) const {
  return state_->conversations.is_shown(member);
}

std::optional<Delivery> Node::delivery_of(const MemberKey& to, const EnvelopeId& id, std::uint64_t epoch,
                                          std::uint64_t number) const {
  if (state_->outbox.find(id) != nullptr) return std::nullopt;
  return state_->conversations.delivery_of(to, epoch, number);
}

std::vector<std::pair<std::string, std::uint64_t>> Node::counters() const {
  const DirectCounters& direct = state_->conversations.counters();
  const CoreCounters& core = state_->counters;
  const BroadcastCounters& broadcast = state_->broadcast.counters();
  const MembershipCounters& views = state_->membership.counters();
  const AntiEntropyCounters& sync = state_->anti_entropy.counters();
  return {
      {"envelopes_accepted", core.accepted},
      {"envelopes_repaired", core.repaired},
      {"envelopes_already_accepted", core.already_accepted},
      {"envelopes_dropped_over_limit", core.dropped_over_limit},
      {"bodies_malformed", core.malformed_bodies},
      {"kinds_unknown", core.unknown_kinds},
      {"gaps_shown", core.gaps},
      {"forks_kept", core.forks},
      {"epochs_drawn", core.new_epochs},
      {"suspicions_sent", core.suspicions},
      {"refutations_sent", core.refutations},
      {"frames_faulty", core.faulty_frames},
      {"frames_over_budget", core.frames_over_budget},
      {"links_refused", core.links_refused},
      {"links_of_faulty_refused", core.links_of_faulty_refused},
      {"keys_revoked", state_->revoked.size()},
      {"envelopes_of_revoked_refused", core.revoked_refused},
      {"envelopes_refused", core.refused},
      {"acts_dropped", core.acts_dropped},
      {"entries", state_->entries.size()},
      {"entries_dropped", core.entries_dropped},
      {"acts", state_->moderation.size()},
      {"acts_judged", state_->moderation.judgings()},
      {"joins", views.joins},
      {"forward_joins_sent", views.forward_joins},
      {"neighbors_granted", views.granted},
      {"neighbors_declined", views.declined},
      {"neighbors_evicted", views.evicted},
      {"shuffles", views.shuffles},
      {"shuffle_replies_unasked", views.shuffle_replies_unasked},
      {"probes", views.probes},
      {"rewires", views.rewires},
      {"heals_tried", views.heals},
      {"merges", views.merges},
      {"ihaves_sent", broadcast.ihaves_sent},
      {"grafts_sent", broadcast.grafts_sent},
      {"prunes_sent", broadcast.prunes_sent},
      {"grafts_unanswered", broadcast.grafts_unanswered},
      {"ids_missing", state_->broadcast.missing()},
      {"ids_given_up", state_->broadcast.given_up()},
      {"ids_over_limit", broadcast.missing_over_limit},
      {"eager_links", state_->broadcast.eager()},
      {"payloads_sent", broadcast.payloads_sent},
      {"payloads_received", broadcast.payloads_received},
      {"payloads_duplicate", broadcast.duplicates},
      {"sync_sessions", sync.sessions},
      {"sync_asked_for_gone", sync.asked_for_gone},
      {"sync_timeouts", sync.timeouts},
      {"sync_put_off", sync.put_off},
      {"sync_envelopes_served", sync.envelopes_served},
      {"sync_requests_dropped", sync.requests_dropped},
      {"sync_no_longer_held", sync.no_longer_held},
      {"sync_gone", state_->index.gone_count()},
      {"rooms_opened", state_->rooms.counters().opened},
      {"rooms_damaged", state_->rooms.counters().damaged},
      {"directs_opened", direct.opened},
      {"directs_damaged", direct.damaged},
      {"directs_over_limit", direct.over_limit},
      {"standings_sent", direct.standings},
      {"held_back", state_->held_back.size()},
      {"authors", state_->index.authors()},
  };
}

std::vector<std::pair<std::string, std::uint64_t>> Node::uses() const {
  const Conversations::Sizes people = state_->conversations.sizes();
  return {
      {"links_max", state_->links.size()},
      {"candidates_max", state_->membership.candidates()},
      {"shuffle_routes_max", state_->membership.routes()},
      {"protocol.passive_view_max", state_->membership.passive().size()},
      {"dials_max", state_->addresses.dialling()},
      {"peers_max", state_->addresses.size()},
      {"faulty_nodes_max", state_->addresses.faulty()},
      {"missing_ids_max", state_->broadcast.missing()},
      {"recent_max", state_->broadcast.recent()},
      {"recent_repaired_max", state_->broadcast.recent_repaired()},
      {"young_max", state_->digest.young()},
      {"authors_max", state_->index.authors()},
      {"members_max", state_->roster.counts().members},
      {"rooms_max", state_->heads.rooms()},
      {"missing_parents_max", state_->heads.referenced()},
      {"held_back_max", state_->held_back.size()},
      {"unsent_messages_max", state_->author.waiting()},
      {"unsent_bytes_max", state_->author.waiting_bytes()},
      {"drafts_max", state_->drafts.size()},
      {"draft_bytes_max", state_->drafts.bytes()},
      {"correspondents_max", people.correspondents},
      {"strangers_max", people.strangers},
      {"revocations_max", state_->revoked.size()},
      {"acts_max", state_->moderation.size()},
      {"gone_known_max", state_->index.gone_known()},
      {"repair_sessions", state_->anti_entropy.sessions()},
      {"repair_answers_max", state_->anti_entropy.answers()},
      {"repair_reads_max", state_->anti_entropy.reads()},
  };
}

bool Node::is_shut_out(const NodeKey& node, Instant now) const {
  return state_->addresses.is_shut_out(node, now);
}

}  // namespace p2pmesh
