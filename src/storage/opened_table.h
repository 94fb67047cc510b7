// What was said in private rooms, opened: the envelopes lie sealed with all others, the texts here alone. And
// which of them are not opened, so that a key that comes later finds them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "p2pmesh/storage/mesh_store.h"
#include "statement.h"

namespace p2pmesh {

/// `held` is a row of envelopes, or a fork's number negated.
class OpenedTable {
 public:
  explicit OpenedTable(Database& database);

  // Inside a transaction.
  Result<void> insert(std::int64_t held, const RoomContent& content);
  Result<void> insert_sealed(std::int64_t room_no, std::int64_t held);
  Result<void> remove_sealed(std::int64_t room_no, std::int64_t held);
  /// Forgets all of it: its number may be another one's later.
  Result<void> remove(std::int64_t room_no, std::int64_t held);

  /// Nothing while it is not opened. Of a topic: no texts.
  Result<std::optional<RoomContent>> find(std::int64_t held);
  /// The first that are not opened.
  Result<std::vector<std::int64_t>> sealed_of(std::int64_t room_no, std::size_t count_max);
  /// The names of the rooms with some.
  Result<std::vector<std::string>> sealed_rooms(std::size_t rooms_max);

 private:
  Database& database_;
  Statement insert_;
  Statement insert_sealed_;
  Statement delete_;
  Statement delete_sealed_;
  Statement select_;
  Statement select_sealed_;
  Statement select_room_;
  Statement select_name_;
};

}  // namespace p2pmesh
