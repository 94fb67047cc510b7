#include "invitation_table.h"

#include <algorithm>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {

InvitationTable::InvitationTable(Database& database)
    : database_(database),
      insert_(database, "INSERT OR REPLACE INTO invitations VALUES(?, ?, ?, ?)"),
      // Relations as the core numbers them: 1 was asked by the local member, 2 is talked to.
      trim_(database,
            "DELETE FROM invitations WHERE row IN (SELECT i.row FROM invitations i"
            " LEFT JOIN correspondents c ON c.member = i.member"
            " ORDER BY coalesce(c.relation IN (1, 2), 0) DESC, i.row DESC LIMIT -1 OFFSET ?)"),
      select_(database, "SELECT member, room, key FROM invitations ORDER BY row DESC") {}

Result<void> InvitationTable::insert(std::int64_t row, const StoredInvitation& invitation) {
  {
    Query query(insert_);
    query.blob(invitation.member.view()).blob(invitation.secret.room).blob(invitation.secret.key);
    if (auto done = query.number(row).run(); !done) return done;
  }
  return Query(trim_).number(std::uint64_t{limits::kInvitationsMax}).run();
}

Result<std::vector<StoredInvitation>> InvitationTable::list() {
  std::vector<StoredInvitation> invitations;
  Query query(select_);
  for (;;) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) return invitations;
    const auto member = MemberKey::from_view(query.blob_at(0));
    StoredInvitation invitation;
    const ByteView key = query.blob_at(2);
    if (!member || key.size() != invitation.secret.key.size())
      return tl::unexpected(database_.damaged("an invitation in it does not decode"));
    invitation.member = *member;
    invitation.secret.room = query.text_at(1);
    std::copy(key.begin(), key.end(), invitation.secret.key.begin());
    invitations.push_back(std::move(invitation));
  }
}

}  // namespace p2pmesh
