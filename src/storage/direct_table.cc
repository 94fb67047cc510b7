#include "direct_table.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "p2pmesh/base/limits.h"
#include "transcript_bound.h"

namespace p2pmesh {
namespace {

// What read() reads.
#define P2PMESH_DIRECT_COLUMNS                                                                        \
  "SELECT d.row, d.idx, d.texts, d.own, d.epoch, d.number, d.depth, d.wall_ms, d.id, d.text, a.key, " \
  "d.told, w.key"                                                                                     \
  " FROM directs d JOIN authors a ON a.no = d.peer_no JOIN envelopes e ON e.row = d.row"              \
  " JOIN authors w ON w.no = e.author_no "

}  // namespace

DirectTable::DirectTable(Database& database, NumberTable& authors)
    : database_(database),
      authors_(authors),
      insert_(database, "INSERT INTO directs VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"),
      save_(database, "INSERT OR REPLACE INTO correspondents VALUES(?, ?, ?)"),
      mark_(database,
            "UPDATE directs SET told = ?1 WHERE peer_no = ?2 AND own = 1 AND epoch = ?3"
            " AND number BETWEEN ?4 AND ?5 AND told < ?1"),
      select_people_(database, "SELECT member, relation, asks FROM correspondents ORDER BY member"),
      select_depth_(database, "SELECT max(depth) FROM directs WHERE peer_no = ?"),
      select_written_(database,
                      "SELECT epoch, number FROM directs WHERE peer_no = ? AND own = 1"
                      " ORDER BY epoch DESC, number DESC LIMIT 1"),
      select_untold_(database,
                     "SELECT epoch, max(number) FROM directs WHERE peer_no = ? AND own = 1 AND told = 0"
                     " GROUP BY epoch ORDER BY epoch DESC LIMIT ?"),
      select_received_(database,
                       "SELECT DISTINCT epoch, number FROM directs WHERE peer_no = ? AND own = 0"
                       " ORDER BY epoch, number"),
      select_unread_(database,
                     "SELECT row FROM directs WHERE peer_no = ? AND own = 0 AND row > ? AND length(text) > 0"
                     " ORDER BY row DESC LIMIT ?"),
      select_numbers_(database,
                      "SELECT epoch, number, row FROM directs WHERE peer_no = ? AND own = 0 AND idx = 0"
                      " ORDER BY epoch, number"),
      select_row_(database, P2PMESH_DIRECT_COLUMNS "WHERE d.row = ? ORDER BY d.idx"),
      select_id_(database, P2PMESH_DIRECT_COLUMNS "WHERE d.id = ? AND d.idx = ?"),
      select_ascending_(database, P2PMESH_DIRECT_COLUMNS
                        "WHERE d.peer_no = ? AND (d.depth, d.wall_ms, d.id) >= (?, ?, ?)"
                        " AND (d.depth, d.wall_ms, d.id) <= (?, ?, ?) AND length(d.text) > 0"
                        " ORDER BY d.depth, d.wall_ms, d.id, d.idx"),
      select_descending_(database, P2PMESH_DIRECT_COLUMNS
                         "WHERE d.peer_no = ? AND (d.depth, d.wall_ms, d.id) >= (?, ?, ?)"
                         " AND (d.depth, d.wall_ms, d.id) <= (?, ?, ?) AND length(d.text) > 0"
                         " ORDER BY d.depth DESC, d.wall_ms DESC, d.id DESC, d.idx DESC") {}

Result<void> DirectTable::insert(std::int64_t row, const SealedEnvelope& envelope,
                                 const StoredDirect& direct) {
  const auto peer_no = authors_.number_of(direct.peer.view());
  if (!peer_no) return forward(peer_no);
  // A request without a text has one row too: its number counts.
  const std::size_t rows = std::max<std::size_t>(direct.texts.size(), 1);
  for (std::size_t i = 0; i < rows; ++i) {
    Query query(insert_);
    query.number(row).number(std::uint64_t{i}).number(std::uint64_t{direct.texts.size()}).number(*peer_no);
    query.number(std::int64_t{direct.own ? 1 : 0}).number(envelope.envelope.epoch).number(direct.number);
    query.number(direct.depth).number(envelope.envelope.wall_ms).blob(envelope.id.view());
    const std::string_view text = direct.texts.empty() ? std::string_view() : direct.texts[i];
    if (auto done = query.blob(text).run(); !done) return done;
  }
  return {};
}

Result<void> DirectTable::save(const StoredCorrespondent& correspondent) {
  Query query(save_);
  query.blob(correspondent.member.view()).number(std::uint64_t{correspondent.relation});
  return query.number(std::int64_t{correspondent.asks ? 1 : 0}).run();
}

Result<void> DirectTable::mark(const StoredDelivery& delivery) {
  const auto peer_no = authors_.find(delivery.peer.view());
  if (!peer_no) return forward(peer_no);
  if (!*peer_no || !fits_signed(delivery.epoch)) return {};
  const auto mark = [&](std::int64_t told, std::uint64_t first, std::uint64_t last) {
    Query query(mark_);
    query.number(told).number(**peer_no).number(delivery.epoch);
    return query.number(clamp_to_signed(first)).number(clamp_to_signed(last)).run();
  };
  for (const auto& [first, last] : delivery.numbers) {
    if (auto done = mark(1, first, last); !done) return done;
    if (delivery.read_to < first) continue;
    if (auto done = mark(2, first, std::min(last, delivery.read_to)); !done) return done;
  }
  return {};
}

Result<std::vector<StoredCorrespondent>> DirectTable::correspondents() {
  std::vector<StoredCorrespondent> people;
  {
    Query query(select_people_);
    for (;;) {
      const auto row = query.next();
      if (!row) return forward(row);
      if (!*row) break;
      const auto member = query.id_at<MemberKey>(0, "a member's key");
      if (!member) return forward(member);
      StoredCorrespondent correspondent;
      correspondent.member = *member;
      correspondent.relation = static_cast<std::uint8_t>(query.number_at(1));
      correspondent.asks = query.number_at(2) != 0;
      people.push_back(std::move(correspondent));
    }
  }
  for (StoredCorrespondent& correspondent : people) {
    const auto peer_no = authors_.find(correspondent.member.view());
    if (!peer_no) return forward(peer_no);
    if (!*peer_no) continue;
    Query depth(select_depth_);
    if (auto found = depth.number(**peer_no).next(); !found) return forward(found);
    correspondent.depth = depth.unsigned_at(0);
    Query written(select_written_);
    const auto wrote = written.number(**peer_no).next();
    if (!wrote) return forward(wrote);
    if (*wrote) {
      correspondent.written_epoch = written.unsigned_at(0);
      correspondent.written_number = written.unsigned_at(1);
    }
    Query untold(select_untold_);
    untold.number(**peer_no).number(std::uint64_t{limits::kStandingEpochsMax});
    for (;;) {
      const auto row = untold.next();
      if (!row) return forward(row);
      if (!*row) break;
      correspondent.untold.emplace_back(untold.unsigned_at(0), untold.unsigned_at(1));
    }
    if (auto read = read_received(**peer_no, correspondent); !read) return forward(read);
  }
  return people;
}

Result<void> DirectTable::read_received(std::int64_t peer_no, StoredCorrespondent& correspondent) {
  Query query(select_received_);
  query.number(peer_no);
  for (;;) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) return {};
    const std::uint64_t epoch = query.unsigned_at(0);
    const std::uint64_t number = query.unsigned_at(1);
    if (number == 0) continue;
    auto& received = correspondent.received;
    if (received.empty() || received.back().first != epoch) received.emplace_back(epoch, Intervals{});
    Intervals& intervals = received.back().second;
    if (!intervals.empty() && intervals.back().second + 1 == number) {
      intervals.back().second = number;
    } else {
      intervals.emplace_back(number, number);
    }
  }
}

