#include "database.h"

#include <sqlite3.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "p2pmesh/base/check.h"

namespace p2pmesh {
namespace {

// An external reader may copy the file; other nodes are kept out by the data directory's lock. Guess.
constexpr int kBusyTimeoutMs = 500;

// cache_size in KiB: the tail of every table and the upper pages of the indexes. The write-ahead log is
// folded in every 4,000 pages (16 MiB): few pages are then written twice. Both are guesses.
constexpr const char* kSettings =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA wal_autocheckpoint = 4000;"
    "PRAGMA journal_size_limit = 67108864;"
    "PRAGMA cache_size = -16000;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA cell_size_check = ON;"
    "PRAGMA trusted_schema = OFF;";

// SQLite gives its side files the mode of the database, so the file is made first, empty and private.
std::error_code make_private_file(const std::string& path) {
  std::error_code error;
  if (std::filesystem::exists(path, error) || error) return error;
  std::FILE* file = std::fopen(path.c_str(), "ab");
  if (file == nullptr) return {errno, std::generic_category()};
  std::fclose(file);
  using std::filesystem::perms;
  std::filesystem::permissions(path, perms::owner_read | perms::owner_write, error);
  return error;
}

Error cannot_create(const std::string& path, const std::string& why) {
  return {ExitStatus::kCannotCreate, "The database " + path + " cannot be opened: " + why +
                                         ". Choose another directory with --data-dir DIR."};
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const std::string& path) {
  if (const auto error = make_private_file(path)) return tl::unexpected(cannot_create(path, error.message()));
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(
      path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  if (handle == nullptr) return fail(ExitStatus::kTryAgain, "Out of memory while opening " + path + ".");
  std::unique_ptr<Database> database(new Database(path, handle));
  if (code != SQLITE_OK) return tl::unexpected(database->error(code));
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  if (auto set = database->execute(kSettings); !set) return forward(set);
  return database;
}

Database::~Database() {
  // Statements are members of objects that are gone by now; one left open would keep the file open.
  P2P_CHECK(sqlite3_close(handle_) == SQLITE_OK);
}

Result<void> Database::execute(const char* sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return tl::unexpected(error(code));
  return {};
}

Result<std::int64_t> Database::ask_number(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v2(handle_, sql, -1, &statement, nullptr);
  if (code == SQLITE_OK) code = sqlite3_step(statement);
  const std::int64_t number = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
  const bool ok = code == SQLITE_ROW || code == SQLITE_DONE;
  Error failure;
  if (!ok) failure = error(code);
  sqlite3_finalize(statement);
  if (!ok) return tl::unexpected(failure);
  return number;
}

Result<void> Database::set_full_sync(bool full) {
  if (full_sync_ == (full ? 1 : 0)) return {};
  auto set = execute(full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
  if (set) full_sync_ = full ? 1 : 0;
  return set;
}

Result<void> Database::begin() {
  return execute("BEGIN IMMEDIATE");
}
Result<void> Database::commit() {
  return execute("COMMIT");
}

void Database::rollback() {
  // Some failures roll back by themselves; then there is nothing left to do.
  if (sqlite3_get_autocommit(handle_) == 0) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

std::int64_t Database::total_changes() const {
  return sqlite3_total_changes64(handle_);
}

Error Database::damaged(const std::string& what) const {
  return {ExitStatus::kDamagedInput, "The database " + path_ + " is damaged: " + what + "."};
}

Error Database::error(int code) const {
  const std::string why = sqlite3_errmsg(handle_);
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:       // a table or column is missing
    case SQLITE_CONSTRAINT:  // a row is there that cannot be
    case SQLITE_MISMATCH:
    case SQLITE_FORMAT:
      return damaged(why);
    case SQLITE_FULL:
      return {ExitStatus::kIo, "The disk that holds " + path_ + " is full. Make room on it."};
    case SQLITE_IOERR:
      return {ExitStatus::kIo,
              "Reading or writing " + path_ + " failed: " + why + ". Check the disk, and its free space."};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ExitStatus::kTryAgain,
              "The database " + path_ + " is in use by another program. End it, or try again."};
    case SQLITE_NOMEM:
      return {ExitStatus::kTryAgain, "Out of memory while using " + path_ + ". Try again."};
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return cannot_create(path_, why);
    default:
      P2P_CHECK((code & 0xff) != SQLITE_MISUSE);
      return {ExitStatus::kIo, "Using the database " + path_ + " failed: " + why + "."};
  }
}

}  // namespace p2pmesh
