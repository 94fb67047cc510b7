// One mesh's durable state in one SQLite file: envelopes, records, accepted intervals, notices, peers,
// outbox. Used by runtime/storage_thread alone; every call may block on the disk.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/result.h"
#include "p2pmesh/base/room_label.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/storage/carry_quota.h"
#include "p2pmesh/storage/refused_rows.h"
#include "p2pmesh/wire/act_body.h"
#include "p2pmesh/wire/entry_body.h"
#include "p2pmesh/wire/envelope.h"
#include "p2pmesh/wire/room_body.h"

namespace p2pmesh {

/// A place in the node's own order of events: the row (envelopes and notices share one numbering, drawn
/// at commit) and the message's index within its envelope. Survives restarts. {0,0} is before everything.
struct Cursor {
  std::uint64_t row = 0;
  std::uint32_t index = 0;
  auto operator<=>(const Cursor&) const = default;
};

/// Accepted sequence numbers of one author and epoch, as closed intervals, ascending, not touching.
struct AcceptedLog {
  MemberKey author;
  std::uint64_t epoch = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> intervals;
  WallMs newest_wall_ms = 0;
  EnvelopeId last_id;            ///< id of the greatest accepted sequence number
  std::uint64_t ids_digest = 0;  ///< exclusive or of id_digest() of what is held; of forks the lowest id's
};

/// Something that happened to a member, as it was announced; kept so that a cursor covers it.
struct Notice {
  std::string kind;  ///< joined, left, offline, back, renamed
  MemberKey member;
  std::string name;      ///< as shown then, suffix included
  std::string old_name;  ///< renamed only
  WallMs at_ms = 0;
};

/// An address under which a node was reached or advertised.
struct StoredPeer {
  NodeKey node;
  std::string host;  ///< a numeric address
  std::uint16_t port = 0;
  WallMs last_success_ms = 0;  ///< 0: never
  std::uint32_t failures = 0;  ///< since the last success
};

struct OutboxEntry {
  EnvelopeId id;
  std::uint64_t epoch = 0;
  std::uint64_t seq = 0;
  std::uint32_t messages = 0;
};

/// A head of a room: an envelope that no deeper held one names as parent. Or only the deepest of its author.
struct StoredHead {
  std::string room;
  EnvelopeId id;
  std::uint64_t depth = 0;
  MemberKey author;
  bool is_head = true;
};

/// Somebody with whom direct messages are exchanged. Only the first three are written; the others follow from
/// the messages.
struct StoredCorrespondent {
  MemberKey member;
  std::uint8_t relation = 0;  ///< as the core numbers it
  bool asks = false;
  std::uint64_t depth = 0;                                    ///< the greatest of the conversation
  std::uint64_t written_epoch = 0;                            ///< of the newest own message
  std::uint64_t written_number = 0;                           ///< the greatest of that epoch
  std::vector<std::pair<std::uint64_t, Intervals>> received;  ///< numbers by epoch, ascending
  /// Own epochs of which something was not said to have come, and the greatest such number; the newest first,
  /// at most kStandingEpochsMax.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> untold = {};
};

/// What a member has said to have received of the local one's direct messages.
struct StoredDelivery {
  MemberKey peer;
  std::uint64_t epoch = 0;
  Intervals numbers;
  std::uint64_t read_to = 0;  ///< 0: not told
};

/// A line of the local member that is no envelope yet.
struct StoredDraft {
  std::uint64_t number = 0;  ///< ascending, never used again
  std::string room;          ///< or, when it is to one member, empty
  std::optional<MemberKey> to;
  std::string text;    ///< empty: a request that says nothing
  WallMs wall_ms = 0;  ///< when it was typed
};

/// What the local member has noted of somebody.
struct StoredPerson {
  MemberKey member;
  bool ignored = false;
  bool blocked = false;
  std::string alias;  ///< empty: none
  std::string host;   ///< where it was entered to be; empty: nowhere
  std::uint16_t port = 0;

  [[nodiscard]] bool is_empty() const { return !ignored && !blocked && alias.empty() && host.empty(); }
};

/// A direct message, opened, beside its sealed envelope.
struct StoredDirect {
  MemberKey peer;  ///< the other member
  bool own = false;
  std::uint64_t number = 0;
  std::uint64_t depth = 0;
  std::vector<std::string> texts;  ///< empty: a request that says nothing, or an invitation
  std::optional<RoomSecret> invite = std::nullopt;
};

/// A member has given the key of a private room.
struct StoredInvitation {
  MemberKey member;
  RoomSecret secret;

