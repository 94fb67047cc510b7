// The full-text index: which texts hold which words, whoever wrote them wherever. Derived from what is held,
// late and in steps, as late_index.h is; it knows row numbers and no envelopes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "p2pmesh/base/time.h"
#include "p2pmesh/text/search_words.h"
#include "statement.h"

namespace p2pmesh {

/// What a text must be for the index to name it; the numbers are those of its tables.
struct SearchTerms {
  std::vector<std::string> words;  ///< query_terms(), at least one
  std::optional<std::int64_t> author_no;
  std::optional<std::int64_t> room_no;
  std::optional<WallMs> since_ms;  ///< from then on
  std::optional<WallMs> until_ms;  ///< before then
};

/// An FTS5 table of words and of facts. The facts are terms that no text can hold, since they contain `_`:
/// author, room, and the time in steps of 16 from 17 years down to 2.3 hours, so that the index itself meets
/// a frequent word with a rare author or an old month. Beside it, the times of each block of numbers cut off
/// both ends of what must be read, which helps within a busy hour. Who asks checks the exact time.
class SearchIndex {
 public:
  explicit SearchIndex(Database& database);

  /// Lets a text be found under a number, which may have one already: then by both. In a transaction, which
  /// ends with finish().
  Result<void> add(std::int64_t rowid, std::string_view text, std::int64_t author_no, std::int64_t room_no,
                   WallMs wall_ms);
  Result<void> finish();

  /// Calls `take(rowid)`, descending from below `below`, until it gives false or an error.
  template <class Take>
  Result<void> find(const SearchTerms& terms, std::int64_t below, Take take) {
    const auto span = numbers_within(terms, below);
    if (!span) return forward(span);
    const std::string expression = make_expression(terms);
    Query query(select_);
    query.text(expression).number(span->first).number(span->second);
    for (;;) {
      const auto row = query.next();
      if (!row) return forward(row);
      if (!*row) return {};
      const Result<bool> more = take(query.number_at(0));
      if (!more) return forward(more);
      if (!*more) return {};
    }
  }

  /// The last row of envelopes whose texts are in the index.
  Result<std::int64_t> indexed_row();
  /// In the transaction that adds them.
  Result<void> set_indexed_row(std::int64_t row);
  /// After a rollback.
  void forget();

 private:
  /// The times of a block of numbers.
  struct Block {
    std::int64_t block = 0;
    std::int64_t first_ms = 0;
    std::int64_t last_ms = 0;
  };

  static std::string make_expression(const SearchTerms& terms);
  /// The numbers that can be meant: from, and below.
  Result<std::pair<std::int64_t, std::int64_t>> numbers_within(const SearchTerms& terms, std::int64_t below);

  Database& database_;
  std::optional<std::int64_t> indexed_row_;
  std::optional<Block> block_;  // of what was added last; not saved yet
  Statement insert_;
  Statement select_;
  Statement select_indexed_row_;
  Statement update_indexed_row_;
  Statement save_block_;
  Statement select_blocks_;
};

}  // namespace p2pmesh
