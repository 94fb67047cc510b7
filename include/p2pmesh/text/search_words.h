// The words by which a message is found: folded, so that case and accents do not count.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace p2pmesh {

/// One word of a text, as it is compared.
struct SearchWord {
  std::string text;     ///< folded UTF-8 of letters, digits and marks alone; never empty
  bool is_run = false;  ///< of a script that puts no spaces between words: any part of it can be found

  bool operator==(const SearchWord&) const = default;
};

/// The words of a message or of a query, in order: NFKD and full case folding, without accents, composed
/// again, parted by what is neither letter, digit nor mark. A word is cut after limits::kSearchWordBytesMax
/// bytes. Runs of Han, kana, Hangul, Thai, Lao, Khmer and Myanmar letters stay whole, and keep their marks.
/// Takes any bytes; one that is not UTF-8 parts words.
std::vector<SearchWord> search_words(std::string_view text);

/// What the index holds of a message: each word, and of a run each character and each two neighbors. A term
/// is made of the characters of a word alone.
std::vector<std::string> index_terms(const std::vector<SearchWord>& words);

/// The terms that a message must have to contain these words, each once: of a run its pairs, or its only
/// character.
std::vector<std::string> query_terms(const std::vector<SearchWord>& words);

/// Every wanted word is a word of the text; a wanted run is part of one of its runs.
bool contains_words(const std::vector<SearchWord>& text, const std::vector<SearchWord>& wanted);

}  // namespace p2pmesh