  bool operator==(const StoredInvitation&) const = default;
};

/// What the core needs to go on after a restart.
struct StoreSnapshot {
  std::vector<AcceptedLog> logs;
  std::vector<EnvelopePtr> records;  ///< the newest of each (author, kind, subject)
  std::vector<EnvelopePtr> acts;     ///< of forks the lowest id's; the earliest of each author, bounded
  bool has_more_acts = false;        ///< these are not all
  std::vector<EnvelopePtr> entries;  ///< of a closed mesh, likewise; the earliest that came
  std::vector<StoredHead> heads;     ///< of every room, from the 1,024 deepest envelopes of each
  std::vector<StoredPeer> peers;
  std::vector<OutboxEntry> outbox;
  std::vector<StoredCorrespondent> correspondents;
  std::vector<StoredDraft> drafts;   ///< by number
  std::uint64_t last_draft = 0;      ///< the greatest number ever used
  std::vector<StoredPerson> people;  ///< by key
  std::uint64_t last_row = 0;
  bool clean_stop = false;     ///< the last run ended through close_clean()
  std::uint64_t messages = 0;  ///< text messages held
  std::vector<std::pair<std::string, std::string>> settings;
};

/// One envelope or notice of a batch, in the order in which it is to be numbered.
struct StoreItem {
  EnvelopePtr envelope;  ///< log or record; null for a notice
  std::optional<Notice> notice;
  std::uint32_t messages = 0;  ///< text messages inside; counted for status
  bool own = false;            ///< written by a local member: a log envelope goes into the outbox
  std::optional<StoredDirect> direct = std::nullopt;  ///< a log envelope of or to the local member, opened
  /// With `direct`: it is held already, and could not be opened until now. It gets a new row, as if it had
  /// just come; 0 when it is not held or was opened before.
  bool opened_late = false;
  std::vector<std::uint64_t> drafts = {};  ///< of which it was made; they are drafts no more
  RoomContentPtr opened = nullptr;         ///< a sealed one of a private room, when its key is held
  bool carried = false;                    ///< a direct one between others
};

/// Everything that waits is one transaction.
struct StoreBatch {
  std::vector<StoreItem> items;
  std::vector<StoredPeer> peers;
  std::vector<EnvelopeId> taken;                    ///< leave the outbox
  std::vector<StoredCorrespondent> correspondents;  ///< replace what was written of them
  std::vector<StoredDelivery> deliveries;           ///< add to what was
  std::vector<StoredDraft> drafts;
  std::vector<std::uint64_t> dropped_drafts;  ///< taken back
  std::vector<StoredPerson> people;           ///< replace what was noted of them
  std::vector<std::pair<std::string, std::string>> settings;
  WallMs now_ms = 0;       ///< when the items came, by this node's clock
  bool full_sync = false;  ///< synchronous=FULL for this commit, else NORMAL
};

/// A second validly signed id for a held (author, epoch, seq), kept as proof.
struct KeptFork {
  EnvelopePtr envelope;
  EnvelopeId replaced;  ///< the id shown there until now, when this one is the lower; else zero
};

struct StoreBatchResult {
  /// One an item; 0: not written (duplicate, older record, fork, passing class, a number of 2^63 or more). A
  /// record that was taken draws no row: it gets the last row drawn before it, at least 1.
  std::vector<std::uint64_t> rows;
  std::vector<KeptFork> forks;
};

/// What a direct message has beside a room's.
struct ListedDirect {
  MemberKey peer;
  bool own = false;
  std::uint64_t epoch = 0;
  std::uint64_t number = 0;
  bool delivered = false;  ///< was told once
  bool read = false;       ///< likewise
};

/// One message as it is listed or announced.
struct ListedMessage {
  EnvelopeId envelope;
  std::uint32_t index = 0;
  std::uint32_t count = 1;  ///< messages in the envelope
  MemberKey author;
  std::string room;
  std::string text;
  WallMs wall_ms = 0;
  std::uint64_t depth = 0;
  std::uint64_t row = 0;
  bool forked = false;
  std::optional<ListedDirect> direct = std::nullopt;  ///< then there is no room
};

/// A row of the event order: a message or a notice.
struct ListedEvent {
  Cursor cursor;
  std::optional<ListedMessage> message;
  std::optional<Notice> notice;
};

/// What is held of one room.
struct RoomCount {
  std::string room;
  std::uint64_t messages = 0;
  std::uint64_t unread = 0;  ///< by others, after the mark
  std::uint64_t newest_depth = 0;
  WallMs newest_wall_ms = 0;
  std::uint64_t last_row = 0;
  std::uint64_t first_unread_row = 0;  ///< 0: nothing is unread
};

/// A topic that holds in its room; an empty text: it was cleared.
struct StoredTopic {
  std::string room;
  std::string text;
  MemberKey author;
  WallMs wall_ms = 0;
  std::uint64_t depth = 0;
  EnvelopeId id;
};

/// Envelopes of a private room that are not opened; `held` is the store's own number for one.
struct SealedEnvelopes {
  std::vector<std::pair<std::int64_t, EnvelopePtr>> envelopes;
  bool complete = false;  ///< these are all
};
/// What is inside one of them; null: nothing that may be shown.
using OpenedEnvelopes = std::vector<std::pair<std::int64_t, RoomContentPtr>>;
/// An envelope whose messages are listed now.
struct OpenedRow {
  std::uint64_t row = 0;  ///< 0: of a fork, told when the other version was
  std::uint32_t messages = 0;
  MemberKey author;
  std::uint64_t depth = 0;
  WallMs wall_ms = 0;
};

/// Numbers that were all accepted; some were carried and dropped.
struct StoredGone {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t ids_digest = 0;  ///< exclusive or of id_digest() of those
};
/// What is held of a range of numbers.
struct HeldRange {
  std::vector<EnvelopePtr> envelopes;
  std::vector<StoredGone> gone;  ///< as far as the envelopes go, if that is not to the end
  bool complete = true;          ///< false: a bound was reached
};

/// A place in the transcript: (depth, wall time, id, index).
struct TranscriptPosition {
  std::uint64_t depth = 0;
  WallMs wall_ms = 0;
  EnvelopeId id;
  std::uint32_t index = 0;
  auto operator<=>(const TranscriptPosition&) const = default;
};

/// What to look for in all that is held.
struct SearchQuery {
  std::string words;                ///< foreign text; all its words must be there
  std::optional<std::string> room;  ///< checked; nothing: every room
  std::optional<MemberKey> with;    ///< direct messages exchanged with it alone; no room then
  std::optional<MemberKey> author;
  std::optional<WallMs> since_ms;  ///< by the author's clock: from then on
  std::optional<WallMs> until_ms;  ///< and before then
  std::optional<Cursor> before;    ///< in the node's own order; exclusive
  std::size_t limit = 100;
};

struct SearchPage {
  std::vector<ListedMessage> messages;  ///< newest first, by the node's own order
  std::optional<Cursor> next;           ///< `before` of the next page; nothing when all was searched
};

/// Threads: one at a time. Errors: kIo (disk full, I/O), kDamagedInput (corrupt), kConfig (newer
/// version), kCannotCreate, kTryAgain; the message names the file. After a failed write nothing of the batch
/// is kept.
class MeshStore {
 public:
  /// Opens or creates the file (0600). A damaged file is the caller's to set aside: see set_aside().
  static Result<std::unique_ptr<MeshStore>> open(const std::string& path, const MeshId& mesh);

