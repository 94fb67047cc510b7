// The reads of envelopes: by author and sequence, by subject, by row.
#include <utility>

#include "mesh_store_impl.h"

namespace p2pmesh {

Result<EnvelopePtr> MeshStore::Impl::read_row(std::int64_t row) {
  Query query(select_row);
  const auto found = query.number(row).next();
  if (!found) return forward(found);
  if (!*found) return tl::unexpected(database->damaged("row " + std::to_string(row) + " is missing"));
  return decode_stored(*database, query.blob_at(0), query.blob_at(1));
}

Result<std::int64_t> MeshStore::Impl::row_of(const LogPosition& position) {
  Query query(select_row_of);
  const auto found = query.number(position.author_no).number(position.epoch).number(position.seq).next();
  if (!found) return forward(found);
  return *found ? query.number_at(0) : 0;
}

Result<LogPosition> MeshStore::Impl::position_in_log(const Envelope& envelope) {
  const auto author_no = authors.find(envelope.author.view());
  if (!author_no) return forward(author_no);
  if (!*author_no) return tl::unexpected(database->damaged("an author is missing"));
  return LogPosition{**author_no, envelope.epoch, envelope.seq};
}

Result<HeldRange> MeshStore::read_range(const MemberKey& author, std::uint64_t epoch, std::uint64_t first,
                                        std::uint64_t last, std::size_t bytes_max, std::size_t count_max) {
  Impl& impl = *impl_;
  HeldRange held;
  if (auto indexed = impl.index_all(); !indexed) return forward(indexed);
  const auto author_no = impl.authors.find(author.view());
  if (!author_no) return forward(author_no);
  if (!*author_no || !fits_signed(epoch) || !fits_signed(first)) return held;
  last = static_cast<std::uint64_t>(clamp_to_signed(last));

  std::size_t bytes = 0;
  // False when it no longer fits; the first one always does.
  const auto take = [&](EnvelopePtr envelope) {
    bytes += envelope->encoded.size();
    if (!held.envelopes.empty() && (bytes > bytes_max || held.envelopes.size() >= count_max)) return false;
    held.envelopes.push_back(std::move(envelope));
    return true;
  };
  Query query(impl.select_range);
  query.number(**author_no).number(epoch).number(first).number(last);
  while (held.complete) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) break;
    const auto is_hidden = impl.hidden.contains(query.number_at(3));
    if (!is_hidden) return forward(is_hidden);
    if (*is_hidden) continue;
    auto envelope = decode_stored(*impl.database, query.blob_at(1), query.blob_at(2));
    if (!envelope) return forward(envelope);
    held.complete = take(std::move(*envelope));
    const auto forks = impl.forks.at({**author_no, epoch, query.unsigned_at(0)});
    if (!forks) return forward(forks);
    for (const Fork& fork : *forks) held.complete = held.complete && take(fork.envelope);
  }
  const std::uint64_t reached = held.complete ? last : held.envelopes.back()->envelope.seq;
  auto gone = impl.read_gone(**author_no, epoch, first, reached);
  if (!gone) return forward(gone);
  held.gone = std::move(*gone);
  return held;
}

Result<EnvelopePtr> MeshStore::read_record(const MemberKey& author, std::uint16_t kind, ByteView subject) {
  Impl& impl = *impl_;
  Query query(impl.select_record);
  const auto row = query.blob(author.view()).number(std::uint64_t{kind}).blob(subject).next();
  if (!row) return forward(row);
  if (!*row) return EnvelopePtr();
  return decode_stored(*impl.database, query.blob_at(0), query.blob_at(1));
}

Result<MeshStore::UnopenedPage> MeshStore::list_unopened(const MemberKey& self, std::uint64_t first_row,
                                                         std::size_t limit) {
  Impl& impl = *impl_;
  if (auto read = impl.remember(); !read) return forward(read);
  UnopenedPage page;
  if (!fits_signed(first_row)) return page;
  Query query(impl.select_rows);
  query.number(first_row);
  for (std::size_t searched = 0;; ++searched) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) return page;
    page.next_row = query.unsigned_at(0);
    if (searched >= limits::kUnopenedSearchedMax || page.envelopes.size() >= limit) return page;
    auto envelope = decode_stored(*impl.database, query.blob_at(1), query.blob_at(2));
    if (!envelope) return forward(envelope);
    page.next_row = 0;
    if (!is_direct((*envelope)->envelope) || (*envelope)->envelope.author == self) continue;
    const auto opened = impl.directs.is_opened(query.number_at(0));
    if (!opened) return forward(opened);
    if (!*opened) page.envelopes.push_back(std::move(*envelope));
  }
}

}  // namespace p2pmesh
