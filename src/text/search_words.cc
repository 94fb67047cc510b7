#include "p2pmesh/text/search_words.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "codepoints.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

struct Range {
  std::int32_t first;
  std::int32_t last;
};

// Scripts without spaces between words, as they are after decomposition (Hangul as jamo, no narrow kana).
constexpr std::array<Range, 19> kRunScripts = {
    Range{0x0e00, 0x0eff},    // Thai, Lao
    Range{0x1000, 0x109f},    // Myanmar
    Range{0x1100, 0x11ff},    // Hangul jamo
    Range{0x1780, 0x17ff},    // Khmer
    Range{0x2e80, 0x2fdf},    // radicals
    Range{0x3005, 0x3007},    // marks of Han
    Range{0x3021, 0x3029},    // numerals of Han
    Range{0x3038, 0x303b},    // likewise
    Range{0x3041, 0x30ff},    // kana
    Range{0x3100, 0x312f},    // Bopomofo
    Range{0x31a0, 0x31bf},    // likewise
    Range{0x31f0, 0x31ff},    // kana
    Range{0x3400, 0x9fff},    // Han
    Range{0xa960, 0xa97f},    // jamo
    Range{0xa9e0, 0xa9ff},    // Myanmar
    Range{0xaa60, 0xaa7f},    // Myanmar
    Range{0xac00, 0xd7ff},    // Hangul
    Range{0x1aff0, 0x1b16f},  // kana
    Range{0x20000, 0x3ffff},  // Han
};

bool is_of_run_script(std::int32_t codepoint) {
  return codepoint >= kRunScripts.front().first &&
         std::any_of(kRunScripts.begin(), kRunScripts.end(),
                     [&](const Range& range) { return codepoint >= range.first && codepoint <= range.last; });
}

enum class Part { kSeparator, kLetter, kMark, kAccent };

/// Accents go; marks with which a script writes its letters stay: voiced kana, the vowels of Thai or
/// Devanagari. The combining class tells them apart.
Part part_of(std::int32_t codepoint) {
  const utf8proc_property_t* property = utf8proc_get_property(codepoint);
  const auto category = property->category;
  if (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) return Part::kLetter;
  if (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO) return Part::kLetter;
  if (category == UTF8PROC_CATEGORY_ME) return Part::kAccent;
  if (category != UTF8PROC_CATEGORY_MN && category != UTF8PROC_CATEGORY_MC) return Part::kSeparator;
  const auto combining = property->combining_class;
  const bool writes_letters =
      combining == 0 || (combining >= 7 && combining <= 9) || (combining >= 84 && combining <= 132);
  return writes_letters ? Part::kMark : Part::kAccent;
}

