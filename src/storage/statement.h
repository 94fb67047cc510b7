// A prepared statement, kept for reuse, and one use of it with bound parameters.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "database.h"
#include "p2pmesh/base/bytes.h"

struct sqlite3_stmt;

namespace p2pmesh {

/// Prepared at its first use and kept until destruction, which must come before the database's.
class Statement {
 public:
  Statement(Database& database, const char* sql) : database_(database), sql_(sql) {}
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

 private:
  friend class Query;
  Database& database_;
  const char* sql_;
  sqlite3_stmt* handle_ = nullptr;
};

/// One run of a statement. Parameters are bound in order; bytes bound must live as long as the query.
class Query {
 public:
  explicit Query(Statement& statement);
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  Query& number(std::int64_t value);
  Query& number(std::uint64_t value) { return number(static_cast<std::int64_t>(value)); }
  Query& blob(ByteView value);
  Query& blob(std::string_view value) { return blob(as_bytes(value)); }
  /// Well-formed UTF-8 without a zero byte.
  Query& text(std::string_view value);

  /// True when a row is there to be read, false after the last.
  Result<bool> next();
  /// Runs to the end, ignoring rows.
  Result<void> run();

  /// Columns of the row; blobs are valid until the next step.
  [[nodiscard]] std::int64_t number_at(int column) const;
  [[nodiscard]] std::uint64_t unsigned_at(int column) const {
    return static_cast<std::uint64_t>(number_at(column));
  }
  [[nodiscard]] ByteView blob_at(int column) const;
  [[nodiscard]] std::string_view text_at(int column) const { return as_text(blob_at(column)); }
  /// A key or id; `what` names it in the error. Errors: kDamagedInput.
  template <class Id>
  [[nodiscard]] Result<Id> id_at(int column, const char* what) const {
    if (const auto id = Id::from_view(blob_at(column))) return *id;
    return tl::unexpected(statement_.database_.damaged(std::string(what) + " is not 32 bytes long"));
  }

 private:
  Statement& statement_;
  int code_;
  int bound_ = 0;
};

}  // namespace p2pmesh
