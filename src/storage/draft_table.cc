#include "draft_table.h"

#include <string>
#include <utility>

#include "position.h"

namespace p2pmesh {

DraftTable::DraftTable(Database& database)
    : database_(database),
      insert_(database, "INSERT OR REPLACE INTO drafts VALUES(?, ?, ?, ?, ?)"),
      raise_last_(database, "UPDATE state SET value = ?1 WHERE key = 'last_draft' AND value < ?1"),
      delete_(database, "DELETE FROM drafts WHERE number = ?"),
      select_(database, "SELECT number, room, recipient, text, wall_ms FROM drafts ORDER BY number"),
      select_last_(database, "SELECT value FROM state WHERE key = 'last_draft'") {}

Result<void> DraftTable::save(const StoredDraft& draft) {
  Query query(insert_);
  query.number(draft.number).blob(draft.room);
  query.blob(draft.to ? draft.to->view() : ByteView()).blob(draft.text);
  if (auto done = query.number(clamp_to_signed(draft.wall_ms)).run(); !done) return done;
  return Query(raise_last_).number(draft.number).run();
}

Result<void> DraftTable::remove(std::uint64_t number) {
  return Query(delete_).number(number).run();
}

Result<std::vector<StoredDraft>> DraftTable::list() {
  std::vector<StoredDraft> drafts;
  Query query(select_);
  for (;;) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) return drafts;
    StoredDraft draft;
    draft.number = query.unsigned_at(0);
    draft.room = query.text_at(1);
    const ByteView recipient = query.blob_at(2);
    draft.to = MemberKey::from_view(recipient);
    if (!recipient.empty() && !draft.to)
      return tl::unexpected(database_.damaged("the recipient of a draft is not 32 bytes long"));
    draft.text = query.text_at(3);
    draft.wall_ms = query.unsigned_at(4);
    drafts.push_back(std::move(draft));
  }
}

Result<std::uint64_t> DraftTable::last_number() {
  Query query(select_last_);
  const auto row = query.next();
  if (!row) return forward(row);
  if (!*row) return tl::unexpected(database_.damaged("it does not say how many drafts there were"));
  return query.unsigned_at(0);
}

}  // namespace p2pmesh
