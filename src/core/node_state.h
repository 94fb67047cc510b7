// The parts of a node and how they are wired; node.cc has the entry points, node_links.cc what comes over
// links, node_envelopes.cc what becomes of envelopes, node_moderation.cc what order is kept by acts,
// node_rooms.cc what is said in rooms, node_drafts.cc what waits, node_views.cc what it tells of itself.
#pragma once

#include <map>
#include <optional>

#include "address_book.h"
#include "anti_entropy.h"
#include "author.h"
#include "broadcast.h"
#include "conversations.h"
#include "drafts.h"
#include "entry_log.h"
#include "held_back.h"
#include "held_index.h"
#include "links.h"
#include "membership.h"
#include "moderation_log.h"
#include "outbox.h"
#include "own_member.h"
#include "p2pmesh/core/node.h"
#include "p2pmesh/wire/revocation.h"
#include "presence.h"
#include "revocations.h"
#include "room_heads.h"
#include "room_sealing.h"
#include "roster.h"
#include "turn.h"

namespace p2pmesh {

struct CoreCounters {
  std::uint64_t accepted = 0;
  std::uint64_t repaired = 0;
  std::uint64_t already_accepted = 0;
  std::uint64_t dropped_over_limit = 0;
  std::uint64_t malformed_bodies = 0;
  std::uint64_t unknown_kinds = 0;
  std::uint64_t gaps = 0;
  std::uint64_t forks = 0;
  std::uint64_t new_epochs = 0;
  std::uint64_t refutations = 0;
  std::uint64_t suspicions = 0;
  std::uint64_t faulty_frames = 0;
  std::uint64_t frames_over_budget = 0;
  std::uint64_t links_refused = 0;  ///< more than kLinksMax, or of a revoked key
  std::uint64_t links_of_faulty_refused = 0;
  std::uint64_t revoked_refused = 0;  ///< envelopes by revoked keys
  std::uint64_t refused = 0;          ///< by a ban or a silence
  std::uint64_t acts_dropped = 0;     ///< malformed, or more than are kept in memory
  std::uint64_t entries_dropped = 0;  ///< likewise
};

inline constexpr std::size_t kTakenPerFrame = 1024;

inline bool is_member_record(const Envelope& envelope) {
  return envelope.envelope_class == EnvelopeClass::kRecord &&
         envelope.kind == static_cast<std::uint16_t>(Kind::kMember) && envelope.subject.empty();
}

inline bool is_standing(const Envelope& envelope) {
  return envelope.envelope_class == EnvelopeClass::kRecord &&
         envelope.kind == static_cast<std::uint16_t>(Kind::kStanding);
}

struct SharedRoster {
  Roster::Tables tables;
};

struct Node::State {
  State(const NodeOptions& node_options, const RestoredState& restored, Turn& turn);

  // node.cc
  void notice_time(Instant now);
  void on(const SendDirect& direct, Turn& turn);
  void on(const AnswerRequest& answer, Turn& turn);
  void on(const ForgetContact& forget, Turn& turn);
  void on(const OpenConversation& opened, Turn& turn);
  void on(const PrekeyDrawn& drawn, Turn& turn);
  void on(const Leave&, Turn& turn);
  void on(const Wake&, Turn& turn);
  void flush(Turn& turn);
  [[nodiscard]] bool is_overtaken(Turn& turn);
  void flush_texts(Turn& turn);
  void correct_notices_of_hidden(std::size_t first_output, Turn& turn) const;

  // node_drafts.cc
  void on(const CancelDraft& cancelled, Turn& turn);
  void on(const SetDiscoverable& set, Turn& turn);
  void on(const SetBlocked& set, Turn& turn);
  void on(const ReadTo& read, Turn& turn);
  void on(const OpenLate& late, Turn& turn);
  void write_or_keep(Draft draft, Turn& turn);
  void release_drafts(Turn& turn);
  [[nodiscard]] bool is_cut_off() const;
  [[nodiscard]] bool can_write_in(const std::string& room) const;
  void send_takens(Turn& turn);
  void send_takens(Link& link, Turn& turn);
  std::optional<Instant> next_deadline() const;
  void settle(bool compared, Turn& turn);

  // node_rooms.cc
  void on(const SendText& text, Turn& turn);
  void on(const SetTopic& topic, Turn& turn);
  void on(const SendInvite& invite, Turn& turn);
  void on(const RoomKeyGiven& given, Turn& turn);
  void open_room(Store& store);

  // node_revocations.cc
  [[nodiscard]] bool is_refused(const Envelope& envelope) const;
  [[nodiscard]] bool is_refused(const NodeKey& node) const;
  /// No member record.
  AcceptResult accept_record(const SealedEnvelope& record);
  [[nodiscard]] bool is_true(const Revocation& revocation) const;
  /// Nothing unless the record is one that counts.
  [[nodiscard]] std::optional<Revocation> true_revocation(const Envelope& record) const;
  void on_revocation(const EnvelopePtr& record, Turn& turn);
  void restore_revocations(const std::vector<EnvelopePtr>& records, Turn& turn);
  void revoke(const MemberKey& key, std::vector<Rename>& renames, Turn& turn);
  void drop_revocation(const EnvelopePtr& record, std::vector<Rename>& renames, Turn& turn);
  /// Closes a link to the node of a revoked key, and says why.
  void turn_away(LinkId link, const NodeKey& node, Turn& turn);
  void on(const PublishRevocation& wish, Turn& turn);

