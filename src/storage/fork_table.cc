#include "fork_table.h"

#include <sqlite3.h>

#include <utility>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {

Result<EnvelopePtr> decode_stored(const Database& database, ByteView id, ByteView encoded) {
  const auto held_id = EnvelopeId::from_view(id);
  auto envelope = decode_envelope(encoded);
  if (!held_id || !envelope) return tl::unexpected(database.damaged("an envelope in it does not decode"));
  return std::make_shared<const SealedEnvelope>(
      SealedEnvelope{*held_id, Bytes(encoded.begin(), encoded.end()), std::move(*envelope)});
}

ForkTable::ForkTable(Database& database)
    : database_(database),
      select_any_(database, "SELECT EXISTS(SELECT 1 FROM forks)"),
      select_at_(
          database,
          "SELECT no, id, encoded FROM forks WHERE author_no = ? AND epoch = ? AND seq = ? ORDER BY id"),
      select_by_id_(database, "SELECT no, id, encoded FROM forks WHERE id = ?"),
      select_by_no_(database, "SELECT no, id, encoded FROM forks WHERE no = ?"),
      count_author_(database, "SELECT count(*) FROM forks WHERE author_no = ?"),
      insert_(database, "INSERT INTO forks(author_no, epoch, seq, id, encoded) VALUES(?, ?, ?, ?, ?)"),
      delete_(database, "DELETE FROM forks WHERE no = ?") {}

Result<bool> ForkTable::any() {
  if (any_ == Any::kUnknown) {
    Query query(select_any_);
    const auto row = query.next();
    if (!row) return forward(row);
    any_ = query.number_at(0) != 0 ? Any::kYes : Any::kNo;
  }
  return any_ == Any::kYes;
}

Result<EnvelopePtr> ForkTable::decode(const Query& query, int column) const {
  return decode_stored(database_, query.blob_at(column), query.blob_at(column + 1));
}

Result<std::vector<Fork>> ForkTable::at(const LogPosition& position) {
  std::vector<Fork> forks;
  const auto some = any();
  if (!some) return forward(some);
  if (!*some) return forks;
  Query query(select_at_);
  query.number(position.author_no).number(position.epoch).number(position.seq);
  for (;;) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) return forks;
    auto envelope = decode(query, 1);
    if (!envelope) return forward(envelope);
    forks.push_back({query.number_at(0), std::move(*envelope)});
  }
}

Result<bool> ForkTable::is_forked(const LogPosition& position) {
  const auto some = any();
  if (!some || !*some) return some;
  Query query(select_at_);
  return query.number(position.author_no).number(position.epoch).number(position.seq).next();
}

Result<Fork> ForkTable::find(const EnvelopeId& id) {
  const auto some = any();
  if (!some) return forward(some);
  if (!*some) return Fork{};
  Query query(select_by_id_);
  const auto row = query.blob(id.view()).next();
  if (!row) return forward(row);
  if (!*row) return Fork{};
  auto envelope = decode(query, 1);
  if (!envelope) return forward(envelope);
  return Fork{query.number_at(0), *std::move(envelope)};
}

Result<EnvelopePtr> ForkTable::read(std::int64_t no) {
  Query query(select_by_no_);
  const auto row = query.number(no).next();
  if (!row) return forward(row);
  if (!*row) return tl::unexpected(database_.damaged("a fork is missing"));
  return decode(query, 1);
}

Result<std::int64_t> ForkTable::insert(const LogPosition& position, const SealedEnvelope& envelope,
                                       std::optional<Fork>& dropped) {
  const auto known = at(position);
  if (!known) return forward(known);
  for (const Fork& fork : *known) {
    if (fork.envelope->id == envelope.id) return 0;
  }
  if (known->size() >= limits::kForksPerPositionMax) {
    // The lower ids stay, so that every node ends with the same lowest one.
    if (known->back().envelope->id < envelope.id) return 0;
    dropped = known->back();
    if (auto done = Query(delete_).number(dropped->no).run(); !done) return forward(done);
  } else {
    Query query(count_author_);
    const auto row = query.number(position.author_no).next();
    if (!row) return forward(row);
    if (query.unsigned_at(0) >= limits::kForksPerAuthorMax) return 0;
  }
  Query query(insert_);
  query.number(position.author_no).number(position.epoch).number(position.seq);
  if (auto done = query.blob(envelope.id.view()).blob(envelope.encoded).run(); !done) return forward(done);
  any_ = Any::kYes;
  return sqlite3_last_insert_rowid(database_.handle());
}

}  // namespace p2pmesh
