#include "schema.h"

#include <string>

#include "statement.h"

namespace p2pmesh {
namespace {

// Facts first, derived tables last. Strings from others are blobs, since they may hold any byte. Numbers that
// travel as unsigned 64-bit ones are below 2^63 in every log envelope that decodes; a record's version is
// not, and is stored as 8 bytes.
constexpr const char* kTables =
    "CREATE TABLE state(key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE settings(key BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE authors(no INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE rooms(no INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE envelopes(row INTEGER PRIMARY KEY, id BLOB NOT NULL, author_no INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL, seq INTEGER NOT NULL, messages INTEGER NOT NULL, encoded BLOB NOT NULL) STRICT;"
    "CREATE TABLE notices(row INTEGER PRIMARY KEY, kind BLOB NOT NULL, member BLOB NOT NULL, name BLOB NOT "
    "NULL,"
    " old_name BLOB NOT NULL, at_ms INTEGER NOT NULL) STRICT;"
    "CREATE TABLE logs(author_no INTEGER NOT NULL, epoch INTEGER NOT NULL, intervals BLOB NOT NULL,"
    " newest_wall_ms INTEGER NOT NULL, last_id BLOB NOT NULL, ids_digest BLOB NOT NULL,"
    " PRIMARY KEY(author_no, epoch)) STRICT, WITHOUT "
    "ROWID;"
    "CREATE TABLE records(author BLOB NOT NULL, kind INTEGER NOT NULL, subject BLOB NOT NULL, epoch INTEGER "
    "NOT NULL,"
    " version BLOB NOT NULL, id BLOB NOT NULL, encoded BLOB NOT NULL,"
    " PRIMARY KEY(author, kind, subject)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE forks(no INTEGER PRIMARY KEY, author_no INTEGER NOT NULL, epoch INTEGER NOT NULL,"
    " seq INTEGER NOT NULL, id BLOB NOT NULL UNIQUE, encoded BLOB NOT NULL) STRICT;"
    "CREATE INDEX forks_by_position ON forks(author_no, epoch, seq, id);"
    "CREATE TABLE peers(node BLOB NOT NULL, host BLOB NOT NULL, port INTEGER NOT NULL,"
    " last_success_ms INTEGER NOT NULL, failures INTEGER NOT NULL, PRIMARY KEY(node, host, port)) STRICT;"
    "CREATE TABLE outbox(id BLOB PRIMARY KEY, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " messages INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE correspondents(member BLOB PRIMARY KEY, relation INTEGER NOT NULL, asks INTEGER NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    // One row a text, or one for a request that has none; `texts` of its envelope; `told`: 1 delivered, 2
    // read.
    "CREATE TABLE directs(row INTEGER NOT NULL, idx INTEGER NOT NULL, texts INTEGER NOT NULL,"
    " peer_no INTEGER NOT NULL, own INTEGER NOT NULL, epoch INTEGER NOT NULL, number INTEGER NOT NULL,"
    " depth INTEGER NOT NULL, wall_ms INTEGER NOT NULL, id BLOB NOT NULL, text BLOB NOT NULL,"
    " told INTEGER NOT NULL, PRIMARY KEY(row, idx)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX directs_in_order ON directs(peer_no, depth, wall_ms, id, idx);"
    "CREATE INDEX directs_by_number ON directs(peer_no, own, epoch, number);"
    "CREATE INDEX directs_untold ON directs(peer_no, epoch, number) WHERE own = 1 AND told = 0;"
    "CREATE INDEX directs_by_id ON directs(id, idx);"
    "CREATE TABLE drafts(number INTEGER PRIMARY KEY, room BLOB NOT NULL, recipient BLOB NOT NULL,"
    " text BLOB NOT NULL, wall_ms INTEGER NOT NULL) STRICT;"
    "CREATE TABLE people(member BLOB PRIMARY KEY, ignored INTEGER NOT NULL, blocked INTEGER NOT NULL,"
    " alias BLOB NOT NULL, host BLOB NOT NULL, port INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE log_index(author_no INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " row INTEGER NOT NULL, PRIMARY KEY(author_no, epoch, seq)) STRICT, WITHOUT ROWID;"
    // `held` is a row of envelopes, or a fork's number negated; `messages` 0 for what is not shown.
    "CREATE TABLE transcript(room_no INTEGER NOT NULL, depth INTEGER NOT NULL, wall_ms INTEGER NOT NULL,"
    " id BLOB NOT NULL, held INTEGER NOT NULL, messages INTEGER NOT NULL,"
    " PRIMARY KEY(room_no, depth, wall_ms, id)) STRICT, WITHOUT ROWID;"
    // All topics that were ever set, of forks the lowest id's, so that the last one is found at once.
    "CREATE TABLE topics(room_no INTEGER NOT NULL, depth INTEGER NOT NULL, wall_ms INTEGER NOT NULL,"
    " id BLOB NOT NULL, author_no INTEGER NOT NULL, text BLOB NOT NULL,"
    " PRIMARY KEY(room_no, depth, wall_ms, id)) STRICT, WITHOUT ROWID;"
    // Of private rooms: what is opened, and what is not. `held` as in transcript.
    "CREATE TABLE opened(held INTEGER PRIMARY KEY, is_topic INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"
    "CREATE TABLE sealed(room_no INTEGER NOT NULL, held INTEGER NOT NULL, PRIMARY KEY(room_no, held)) STRICT,"
    " WITHOUT ROWID;"
    "CREATE TABLE invitations(member BLOB NOT NULL, room BLOB NOT NULL, key BLOB NOT NULL, row INTEGER NOT "
    "NULL,"
    " PRIMARY KEY(member, room)) STRICT, WITHOUT ROWID;"
    // Direct envelopes between others, and the ids of those that were dropped.
    "CREATE TABLE carried(row INTEGER PRIMARY KEY, author_no INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    " wall_ms INTEGER NOT NULL, arrived_ms INTEGER NOT NULL) STRICT;"
    "CREATE INDEX carried_by_author ON carried(author_no, row, bytes);"
    "CREATE INDEX carried_by_age ON carried(wall_ms);"
    "CREATE TABLE gone(author_no INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " id BLOB NOT NULL, PRIMARY KEY(author_no, epoch, seq)) STRICT, WITHOUT ROWID;"
    // Rows of acts; of entries; of what is refused though it is held.
    "CREATE TABLE acts(row INTEGER PRIMARY KEY) STRICT;"
    "CREATE TABLE entries(row INTEGER PRIMARY KEY) STRICT;"
    "CREATE TABLE hidden(row INTEGER PRIMARY KEY, author_no INTEGER NOT NULL) STRICT;"
    "CREATE INDEX hidden_by_author ON hidden(author_no, row);"
    // The first 8 bytes of an id lead to the few rows that may have it: a quarter of the size of whole ids.
    "CREATE TABLE id_index(prefix INTEGER NOT NULL, row INTEGER NOT NULL, PRIMARY KEY(prefix, row)) STRICT, "
    "WITHOUT ROWID;"
    // Rows of envelopes times 512, and the message's index. The text lies there already, so no content is
    // kept; nor places of words (detail=none), since words are all that is asked for: every term then costs
    // two or three bytes a message. Terms come folded and parted by spaces, and `ascii` leaves them so.
    "CREATE VIRTUAL TABLE search USING fts5(terms, content='', columnsize=0, detail=none,"
    " tokenize=\"ascii tokenchars '_'\");"
    "CREATE TABLE search_times(block INTEGER PRIMARY KEY, first_ms INTEGER NOT NULL, last_ms INTEGER NOT "
    "NULL)"
    " STRICT;";

