#include "carried_table.h"

#include <algorithm>

namespace p2pmesh {
CarriedTable::CarriedTable(Database& database)
    : database_(database),
      insert_(database, "INSERT INTO carried VALUES(?, ?, ?, ?, ?)"),
      select_(database, "SELECT author_no, bytes FROM carried WHERE row = ?"),
      delete_(database, "DELETE FROM carried WHERE row = ?"),
      select_sums_(database, "SELECT author_no, count(*), sum(bytes) FROM carried GROUP BY author_no"),
      select_expired_(
          database,
          "SELECT row FROM carried WHERE wall_ms < ? AND arrived_ms < ? ORDER BY wall_ms, row LIMIT ?"),
      select_oldest_(database, "SELECT row, bytes FROM carried WHERE author_no = ? ORDER BY row LIMIT ?"),
      insert_gone_(database, "INSERT OR REPLACE INTO gone VALUES(?, ?, ?, ?)"),
      select_gone_(database, "SELECT id FROM gone WHERE author_no = ? AND epoch = ? AND seq BETWEEN ? AND ?"),
      select_gone_at_(database, "SELECT id FROM gone WHERE author_no = ? AND epoch = ? AND seq = ?"),
      select_gone_of_(database, "SELECT epoch, seq, id FROM gone WHERE author_no = ? ORDER BY epoch, seq") {}

Result<void> CarriedTable::remember() {
  if (remembered_) return {};
  forget();
  Query query(select_sums_);
  for (;;) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) break;
    const CarriedSum sum{query.unsigned_at(1), query.unsigned_at(2)};
    by_author_.emplace(query.number_at(0), sum);
    total_.envelopes += sum.envelopes;
    total_.bytes += sum.bytes;
  }
  const auto gone = database_.ask_number("SELECT EXISTS (SELECT 1 FROM gone)");
  if (!gone) return forward(gone);
  any_gone_ = *gone != 0;
  remembered_ = true;
  return {};
}

void CarriedTable::forget() {
  remembered_ = false;
  by_author_.clear();
  total_ = {};
}

Result<void> CarriedTable::insert(std::int64_t row, std::int64_t author_no, std::size_t bytes, WallMs wall_ms,
                                  WallMs arrived_ms) {
  if (auto read = remember(); !read) return read;
  Query query(insert_);
  query.number(row).number(author_no).number(std::uint64_t{bytes});
  query.number(clamp_to_signed(wall_ms)).number(clamp_to_signed(arrived_ms));
  if (auto done = query.run(); !done) return done;
  for (CarriedSum* sum : {&by_author_[author_no], &total_}) {
    ++sum->envelopes;
    sum->bytes += bytes;
  }
  return {};
}

Result<void> CarriedTable::remove(std::int64_t row) {
  if (auto read = remember(); !read) return read;
  {
    Query query(select_);
    const auto found = query.number(row).next();
    if (!found) return forward(found);
    if (!*found) return {};
    const auto author = by_author_.find(query.number_at(0));
    if (author == by_author_.end())
      return tl::unexpected(database_.damaged("what is carried was not counted"));
    for (CarriedSum* sum : {&author->second, &total_}) {
      --sum->envelopes;
      sum->bytes -= query.unsigned_at(1);
    }
    if (author->second.envelopes == 0) by_author_.erase(author);
  }
  return Query(delete_).number(row).run();
}

Result<void> CarriedTable::insert_gone(const LogPosition& position, const EnvelopeId& id) {
  if (auto read = remember(); !read) return read;
  any_gone_ = true;
  Query query(insert_gone_);
  query.number(position.author_no).number(position.epoch).number(position.seq);
  return query.blob(id.view()).run();
}

Result<CarriedSum> CarriedTable::total() {
  if (auto read = remember(); !read) return forward(read);
  return total_;
}