Result<ListedMessage> DirectTable::read(const Query& query) const {
  const auto id = EnvelopeId::from_view(query.blob_at(8));
  const auto peer = MemberKey::from_view(query.blob_at(10));
  const auto author = MemberKey::from_view(query.blob_at(12));
  if (!id || !peer || !author)
    return tl::unexpected(database_.damaged("a direct message in it does not decode"));
  ListedMessage message;
  message.row = query.unsigned_at(0);
  message.index = static_cast<std::uint32_t>(query.number_at(1));
  message.count = static_cast<std::uint32_t>(query.number_at(2));
  message.envelope = *id;
  message.depth = query.unsigned_at(6);
  message.wall_ms = query.unsigned_at(7);
  message.text = query.text_at(9);
  const std::int64_t told = query.number_at(11);
  message.direct = {*peer,    query.number_at(3) != 0, query.unsigned_at(4), query.unsigned_at(5), told >= 1,
                    told >= 2};
  message.author = *author;
  return message;
}

Result<std::vector<ListedMessage>> DirectTable::of_row(std::int64_t row) {
  std::vector<ListedMessage> messages;
  Query query(select_row_);
  query.number(row);
  for (;;) {
    const auto found = query.next();
    if (!found) return forward(found);
    if (!*found) return messages;
    auto message = read(query);
    if (!message) return forward(message);
    if (!message->text.empty()) messages.push_back(std::move(*message));
  }
}

