#include "p2pmesh/text/nearest_word.h"

#include <algorithm>
#include <array>

namespace p2pmesh {
namespace {

// Of a candidate too: ten thousand names are gone through for one mistyped.
constexpr std::size_t kComparedBytesMax = 32;

/// Letters to insert, delete, replace or swap with their neighbor; both are short enough.
std::size_t edit_distance(std::string_view one, std::string_view other) {
  std::array<std::array<std::size_t, kComparedBytesMax + 1>, kComparedBytesMax + 1> rows;
  for (std::size_t i = 0; i <= one.size(); ++i) {
    for (std::size_t j = 0; j <= other.size(); ++j) {
      if (i == 0 || j == 0) {
        rows[i][j] = i + j;
        continue;
      }
      const std::size_t replaced = rows[i - 1][j - 1] + (one[i - 1] == other[j - 1] ? 0 : 1);
      rows[i][j] = std::min({replaced, rows[i - 1][j] + 1, rows[i][j - 1] + 1});
      const bool is_swap = i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1];
      if (is_swap) rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows[one.size()][other.size()];
}

}  // namespace

std::optional<std::size_t> find_nearest_word(std::string_view word,
                                             const std::vector<std::string_view>& candidates) {
  if (word.empty() || word.size() > kComparedBytesMax) return std::nullopt;
  const std::size_t distance_max = word.size() <= 3 ? 1 : 2;
  std::optional<std::size_t> nearest;
  std::size_t nearest_distance = distance_max + 1;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const std::string_view candidate = candidates[i];
    std::size_t distance = 0;
    if (!candidate.starts_with(word)) {
      const std::size_t longer = std::max(word.size(), candidate.size());
      if (longer > kComparedBytesMax || longer - std::min(word.size(), candidate.size()) > distance_max)
        continue;
      distance = edit_distance(word, candidate);
    }
    if (distance >= nearest_distance) continue;
    nearest = i;
    nearest_distance = distance;
  }
  return nearest;
}

}  // namespace p2pmesh