constexpr std::int64_t kTableCount = 32;  // search is four: itself, its data, the index to it, its settings
constexpr std::int64_t kQuickCheckBytesMax = 64 * 1024 * 1024;  // a fraction of a second to read

Result<void> create(Database& database, const MeshId& mesh) {
  if (auto set = database.set_full_sync(true); !set) return set;
  if (auto begun = database.begin(); !begun) return begun;
  const auto fill = [&]() -> Result<void> {
    if (auto made = database.execute(kTables); !made) return made;
    Statement insert(database,
                     "INSERT INTO state VALUES('mesh', ?), ('clean', 0), ('messages', 0), ('indexed_row', 0),"
                     " ('searched_row', 0), ('last_draft', 0), ('last_row', 0)");
    if (auto inserted = Query(insert).blob(mesh.view()).run(); !inserted) return inserted;
    const std::string marks = "PRAGMA application_id = " + std::to_string(kApplicationId) +
                              "; PRAGMA user_version = " + std::to_string(kSchemaVersion) + ";";
    return database.execute(marks.c_str());
  };
  auto result = fill();
  if (result) result = database.commit();
  if (!result) database.rollback();
  return result;
}

Result<void> check_whole(Database& database) {
  const auto tables = database.ask_number("SELECT count(*) FROM sqlite_schema WHERE type = 'table'");
  if (!tables) return forward(tables);
  if (*tables != kTableCount) return tl::unexpected(database.damaged("tables are missing"));
  const auto size =
      database.ask_number("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
  if (!size) return forward(size);
  if (*size > kQuickCheckBytesMax) return {};
  Statement check(database, "SELECT quick_check FROM pragma_quick_check(1) WHERE quick_check <> 'ok'");
  Query query(check);
  const auto problem = query.next();
  if (!problem) return forward(problem);
  if (*problem) return tl::unexpected(database.damaged(std::string(query.text_at(0))));
  return {};
}

Result<void> check_mesh(Database& database, const MeshId& mesh) {
  Statement select(database, "SELECT value FROM state WHERE key = 'mesh'");
  Query query(select);
  const auto row = query.next();
  if (!row) return forward(row);
  const auto held = *row ? MeshId::from_view(query.blob_at(0)) : std::nullopt;
  if (!held) return tl::unexpected(database.damaged("it does not say which mesh it holds"));
  if (*held == mesh) return {};
  return fail(ExitStatus::kConfig, "The database " + database.path() + " holds the mesh " + held->hex() +
                                       " and not " + mesh.hex() + ". Move it back to where it belongs.");
}

}  // namespace