/// Of one author, until the rest is within the bounds; `sum` becomes what is left.
Result<void> CarriedTable::append_oldest(std::int64_t author_no, CarriedSum& sum, std::uint64_t envelopes_max,
                                         std::uint64_t bytes_max, std::size_t rows_max,
                                         std::vector<std::int64_t>& rows) {
  Query query(select_oldest_);
  query.number(author_no).number(std::uint64_t{rows_max});
  while (rows.size() < rows_max && (sum.envelopes > envelopes_max || sum.bytes > bytes_max)) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) break;
    rows.push_back(query.number_at(0));
    --sum.envelopes;
    sum.bytes -= query.unsigned_at(1);
  }
  return {};
}

Result<std::vector<std::int64_t>> CarriedTable::over(const CarryQuota& quota, WallMs now_ms,
                                                     std::size_t rows_max) {
  if (auto read = remember(); !read) return forward(read);
  std::vector<std::int64_t> rows;
  if (now_ms > quota.kept_ms) {
    Query query(select_expired_);
    // An author's clock may be behind.
    query.number(clamp_to_signed(now_ms - quota.kept_ms)).number(clamp_to_signed(now_ms - quota.kept_ms / 2));
    query.number(std::uint64_t{rows_max});
    for (;;) {
      const auto row = query.next();
      if (!row) return forward(row);
      if (!*row) break;
      rows.push_back(query.number_at(0));
    }
  }
  // One cause at a time: the next call counts without these.
  for (const auto& [author_no, carried] : by_author_) {
    if (!rows.empty()) return rows;
    CarriedSum sum = carried;
    if (auto done = append_oldest(author_no, sum, quota.author_envelopes, quota.author_bytes, rows_max, rows);
        !done)
      return forward(done);
  }
  if (!rows.empty() || total_.bytes <= quota.bytes) return rows;
  // Whoever has most gives: the others are not to suffer for it.
  const auto greatest = std::max_element(
      by_author_.begin(), by_author_.end(),
      [](const auto& one, const auto& other) { return one.second.bytes < other.second.bytes; });
  if (greatest == by_author_.end()) return rows;
  CarriedSum sum = greatest->second;
  const std::uint64_t excess = total_.bytes - quota.bytes;
  // Not all at once: then it may be another one that has most.
  const std::uint64_t gives = std::min(excess, sum.bytes / 16 + 1);
  if (auto done = append_oldest(greatest->first, sum, UINT64_MAX, sum.bytes - gives, rows_max, rows); !done)
    return forward(done);
  return rows;
}

Result<std::optional<EnvelopeId>> CarriedTable::gone_at(const LogPosition& position) {
  if (auto read = remember(); !read) return forward(read);
  if (!any_gone_) return std::nullopt;
  Query query(select_gone_at_);
  const auto row = query.number(position.author_no).number(position.epoch).number(position.seq).next();
  if (!row) return forward(row);
  if (!*row) return std::nullopt;
  const auto id = query.id_at<EnvelopeId>(0, "an id");
  if (!id) return forward(id);
  return *id;
}

Result<std::vector<CarriedTable::Gone>> CarriedTable::gone_of(std::int64_t author_no) {
  std::vector<Gone> gone;
  if (auto read = remember(); !read) return forward(read);
  if (!any_gone_) return gone;
  Query query(select_gone_of_);
  query.number(author_no);
  for (;;) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) return gone;
    const auto id = query.id_at<EnvelopeId>(2, "an id");
    if (!id) return forward(id);
    gone.push_back({query.unsigned_at(0), query.unsigned_at(1), *id});
  }
}

Result<std::optional<std::uint64_t>> CarriedTable::gone_digest(std::int64_t author_no, std::uint64_t epoch,
                                                               std::uint64_t first, std::uint64_t last) {
  if (auto read = remember(); !read) return forward(read);
  std::optional<std::uint64_t> digest;
  if (!any_gone_) return digest;
  Query query(select_gone_);
  query.number(author_no).number(epoch).number(first).number(last);
  for (;;) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) return digest;
    const auto id = query.id_at<EnvelopeId>(0, "an id");
    if (!id) return forward(id);
    digest = digest.value_or(0) ^ id_digest(*id);
  }
}

}  // namespace p2pmesh
