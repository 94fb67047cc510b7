// Opening, closing, and what all operations share.
#include "p2pmesh/storage/mesh_store.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "mesh_store_impl.h"
#include "schema.h"

namespace p2pmesh {

MeshStore::Impl::Impl(std::unique_ptr<Database> file)
    : database(std::move(file)),
      authors(*database, "SELECT no FROM authors WHERE key = ?", "INSERT INTO authors(key) VALUES(?)",
              limits::kAuthorsMax),
      room_numbers(*database, "SELECT no FROM rooms WHERE name = ?", "INSERT INTO rooms(name) VALUES(?)",
                   limits::kRoomsMax),
      index(*database),
      search(*database),
      forks(*database),
      logs(*database),
      directs(*database, authors),
      drafts(*database),
      people(*database),
      topics(*database, room_numbers),
      opened(*database),
      invitations(*database),
      carried(*database),
      hidden(*database),
      insert_envelope(*database, "INSERT INTO envelopes VALUES(?, ?, ?, ?, ?, ?, ?)"),
      delete_envelope(*database, "DELETE FROM envelopes WHERE row = ?"),
      insert_notice(*database, "INSERT INTO notices VALUES(?, ?, ?, ?, ?, ?)"),
      insert_outbox(*database, "INSERT OR IGNORE INTO outbox VALUES(?, ?, ?, ?)"),
      delete_outbox(*database, "DELETE FROM outbox WHERE id = ?"),
      select_record(
          *database,
          "SELECT id, encoded, epoch, version FROM records WHERE author = ? AND kind = ? AND subject = ?"),
      save_record(*database, "INSERT OR REPLACE INTO records VALUES(?, ?, ?, ?, ?, ?, ?)"),
      save_peer(*database, "INSERT OR REPLACE INTO peers VALUES(?, ?, ?, ?, ?)"),
      trim_peers(*database,
                 "DELETE FROM peers WHERE rowid IN (SELECT rowid FROM peers"
                 " ORDER BY last_success_ms DESC, failures LIMIT -1 OFFSET ?)"),
      save_setting(*database, "INSERT OR REPLACE INTO settings VALUES(?, ?)"),
      save_messages(*database, "UPDATE state SET value = ? WHERE key = 'messages'"),
      save_last_row(*database, "UPDATE state SET value = ? WHERE key = 'last_row'"),
      select_row(*database, "SELECT id, encoded FROM envelopes WHERE row = ?"),
      select_row_of(*database, "SELECT row FROM log_index WHERE author_no = ? AND epoch = ? AND seq = ?"),
      select_range(*database,
                   "SELECT l.seq, e.id, e.encoded, e.row FROM log_index l JOIN envelopes e ON e.row = l.row"
                   " WHERE l.author_no = ? AND l.epoch = ? AND l.seq BETWEEN ? AND ? ORDER BY l.seq"),
      select_ascending(*database,
                       "SELECT held FROM transcript WHERE room_no = ? AND (depth, wall_ms, id) >= (?, ?, ?)"
                       " AND (depth, wall_ms, id) <= (?, ?, ?) AND messages > 0 ORDER BY depth, wall_ms, id"),
      select_descending(*database,
                        "SELECT held FROM transcript WHERE room_no = ? AND (depth, wall_ms, id) >= (?, ?, ?)"
                        " AND (depth, wall_ms, id) <= (?, ?, ?) AND messages > 0"
                        " ORDER BY depth DESC, wall_ms DESC, id DESC"),
      select_by_id(*database,
                   "SELECT e.id, e.encoded, e.row FROM id_index i JOIN envelopes e ON e.row = i.row"
                   " WHERE i.prefix = ? AND e.id = ?"),
      select_rows(*database, "SELECT row, id, encoded FROM envelopes WHERE row >= ? ORDER BY row"),
      select_notices(
          *database,
          "SELECT row, kind, member, name, old_name, at_ms FROM notices WHERE row > ? ORDER BY row"),
      select_rooms(*database,
                   "SELECT no, name FROM rooms r WHERE EXISTS (SELECT 1 FROM transcript t"
                   " WHERE t.room_no = r.no AND t.messages > 0) ORDER BY name"),
      select_transcript(*database,
                        "SELECT held, messages, depth, wall_ms FROM transcript"
                        " WHERE room_no = ? AND messages > 0 ORDER BY depth, wall_ms, id"),
      select_own_rows(*database, "SELECT row FROM log_index WHERE author_no = ?"),
      select_log_rows(*database,
                      "SELECT epoch, seq, row FROM log_index WHERE author_no = ? ORDER BY epoch, seq"),
      select_outbox_rows(*database,
                         "SELECT e.row, e.id, e.encoded FROM outbox o JOIN authors a ON a.key = ?2"
                         " JOIN log_index l ON l.author_no = a.no AND l.epoch = o.epoch AND l.seq = o.seq"
                         " JOIN envelopes e ON e.row = l.row ORDER BY o.epoch, o.seq LIMIT ?1"),
      move_envelope(*database, "UPDATE envelopes SET row = ? WHERE row = ?"),
      move_in_log(*database, "UPDATE log_index SET row = ? WHERE author_no = ? AND epoch = ? AND seq = ?"),
      move_in_transcript(*database,
                         "UPDATE transcript SET held = ? WHERE room_no = ? AND depth = ? AND wall_ms = ?"
                         " AND id = ?"),
      move_id(*database, "UPDATE id_index SET row = ? WHERE prefix = ? AND row = ?") {}

MeshStore::MeshStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MeshStore::~MeshStore() = default;

Result<std::unique_ptr<MeshStore>> MeshStore::open(const std::string& path, const MeshId& mesh) {
  auto database = Database::open(path);
  if (!database) return forward(database);
  if (auto prepared = prepare_schema(**database, mesh); !prepared) return forward(prepared);
  auto impl = std::make_unique<Impl>(std::move(*database));
  if (auto read = impl->remember(); !read) return forward(read);
  return std::unique_ptr<MeshStore>(new MeshStore(std::move(impl)));
}

Result<std::string> MeshStore::set_aside(const std::string& path) {
  static constexpr const char* kSuffixes[] = {"-wal", "-shm",
                                              ""};  // the database last: until then it is all there
  std::error_code error;
  for (int n = 1; n < 10000; ++n) {
    const std::string aside = path + ".damaged-" + std::to_string(n);
    bool taken = false;
    for (const char* suffix : kSuffixes) taken = taken || std::filesystem::exists(aside + suffix, error);
    if (taken) continue;
    for (const char* suffix : kSuffixes) {
      std::filesystem::rename(path + suffix, aside + suffix, error);
      if (error == std::errc::no_such_file_or_directory && *suffix != '\0') continue;
      if (error) {
        return fail(ExitStatus::kDamagedInput, "The damaged database " + path + " cannot be set aside as " +
                                                   aside + ": " + error.message() +
                                                   ". Move it away, and start again.");
      }
    }
    return aside;
  }
  return fail(ExitStatus::kDamagedInput,
              "Too many damaged databases lie beside " + path + ". Remove some of them.");
}

Result<void> MeshStore::Impl::remember() {
  if (remembered) return {};
  forget();
  if (auto loaded = logs.load(); !loaded) return loaded;
  const auto row = database->ask_number(
      "SELECT max(coalesce((SELECT max(row) FROM envelopes), 0), coalesce((SELECT max(row) FROM notices), 0),"
      " (SELECT value FROM state WHERE key = 'last_row'))");
  if (!row) return forward(row);
  last_row = *row;
  const auto count = database->ask_number("SELECT value FROM state WHERE key = 'messages'");
  if (!count) return forward(count);
  messages = static_cast<std::uint64_t>(*count);

  Statement select(*database,
                   "SELECT row, author_no, epoch, seq, messages, id, encoded FROM envelopes WHERE row > ?"
                   " ORDER BY row LIMIT ?");
  auto from = index.indexed_row();
  if (!from) return forward(from);
  for (;;) {
    {
      Query query(select);
      query.number(*from).number(std::uint64_t{limits::kUnindexedRowsMax});
      for (;;) {
        const auto found = query.next();
        if (!found) return forward(found);
        if (!*found) break;
        const auto envelope = decode_stored(*database, query.blob_at(5), query.blob_at(6));
        if (!envelope) return forward(envelope);
        *from = query.number_at(0);
        const LogPosition position{query.number_at(1), query.unsigned_at(2), query.unsigned_at(3)};
        auto entry = make_entry(*from, position, **envelope, static_cast<std::uint32_t>(query.number_at(4)));
        if (!entry) return forward(entry);
        index.append(*entry);
      }
    }
    if (index.waiting() < limits::kUnindexedRowsMax) break;
    auto done = in_transaction(false, [&] { return index.insert_some(index.waiting()); });
    if (!done) return done;
  }
  remembered = true;
  return {};
}

void MeshStore::Impl::forget() {
  remembered = false;
  authors.forget();
  room_numbers.forget();
  index.forget();
  search.forget();
  forks.forget();
  logs.forget();
  carried.forget();
  hidden.forget();
}

Result<IndexEntry> MeshStore::Impl::make_entry(std::int64_t held, const LogPosition& position,
                                               const SealedEnvelope& sealed, std::uint32_t message_count) {
  const auto room_no = room_numbers.number_of(as_bytes(sealed.envelope.room));
  if (!room_no) return forward(room_no);
  return IndexEntry{
      held, position, {*room_no, sealed.envelope.depth, sealed.envelope.wall_ms, sealed.id}, message_count};
}

Result<void> MeshStore::Impl::index_at_most(std::size_t rows_max) {
  if (auto read = remember(); !read) return read;
  if (index.waiting() == 0) return {};
  return in_transaction(false, [&] { return index.insert_some(rows_max); });
}

Result<void> MeshStore::Impl::index_all() {
  if (auto read = remember(); !read) return read;
  return index_at_most(index.waiting());
}

Result<bool> MeshStore::index_some(std::size_t rows_max) {
  if (auto done = impl_->index_at_most(rows_max); !done) return forward(done);
  return impl_->index.waiting() == 0;
}

Result<void> MeshStore::Impl::sync() {
  if (!unsynced) return {};
  // A commit that waits for the disk makes all before it durable too; it must change something to be one.
  auto done = in_transaction(true, [&] {
    return database->execute(
        "INSERT INTO state VALUES('syncs', 1) ON CONFLICT DO UPDATE SET value = value + 1");
  });
  if (done) unsynced = false;
  return done;
}

Result<void> MeshStore::sync() {
  return impl_->sync();
}

Result<void> MeshStore::close_clean() {
  Impl& impl = *impl_;
  auto done = impl.in_transaction(
      true, [&] { return impl.database->execute("UPDATE state SET value = 1 WHERE key = 'clean'"); });
  if (!done) return done;
  impl.unsynced = false;
  return impl.database->execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace p2pmesh
