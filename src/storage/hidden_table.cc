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
      select_acts_of_(database,
                      "SELECT a.row FROM acts a JOIN envelopes e ON e.row = a.row WHERE e.author_no = ?"
                      " ORDER BY e.epoch, e.seq LIMIT ?"),
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

Result<std::vector<std::int64_t>> HiddenTable::acts(std::size_t each_max, std::size_t all_max,
                                                    bool& has_more) {
  return list(select_acts_, each_max, all_max, has_more);
}

Result<std::vector<std::int64_t>> HiddenTable::entries(std::size_t each_max, std::size_t all_max,
                                                       bool& has_more) {
  return list(select_entries_, each_max, all_max, has_more);
}

Result<std::vector<std::int64_t>> HiddenTable::acts_of(std::int64_t author_no, std::size_t most) {
  std::vector<std::int64_t> rows;
  Query query(select_acts_of_);
  query.number(author_no).number(static_cast<std::int64_t>(most));
  for (;;) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) return rows;
    rows.push_back(query.number_at(0));
  }
}

Result<std::vector<std::int64_t>> HiddenTable::list(Statement& select, std::size_t each_max,
                                                    std::size_t all_max, bool& has_more) {
  has_more = false;
  struct Found {
    std::int64_t row = 0;
    std::size_t number = 0;  // in what its author has of them
  };
  std::vector<Found> found;
  std::vector<std::size_t> with_number;  // how many authors have so many at least
  std::int64_t author_no = 0;
  std::size_t count = 0;
  Query query(select);
  for (;;) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) break;
    if (query.number_at(1) != author_no) count = 0;
    author_no = query.number_at(1);
    if (count >= each_max) continue;  // more of this one never count
    found.push_back({query.number_at(0), count});
    if (with_number.size() <= count) with_number.push_back(0);
    ++with_number[count++];
  }
  std::size_t share = 0;
  std::size_t all = 0;
  while (share < with_number.size() && all + with_number[share] <= all_max) all += with_number[share++];
  has_more = share < with_number.size();
  std::vector<std::int64_t> rows;
  for (const Found& one : found) {
    if (one.number < share) rows.push_back(one.row);
  }
  return rows;
}

}  // namespace p2pmesh
