// What somebody may have meant who mistyped a word.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace p2pmesh {

/// The index of the candidate that `word` is most likely meant to be: it begins like it, or differs by at
/// most two letters (one in a word of three) or swaps of two. Compared byte by byte, so both are folded
/// already. Nothing when none does.
std::optional<std::size_t> find_nearest_word(std::string_view word,
                                             const std::vector<std::string_view>& candidates);

}  // namespace p2pmesh
