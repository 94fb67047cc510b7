// What is carried for others: counted, dropped over the quota, and what is known of it afterwards.
#include <algorithm>
#include <utility>

#include "mesh_store_impl.h"

namespace p2pmesh {

Result<CarriedSum> MeshStore::carried() {
  return impl_->carried.total();
}

Result<MeshStore::DroppedCarried> MeshStore::drop_carried(const CarryQuota& quota, WallMs now_ms,
                                                          std::size_t rows_max) {
  Impl& impl = *impl_;
  if (auto read = impl.remember(); !read) return forward(read);
  const auto rows = impl.carried.over(quota, now_ms, rows_max);
  if (!rows) return forward(rows);
  if (rows->empty()) return DroppedCarried{0, true};
  if (auto indexed = impl.index_all(); !indexed) return forward(indexed);
  std::uint64_t dropped = 0;
  auto done = impl.in_transaction(false, [&]() -> Result<void> {
    for (const std::int64_t row : *rows) {
      const auto was_dropped = impl.drop(row);
      if (!was_dropped) return forward(was_dropped);
      if (*was_dropped) ++dropped;
    }
    // The last row may be one of them, and no row number is used twice.
    return Query(impl.save_last_row).number(impl.last_row).run();
  });
  if (!done) return forward(done);
  impl.unsynced = true;
  return DroppedCarried{dropped, false};
}

/// Its number stays accepted, and its id in the sums that neighbors compare: so nobody sends it again, and
/// who still holds it agrees with who does not.
Result<bool> MeshStore::Impl::drop(std::int64_t row) {
  const auto envelope = read_row(row);
  if (!envelope) return forward(envelope);
  const SealedEnvelope& sealed = **envelope;
  const auto position = position_in_log(sealed.envelope);
  if (!position) return forward(position);
  if (auto removed = carried.remove(row); !removed) return forward(removed);
  // Two for one place are proof against their author.
  const auto forked = forks.is_forked(*position);
  if (!forked) return forward(forked);
  if (*forked) return false;
  const auto entry = make_entry(row, *position, sealed, 0);
  if (!entry) return forward(entry);
  if (auto removed = index.remove(*entry); !removed) return forward(removed);
  if (auto removed = Query(delete_envelope).number(row).run(); !removed) return forward(removed);
  if (auto shown = hidden.remove(row); !shown) return forward(shown);
  if (auto noted = carried.insert_gone(*position, sealed.id); !noted) return forward(noted);
  return true;
}

/// In each run of accepted numbers what is gone of it.
Result<std::vector<StoredGone>> MeshStore::Impl::read_gone(std::int64_t author_no, std::uint64_t epoch,
                                                           std::uint64_t first, std::uint64_t last) {
  std::vector<StoredGone> gone;
  const LogState* log = logs.find(author_no, epoch);
  if (log == nullptr) return gone;
  for (const auto& [from, to] : log->accepted.intervals()) {
    if (from > last) break;
    const StoredGone part{std::max(from, first), std::min(to, last), 0};
    if (part.first > part.last) continue;
    const auto digest = carried.gone_digest(author_no, epoch, part.first, part.last);
    if (!digest) return forward(digest);
    if (*digest) gone.push_back({part.first, part.last, **digest});
  }
  return gone;
}

}  // namespace p2pmesh
