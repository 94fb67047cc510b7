// What was accepted of each author and epoch, in memory and in the database.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "accepted_set.h"
#include "p2pmesh/storage/mesh_store.h"
#include "statement.h"

namespace p2pmesh {

struct LogState {
  AcceptedSet accepted;
  WallMs newest_wall_ms = 0;
  EnvelopeId last_id;
  std::uint64_t ids_digest = 0;
  bool changed = false;  ///< since save_changed()
};

/// Holds all logs in memory; the core's limits bound them.
class LogTable {
 public:
  explicit LogTable(Database& database);

  /// Reads all from the database, dropping what was in memory.
  Result<void> load();
  LogState& at(std::int64_t author_no, std::uint64_t epoch) { return logs_[{author_no, epoch}]; }
  /// Null when nothing was accepted.
  [[nodiscard]] const LogState* find(std::int64_t author_no, std::uint64_t epoch) const;
  /// Adds a sequence number that is not accepted yet.
  void accept(std::int64_t author_no, std::uint64_t epoch, LogState& log, std::uint64_t seq, WallMs wall_ms,
              const EnvelopeId& id);
  /// Another id counts at a place: the two ids' shares, by exclusive or.
  void replace(std::int64_t author_no, std::uint64_t epoch, std::uint64_t change);
  /// Writes what changed; inside a transaction.
  Result<void> save_changed();
  /// All logs with their authors' keys, in order.
  Result<std::vector<AcceptedLog>> list();
  void forget();

 private:
  using Key = std::pair<std::int64_t, std::uint64_t>;
  void note_change(std::int64_t author_no, std::uint64_t epoch, LogState& log);

  Database& database_;
  std::map<Key, LogState> logs_;
  std::vector<Key> changed_;
  Statement select_;
  Statement select_authors_;
  Statement save_;
};

}  // namespace p2pmesh
