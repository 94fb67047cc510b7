// Search: which held messages contain some words, and the index that knows.
#include <algorithm>
#include <limits>
#include <utility>

#include "mesh_store_impl.h"

namespace p2pmesh {
namespace {

constexpr std::int64_t kPlaces = limits::kMessagesPerEnvelopeMax;  // numbers in the index for each row
constexpr std::int64_t kRowsMax = std::numeric_limits<std::int64_t>::max() / kPlaces;

std::int64_t rowid_of(std::int64_t row, std::uint32_t message) {
  return row * kPlaces + std::int64_t{message};
}

/// The first number behind what a page may hold.
std::int64_t bound_of(const std::optional<Cursor>& before) {
  constexpr auto kAll = std::numeric_limits<std::int64_t>::max();
  if (!before || before->row >= static_cast<std::uint64_t>(kRowsMax)) return kAll;
  const auto message = std::min<std::uint64_t>(before->index, kPlaces);
  return rowid_of(static_cast<std::int64_t>(before->row), static_cast<std::uint32_t>(message));
}

bool is_wanted(const ListedMessage& message, const SearchQuery& query) {
  const bool is_there = query.with ? message.direct && message.direct->peer == *query.with
                                   : !query.room || message.room == *query.room;
  return is_there && (!query.author || message.author == *query.author) &&
         (!query.since_ms || message.wall_ms >= *query.since_ms) &&
         (!query.until_ms || message.wall_ms < *query.until_ms);
}

}  // namespace

Result<void> MeshStore::Impl::add_words(std::int64_t row, const std::vector<ListedMessage>& listed) {
  if (listed.empty()) return {};
  const auto author_no = authors.find(listed.front().author.view());
  if (!author_no) return forward(author_no);
  const auto room_no = room_numbers.number_of(as_bytes(listed.front().room));
  if (!room_no) return forward(room_no);
  if (!*author_no) return tl::unexpected(database->damaged("an author is missing"));
  for (const ListedMessage& message : listed) {
    auto added =
        search.add(rowid_of(row, message.index), message.text, **author_no, *room_no, message.wall_ms);
    if (!added) return added;
  }
  return {};
}

Result<bool> MeshStore::index_words(std::size_t rows_max) {
  Impl& impl = *impl_;
  if (auto read = impl.remember(); !read) return forward(read);
  auto row = impl.search.indexed_row();
  if (!row) return forward(row);
  if (*row >= impl.last_row) return true;
  bool is_complete = false;
  auto done = impl.in_transaction(false, [&]() -> Result<void> {
    Query envelopes(impl.select_rows);
    envelopes.number(*row + 1);
    std::size_t bytes = 0;
    for (std::size_t count = 0; count < rows_max && bytes < limits::kSearchStepBytesMax; ++count) {
      const auto found = envelopes.next();
      if (!found) return forward(found);
      if (!*found) {
        // The last rows are notices, which nobody searches.
        *row = impl.last_row;
        break;
      }
      *row = envelopes.number_at(0);
      bytes += envelopes.blob_at(2).size();
      const auto listed = impl.list_row(*row, envelopes.blob_at(1), envelopes.blob_at(2));
      if (!listed) return forward(listed);
      if (auto added = impl.add_words(*row, *listed); !added) return added;
    }
    is_complete = *row >= impl.last_row;
    if (auto finished = impl.search.finish(); !finished) return finished;
    return impl.search.set_indexed_row(*row);
  });
  if (!done) return forward(done);
  return is_complete;
}

Result<SearchPage> MeshStore::search(const SearchQuery& query) {
  Impl& impl = *impl_;
  SearchPage page;
  const auto wanted = search_words(query.words);
  if (wanted.empty() || query.limit == 0 || (query.until_ms && *query.until_ms <= query.since_ms.value_or(0)))
    return page;
  for (;;) {
    const auto complete = index_words(std::numeric_limits<std::size_t>::max());
    if (!complete) return forward(complete);
    if (*complete) break;
  }

  SearchTerms terms{query_terms(wanted), {}, {}, query.since_ms, query.until_ms};
  if (query.author) {
    const auto number = impl.authors.find(query.author->view());
    if (!number) return forward(number);
    if (!*number) return page;
    terms.author_no = **number;
  }
  if (query.room || query.with) {
    // The room of every direct message has no name.
    const std::string room = query.with ? "" : *query.room;
    const auto number = impl.room_numbers.find(as_bytes(room));
    if (!number) return forward(number);
    if (!*number) return page;
    terms.room_no = **number;
  }

  std::vector<ListedMessage> listed;  // of the row read last: an envelope may hold many that match
  std::int64_t listed_row = 0;
  std::size_t bytes = 0;
  std::size_t read = 0;
  auto found = impl.search.find(terms, bound_of(query.before), [&](std::int64_t rowid) -> Result<bool> {
    const std::int64_t row = rowid / kPlaces;
    const auto index = static_cast<std::size_t>(rowid % kPlaces);
    if (row != listed_row) {
      Query envelope(impl.select_row);
      const auto there = envelope.number(row).next();
      if (!there) return forward(there);
      if (!*there) return tl::unexpected(impl.database->damaged("what is searched in it is missing"));
      auto messages = impl.list_row(row, envelope.blob_at(0), envelope.blob_at(1));
      if (!messages) return forward(messages);
      listed = std::move(*messages);
      listed_row = row;
    }
    // Of a fork the index may know the words of another version, or a message that this one has not.
    if (index < listed.size() && is_wanted(listed[index], query) &&
        contains_words(search_words(listed[index].text), wanted)) {
      bytes += listed[index].text.size();
      page.messages.push_back(listed[index]);
    }
    if (page.messages.size() < query.limit && bytes < limits::kSearchPageBytesMax &&
        ++read < limits::kSearchedAtOnceMax)
      return true;
    page.next = Cursor{static_cast<std::uint64_t>(row), static_cast<std::uint32_t>(index)};
    return false;
  });
  if (!found) return forward(found);
  return page;
}

}  // namespace p2pmesh
