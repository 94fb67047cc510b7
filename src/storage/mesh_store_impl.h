// What a MeshStore is made of. The public methods are in mesh_store*.cc, one file a group.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "carried_table.h"
#include "direct_table.h"
#include "draft_table.h"
#include "fork_table.h"
#include "hidden_table.h"
#include "invitation_table.h"
#include "late_index.h"
#include "log_table.h"
#include "number_table.h"
#include "opened_table.h"
#include "p2pmesh/base/check.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/room_label.h"
#include "p2pmesh/storage/mesh_store.h"
#include "people_table.h"
#include "search_index.h"
#include "statement.h"
#include "topic_table.h"

namespace p2pmesh {

struct MeshStore::Impl {
  explicit Impl(std::unique_ptr<Database> file);

  /// Runs `work` in a transaction. On a failure nothing of it is kept, in memory neither.
  template <class Work>
  Result<void> in_transaction(bool full_sync, Work work) {
    if (auto set = database->set_full_sync(full_sync); !set) return set;
    auto result = database->begin();
    if (!result) return result;
    result = work();
    if (result) result = database->commit();
    if (!result) {
      database->rollback();
      forget();
    }
    return result;
  }

  /// Reads into memory what writing needs, unless it is there.
  Result<void> remember();
  /// Drops it: a rolled-back transaction may have changed it.
  void forget();

  /// Brings the derived indexes up to the last row, as every read from them needs.
  Result<void> index_all();
  Result<void> index_at_most(std::size_t rows_max);
  Result<void> sync();
  /// Adds the words of an envelope that is shown in a row to the index. Inside a transaction that ends
  /// with search.finish().
  Result<void> add_words(std::int64_t row, const std::vector<ListedMessage>& messages);

  // Writing; inside a transaction.
  Result<void> write_items(const StoreBatch& batch, StoreBatchResult& result);
  Result<std::uint64_t> write_item(const StoreItem& item, WallMs now_ms, StoreBatchResult& result);
  Result<std::uint64_t> write_log(const StoreItem& item, WallMs now_ms, StoreBatchResult& result);
  Result<void> write_direct(std::int64_t row, const StoreItem& item);
  Result<std::uint64_t> write_opened_late(const StoreItem& item);
  /// A second one for a place whose first was carried and dropped.
  Result<void> write_after_gone(const LogPosition& position, const EnvelopePtr& envelope,
                                StoreBatchResult& result);
  Result<void> write_second(const LogPosition& position, const StoreItem& item, StoreBatchResult& result);
  /// What of a private room's envelope is known: opened, or that it is not.
  Result<void> write_room_content(std::int64_t held, std::int64_t room_no, const StoreItem& item);
  Result<OpenedRow> write_opened(std::int64_t held, const RoomContentPtr& content);
  Result<bool> is_shown(std::int64_t held, const LogPosition& position, const EnvelopeId& id);
  Result<std::uint64_t> write_record(const SealedEnvelope& envelope);
  Result<std::uint64_t> write_notice(const Notice& notice);
  Result<void> write_rest(const StoreBatch& batch);
  /// False when it has to stay.
  Result<bool> drop(std::int64_t row);
  Result<std::vector<StoredGone>> read_gone(std::int64_t author_no, std::uint64_t epoch, std::uint64_t first,
                                            std::uint64_t last);

  /// Hides or shows one position of an author's log. True when that changed something.
  Result<bool> set_hidden(const LogPosition& position, std::int64_t row, const EnvelopePtr& shown,
                          std::int64_t held, bool is_refused);
  /// The envelope that counts at a row's position, and the number under which it is held.
  Result<std::pair<EnvelopePtr, std::int64_t>> shown_at(const LogPosition& position, std::int64_t row);
  Result<std::vector<EnvelopePtr>> read_acts(bool& has_more);
  Result<std::vector<EnvelopePtr>> read_entries();
  Result<std::vector<EnvelopePtr>> read_shown(const std::vector<std::int64_t>& rows,
                                              bool (*is_wanted)(const Envelope&));

  // Reading.
  Result<IndexEntry> make_entry(std::int64_t held, const LogPosition& position,
                                const SealedEnvelope& envelope, std::uint32_t messages);
  Result<EnvelopePtr> read_row(std::int64_t row);
  /// The row of the envelope first accepted at a position; 0 when none is held.
  Result<std::int64_t> row_of(const LogPosition& position);
  Result<std::vector<ListedMessage>> list_held(std::int64_t held);
  /// The messages of an envelope that is held under this number and shown in this row.
  Result<std::vector<ListedMessage>> list_messages_of(const SealedEnvelope& sealed, std::int64_t held,
                                                      std::uint64_t row, bool forked);
  Result<std::vector<ListedMessage>> list_row(std::int64_t row, ByteView id, ByteView encoded);
  Result<LogPosition> position_in_log(const Envelope& envelope);
  Result<std::vector<StoredHead>> read_heads();
  Result<std::vector<std::int64_t>> rows_of(const MemberKey& author);
  Result<void> count_room(std::int64_t room_no, const std::vector<std::int64_t>& read_rows,
                          const Cursor& mark, RoomCount& count);
  Result<void> append_heads(std::int64_t room_no, const std::string& room, std::vector<StoredHead>& heads);

  std::unique_ptr<Database> database;
  NumberTable authors;
  NumberTable room_numbers;
  LateIndex index;
  SearchIndex search;
  ForkTable forks;
  LogTable logs;
  DirectTable directs;
  DraftTable drafts;
  PeopleTable people;
  TopicTable topics;
  OpenedTable opened;
  InvitationTable invitations;
  CarriedTable carried;
  HiddenTable hidden;

  bool remembered = false;
  bool unsynced = false;  // something was committed without waiting for the disk
  std::int64_t last_row = 0;
  std::uint64_t messages = 0;

  Statement insert_envelope;
  Statement delete_envelope;
  Statement insert_notice;
  Statement insert_outbox;
  Statement delete_outbox;
  Statement select_record;
  Statement save_record;
  Statement save_peer;
  Statement trim_peers;
  Statement save_setting;
  Statement save_messages;
  Statement save_last_row;
  Statement select_row;
  Statement select_row_of;
  Statement select_range;
  Statement select_ascending;
  Statement select_descending;
  Statement select_by_id;
  Statement select_rows;
  Statement select_notices;
  Statement select_rooms;
  Statement select_transcript;
  Statement select_own_rows;
  Statement select_log_rows;
  Statement select_outbox_rows;
  Statement move_envelope;
  Statement move_in_log;
  Statement move_in_transcript;
  Statement move_id;
};

inline bool is_direct(const Envelope& envelope) {
  return envelope.envelope_class == EnvelopeClass::kLog &&
         envelope.kind == static_cast<std::uint16_t>(Kind::kDirect);
}
/// `texts` as the messages of an envelope.
std::vector<ListedMessage> list_texts(const SealedEnvelope& sealed, std::vector<std::string> texts,
                                      std::uint64_t row, bool forked);
/// What an envelope sets as a topic, open or opened; nothing for any other, or one that may not.
std::optional<std::string> topic_in(const Envelope& envelope, const RoomContentPtr& opened);

/// Open texts; in a private room there are none, since anybody could have written them.
inline bool is_text(const Envelope& envelope) {
  return envelope.envelope_class == EnvelopeClass::kLog &&
         envelope.kind == static_cast<std::uint16_t>(Kind::kText) && !is_private_room(envelope.room);
}

}  // namespace p2pmesh