Result<bool> is_empty_or_of(Database& database, const SchemaKind& kind) {
  const auto application = database.ask_number("PRAGMA application_id");
  if (!application) return forward(application);
  const auto version = database.ask_number("PRAGMA user_version");
  if (!version) return forward(version);
  const auto objects = database.ask_number("SELECT count(*) FROM sqlite_schema");
  if (!objects) return forward(objects);
  if (*application == 0 && *version == 0 && *objects == 0) return true;
  if (*application != kind.application) return tl::unexpected(database.damaged(kind.foreign));
  if (*version > kind.version) {
    return fail(ExitStatus::kConfig,
                "The database " + database.path() + " has version " + std::to_string(*version) +
                    ", and this program knows version " + std::to_string(kind.version) +
                    ". Install a newer p2pmesh, or choose another directory with --data-dir DIR.");
  }
  if (*version < kind.version)
    return tl::unexpected(database.damaged("its version is " + std::to_string(*version)));
  return false;
}

Result<void> prepare_schema(Database& database, const MeshId& mesh) {
  const auto empty =
      is_empty_or_of(database, {kApplicationId, kSchemaVersion, "it is not a database of p2pmesh"});
  if (!empty) return forward(empty);
  if (*empty) return create(database, mesh);
  if (auto whole = check_whole(database); !whole) return whole;
  return check_mesh(database, mesh);
}

}  // namespace p2pmesh
