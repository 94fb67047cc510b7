// The topics of rooms: the last one in the order of the transcript holds, whatever came when.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "number_table.h"
#include "p2pmesh/storage/mesh_store.h"
#include "position.h"
#include "statement.h"

namespace p2pmesh {

class TopicTable {
 public:
  TopicTable(Database& database, NumberTable& rooms);

  // Inside a transaction.
  Result<void> insert(const TranscriptKey& place, std::int64_t author_no, std::string_view text);
  /// Fine when there is none at this place.
  Result<void> remove(const TranscriptKey& place);

  /// The one that holds; nothing when none was ever set. An empty text: it was cleared.
  Result<std::optional<StoredTopic>> of_room(const std::string& room,
                                             const std::optional<StoredTopicLock>& lock);
  /// Of each room that ever had one, at most `rooms_max` of them.
  Result<std::vector<StoredTopic>> list(std::size_t rooms_max);

 private:
  Result<std::optional<StoredTopic>> read(std::int64_t room_no, const std::optional<StoredTopicLock>& lock);

  Database& database_;
  NumberTable& rooms_;
  Statement insert_;
  Statement delete_;
  Statement select_last_;
  Statement select_rooms_;
};

}  // namespace p2pmesh
