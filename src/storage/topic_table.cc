#include "topic_table.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace p2pmesh {
namespace {

bool counts(const StoredTopic& topic, const StoredTopicLock& lock) {
  if (topic.id == lock.topic) return true;
  if (std::tie(topic.depth, topic.wall_ms, topic.id) <= std::tie(lock.depth, lock.wall_ms, lock.id))
    return false;
  return !lock.allowed ||
         std::find(lock.allowed->begin(), lock.allowed->end(), topic.author) != lock.allowed->end();
}

}  // namespace

TopicTable::TopicTable(Database& database, NumberTable& rooms)
    : database_(database),
      rooms_(rooms),
      insert_(database, "INSERT OR REPLACE INTO topics VALUES(?, ?, ?, ?, ?, ?)"),
      delete_(database, "DELETE FROM topics WHERE room_no = ? AND depth = ? AND wall_ms = ? AND id = ?"),
      select_last_(database,
                   "SELECT r.name, t.depth, t.wall_ms, t.id, a.key, t.text FROM topics t"
                   " JOIN rooms r ON r.no = t.room_no JOIN authors a ON a.no = t.author_no"
                   " WHERE t.room_no = ? ORDER BY t.depth DESC, t.wall_ms DESC, t.id DESC"),
      // From one room to the next: what lies between is not read.
      select_rooms_(database, "SELECT min(room_no) FROM topics WHERE room_no > ?") {}

Result<void> TopicTable::insert(const TranscriptKey& place, std::int64_t author_no, std::string_view text) {
  Query query(insert_);
  query.number(place.room_no).number(place.depth).number(place.wall_ms).blob(place.id.view());
  return query.number(author_no).blob(text).run();
}

Result<void> TopicTable::remove(const TranscriptKey& place) {
  Query query(delete_);
  return query.number(place.room_no).number(place.depth).number(place.wall_ms).blob(place.id.view()).run();
}

Result<std::optional<StoredTopic>> TopicTable::read(std::int64_t room_no,
                                                    const std::optional<StoredTopicLock>& lock) {
  Query query(select_last_);
  query.number(room_no);
  for (;;) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) return std::nullopt;
    const auto id = EnvelopeId::from_view(query.blob_at(3));
    const auto author = MemberKey::from_view(query.blob_at(4));
    if (!id || !author) return tl::unexpected(database_.damaged("a topic in it does not decode"));
    StoredTopic topic{std::string(query.text_at(0)), std::string(query.text_at(5)), *author,
                      query.unsigned_at(2),          query.unsigned_at(1),          *id};
    if (!lock || counts(topic, *lock)) return topic;
  }
}

Result<std::optional<StoredTopic>> TopicTable::of_room(const std::string& room,
                                                       const std::optional<StoredTopicLock>& lock) {
  const auto room_no = rooms_.find(as_bytes(room));
  if (!room_no) return forward(room_no);
  if (!*room_no) return std::nullopt;
  return read(**room_no, lock);
}

Result<std::vector<StoredTopic>> TopicTable::list(std::size_t rooms_max) {
  std::vector<StoredTopic> topics;
  std::int64_t room_no = 0;
  while (topics.size() < rooms_max) {
    {
      Query query(select_rooms_);
      const auto row = query.number(room_no).next();
      if (!row) return forward(row);
      room_no = query.number_at(0);  // NULL behind the last one reads as 0
    }
    if (room_no == 0) break;
    auto topic = read(room_no, std::nullopt);
    if (!topic) return forward(topic);
    if (*topic) topics.push_back(*std::move(*topic));
  }
  return topics;
}

}  // namespace p2pmesh
