#include "hidden_table.h"

namespace p2pmesh {

HiddenTable::HiddenTable(Database& database)
    : select_(database, "SELECT row FROM hidden"),
      insert_(database, "INSERT OR IGNORE INTO hidden VALUES(?, ?)"),
      delete_(database, "DELETE FROM hidden WHERE row = ?"),
      insert_act_(database, "INSERT OR IGNORE INTO acts VALUES(?)"),
      select_acts_(database,
                   "SELECT a.row, e.author_no FROM acts a JOIN envelopes e ON e.row = a.row"
                   " ORDER BY e.author_no, e.epoch, e.seq"),
      insert_entry_(database, "INSERT OR IGNORE INTO entries VALUES(?)"),
      select_entries_(database,
                      "SELECT a.row, e.author_no FROM entries a JOIN envelopes e ON e.row = a.row"
                      " ORDER BY e.author_no, e.epoch, e.seq") {}

Result<void> HiddenTable::remember() {
  if (remembered_) return {};
  rows_.clear();
  Query query(select_);
  for (;;) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) break;
    rows_.insert(query.number_at(0));
  }
  remembered_ = true;
  return {};
}

void HiddenTable::forget() {
  remembered_ = false;
}

Result<bool> HiddenTable::contains(std::int64_t row) {
  if (auto read = remember(); !read) return forward(read);
  return rows_.contains(row);
}

Result<void> HiddenTable::insert(std::int64_t row, std::int64_t author_no) {
  if (auto read = remember(); !read) return read;
  rows_.insert(row);
  return Query(insert_).number(row).number(author_no).run();
}

Result<void> HiddenTable::remove(std::int64_t row) {
  if (auto read = remember(); !read) return read;
  rows_.erase(row);
  return Query(delete_).number(row).run();
}

Result<void> HiddenTable::insert_act(std::int64_t row) {
  return Query(insert_act_).number(row).run();
}

Result<void> HiddenTable::insert_entry(std::int64_t row) {
  return Query(insert_entry_).number(row).run();
}

Result<std::vector<std::int64_t>> HiddenTable::acts(std::size_t each_max, std::size_t all_max) {
  return list(select_acts_, each_max, all_max);
}

Result<std::vector<std::int64_t>> HiddenTable::entries(std::size_t each_max, std::size_t all_max) {
  return list(select_entries_, each_max, all_max);
}

Result<std::vector<std::int64_t>> HiddenTable::list(Statement& select, std::size_t each_max,
                                                    std::size_t all_max) {
  std::vector<std::int64_t> rows;
  std::int64_t author_no = 0;
  std::size_t count = 0;
  Query query(select);
  while (rows.size() < all_max) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) break;
    if (query.number_at(1) != author_no) count = 0;
    author_no = query.number_at(1);
    if (++count <= each_max) rows.push_back(query.number_at(0));
  }
  return rows;
}

}  // namespace p2pmesh