/// The start of `text`, cut between code points.
std::string_view cut(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

/// Takes code points in turn and gathers words.
class WordGatherer {
 public:
  void take_ascii(char byte) {
    const bool is_upper = byte >= 'A' && byte <= 'Z';
    const char folded = is_upper ? static_cast<char>(byte - 'A' + 'a') : byte;
    const bool is_letter = (folded >= 'a' && folded <= 'z') || (folded >= '0' && folded <= '9');
    if (!is_letter || is_run_) end_word();
    if (is_letter) letters_.push_back(folded);
  }

  void take(std::int32_t codepoint) {
    constexpr auto kOptions = static_cast<utf8proc_option_t>(
        UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
    std::array<std::int32_t, 32> folded;  // the longest decomposition has 18
    const auto count =
        codepoint < 0 ? -1
                      : utf8proc_decompose_char(codepoint, folded.data(), folded.size(), kOptions, nullptr);
    if (count < 0 || count > static_cast<std::ptrdiff_t>(folded.size())) return end_word();
    for (std::ptrdiff_t i = 0; i < count; ++i) take_folded(folded[static_cast<std::size_t>(i)]);
  }

  std::vector<SearchWord> finish() {
    end_word();
    return std::move(words_);
  }

 private:
  void take_folded(std::int32_t codepoint) {
    switch (part_of(codepoint)) {
      case Part::kSeparator:
        return end_word();
      case Part::kAccent:
        return;
      case Part::kMark:
        // Without a letter before it there is nothing that it could belong to.
        if (letters_.empty()) return;
        break;
      case Part::kLetter: {
        const bool is_run = is_of_run_script(codepoint);
        if (is_run != is_run_) end_word();
        is_run_ = is_run;
        break;
      }
    }
    is_ascii_ = is_ascii_ && codepoint < 0x80;
    letters_.push_back(codepoint);
  }

  void end_word() {
    if (!letters_.empty()) words_.push_back(make_word());
    letters_.clear();
    is_run_ = false;
    is_ascii_ = true;
  }

  SearchWord make_word() {
    SearchWord word;
    word.is_run = is_run_;
    if (is_ascii_) {
      const std::size_t size = std::min(letters_.size(), limits::kSearchWordBytesMax);
      word.text.resize(size);
      std::transform(letters_.begin(), letters_.begin() + static_cast<std::ptrdiff_t>(size),
                     word.text.begin(), [](std::int32_t letter) { return static_cast<char>(letter); });
      return word;
    }
    constexpr auto kOptions = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    const auto count =
        utf8proc_normalize_utf32(letters_.data(), static_cast<utf8proc_ssize_t>(letters_.size()), kOptions);
    letters_.resize(static_cast<std::size_t>(std::max<utf8proc_ssize_t>(count, 0)));
    for (const std::int32_t letter : letters_) {
      std::array<std::uint8_t, 4> bytes;
      const auto size = utf8proc_encode_char(letter, bytes.data());
      word.text.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(size));
    }
    if (!word.is_run) word.text.resize(cut(word.text, limits::kSearchWordBytesMax).size());
    return word;
  }

  std::vector<SearchWord> words_;
  std::vector<std::int32_t> letters_;  // of the word that is not ended yet; decomposed
  bool is_run_ = false;
  bool is_ascii_ = true;
};

/// Calls `take` with each character of a run and with the one after it, empty at the end.
template <class Take>
void for_each_pair(std::string_view run, Take take) {
  while (!run.empty()) {
    const std::string_view one = first_codepoint(run).bytes;
    run.remove_prefix(one.size());
    take(one, run.empty() ? std::string_view() : first_codepoint(run).bytes);
  }
}

std::string joined(std::string_view one, std::string_view next) {
  std::string pair(one);
  pair += next;
  return pair;
}

}  // namespace

std::vector<SearchWord> search_words(std::string_view text) {
  WordGatherer gatherer;
  for_each_codepoint(text, [&](const Codepoint& codepoint) {
    if (codepoint.value >= 0 && codepoint.value < 0x80) {
      gatherer.take_ascii(static_cast<char>(codepoint.value));
    } else {
      gatherer.take(codepoint.value);
    }
  });
  return gatherer.finish();
}

std::vector<std::string> index_terms(const std::vector<SearchWord>& words) {
  std::vector<std::string> terms;
  for (const SearchWord& word : words) {
    if (!word.is_run) {
      terms.push_back(word.text);
      continue;
    }
    for_each_pair(word.text, [&](std::string_view one, std::string_view next) {
      terms.emplace_back(one);
      if (!next.empty()) terms.push_back(joined(one, next));
    });
  }
  return terms;
}

std::vector<std::string> query_terms(const std::vector<SearchWord>& words) {
  std::vector<std::string> terms;
  const auto add = [&](std::string term) {
    if (std::find(terms.begin(), terms.end(), term) == terms.end()) terms.push_back(std::move(term));
  };
  for (const SearchWord& word : words) {
    if (!word.is_run || first_codepoint(word.text).bytes.size() == word.text.size()) {
      add(word.text);
      continue;
    }
    for_each_pair(word.text, [&](std::string_view one, std::string_view next) {
      if (!next.empty()) add(joined(one, next));
    });
  }
  return terms;
}

bool contains_words(const std::vector<SearchWord>& text, const std::vector<SearchWord>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const SearchWord& word) {
    return std::any_of(text.begin(), text.end(), [&](const SearchWord& held) {
      if (held.is_run != word.is_run) return false;
      return word.is_run ? held.text.find(word.text) != std::string::npos : held.text == word.text;
    });
  });
}

}  // namespace p2pmesh
