#include "statement.h"

#include <sqlite3.h>

#include "p2pmesh/base/check.h"

namespace p2pmesh {

Statement::~Statement() {
  sqlite3_finalize(handle_);
}

Query::Query(Statement& statement) : statement_(statement), code_(SQLITE_OK) {
  if (statement.handle_ != nullptr) return;
  code_ = sqlite3_prepare_v3(statement.database_.handle(), statement.sql_, -1, SQLITE_PREPARE_PERSISTENT,
                             &statement.handle_, nullptr);
}

Query::~Query() {
  if (statement_.handle_ == nullptr) return;
  sqlite3_reset(statement_.handle_);
  sqlite3_clear_bindings(statement_.handle_);
}

Query& Query::number(std::int64_t value) {
  ++bound_;
  if (code_ == SQLITE_OK) P2P_CHECK(sqlite3_bind_int64(statement_.handle_, bound_, value) == SQLITE_OK);
  return *this;
}

Query& Query::blob(ByteView value) {
  ++bound_;
  if (code_ != SQLITE_OK) return *this;
  // A null pointer would bind NULL, which an empty blob is not.
  const void* data = value.empty() ? static_cast<const void*>("") : value.data();
  code_ = sqlite3_bind_blob64(statement_.handle_, bound_, data, value.size(), SQLITE_STATIC);
  return *this;
}

Query& Query::text(std::string_view value) {
  ++bound_;
  if (code_ != SQLITE_OK) return *this;
  const char* data = value.empty() ? "" : value.data();
  code_ = sqlite3_bind_text64(statement_.handle_, bound_, data, value.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Result<bool> Query::next() {
  if (code_ == SQLITE_OK || code_ == SQLITE_ROW) code_ = sqlite3_step(statement_.handle_);
  if (code_ == SQLITE_ROW) return true;
  if (code_ == SQLITE_DONE) return false;
  return tl::unexpected(statement_.database_.error(code_));
}

Result<void> Query::run() {
  for (;;) {
    const auto row = next();
    if (!row) return forward(row);
    if (!*row) return {};
  }
}

std::int64_t Query::number_at(int column) const {
  return sqlite3_column_int64(statement_.handle_, column);
}

ByteView Query::blob_at(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_.handle_, column));
  const int size = sqlite3_column_bytes(statement_.handle_, column);
  return data == nullptr ? ByteView{} : ByteView(data, static_cast<std::size_t>(size));
}

}  // namespace p2pmesh
