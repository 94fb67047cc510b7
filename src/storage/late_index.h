// What serves reading, derived from the envelopes late and in batches, since a random key in the write path
// would cap it: rows by author and sequence, by place in the transcript, by id.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "position.h"
#include "statement.h"

namespace p2pmesh {

/// One row of envelopes, as the indexes see it.
struct IndexEntry {
  std::int64_t row = 0;
  LogPosition log;
  TranscriptKey place;
  std::uint32_t messages = 0;  ///< to show; 0 for other kinds
};

/// The indexes in the database, and in memory the rows that they do not hold yet.
class LateIndex {
 public:
  explicit LateIndex(Database& database);

  /// A row just written, in row order.
  void append(const IndexEntry& entry);
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

  /// Moves the oldest waiting rows, at most `rows_max`, into the database. Inside a transaction; after a
  /// rollback forget() and append again from indexed_row().
  /// Everything up to this row is in the indexes.
  Result<void> set_indexed_row(std::int64_t row);
  Result<void> insert_some(std::size_t rows_max);

  /// The last row that the database's indexes hold.
  Result<std::int64_t> indexed_row();
  void forget();

  /// The id held at a position, waiting or not.
  Result<std::optional<EnvelopeId>> id_at(const LogPosition& position);

  /// Takes out one that they hold; only when nothing waits.
  Result<void> remove(const IndexEntry& entry);

  /// How many messages of what stands there are to show; nothing changes when another one stands there. Only
  /// when nothing waits.
  Result<void> set_messages(const TranscriptKey& place, std::uint32_t messages);

  /// Changes who stands in the transcript; only when nothing waits.
  Result<void> replace_in_transcript(const TranscriptKey& old_place, const IndexEntry& entry);

 private:
  Result<void> remove_from_transcript(const TranscriptKey& place);

  Database& database_;
  std::deque<IndexEntry> waiting_;
  std::unordered_map<LogPosition, EnvelopeId, LogPositionHash> waiting_ids_;
  Statement insert_log_;
  Statement insert_transcript_;
  Statement insert_id_;
  Statement delete_log_;
  Statement delete_transcript_;
  Statement delete_id_;
  Statement update_messages_;
  Statement select_indexed_row_;
  Statement update_indexed_row_;
  Statement select_id_;
};

/// The first 8 bytes of an id, as id_index keeps them.
std::int64_t id_prefix(const EnvelopeId& id);

}  // namespace p2pmesh