  // node_moderation.cc
  void on(const WriteAct& act, Turn& turn);
  void on(const RefusedHidden& hidden, Turn& turn);
  void on(const ActsLoaded& loaded, Turn& turn);
  void note_founder(const MemberKey& founder);
  void take_act(const SealedEnvelope& sealed);
  void apply_acts(Turn& turn);
  /// Has the store read those of an author that were left out and weigh by now.
  void want_acts(Turn& turn);
  /// Has the store hide what is refused of an author by now.
  void hide_refused(const MemberKey& member, Turn& turn);
  /// What failed, and what is not refused any more since its ban is over.
  void hide_again(Turn& turn);
  void note_hiding(Instant due);
  /// Whether a ban or silence refuses it; then it leaves no trace.
  bool refuse(const EnvelopePtr& envelope, Turn& turn);
  void shut_out_banned(Turn& turn);
  [[nodiscard]] bool was_told_of_ban(const NodeKey& node, Instant now);
  [[nodiscard]] LogCut cut_of(const MemberKey& member) const;

  // node_entries.cc
  void on(const WriteEntry& entry, Turn& turn);
  void take_entry(const EnvelopePtr& sealed);
  void restore_entries(std::vector<EnvelopePtr> stored, WallMs now_ms);
  [[nodiscard]] bool is_closed() const { return !options.roots.empty(); }

  // node_links.cc
  void on(const LinkUp& up, Turn& turn);
  void on(const LinkDown& down, Turn& turn);
  void on(const LinkProgress& progress, Turn& turn);
  void on(const DialFailed& failed, Turn& turn);
  void on(const OutsideAddress& outside, Turn& turn);
  void on(const FrameReceived& frame, Turn& turn);
  void on(const ChangeName& wish, Turn& turn);
  void on_candidate_frame(const FrameReceived& frame, Turn& turn);
  void begin_neighbor(const Membership::Outcome& outcome, Turn& turn);
  bool is_over_budget(Link& link, const FrameReceived& frame, Turn& turn);
  void on_graft(Link& link, const Graft& graft, Turn& turn);
  /// Ends a link on purpose: the neighbor lives on.
  void disconnect(LinkId id, Turn& turn);
  void on_taken(const Taken& taken, Turn& turn);
  void on_ping(Link& link, const Ping& ping, Turn& turn);
  void on_listing(Link& link, const SyncListing& listing, Turn& turn);
  void lose_link(LinkId id, Turn& turn);
  void beat(Turn& turn);
  void ping(Link& link, bool repaired, Turn& turn);
  void tell_repaired(Turn& turn);
  void take_held_own(Instant held_by, Turn& turn);

  // node_envelopes.cc
  void on(const EnvelopeReceived& received, Turn& turn);
  void on(const DuplicateReceived& duplicate, Turn& turn);
  void on(const Committed& committed, Turn& turn);
  void on(const ForkKept& fork, Turn& turn);
  void on(const Loaded& loaded, Turn& turn);
  void on_log(const EnvelopeReceived& received, Turn& turn);
  void on_record(const EnvelopeReceived& received, Turn& turn);
  void on_passing(const EnvelopeReceived& received, Turn& turn);
  void release_held_back(Turn& turn);
  void store_in_order(Store store, Turn& turn);
  void show(Store store, Turn& turn);
  [[nodiscard]] bool is_missing_before(const Envelope& envelope) const;
  void apply_member_record(const MemberKey& key, bool was_known, bool live,
                           const std::vector<Rename>& renames, Turn& turn);
  void publish_own_record(bool online, Turn& turn);
  void publish_standings(Turn& turn);
  void suspect_aloud(Turn& turn);
  void refute(Turn& turn);
  void draw_new_epoch(std::uint64_t last_known, Turn& turn);
  void take(const EnvelopeId& id, Turn& turn);

  NodeOptions options;
  HeldDigest digest;
  HeldIndex index;
  RoomHeads heads;
  RoomSealing rooms;
  ModerationLog moderation;
  bool acts_came = false;                // what they come to is not applied yet
  bool are_acts_asked = false;           // of an author; the store has not answered yet
  std::optional<Instant> acts_again_at;  // the store could not read them
  EntryLog entries;
  std::map<NodeKey, std::optional<Instant>>
      banned;  // from the mesh, and since when each has a link to be told
  struct Hiding {
    bool is_asked = false;       // the store has not answered yet
    bool again = false;          // something has changed since it was asked
    std::optional<Instant> due;  // ask then: it failed, or a ban ends
  };
  std::map<MemberKey, Hiding> hiding;  // of whom something is refused; no more than acts have subjects
  std::optional<Instant> hiding_due;   // the soonest of them, or sooner
  Roster roster;
  Links links;
  AddressBook addresses;
  Conversations conversations;
  Author author;
  Drafts drafts;
  OwnMember own;
  Membership membership;
  PresenceTracker presence;
  Broadcast broadcast;
  AntiEntropy anti_entropy;
  HeldBack held_back;
  Outbox outbox;
  CoreCounters counters;
  Revocations revoked;
  EnvelopePtr own_record;  // the newest
  WallMs online_since_ms = 0;
  bool online = false;        // the last own record said so
  bool record_stale = false;  // publish at the end of the turn
  bool left = false;
  bool told_settled = false;
  Instant refuted_at{};
  std::optional<Instant> refute_at;
  bool told_alone = false;
  std::optional<Instant> lonely_at;  // without a neighbor until then nobody is believed to be here
  Instant beat_at{};                 // the next look at the heartbeats of all links
  bool takens_waiting = false;       // some link has ids to be told as taken
  Instant takens_due{};
  Instant woken_at{};
  Instant told_repaired_at{};
  bool tell_repaired_due = false;
  Instant epoch_drawn_at{};
  bool overtaken = false;  // by who has the same key; lines wait until there may be a new epoch
  Instant started{};
  std::optional<Instant> first_link_at;
};

}  // namespace p2pmesh
