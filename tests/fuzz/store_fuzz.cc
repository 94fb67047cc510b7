// A database whose rows say anything, as after a fault of a disk or a program that wrote into it: read and
// used, or refused with a sentence. Never the end of the program.
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "database.h"
#include "fuzz_input.h"
#include "p2pmesh/storage/mesh_store.h"
#include "p2pmesh/wire/act_body.h"
#include "p2pmesh/wire/text_body.h"
#include "statement.h"
#include "temp_directory.h"

using namespace p2pmesh;

namespace {

constexpr int kRowsMax = 40;

MemberKey key(std::uint8_t number) {
  MemberKey key;
  key.bytes.fill(number);
  return key;
}
const MeshId kMesh{key(77).bytes};

struct Table {
  std::string insert;
  std::vector<bool> is_number;
};

/// A good database, copied for each input, and what its tables look like.
class Template {
 public:
  Template() {
    auto store = MeshStore::open(path(), kMesh);
    demand(store.has_value() && (*store)->load().has_value());
    StoreBatch batch;
    for (std::uint8_t seq = 1; seq <= 3; ++seq) {
      StoreItem item;
      item.envelope = text(seq);
      item.messages = 1;
      batch.items.push_back(std::move(item));
    }
    demand((*store)->write(batch).has_value() && (*store)->close_clean().has_value());
    store->reset();
    std::ifstream file(path(), std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    read_tables();
  }

  [[nodiscard]] std::string path() const { return directory_ / "mesh.db"; }
  [[nodiscard]] const std::vector<Table>& tables() const { return tables_; }
  void restore() const {
    for (const char* side_file : {"-wal", "-shm"}) std::filesystem::remove(path() + side_file);
    std::ofstream(path(), std::ios::binary).write(bytes_.data(), static_cast<std::streamsize>(bytes_.size()));
  }

 private:
  static EnvelopePtr text(std::uint8_t seq) {
    auto sealed = std::make_shared<SealedEnvelope>();
    Envelope& envelope = sealed->envelope;
    envelope.kind = static_cast<std::uint16_t>(Kind::kText);
    envelope.mesh = kMesh;
    envelope.room = "#lobby";
    envelope.author = key(1);
    envelope.epoch = 1;
    envelope.seq = seq;
    envelope.depth = seq;
    envelope.body = encode_text_body({"text"});
    sealed->encoded = encode_envelope(envelope);
    sealed->id.bytes.fill(seq);
    return sealed;
  }
  void read_tables() {
    const auto database = Database::open(path());
    demand(database.has_value());
    Statement select(**database,
                     "SELECT m.name, c.type FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type ="
                     " 'table' AND m.sql LIKE '%STRICT%' AND m.name <> 'state' ORDER BY m.rowid, c.cid");
    Query query(select);
    std::string last;
    for (auto row = query.next(); row && *row; row = query.next()) {
      const std::string name(query.text_at(0));
      if (name != last)
        tables_.push_back({"INSERT OR REPLACE INTO " + name + " VALUES(?", {}});
      else
        tables_.back().insert += ", ?";
      tables_.back().is_number.push_back(query.text_at(1) == "INTEGER");
      last = name;
    }
    for (Table& table : tables_) table.insert += ')';
    demand(tables_.size() > 20);
  }

  TempDirectory directory_;
  std::string bytes_;
  std::vector<Table> tables_;
};

std::int64_t number_from(FuzzInput& input) {
  const std::uint8_t kind = input.byte();
  if (kind < 224) return kind % 8;
  std::uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number = number << 8 | input.byte();
  return static_cast<std::int64_t>(number);
}

Bytes body_from(FuzzInput& input, Kind kind) {
  if (kind == Kind::kText) return encode_text_body({"some words", std::string(input.byte() % 4, 'x') + "y"});
  if (kind == Kind::kAct) {
    ActBody body;
    body.verb = ActVerb::kKick;
    body.subject = key(input.byte() % 4);
    return encode_act_body(body);
  }
  const ByteView raw = input.take(input.byte());
  return {raw.begin(), raw.end()};
}

Bytes envelope_from(FuzzInput& input) {
  constexpr Kind kKinds[] = {Kind::kText,       Kind::kMember, Kind::kDirect, Kind::kTopic,
                             Kind::kSealedRoom, Kind::kAct,    Kind::kEntry,  Kind::kRevocation};
  const Kind kind = kKinds[input.byte() % 8];
  const bool is_record = kind == Kind::kMember || kind == Kind::kRevocation;
  Envelope envelope;
  envelope.envelope_class = is_record ? EnvelopeClass::kRecord : EnvelopeClass::kLog;
  envelope.kind = static_cast<std::uint16_t>(kind);
  envelope.mesh = kMesh;
  if (kind == Kind::kText || kind == Kind::kTopic) envelope.room = "#lobby";
  envelope.author = key(input.byte() % 4);
  envelope.epoch = static_cast<std::uint64_t>(number_from(input));
  envelope.wall_ms = static_cast<std::uint64_t>(number_from(input));
  if (is_record) {
    envelope.version = static_cast<std::uint64_t>(number_from(input));
  } else {
    envelope.seq = static_cast<std::uint64_t>(number_from(input));
    envelope.depth = static_cast<std::uint64_t>(number_from(input));
    if (envelope.seq > 1) envelope.prev.bytes.fill(1);
  }
  envelope.body = body_from(input, kind);
  return encode_envelope(envelope);
}

Bytes blob_from(FuzzInput& input) {
  const std::uint8_t kind = input.byte();
  const std::uint8_t small = kind / 8 % 4;
  if (kind % 8 <= 1) return Bytes(32, small);
  if (kind % 8 <= 3) return envelope_from(input);
  if (kind % 8 == 4) return Bytes(8, small);
  if (kind % 8 == 5) {  // intervals
    Bytes intervals(16);
    intervals[7] = small;
    intervals[15] = input.byte();
    return intervals;
  }
  if (kind % 8 == 6) return Bytes{'#', 'l', 'o', 'b', 'b', 'y'};
  const ByteView raw = input.take(input.byte());
  return {raw.begin(), raw.end()};
}

/// Rows that a database takes; others are left out.
void write_rows(FuzzInput& input, const Template& base) {
  const auto database = Database::open(base.path());
  demand(database.has_value());
  demand((*database)->execute("PRAGMA synchronous = OFF; BEGIN").has_value());
  for (int i = 0; i < kRowsMax && !input.empty(); ++i) {
    const Table& table = base.tables()[input.byte() % base.tables().size()];
    std::vector<Bytes> blobs;
    blobs.reserve(table.is_number.size());
    Statement insert(**database, table.insert.c_str());
    Query query(insert);
    for (const bool is_number : table.is_number) {
      if (is_number) {
        query.number(number_from(input));
      } else {
        blobs.push_back(blob_from(input));
        query.blob(blobs.back());
      }
    }
    (void)query.run();
  }
  if (input.byte() % 4 == 0) {
    constexpr const char* kKeys[] = {"messages",   "indexed_row", "searched_row",
                                     "last_draft", "last_row",    "clean"};
    Statement update(**database, "UPDATE state SET value = ? WHERE key = ?");
    Query query(update);
    (void)query.number(number_from(input)).text(kKeys[input.byte() % 6]).run();
  }
  demand((*database)->execute("COMMIT").has_value());
}

/// An answer, or a sentence that says what is wrong.
template <class T>
bool seen(const Result<T>& result) {
  demand(result.has_value() || !result.error().message.empty());
  return result.has_value();
}

void read_all(MeshStore& store) {
  for (const char* room : {"#lobby", ""}) {
    for (const bool newest : {false, true})
      seen(store.list_messages(room, std::nullopt, std::nullopt, 100, newest));
    seen(store.topic_of(room));
    seen(store.sealed_of(room, 10, 100'000));
  }
  seen(store.topics());
  seen(store.sealed_rooms());
  seen(store.invitations());
  seen(store.count_rooms({key(1)}, {{"#lobby", Cursor{2, 0}}}));
  seen(store.events_after({}, 100));
  seen(store.unread_directs({}));
  seen(store.list_unopened(key(2), 0, 100));
  seen(store.carried());
  for (std::uint8_t i = 0; i < 4; ++i) {
    seen(store.read_range(key(i), 1, 0, UINT64_MAX, 100'000, 100));
    seen(store.read_record(key(i), static_cast<std::uint16_t>(Kind::kMember), {}));
    seen(store.list_directs(key(i), std::nullopt, std::nullopt, 100, false));
    seen(store.direct_numbers(key(i), 100));
    seen(store.list_outbox(key(i), 100));
    EnvelopeId id;
    id.bytes.fill(i);
    seen(store.position_of(id, 0));
  }
  SearchQuery query;
  query.words = "some";
  seen(store.search(query));
}

void write_some(MeshStore& store) {
  Envelope envelope;
  envelope.kind = static_cast<std::uint16_t>(Kind::kText);
  envelope.mesh = kMesh;
  envelope.room = "#lobby";
  envelope.author = key(1);
  envelope.epoch = 1;
  envelope.seq = 4;
  envelope.depth = 4;
  envelope.prev.bytes.fill(3);
  envelope.body = encode_text_body({"some more"});
  StoreItem item;
  item.envelope = std::make_shared<const SealedEnvelope>(
      SealedEnvelope{EnvelopeId{key(9).bytes}, encode_envelope(envelope), envelope});
  item.messages = 1;
  StoreBatch batch;
  batch.items.push_back(std::move(item));
  batch.now_ms = 5;
  seen(store.write(batch));
  Restriction ban;
  ban.is_ban = true;
  seen(store.hide_refused(key(1), {ban}, 5));
  seen(store.hide_refused(key(1), {}, 5));
  CarryQuota quota;
  quota.author_envelopes = 1;
  seen(store.drop_carried(quota, 5, 10));
  for (int i = 0; i < 10; ++i) {
    const auto done = store.index_words(10);
    if (!seen(done) || *done) break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Template base;
  FuzzInput input(data, size);
  base.restore();
  write_rows(input, base);
  auto store = MeshStore::open(base.path(), kMesh);
  if (!seen(store) || !seen((*store)->load())) return 0;
  read_all(**store);
  write_some(**store);
  read_all(**store);
  seen((*store)->close_clean());
  return 0;
}
