#include "number_table.h"

#include <sqlite3.h>

namespace p2pmesh {

void NumberTable::remember(ByteView key, std::int64_t number) {
  if (cached_.size() >= cached_max_) cached_.clear();
  cached_.emplace(as_text(key), number);
}

Result<std::optional<std::int64_t>> NumberTable::find(ByteView key) {
  if (const auto found = cached_.find(std::string(as_text(key))); found != cached_.end())
    return found->second;
  Query query(select_);
  const auto row = query.blob(key).next();
  if (!row) return forward(row);
  if (!*row) return std::nullopt;
  remember(key, query.number_at(0));
  return query.number_at(0);
}

Result<std::int64_t> NumberTable::number_of(ByteView key) {
  const auto found = find(key);
  if (!found) return forward(found);
  if (*found) return **found;
  if (auto inserted = Query(insert_).blob(key).run(); !inserted) return forward(inserted);
  const std::int64_t number = sqlite3_last_insert_rowid(database_.handle());
  remember(key, number);
  return number;
}

}  // namespace p2pmesh