  /// Renames a damaged database and its side files to `<path>.damaged-<n>` and returns the new name.
  static Result<std::string> set_aside(const std::string& path);

  ~MeshStore();
  MeshStore(const MeshStore&) = delete;
  MeshStore& operator=(const MeshStore&) = delete;

  /// Reads the state and marks the store unclean until close_clean().
  Result<StoreSnapshot> load();

  Result<StoreBatchResult> write(const StoreBatch& batch);

  /// Waits until everything committed so far is on the disk.
  Result<void> sync();

  /// Marks a clean stop and syncs. The store is used no more.
  Result<void> close_clean();

  /// Held envelopes of a range, ascending, until a bound is reached (at least one if any is held). Forks are
  /// held too and follow the one first accepted, so that who asks later ends with the same lowest id.
  Result<HeldRange> read_range(const MemberKey& author, std::uint64_t epoch, std::uint64_t first,
                               std::uint64_t last, std::size_t bytes_max, std::size_t count_max);
  /// What is carried for others.
  Result<CarriedSum> carried();
  /// Drops what is over the quota, at most `rows_max` rows a call.
  struct DroppedCarried {
    std::uint64_t dropped = 0;
    bool complete = false;  ///< all is within the quota
  };
  Result<DroppedCarried> drop_carried(const CarryQuota& quota, WallMs now_ms, std::size_t rows_max);

  /// Hides what of an author's is held and refused, and shows again what is not refused any more: it is not
  /// listed, counted, found or read_range(). Direct messages that were opened stay. Reads all of the author's
  /// that may be refused, some 20 us each.
  Result<HiddenOf> hide_refused(const MemberKey& author, const Restrictions& restrictions, WallMs now_ms);

  /// The earliest acts of an author, at most kActsPerAuthorMax; of forks the lowest id's.
  Result<std::vector<EnvelopePtr>> acts_of(const MemberKey& author);

  /// The newest record; null when there is none.
  Result<EnvelopePtr> read_record(const MemberKey& author, std::uint16_t kind, ByteView subject);

