// One SQLite connection: its settings, its transactions, and the one place where its errors get words.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "p2pmesh/base/result.h"

struct sqlite3;

namespace p2pmesh {

/// Passes a failure on under another result type.
template <class T>
tl::unexpected<Error> forward(const Result<T>& failed) {
  return tl::unexpected<Error>(failed.error());
}

/// Threads: one at a time.
class Database {
 public:
  /// Opens or creates the file, private to its user, in WAL mode. An existing file's content is not looked
  /// at.
  static Result<std::unique_ptr<Database>> open(const std::string& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] sqlite3* handle() const { return handle_; }

  /// Runs statements without parameters or answers.
  Result<void> execute(const char* sql);
  /// The first column of the first row as a number; 0 when there is no row.
  Result<std::int64_t> ask_number(const char* sql);

  /// Whether commits wait for the disk (FULL) or only keep their order (NORMAL). Not inside a transaction.
  Result<void> set_full_sync(bool full);

  Result<void> begin();
  Result<void> commit();
  void rollback();

  /// Rows changed since the database was opened.
  [[nodiscard]] std::int64_t total_changes() const;

  /// What the last failed call means, by its SQLite result code.
  [[nodiscard]] Error error(int code) const;
  /// The content is not what this program wrote.
  [[nodiscard]] Error damaged(const std::string& what) const;

 private:
  Database(std::string path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}
  std::string path_;
  sqlite3* handle_;
  int full_sync_ = -1;  // not known yet
};

}  // namespace p2pmesh
