// Direct messages of and to the local member, opened: the envelopes lie sealed with all others, the texts
// here alone. And the people they are exchanged with.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "number_table.h"
#include "p2pmesh/storage/mesh_store.h"
#include "statement.h"

namespace p2pmesh {

class DirectTable {
 public:
  DirectTable(Database& database, NumberTable& authors);

  // Inside a transaction.
  Result<void> insert(std::int64_t row, const SealedEnvelope& envelope, const StoredDirect& direct);
  Result<void> save(const StoredCorrespondent& correspondent);
  Result<void> mark(const StoredDelivery& delivery);

  /// Everybody who was saved, by key.
  Result<std::vector<StoredCorrespondent>> correspondents();
  /// What stands at a row of the envelopes; nothing when that is not opened.
  Result<std::vector<ListedMessage>> of_row(std::int64_t row);
  Result<bool> is_opened(std::int64_t row);
  /// As MeshStore::unread_directs(), of one member.
  Result<std::vector<std::uint64_t>> unread_rows(const MemberKey& peer, std::uint64_t mark);
  /// As MeshStore::direct_numbers().
  Result<std::vector<std::pair<std::uint64_t, std::uint64_t>>> numbers_up_to(const MemberKey& peer,
                                                                             std::uint64_t row);
  /// As MeshStore::list_directs().
  Result<std::vector<ListedMessage>> list(const MemberKey& peer,
                                          const std::optional<TranscriptPosition>& after,
                                          const std::optional<TranscriptPosition>& before, std::size_t limit,
                                          bool newest, bool own_only);
  Result<std::optional<TranscriptPosition>> position_of(const EnvelopeId& id, std::uint32_t index);

 private:
  Result<ListedMessage> read(const Query& query) const;
  Result<void> read_received(std::int64_t peer_no, StoredCorrespondent& correspondent);

  Database& database_;
  NumberTable& authors_;
  Statement insert_;
  Statement save_;
  Statement mark_;
  Statement select_people_;
  Statement select_depth_;
  Statement select_written_;
  Statement select_untold_;
  Statement select_received_;
  Statement select_unread_;
  Statement select_numbers_;
  Statement select_row_;
  Statement select_id_;
  Statement select_ascending_;
  Statement select_descending_;
};

}  // namespace p2pmesh