  /// Messages of a room in transcript order, exclusive of the bounds; of a fork the lowest id alone.
  /// With `newest`, the last `limit` of them,
  /// else the first; always returned ascending.
  Result<std::vector<ListedMessage>> list_messages(const std::string& room,
                                                   const std::optional<TranscriptPosition>& after,
                                                   const std::optional<TranscriptPosition>& before,
                                                   std::size_t limit, bool newest);

  /// As list_messages(), of the direct messages exchanged with one member, or of those alone that were
  /// written to it.
  Result<std::vector<ListedMessage>> list_directs(const MemberKey& peer,
                                                  const std::optional<TranscriptPosition>& after,
                                                  const std::optional<TranscriptPosition>& before,
                                                  std::size_t limit, bool newest, bool own_only = false);

  /// Messages that others wrote to the local member and that stand behind the marks: by whom, and in which
  /// row, ascending for each; at most kUnreadDirectsMax of one.
  Result<std::vector<std::pair<MemberKey, std::uint64_t>>> unread_directs(
      const std::map<MemberKey, std::uint64_t>& marks);
  /// Of each epoch of this member the number up to which all that it wrote stands at or before a row: what
  /// comes later by repair was not read then.
  Result<std::vector<std::pair<std::uint64_t, std::uint64_t>>> direct_numbers(const MemberKey& peer,
                                                                              std::uint64_t row);

  /// What `self` wrote and waits in the outbox, oldest first, at most `limit` messages.
  Result<std::vector<ListedMessage>> list_outbox(const MemberKey& self, std::size_t limit);

  /// The direct envelopes from `first_row` on that were not opened, oldest first, at most `limit`, but not
  /// those of `self`. Looks at no more than kUnopenedSearchedMax rows a call.
  struct UnopenedPage {
    std::vector<EnvelopePtr> envelopes;
    std::uint64_t next_row = 0;  ///< where to go on; 0: the end was reached
  };
  Result<UnopenedPage> list_unopened(const MemberKey& self, std::uint64_t first_row, std::size_t limit);

  /// Where a message stands, in its room or conversation; nothing when it is not held.
  Result<std::optional<TranscriptPosition>> position_of(const EnvelopeId& id, std::uint32_t index);

  /// Events after a cursor in row order, at most `limit`. The row of a forked envelope shows the lowest id.
  Result<std::vector<ListedEvent>> events_after(const Cursor& after, std::size_t limit);

  /// Every room with at least one message held, sorted. Reads the whole transcript, 0.4 s a million: for the
  /// start alone. `marks`: up to where each room was read, none being {0,0}; what
  /// `never_unread` wrote is not unread.
  Result<std::vector<RoomCount>> count_rooms(const std::vector<MemberKey>& never_unread,
                                             const std::map<std::string, Cursor>& marks);

  /// The last topic of a room, in the order of its transcript; nothing when none was ever set. With `lock`:
  /// of those that count.
  Result<std::optional<StoredTopic>> topic_of(const std::string& room,
                                              const std::optional<StoredTopicLock>& lock = std::nullopt);
  /// The same of each room, at most kRoomsListedMax.
  Result<std::vector<StoredTopic>> topics();

  /// The first envelopes of a private room that are not opened, at least one if there is any.
  Result<SealedEnvelopes> sealed_of(const std::string& room, std::size_t count_max, std::size_t bytes_max);
  /// Keeps what is inside them, so that it is listed, found and counted like the messages of any room.
  Result<std::vector<OpenedRow>> open_sealed(const OpenedEnvelopes& opened);
  /// The rooms with some that are not opened, at most kRoomsListedMax.
  Result<std::vector<std::string>> sealed_rooms();

  /// Invitations that have come, the newest first, whoever has sent them; at most kInvitationsMax.
  Result<std::vector<StoredInvitation>> invitations();

  /// Messages that contain all words of the query, as text/search_words.h compares them; none when it has no
  /// word. Of a fork what is shown is what must contain them. A page has at most `limit` messages and about
  /// kSearchPageBytesMax of text, and stops when kSearchedAtOnceMax candidates were read, which may be before
  /// it has any. Brings the index of words up to the last row; who cannot wait for that calls index_words()
  /// before.
  Result<SearchPage> search(const SearchQuery& query);

  /// Brings the index of words up to the last row, at most `rows_max` rows and about kSearchStepBytesMax of
  /// envelopes a call. True when nothing is left.
  Result<bool> index_words(std::size_t rows_max);

  /// Brings the other derived indexes up to the last row, at most `rows_max` rows a call. True when nothing
  /// is left.
  Result<bool> index_some(std::size_t rows_max);

 private:
  struct Impl;
  explicit MeshStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace p2pmesh
