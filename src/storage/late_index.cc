#include "late_index.h"

#include <algorithm>

#include "p2pmesh/base/check.h"

namespace p2pmesh {

std::int64_t id_prefix(const EnvelopeId& id) {
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < sizeof prefix; ++i) prefix = prefix << 8 | id.bytes[i];
  return static_cast<std::int64_t>(prefix);
}

LateIndex::LateIndex(Database& database)
    : database_(database),
      insert_log_(database, "INSERT INTO log_index VALUES(?, ?, ?, ?)"),
      insert_transcript_(database, "INSERT INTO transcript VALUES(?, ?, ?, ?, ?, ?)"),
      insert_id_(database, "INSERT INTO id_index VALUES(?, ?)"),
      delete_log_(database, "DELETE FROM log_index WHERE author_no = ? AND epoch = ? AND seq = ?"),
      delete_transcript_(database,
                         "DELETE FROM transcript WHERE room_no = ? AND depth = ? AND wall_ms = ? AND id = ?"),
      delete_id_(database, "DELETE FROM id_index WHERE prefix = ? AND row = ?"),
      update_messages_(database,
                       "UPDATE transcript SET messages = ? WHERE room_no = ? AND depth = ? AND wall_ms = ?"
                       " AND id = ?"),
      select_indexed_row_(database, "SELECT value FROM state WHERE key = 'indexed_row'"),
      update_indexed_row_(database, "UPDATE state SET value = ? WHERE key = 'indexed_row'"),
      select_id_(database,
                 "SELECT e.id FROM log_index l JOIN envelopes e ON e.row = l.row"
                 " WHERE l.author_no = ? AND l.epoch = ? AND l.seq = ?") {}

void LateIndex::append(const IndexEntry& entry) {
  waiting_.push_back(entry);
  waiting_ids_.emplace(entry.log, entry.place.id);
}

void LateIndex::forget() {
  waiting_.clear();
  waiting_ids_.clear();
}

Result<std::int64_t> LateIndex::indexed_row() {
  Query query(select_indexed_row_);
  const auto row = query.next();
  if (!row) return forward(row);
  if (!*row) return tl::unexpected(database_.damaged("it does not say what is indexed"));
  return query.number_at(0);
}

Result<void> LateIndex::set_indexed_row(std::int64_t row) {
  return Query(update_indexed_row_).number(row).run();
}

Result<void> LateIndex::insert_some(std::size_t rows_max) {
  const std::size_t count = std::min(rows_max, waiting_.size());
  if (count == 0) return {};
  std::vector<const IndexEntry*> batch(count);
  for (std::size_t i = 0; i < count; ++i) batch[i] = &waiting_[i];
  const std::int64_t last_row = batch.back()->row;

  // In the order of each index, so that neighbors share a page while it is at hand.
  std::sort(batch.begin(), batch.end(), [](const auto* a, const auto* b) { return a->log < b->log; });
  for (const IndexEntry* entry : batch) {
    Query query(insert_log_);
    query.number(entry->log.author_no).number(entry->log.epoch).number(entry->log.seq).number(entry->row);
    if (auto done = query.run(); !done) return done;
  }
  std::sort(batch.begin(), batch.end(), [](const auto* a, const auto* b) { return a->place < b->place; });
  for (const IndexEntry* entry : batch) {
    const TranscriptKey& place = entry->place;
    Query query(insert_transcript_);
    query.number(place.room_no).number(place.depth).number(place.wall_ms).blob(place.id.view());
    query.number(entry->row).number(std::uint64_t{entry->messages});
    if (auto done = query.run(); !done) return done;
  }
  std::sort(batch.begin(), batch.end(),
            [](const auto* a, const auto* b) { return id_prefix(a->place.id) < id_prefix(b->place.id); });
  for (const IndexEntry* entry : batch) {
    Query query(insert_id_);
    if (auto done = query.number(id_prefix(entry->place.id)).number(entry->row).run(); !done) return done;
  }
  if (auto done = set_indexed_row(last_row); !done) return done;

  for (const IndexEntry* entry : batch) waiting_ids_.erase(entry->log);
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
  return {};
}

Result<std::optional<EnvelopeId>> LateIndex::id_at(const LogPosition& position) {
  if (const auto found = waiting_ids_.find(position); found != waiting_ids_.end()) return found->second;
  Query query(select_id_);
  const auto row = query.number(position.author_no).number(position.epoch).number(position.seq).next();
  if (!row) return forward(row);
  if (!*row) return std::nullopt;
  const auto id = query.id_at<EnvelopeId>(0, "an id");
  if (!id) return forward(id);
  return *id;
}

Result<void> LateIndex::remove(const IndexEntry& entry) {
  P2P_CHECK(waiting_.empty());
  {
    Query query(delete_log_);
    query.number(entry.log.author_no).number(entry.log.epoch).number(entry.log.seq);
    if (auto done = query.run(); !done) return done;
  }
  if (auto done = remove_from_transcript(entry.place); !done) return done;
  return Query(delete_id_).number(id_prefix(entry.place.id)).number(entry.row).run();
}

Result<void> LateIndex::remove_from_transcript(const TranscriptKey& place) {
  Query query(delete_transcript_);
  query.number(place.room_no).number(place.depth).number(place.wall_ms).blob(place.id.view());
  return query.run();
}

Result<void> LateIndex::set_messages(const TranscriptKey& place, std::uint32_t messages) {
  P2P_CHECK(waiting_.empty());
  Query query(update_messages_);
  query.number(std::uint64_t{messages}).number(place.room_no).number(place.depth).number(place.wall_ms);
  return query.blob(place.id.view()).run();
}

Result<void> LateIndex::replace_in_transcript(const TranscriptKey& old_place, const IndexEntry& entry) {
  P2P_CHECK(waiting_.empty());
  if (auto done = remove_from_transcript(old_place); !done) return done;
  const TranscriptKey& place = entry.place;
  Query query(insert_transcript_);
  query.number(place.room_no).number(place.depth).number(place.wall_ms).blob(place.id.view());
  return query.number(entry.row).number(std::uint64_t{entry.messages}).run();
}

}  // namespace p2pmesh
