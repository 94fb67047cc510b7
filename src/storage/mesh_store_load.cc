// MeshStore::load: what the core needs to go on after a restart.
#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include "mesh_store_impl.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

constexpr std::int64_t kHeadsSearched =
    1024;  // the deepest of each room; a head further back has been missed for long

// Calls `take` with each row's query; stops at the first failure.
template <class Take>
Result<void> for_each_row(Statement& statement, Take take) {
  Query query(statement);
  for (;;) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) return {};
    if (auto taken = take(query); !taken) return taken;
  }
}

Result<void> read_records(const Database& database, Statement& select, std::vector<EnvelopePtr>& records) {
  return for_each_row(select, [&](const Query& row) -> Result<void> {
    auto envelope = decode_stored(database, row.blob_at(0), row.blob_at(1));
    if (!envelope) return forward(envelope);
    records.push_back(std::move(*envelope));
    return {};
  });
}

Result<void> read_peers(Statement& select, std::vector<StoredPeer>& peers) {
  return for_each_row(select, [&](const Query& row) -> Result<void> {
    const auto node = row.id_at<NodeKey>(0, "a peer's key");
    if (!node) return forward(node);
    peers.push_back({*node, std::string(row.text_at(1)), static_cast<std::uint16_t>(row.number_at(2)),
                     row.unsigned_at(3), static_cast<std::uint32_t>(row.number_at(4))});
    return {};
  });
}

Result<void> read_outbox(Statement& select, std::vector<OutboxEntry>& outbox) {
  return for_each_row(select, [&](const Query& row) -> Result<void> {
    const auto id = row.id_at<EnvelopeId>(0, "an id");
    if (!id) return forward(id);
    outbox.push_back(
        {*id, row.unsigned_at(1), row.unsigned_at(2), static_cast<std::uint32_t>(row.number_at(3))});
    return {};
  });
}

}  // namespace

Result<StoreSnapshot> MeshStore::load() {
  Impl& impl = *impl_;
  Database& database = *impl.database;
  if (auto indexed = impl.index_all(); !indexed) return forward(indexed);
  StoreSnapshot snapshot;
  const auto clean = database.ask_number("SELECT value FROM state WHERE key = 'clean'");
  if (!clean) return forward(clean);
  snapshot.clean_stop = *clean == 1;
  snapshot.last_row = static_cast<std::uint64_t>(impl.last_row);
  snapshot.messages = impl.messages;

  auto logs = impl.logs.list();
  if (!logs) return forward(logs);
  snapshot.logs = std::move(*logs);
  auto heads = impl.read_heads();
  if (!heads) return forward(heads);
  snapshot.heads = std::move(*heads);

  auto acts = impl.read_acts(snapshot.has_more_acts);
  if (!acts) return forward(acts);
  snapshot.acts = std::move(*acts);
  auto entries = impl.read_entries();
  if (!entries) return forward(entries);
  snapshot.entries = std::move(*entries);

  auto correspondents = impl.directs.correspondents();
  if (!correspondents) return forward(correspondents);
  snapshot.correspondents = std::move(*correspondents);

  auto drafts = impl.drafts.list();
  if (!drafts) return forward(drafts);
  snapshot.drafts = std::move(*drafts);
  const auto last_draft = impl.drafts.last_number();
  if (!last_draft) return forward(last_draft);
  snapshot.last_draft = *last_draft;
  auto people = impl.people.list();
  if (!people) return forward(people);
  snapshot.people = std::move(*people);

  Statement records(database, "SELECT id, encoded FROM records ORDER BY author, kind, subject");
  Statement peers(database,
                  "SELECT node, host, port, last_success_ms, failures FROM peers"
                  " ORDER BY last_success_ms DESC, failures, node, host, port");
  Statement outbox(database, "SELECT id, epoch, seq, messages FROM outbox ORDER BY epoch, seq, id");
  Statement settings(database, "SELECT key, value FROM settings ORDER BY key");
  if (auto read = read_records(database, records, snapshot.records); !read) return forward(read);
  if (auto read = read_peers(peers, snapshot.peers); !read) return forward(read);
  if (auto read = read_outbox(outbox, snapshot.outbox); !read) return forward(read);
  auto read = for_each_row(settings, [&](const Query& row) -> Result<void> {
    snapshot.settings.emplace_back(row.text_at(0), row.text_at(1));
    return {};
  });
  if (!read) return forward(read);

  auto marked = impl.in_transaction(true, [&] {
    return database.execute("UPDATE state SET value = 0 WHERE key = 'clean' AND value <> 0");
  });
  if (!marked) return forward(marked);
  return snapshot;
}

Result<std::vector<StoredHead>> MeshStore::Impl::read_heads() {
  std::vector<std::pair<std::int64_t, std::string>> rooms;
  static_assert(limits::kRoomsMax == 1024);
  // Those that were written in last, by the arrival of the deepest envelope: anybody can make up rooms, and
  // the oldest ones would keep the others from being known again.
  Statement select(*database,
                   "SELECT no, name FROM (SELECT no, name, (SELECT abs(held) FROM transcript"
                   " WHERE room_no = rooms.no ORDER BY depth DESC, wall_ms DESC, id DESC LIMIT 1) AS arrived"
                   " FROM rooms ORDER BY arrived DESC, no DESC LIMIT 1024) ORDER BY arrived, no");
  auto read = for_each_row(select, [&](const Query& row) -> Result<void> {
    rooms.emplace_back(row.number_at(0), row.text_at(1));
    return {};
  });
  if (!read) return forward(read);
  std::vector<StoredHead> heads;
  for (const auto& [room_no, room] : rooms) {
    if (auto appended = append_heads(room_no, room, heads); !appended) return forward(appended);
  }
  return heads;
}

Result<void> MeshStore::Impl::append_heads(std::int64_t room_no, const std::string& room,
                                           std::vector<StoredHead>& heads) {
  Statement select(
      *database,
      "SELECT held FROM transcript WHERE room_no = ? ORDER BY depth DESC, wall_ms DESC, id DESC LIMIT ?");
  std::unordered_map<EnvelopeId, std::uint64_t> named;  // to the depth of the deepest that names it
  std::set<MemberKey> seen_authors;
  std::size_t kept = 0;
  Query query(select);
  query.number(room_no).number(kHeadsSearched);
  for (;;) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) break;
    const std::int64_t held = query.number_at(0);
    const auto sealed = held < 0 ? forks.read(-held) : read_row(held);
    if (!sealed) return forward(sealed);
    const Envelope& envelope = (*sealed)->envelope;
    const auto namer = named.find((*sealed)->id);
    const bool is_named = namer != named.end() && namer->second > envelope.depth;
    const bool is_head = !is_named && kept < limits::kHeadsPerRoomMax;
    const bool is_deepest =
        seen_authors.size() < limits::kHeadAuthorsMax && seen_authors.insert(envelope.author).second;
    if (is_head || is_deepest)
      heads.push_back({room, (*sealed)->id, envelope.depth, envelope.author, is_head});
    kept += is_head ? 1 : 0;
    for (const EnvelopeId& parent : envelope.parents) named.try_emplace(parent, envelope.depth);
  }
  return {};
}

}  // namespace p2pmesh
