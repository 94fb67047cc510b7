#include "p2pmesh/storage/rendezvous_store.h"

#include <algorithm>
#include <utility>

#include "schema.h"
#include "statement.h"

namespace p2pmesh {
namespace {

constexpr std::int64_t kRendezvousApplicationId = 0x70327264;  // "p2rd"
constexpr std::int64_t kRendezvousSchemaVersion = 1;
constexpr std::int64_t kTableCount = 3;

// Versions travel as unsigned 64-bit numbers and come back as such. `observed`: 4 or 16 bytes, or none.
constexpr const char* kTables =
    "CREATE TABLE members(member BLOB PRIMARY KEY, version INTEGER NOT NULL, observed BLOB NOT NULL,"
    " port INTEGER NOT NULL, seen_ms INTEGER NOT NULL, registration BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE names(key BLOB PRIMARY KEY, owner BLOB NOT NULL, since_ms INTEGER NOT NULL,"
    " left_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE asks(number INTEGER PRIMARY KEY, id BLOB NOT NULL, asker BLOB NOT NULL,"
    " recipient BLOB NOT NULL, since_ms INTEGER NOT NULL, delivered INTEGER NOT NULL, ask BLOB NOT NULL)"
    " STRICT;";

Result<void> create(Database& database) {
  auto result = database.begin();
  if (!result) return result;
  result = database.execute(kTables);
  const std::string marks = "PRAGMA application_id = " + std::to_string(kRendezvousApplicationId) +
                            "; PRAGMA user_version = " + std::to_string(kRendezvousSchemaVersion) + ";";
  if (result) result = database.execute(marks.c_str());
  if (result) result = database.commit();
  if (!result) database.rollback();
  return result;
}

Result<void> check_whole(Database& database) {
  const auto tables = database.ask_number("SELECT count(*) FROM sqlite_schema WHERE type = 'table'");
  if (!tables) return forward(tables);
  if (*tables != kTableCount) return tl::unexpected(database.damaged("tables are missing"));
  Statement check(database, "SELECT quick_check FROM pragma_quick_check(1) WHERE quick_check <> 'ok'");
  Query query(check);
  const auto problem = query.next();
  if (!problem) return forward(problem);
  if (*problem) return tl::unexpected(database.damaged(std::string(query.text_at(0))));
  return {};
}

Result<void> prepare(Database& database) {
  const auto empty = is_empty_or_of(database, {kRendezvousApplicationId, kRendezvousSchemaVersion,
                                               "it is not the database of a discovery server"});
  if (!empty) return forward(empty);
  return *empty ? create(database) : check_whole(database);
}

ByteView ip_of(const std::optional<NetAddress>& address) {
  if (!address) return {};
  return ByteView(address->ip).first(address->v6 ? 16 : 4);
}

std::optional<NetAddress> to_address(ByteView ip, std::int64_t port) {
  if (ip.size() != 4 && ip.size() != 16) return std::nullopt;
  NetAddress address;
  address.v6 = ip.size() == 16;
  std::copy(ip.begin(), ip.end(), address.ip.begin());
  address.port = static_cast<std::uint16_t>(port);
  return address;
}

Bytes to_bytes(ByteView view) {
  return {view.begin(), view.end()};
}

/// Calls `read` for each row.
template <class Read>
Result<void> for_each(Database& database, const char* sql, Read read) {
  Statement statement(database, sql);
  Query query(statement);
  for (;;) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) return {};
    if (auto taken = read(query); !taken) return taken;
  }
}

}  // namespace

struct RendezvousStore::Impl {
  explicit Impl(std::unique_ptr<Database> file)
      : database(std::move(file)),
        save_member(*database, "INSERT OR REPLACE INTO members VALUES(?, ?, ?, ?, ?, ?)"),
        save_sighting(*database, "UPDATE members SET version = ?, seen_ms = ? WHERE member = ?"),
        drop_member(*database, "DELETE FROM members WHERE member = ?"),
        save_name(*database, "INSERT OR REPLACE INTO names VALUES(?, ?, ?, ?)"),
        drop_name(*database, "DELETE FROM names WHERE key = ?"),
        save_ask(*database, "INSERT OR REPLACE INTO asks VALUES(?, ?, ?, ?, ?, ?, ?)"),
        mark_delivered(*database, "UPDATE asks SET delivered = 1, ask = x'' WHERE number = ?"),
        drop_ask(*database, "DELETE FROM asks WHERE number = ?"),
        read_ask(*database, "SELECT ask FROM asks WHERE number = ? AND delivered = 0") {}

  std::unique_ptr<Database> database;
  Statement save_member;
  Statement save_sighting;
  Statement drop_member;
  Statement save_name;
  Statement drop_name;
  Statement save_ask;
  Statement mark_delivered;
  Statement drop_ask;
  Statement read_ask;
};