Result<std::vector<std::uint64_t>> DirectTable::unread_rows(const MemberKey& peer, std::uint64_t mark) {
  std::vector<std::uint64_t> rows;
  const auto peer_no = authors_.find(peer.view());
  if (!peer_no) return forward(peer_no);
  if (!*peer_no || !fits_signed(mark)) return rows;
  Query query(select_unread_);
  query.number(**peer_no).number(mark).number(std::uint64_t{limits::kUnreadDirectsMax});
  for (;;) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) break;
    rows.push_back(query.unsigned_at(0));
  }
  std::reverse(rows.begin(), rows.end());
  return rows;
}

Result<std::vector<std::pair<std::uint64_t, std::uint64_t>>> DirectTable::numbers_up_to(const MemberKey& peer,
                                                                                        std::uint64_t row) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> numbers;
  const auto peer_no = authors_.find(peer.view());
  if (!peer_no) return forward(peer_no);
  if (!*peer_no) return numbers;
  Query query(select_numbers_);
  query.number(**peer_no);
  bool is_whole = true;  // everything of this epoch so far came, and by then
  for (;;) {
    const auto found = query.next();
    if (!found) return forward(found);
    if (!*found) break;
    const std::uint64_t epoch = query.unsigned_at(0);
    const std::uint64_t number = query.unsigned_at(1);
    if (numbers.empty() || numbers.back().first != epoch) {
      numbers.emplace_back(epoch, 0);
      is_whole = true;
    }
    is_whole = is_whole && number <= numbers.back().second + 1 && query.unsigned_at(2) <= row;
    if (is_whole) numbers.back().second = std::max(numbers.back().second, number);
  }
  std::erase_if(numbers, [](const auto& of_epoch) { return of_epoch.second == 0; });
  return numbers;
}

Result<bool> DirectTable::is_opened(std::int64_t row) {
  Query query(select_row_);
  query.number(row);
  return query.next();
}

Result<std::optional<TranscriptPosition>> DirectTable::position_of(const EnvelopeId& id,
                                                                   std::uint32_t index) {
  Query query(select_id_);
  const auto found = query.blob(id.view()).number(std::uint64_t{index}).next();
  if (!found) return forward(found);
  if (!*found) return std::nullopt;
  return TranscriptPosition{query.unsigned_at(6), query.unsigned_at(7), id, index};
}

Result<std::vector<ListedMessage>> DirectTable::list(const MemberKey& peer,
                                                     const std::optional<TranscriptPosition>& after,
                                                     const std::optional<TranscriptPosition>& before,
                                                     std::size_t limit, bool newest, bool own_only) {
  std::vector<ListedMessage> messages;
  const auto peer_no = authors_.find(peer.view());
  if (!peer_no) return forward(peer_no);
  if (!*peer_no || limit == 0) return messages;
  const TranscriptBound low = after ? TranscriptBound::of(*after) : TranscriptBound::lowest();
  const TranscriptBound high = before ? TranscriptBound::of(*before) : TranscriptBound::highest();
  Query query(newest ? select_descending_ : select_ascending_);
  query.number(**peer_no).number(low.depth).number(low.wall_ms).blob(low.id);
  query.number(high.depth).number(high.wall_ms).blob(high.id);
  while (messages.size() < limit) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) break;
    auto message = read(query);
    if (!message) return forward(message);
    if (own_only && !message->direct->own) continue;
    const TranscriptPosition position{message->depth, message->wall_ms, message->envelope, message->index};
    if ((!after || position > *after) && (!before || position < *before))
      messages.push_back(std::move(*message));
  }
  if (newest) std::reverse(messages.begin(), messages.end());
  return messages;
}

}  // namespace p2pmesh
