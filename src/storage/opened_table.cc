#include "opened_table.h"

#include "p2pmesh/wire/text_body.h"

namespace p2pmesh {

OpenedTable::OpenedTable(Database& database)
    : database_(database),
      insert_(database, "INSERT OR REPLACE INTO opened VALUES(?, ?, ?)"),
      insert_sealed_(database, "INSERT OR IGNORE INTO sealed VALUES(?, ?)"),
      delete_(database, "DELETE FROM opened WHERE held = ?"),
      delete_sealed_(database, "DELETE FROM sealed WHERE room_no = ? AND held = ?"),
      select_(database, "SELECT is_topic, body FROM opened WHERE held = ?"),
      select_sealed_(database, "SELECT held FROM sealed WHERE room_no = ? ORDER BY held LIMIT ?"),
      // From one room to the next: what lies between is not read.
      select_room_(database, "SELECT min(room_no) FROM sealed WHERE room_no > ?"),
      select_name_(database, "SELECT name FROM rooms WHERE no = ?") {}

Result<void> OpenedTable::insert(std::int64_t held, const RoomContent& content) {
  Query query(insert_);
  query.number(held).number(std::int64_t{content.topic ? 1 : 0});
  const Bytes texts = content.topic ? Bytes() : encode_text_body(content.texts);
  return query.blob(content.topic ? as_bytes(*content.topic) : ByteView(texts)).run();
}

Result<void> OpenedTable::insert_sealed(std::int64_t room_no, std::int64_t held) {
  return Query(insert_sealed_).number(room_no).number(held).run();
}

Result<void> OpenedTable::remove_sealed(std::int64_t room_no, std::int64_t held) {
  return Query(delete_sealed_).number(room_no).number(held).run();
}

Result<void> OpenedTable::remove(std::int64_t room_no, std::int64_t held) {
  if (auto done = Query(delete_).number(held).run(); !done) return done;
  return remove_sealed(room_no, held);
}

Result<std::optional<RoomContent>> OpenedTable::find(std::int64_t held) {
  Query query(select_);
  const auto row = query.number(held).next();
  if (!row) return forward(row);
  if (!*row) return std::nullopt;
  RoomContent content;
  if (query.number_at(0) != 0) {
    content.topic = query.text_at(1);
    return content;
  }
  auto texts = decode_text_body(query.blob_at(1));
  if (!texts) return tl::unexpected(database_.damaged("an opened text in it does not decode"));
  content.texts = *std::move(texts);
  return content;
}

Result<std::vector<std::int64_t>> OpenedTable::sealed_of(std::int64_t room_no, std::size_t count_max) {
  std::vector<std::int64_t> held;
  Query query(select_sealed_);
  query.number(room_no).number(std::uint64_t{count_max});
  for (;;) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) return held;
    held.push_back(query.number_at(0));
  }
}

Result<std::vector<std::string>> OpenedTable::sealed_rooms(std::size_t rooms_max) {
  std::vector<std::string> rooms;
  std::int64_t room_no = 0;
  while (rooms.size() < rooms_max) {
    {
      Query query(select_room_);
      const auto row = query.number(room_no).next();
      if (!row) return forward(row);
      room_no = query.number_at(0);  // NULL behind the last one reads as 0
    }
    if (room_no == 0) break;
    Query name(select_name_);
    const auto found = name.number(room_no).next();
    if (!found) return forward(found);
    if (*found) rooms.emplace_back(name.text_at(0));
  }
  return rooms;
}

}  // namespace p2pmesh
