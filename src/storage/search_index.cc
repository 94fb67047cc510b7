#include "search_index.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "position.h"

namespace p2pmesh {
namespace {

// A time counts in units of 2^23 ms, and as the units of 16, 256, 4,096 and 65,536 of them around it. What is
// later than the year 2248 counts as then.
constexpr int kUnitBits = 23;
constexpr int kLevelBits = 4;
constexpr int kLevels = 5;
constexpr std::int64_t kLastUnit = (std::int64_t{1} << (kLevels * kLevelBits)) - 1;

std::int64_t unit_of(WallMs wall_ms) {
  return static_cast<std::int64_t>(std::min(wall_ms >> kUnitBits, static_cast<WallMs>(kLastUnit)));
}

// A block is what 1,024 full envelopes can take up, so that a million messages make a thousand blocks. Guess.
constexpr int kBlockBits = 19;

std::string author_term(std::int64_t number) {
  return "_a" + std::to_string(number);
}
std::string room_term(std::int64_t number) {
  return "_r" + std::to_string(number);
}
/// Level 0 is the finest.
std::string time_term(std::int64_t unit, int level) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, unit, 16).ptr;
  return "_" + std::to_string(level) + "t" + std::string(digits, end);
}

/// The fewest terms that cover the units from `first` to `last`.
std::vector<std::string> cover(std::int64_t first, std::int64_t last) {
  constexpr std::int64_t kRest = (1 << kLevelBits) - 1;
  std::vector<std::string> terms;
  for (int level = 0;; ++level) {
    const bool is_coarsest = level == kLevels - 1;
    while (first <= last && (is_coarsest || (first & kRest) != 0)) terms.push_back(time_term(first++, level));
    while (first <= last && (last & kRest) != kRest) terms.push_back(time_term(last--, level));
    if (first > last) break;  // shifted, an empty span could hold something again
    first >>= kLevelBits;
    last >>= kLevelBits;
  }
  return terms;
}

void append_quoted(std::string& out, std::string_view term) {
  out += '"';
  out += term;
  out += '"';
}

}  // namespace

SearchIndex::SearchIndex(Database& database)
    : database_(database),
      insert_(database, "INSERT INTO search(rowid, terms) VALUES(?, ?)"),
      select_(database,
              "SELECT rowid FROM search WHERE search MATCH ? AND rowid >= ? AND rowid < ?"
              " ORDER BY rowid DESC"),
      select_indexed_row_(database, "SELECT value FROM state WHERE key = 'searched_row'"),
      update_indexed_row_(database, "UPDATE state SET value = ? WHERE key = 'searched_row'"),
      save_block_(database,
                  "INSERT INTO search_times VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET"
                  " first_ms = min(first_ms, excluded.first_ms), last_ms = max(last_ms, excluded.last_ms)"),
      select_blocks_(
          database, "SELECT min(block), max(block) FROM search_times WHERE last_ms >= ? AND first_ms <= ?") {}

Result<void> SearchIndex::add(std::int64_t rowid, std::string_view text, std::int64_t author_no,
                              std::int64_t room_no, WallMs wall_ms) {
  std::string terms = author_term(author_no) + " " + room_term(room_no);
  for (int level = 0; level < kLevels; ++level) {
    terms += ' ';
    terms += time_term(unit_of(wall_ms) >> (level * kLevelBits), level);
  }
  for (const std::string& term : index_terms(search_words(text))) {
    terms += ' ';
    terms += term;
  }
  if (auto done = Query(insert_).number(rowid).text(terms).run(); !done) return done;

  const std::int64_t block = rowid >> kBlockBits;
  const std::int64_t time = clamp_to_signed(wall_ms);
  if (block_ && block_->block != block) {
    if (auto done = finish(); !done) return done;
  }
  if (!block_) block_ = Block{block, time, time};
  block_->first_ms = std::min(block_->first_ms, time);
  block_->last_ms = std::max(block_->last_ms, time);
  return {};
}

Result<void> SearchIndex::finish() {
  if (!block_) return {};
  auto done = Query(save_block_).number(block_->block).number(block_->first_ms).number(block_->last_ms).run();
  if (done) block_.reset();
  return done;
}

void SearchIndex::forget() {
  indexed_row_.reset();
  block_.reset();
}

Result<std::pair<std::int64_t, std::int64_t>> SearchIndex::numbers_within(const SearchTerms& terms,
                                                                          std::int64_t below) {
  if (!terms.since_ms && !terms.until_ms) return std::pair{std::int64_t{0}, below};
  constexpr auto kEnd = std::numeric_limits<std::int64_t>::max();
  Query query(select_blocks_);
  query.number(clamp_to_signed(terms.since_ms.value_or(0)));
  query.number(terms.until_ms ? clamp_to_signed(*terms.until_ms) : kEnd);
  const auto row = query.next();
  if (!row) return forward(row);
  // Without such a block both are NULL, which reads as 0: the first block alone, which has none then.
  const std::int64_t end = (query.number_at(1) + 1) << kBlockBits;
  return std::pair{query.number_at(0) << kBlockBits, std::min(below, end)};
}

/// Every term is one string in quotes, so none of them is taken for an operator.
std::string SearchIndex::make_expression(const SearchTerms& terms) {
  std::string expression;
  const auto require = [&](std::string_view term) {
    if (!expression.empty()) expression += " AND ";
    append_quoted(expression, term);
  };
  for (const std::string& word : terms.words) require(word);
  if (terms.author_no) require(author_term(*terms.author_no));
  if (terms.room_no) require(room_term(*terms.room_no));
  const std::int64_t first = unit_of(terms.since_ms.value_or(0));
  const std::int64_t last = terms.until_ms && *terms.until_ms > 0 ? unit_of(*terms.until_ms - 1) : kLastUnit;
  if ((first == 0 && last == kLastUnit) || first > last) return expression;
  expression += " AND (";
  bool is_first = true;
  for (const std::string& term : cover(first, last)) {
    if (!is_first) expression += " OR ";
    is_first = false;
    append_quoted(expression, term);
  }
  expression += ')';
  return expression;
}

Result<std::int64_t> SearchIndex::indexed_row() {
  if (indexed_row_) return *indexed_row_;
  Query query(select_indexed_row_);
  const auto row = query.next();
  if (!row) return forward(row);
  if (!*row) return tl::unexpected(database_.damaged("it does not say what can be searched"));
  indexed_row_ = query.number_at(0);
  return *indexed_row_;
}

Result<void> SearchIndex::set_indexed_row(std::int64_t row) {
  auto done = Query(update_indexed_row_).number(row).run();
  if (done) indexed_row_ = row;
  return done;
}

}  // namespace p2pmesh
