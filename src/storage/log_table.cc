#include "log_table.h"

#include <algorithm>
#include <unordered_map>

#include "p2pmesh/wire/codec.h"

namespace p2pmesh {

LogTable::LogTable(Database& database)
    : database_(database),
      select_(database, "SELECT author_no, epoch, intervals, newest_wall_ms, last_id, ids_digest FROM logs"),
      select_authors_(database, "SELECT no, key FROM authors"),
      save_(database, "INSERT OR REPLACE INTO logs VALUES(?, ?, ?, ?, ?, ?)") {}

Result<void> LogTable::load() {
  forget();
  Query query(select_);
  for (;;) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) return {};
    auto accepted = AcceptedSet::decode(query.blob_at(2));
    const auto last_id = EnvelopeId::from_view(query.blob_at(4));
    const ByteView digest = query.blob_at(5);
    if (!accepted || !last_id || digest.size() != sizeof(std::uint64_t))
      return tl::unexpected(database_.damaged("the accepted intervals do not decode"));
    logs_[{query.number_at(0), query.unsigned_at(1)}] = {std::move(*accepted), query.unsigned_at(3), *last_id,
                                                         Reader(digest).u64(), false};
  }
}

const LogState* LogTable::find(std::int64_t author_no, std::uint64_t epoch) const {
  const auto found = logs_.find({author_no, epoch});
  return found == logs_.end() ? nullptr : &found->second;
}

void LogTable::accept(std::int64_t author_no, std::uint64_t epoch, LogState& log, std::uint64_t seq,
                      WallMs wall_ms, const EnvelopeId& id) {
  if (seq > log.accepted.greatest()) log.last_id = id;
  log.accepted.insert(seq);
  log.newest_wall_ms = std::max(log.newest_wall_ms, wall_ms);
  log.ids_digest ^= id_digest(id);
  note_change(author_no, epoch, log);
}

void LogTable::replace(std::int64_t author_no, std::uint64_t epoch, std::uint64_t change) {
  LogState& log = at(author_no, epoch);
  log.ids_digest ^= change;
  note_change(author_no, epoch, log);
}

void LogTable::note_change(std::int64_t author_no, std::uint64_t epoch, LogState& log) {
  if (log.changed) return;
  log.changed = true;
  changed_.emplace_back(author_no, epoch);
}

Result<void> LogTable::save_changed() {
  for (const Key& key : changed_) {
    LogState& log = logs_[key];
    const Bytes intervals = log.accepted.encode();
    const Bytes digest = Writer().u64(log.ids_digest).take();
    Query query(save_);
    query.number(key.first)
        .number(key.second)
        .blob(intervals)
        .number(log.newest_wall_ms)
        .blob(log.last_id.view())
        .blob(digest);
    if (auto done = query.run(); !done) return done;
    log.changed = false;
  }
  changed_.clear();
  return {};
}

Result<std::vector<AcceptedLog>> LogTable::list() {
  std::unordered_map<std::int64_t, MemberKey> authors;
  {
    Query query(select_authors_);
    for (;;) {
      const auto row = query.next();
      if (!row) return forward(row);
      if (!*row) break;
      const auto key = query.id_at<MemberKey>(1, "an author's key");
      if (!key) return forward(key);
      authors.emplace(query.number_at(0), *key);
    }
  }
  std::vector<AcceptedLog> logs;
  for (const auto& [key, log] : logs_) {
    if (log.accepted.empty()) continue;
    const auto author = authors.find(key.first);
    if (author == authors.end()) return tl::unexpected(database_.damaged("an author is missing"));
    logs.push_back({author->second, key.second, log.accepted.intervals(), log.newest_wall_ms, log.last_id,
                    log.ids_digest});
  }
  std::sort(logs.begin(), logs.end(), [](const AcceptedLog& a, const AcceptedLog& b) {
    return std::pair(a.author, a.epoch) < std::pair(b.author, b.epoch);
  });
  return logs;
}

void LogTable::forget() {
  logs_.clear();
  changed_.clear();
}

}  // namespace p2pmesh
