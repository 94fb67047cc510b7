// The protocol, sans I/O: membership, broadcast, anti-entropy, roster, rooms, outbox of one mesh.
// On the way of a frame: after ingress; its outputs go to runtime/output_runner.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/log.h"
#include "p2pmesh/base/net_address.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/core/entries.h"
#include "p2pmesh/core/inputs.h"
#include "p2pmesh/core/moderation.h"
#include "p2pmesh/core/outputs.h"
#include "p2pmesh/core/parameters.h"
#include "p2pmesh/crypto/sealing.h"
#include "p2pmesh/crypto/signature.h"
#include "p2pmesh/wire/direct_body.h"
#include "p2pmesh/wire/member_body.h"

namespace p2pmesh {

/// Who this node is. The signers, the agreement and the verifier outlive the node.
struct NodeOptions {
  MeshId mesh;
  std::optional<MeshNonce> founder_nonce;  ///< set on the node that opened the mesh
  std::string name;                        ///< checked; the first claim is to it
  bool exact_name = false;                 ///< claims nothing when a sponsor refuses the name
  const Signer* member_signer = nullptr;
  const Signer* node_signer = nullptr;
  const Verifier* verifier = nullptr;
  const KeyAgreement* agreement = nullptr;  ///< null: no direct messages
  std::vector<Prekey> prekeys;              ///< the newest first; at most kPrekeysMax count
  std::vector<RoomSecret> room_keys;        ///< of private rooms
  NetAddress listen;                        ///< as bound; the address may be a wildcard
  std::uint64_t seed = 0;                   ///< jitter and choices
  ProtocolParameters parameters;
  /// Of a closed mesh, whom nobody needs to have let in: the founder, who let this node in, and itself, in
  /// this order. Empty: an open one.
  std::vector<MemberKey> roots = {};
  bool discoverable = true;  ///< else from the start on as after SetDiscoverable{false}
};

/// What the store knew; see storage/mesh_store.h for the fields.
struct RestoredLog {
  MemberKey author;
  std::uint64_t epoch = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> intervals;
  WallMs newest_wall_ms = 0;
  EnvelopeId last_id;
  std::uint64_t ids_digest = 0;  ///< exclusive or of id_digest() over the intervals; of forks the lowest id's
};
/// A head of a room, or only the deepest envelope of its author there.
struct RestoredHead {
  std::string room;
  Head head;
  MemberKey author;
  bool is_head = true;
};
struct RestoredPeer {
  NodeKey node;
  NetAddress address;
  WallMs last_success_ms = 0;
  std::uint32_t failures = 0;
  bool anchor = false;  ///< by the last StoreAnchors
};
struct RestoredOwn {
  EnvelopeId id;
  std::uint64_t epoch = 0;
  std::uint64_t seq = 0;
  std::uint32_t messages = 0;
};
/// Somebody whom the local member writes to, or who wrote to it.
struct RestoredCorrespondent {
  MemberKey member;
  Relation relation = Relation::kNone;
  bool asks = false;
  std::uint64_t depth = 0;            ///< the greatest of the conversation
  std::uint64_t written_epoch = 0;    ///< own epoch last written in
  std::uint64_t written_number = 0;   ///< the greatest of it
  std::vector<ReceivedLog> received;  ///< by epoch, ascending
  /// Own epochs of which something was not said to have come, and the greatest such number.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> untold = {};
};
struct RestoredDraft {
  std::uint64_t number = 0;
  std::string room;
  std::optional<MemberKey> to;
  std::string text;
  WallMs wall_ms = 0;
};
/// A roster that many nodes of one process begin with; see Node::share_roster().
struct SharedRoster;
struct RestoredState {
  std::vector<RestoredLog> logs;
  std::vector<EnvelopePtr> records;
  std::vector<RestoredHead> heads;
  std::vector<EnvelopePtr> acts;     ///< of forks the lowest id's
  bool has_more_acts = false;        ///< these are not all, but the earliest of each author
  std::vector<EnvelopePtr> entries;  ///< likewise
  std::vector<RestoredPeer> peers;
  std::vector<RestoredOwn> outbox;
  std::vector<RestoredCorrespondent> correspondents;
  std::vector<RestoredDraft> drafts;  ///< by number
  std::uint64_t last_draft = 0;       ///< the greatest number ever used
  std::vector<MemberKey> blocked;
  bool clean_stop = false;
  /// The earlier run's own record says online and still holds: nothing is published at the start.
  bool handed_over = false;
  std::shared_ptr<const SharedRoster> roster;  ///< with it `records` may hold this member's own one alone
};

struct MemberView {
  MemberKey key;
  NodeKey node;
  std::string name;  ///< as shown, suffix included
  bool online = false;
  WallMs since_ms = 0;
  bool self = false;
  std::vector<NetAddress> addresses;
  bool hidden = false;  ///< online, and its record says otherwise
};
/// Whether a direct message can be written to somebody.
enum class DirectAccess : std::uint8_t {
  kOpen,
  kSelf,
  kUnknown,  ///< no member of this mesh
  kNoKey,    ///< its record names no key to seal to: what is written waits for one
  kBlocked,
  kRevoked,  ///< its key counts no more
  kTooMany,  ///< kCorrespondentsMax are known already
};
/// What became of an own direct message that a neighbor has taken.
enum class Delivery : std::uint8_t { kSent, kDelivered, kRead };
struct CorrespondentView {
  MemberKey member;
  Relation mine = Relation::kNone;
  Relation theirs = Relation::kNone;
  bool asks = false;  ///< wrote to us, who have not answered
};
/// A line that waits.
struct DraftView {
  std::uint64_t number = 0;
  std::string room;
  std::optional<MemberKey> to;
  std::string text;  ///< empty: a request that says nothing
  WallMs wall_ms = 0;
};
struct LinkView {
  LinkId link = 0;
  NodeKey node;
  std::string name;
  NetAddress address;
  bool outbound = false;
  std::optional<Duration> rtt;
};
struct NodeStatus {
  std::string name;          ///< as shown, suffix included
  std::string claimed_name;  ///< without one
  bool has_claim = false;
  bool name_refused = false;  ///< exact_name, and a sponsor refused it
  std::uint64_t neighbors = 0;
  std::uint64_t members = 0;
  std::uint64_t online = 0;
  std::uint64_t pending = 0;  ///< own messages that no neighbor has taken, drafts included
  bool discoverable = true;
  bool settled = false;
  bool partial = false;       ///< partial views, else a full mesh
  std::uint64_t passive = 0;  ///< size of the passive view
};

/// One mesh. The driver's contract:
///  - handle() takes one input and the time and appends outputs, to be carried out in order;
///  - flush() once at the end of a loop turn: what was gathered in the turn (texts, takens) is put out;
///  - then it asks next_deadline() and calls handle(Wake) no later than that.
/// Threads: one. Reads no clock, no random device, no socket.
class Node {
 public:
  Node(const NodeOptions& options, const RestoredState& restored, const Now& now, Outputs& out);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  void handle(const Input& input, const Now& now, Outputs& out);
  void flush(const Now& now, Outputs& out);
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  /// For a driver of thousands of nodes: asks the processor for the memory that the next input will touch, in
  /// three steps (0, 1, 2) some hundred nanoseconds apart. Changes nothing.
  void prefetch(int step) const;
  [[nodiscard]] NodeStatus status() const;
  [[nodiscard]] std::vector<MemberView> members() const;
  [[nodiscard]] std::vector<LinkView> links() const;
  /// The link was granted and is not closed: only neighbors' envelopes are taken.
  [[nodiscard]] bool is_neighbor(LinkId link) const;
  /// Repair was asked for over this link and is not all here; what else says to be repair is charged as live.
  [[nodiscard]] bool awaits_repair(LinkId link) const;
  /// As shown now: with a suffix when another key holds the name; a piece of the key when it is unknown.
  [[nodiscard]] std::string shown_name(const MemberKey& member) const;
  /// What a welcome says: the deepest heads, and where this node listens.
  [[nodiscard]] std::vector<Head> deepest_heads() const;
  [[nodiscard]] std::vector<NetAddress> advertised() const;
  [[nodiscard]] std::vector<NodeKey> passive_view() const;
  [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> counters() const;
  /// How far the bounds of base/limits.h are used, by the constant's name in words ("links_max").
  [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> uses() const;
  /// It was at fault on a link lately: it is neither dialled nor let in.
  [[nodiscard]] bool is_shut_out(const NodeKey& node, Instant now) const;
  /// This node's roster with everybody online whose record says so; its memory is shared until somebody
  /// writes to it.
  [[nodiscard]] std::shared_ptr<const SharedRoster> share_roster() const;
  [[nodiscard]] bool is_revoked(const MemberKey& member) const;
  /// As many keys are revoked as may be.
  [[nodiscard]] bool can_take_revocation() const;
  [[nodiscard]] DirectAccess access_to(const MemberKey& member) const;
  /// Direct messages of the current epoch that their recipients have not said to have.
  [[nodiscard]] std::uint64_t undelivered() const;
  [[nodiscard]] std::vector<CorrespondentView> correspondents() const;
  /// Whether what this member wrote to us is to be shown.
  [[nodiscard]] bool is_shown(const MemberKey& member) const;
  /// Of an own direct envelope; nothing while no neighbor has taken it.
  [[nodiscard]] std::optional<Delivery> delivery_of(const MemberKey& to, const EnvelopeId& id,
                                                    std::uint64_t epoch, std::uint64_t number) const;
  /// What waits to become an envelope, by number.
  [[nodiscard]] std::vector<DraftView> drafts() const;
  /// Another line may be taken in although it has to wait.
  [[nodiscard]] bool can_take_draft() const;
  /// How many neighbors have taken an own envelope, as far as this run has heard; 0: none.
  [[nodiscard]] std::size_t takers_of(const EnvelopeId& id) const;
  /// Why the local member may not do this; empty: it may. A sentence for it, without names of others.
  [[nodiscard]] ActVerdict check_act(const WriteAct& act) const;
  /// What refuses what the local member would say in a room, or do in the mesh; nothing: it may.
  [[nodiscard]] std::optional<RestrictionView> restriction_on(const MemberKey& member,
                                                              const std::string& room, WallMs now_ms) const;
  /// What an act does; nothing for one that weighs nothing.
  [[nodiscard]] std::optional<ActView> act(const EnvelopeId& id) const;
  /// In a room, or, without one, in the mesh; the highest first.
  [[nodiscard]] std::vector<RankView> ranks(const std::string& room) const;
  [[nodiscard]] std::vector<RestrictionView> restrictions(const std::string& room) const;
  // A closed mesh; node_entries.cc.
  /// Whether this member was let in, or was there before all others.
  [[nodiscard]] bool is_admitted(const MemberKey& member, WallMs now_ms) const;
  [[nodiscard]] bool is_banned(const MemberKey& member, WallMs now_ms) const;
  /// Encoded entries that a stranger shows of itself. False when they do not lead to a member that is known
  /// here.
  bool vouch(const std::vector<Bytes>& shown, const MemberKey& member, WallMs now_ms);
  /// The local member may let somebody in now.
  [[nodiscard]] bool can_admit() const;
  /// How a member came in whose sponsors are all revoked: somebody else has to say so.
  [[nodiscard]] std::optional<EntryBody> lost_sponsor(const MemberKey& member) const;
  /// What the local member shows of itself: who let it in, and who let that one in.
  [[nodiscard]] std::vector<Bytes> entry_chain(WallMs now_ms) const;
  [[nodiscard]] InviteStanding standing_of(const InviteKey& invite, WallMs now_ms) const;
  [[nodiscard]] std::vector<InviteView> invites(WallMs now_ms) const;
  /// Of the local member; at most kInvitesOpenMax are to be made.
  [[nodiscard]] std::size_t open_invites(WallMs now_ms) const;
  /// Nobody has opened this room: nothing is known of it.
  [[nodiscard]] bool can_found(const std::string& room) const;
  /// Which topics of a room count; nothing: all.
  [[nodiscard]] std::optional<TopicLock> topic_lock(const std::string& room) const;
  [[nodiscard]] bool holds_room_key(const std::string& room) const;
  /// What a sealed envelope of a private room says; null without the key, and when it is damaged, which is
  /// counted. For those that came before the key.
  [[nodiscard]] RoomContentPtr open_room_envelope(const Envelope& envelope);
  /// Texts taken in that cannot be put into an envelope yet (the author's own budget); bounded.
  [[nodiscard]] bool can_take_text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace p2pmesh