RendezvousStore::RendezvousStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RendezvousStore::~RendezvousStore() = default;

Result<std::unique_ptr<RendezvousStore>> RendezvousStore::open(const std::string& path) {
  auto database = Database::open(path);
  if (!database) return forward(database);
  if (auto prepared = prepare(**database); !prepared) return forward(prepared);
  if (auto set = (*database)->set_full_sync(true); !set) return forward(set);
  return std::unique_ptr<RendezvousStore>(new RendezvousStore(std::make_unique<Impl>(std::move(*database))));
}

Result<RendezvousSnapshot> RendezvousStore::load() {
  RendezvousSnapshot snapshot;
  Database& database = *impl_->database;
  auto read = for_each(
      database, "SELECT member, version, observed, port, seen_ms, registration FROM members ORDER BY member",
      [&](const Query& row) -> Result<void> {
        const auto member = row.id_at<MemberKey>(0, "a member's key");
        if (!member) return forward(member);
        snapshot.members.push_back({*member, row.unsigned_at(1), to_address(row.blob_at(2), row.number_at(3)),
                                    row.unsigned_at(4), to_bytes(row.blob_at(5))});
        return {};
      });
  if (!read) return forward(read);
  read = for_each(database, "SELECT key, owner, since_ms, left_ms FROM names ORDER BY left_ms, key",
                  [&](const Query& row) -> Result<void> {
                    const auto owner = row.id_at<MemberKey>(1, "the key of a name's owner");
                    if (!owner) return forward(owner);
                    snapshot.names.push_back(
                        {std::string(row.text_at(0)), *owner, row.unsigned_at(2), row.unsigned_at(3)});
                    return {};
                  });
  if (!read) return forward(read);
  read = for_each(
      database, "SELECT number, id, asker, recipient, since_ms, delivered FROM asks ORDER BY number",
      [&](const Query& row) -> Result<void> {
        const auto id = row.id_at<AskId>(1, "a request's id");
        const auto asker = row.id_at<MemberKey>(2, "an asker's key");
        const auto recipient = row.id_at<MemberKey>(3, "a recipient's key");
        if (!id) return forward(id);
        if (!asker) return forward(asker);
        if (!recipient) return forward(recipient);
        snapshot.asks.push_back(
            {row.unsigned_at(0), *id, *asker, *recipient, row.unsigned_at(4), row.number_at(5) != 0, {}});
        return {};
      });
  if (!read) return forward(read);
  return snapshot;
}

Result<void> RendezvousStore::begin() {
  return impl_->database->begin();
}
Result<void> RendezvousStore::commit() {
  return impl_->database->commit();
}
void RendezvousStore::rollback() {
  impl_->database->rollback();
}

Result<void> RendezvousStore::save(const StoredRegistration& member) {
  Query query(impl_->save_member);
  query.blob(member.member.view()).number(member.version).blob(ip_of(member.observed));
  query.number(std::int64_t{member.observed ? member.observed->port : 0}).number(member.seen_ms);
  return query.blob(member.registration).run();
}

Result<void> RendezvousStore::save_sighting(const MemberKey& member, std::uint64_t version, WallMs seen_ms) {
  return Query(impl_->save_sighting).number(version).number(seen_ms).blob(member.view()).run();
}

Result<void> RendezvousStore::drop_member(const MemberKey& member) {
  return Query(impl_->drop_member).blob(member.view()).run();
}

Result<void> RendezvousStore::save(const StoredName& name) {
  Query query(impl_->save_name);
  query.blob(name.key).blob(name.owner.view());
  return query.number(name.since_ms).number(name.left_ms).run();
}

Result<void> RendezvousStore::drop_name(const std::string& key) {
  return Query(impl_->drop_name).blob(key).run();
}

Result<void> RendezvousStore::save(const StoredAsk& ask) {
  Query query(impl_->save_ask);
  query.number(ask.number).blob(ask.id.view()).blob(ask.asker.view()).blob(ask.recipient.view());
  return query.number(ask.since_ms).number(std::int64_t{ask.delivered}).blob(ask.ask).run();
}

Result<void> RendezvousStore::mark_delivered(std::uint64_t number) {
  return Query(impl_->mark_delivered).number(number).run();
}

Result<void> RendezvousStore::drop_ask(std::uint64_t number) {
  return Query(impl_->drop_ask).number(number).run();
}

Result<std::optional<Bytes>> RendezvousStore::read_ask(std::uint64_t number) {
  Query query(impl_->read_ask);
  query.number(number);
  const auto row = query.next();
  if (!row) return forward(row);
  if (!*row) return std::optional<Bytes>();
  return std::optional(to_bytes(query.blob_at(0)));
}

Result<void> RendezvousStore::close_clean() {
  return impl_->database->execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace p2pmesh
