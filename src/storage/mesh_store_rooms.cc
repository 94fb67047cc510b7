// What is known of rooms: how much of each is held and was not read, and its topic.
#include <algorithm>
#include <utility>

#include "mesh_store_impl.h"

namespace p2pmesh {

Result<std::vector<std::int64_t>> MeshStore::Impl::rows_of(const MemberKey& author) {
  std::vector<std::int64_t> rows;
  const auto author_no = authors.find(author.view());
  if (!author_no) return forward(author_no);
  if (!*author_no) return rows;
  Query query(select_own_rows);
  query.number(**author_no);
  for (;;) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) break;
    rows.push_back(query.number_at(0));
  }
  return rows;
}

Result<void> MeshStore::Impl::count_room(std::int64_t room_no, const std::vector<std::int64_t>& read_rows,
                                         const Cursor& mark, RoomCount& count) {
  Query query(select_transcript);
  query.number(room_no);
  for (;;) {
    const auto found = query.next();
    if (!found) return forward(found);
    if (!*found) return {};
    const std::uint64_t in_row = query.unsigned_at(1);
    count.messages += in_row;
    count.newest_depth = query.unsigned_at(2);
    count.newest_wall_ms = query.unsigned_at(3);
    const std::int64_t held = query.number_at(0);
    if (held < 0) continue;  // a fork, shown in the row of another: told, and read or not, when that one was
    const auto row = static_cast<std::uint64_t>(held);
    count.last_row = std::max(count.last_row, row);
    if (row < mark.row || std::binary_search(read_rows.begin(), read_rows.end(), held)) continue;
    const std::uint64_t read = row == mark.row ? std::uint64_t{mark.index} + 1 : 0;
    if (in_row <= read) continue;
    count.unread += in_row - read;
    // The transcript has another order than the rows.
    count.first_unread_row = count.first_unread_row == 0 ? row : std::min(count.first_unread_row, row);
  }
}

Result<std::vector<RoomCount>> MeshStore::count_rooms(const std::vector<MemberKey>& never_unread,
                                                      const std::map<std::string, Cursor>& marks) {
  Impl& impl = *impl_;
  if (auto indexed = impl.index_all(); !indexed) return forward(indexed);
  std::vector<std::int64_t> read_rows;
  for (const MemberKey& author : never_unread) {
    const auto rows = impl.rows_of(author);
    if (!rows) return forward(rows);
    read_rows.insert(read_rows.end(), rows->begin(), rows->end());
  }
  std::sort(read_rows.begin(), read_rows.end());
  std::vector<RoomCount> counts;
  Query query(impl.select_rooms);
  for (;;) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) return counts;
    RoomCount count;
    count.room = query.text_at(1);
    const auto mark = marks.find(count.room);
    auto counted =
        impl.count_room(query.number_at(0), read_rows, mark == marks.end() ? Cursor{} : mark->second, count);
    if (!counted) return forward(counted);
    counts.push_back(std::move(count));
  }
}

Result<std::optional<StoredTopic>> MeshStore::topic_of(const std::string& room,
                                                       const std::optional<StoredTopicLock>& lock) {
  return impl_->topics.of_room(room, lock);
}

Result<std::vector<StoredTopic>> MeshStore::topics() {
  return impl_->topics.list(limits::kRoomsListedMax);
}

}  // namespace p2pmesh
