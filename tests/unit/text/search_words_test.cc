#include "p2pmesh/text/search_words.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/random.h"
#include "p2pmesh/text/safe_text.h"

using namespace p2pmesh;

namespace {

using Terms = std::vector<std::string>;

Terms words_of(std::string_view text) {
  Terms texts;
  for (const SearchWord& word : search_words(text)) texts.push_back(word.text);
  return texts;
}

bool finds(std::string_view query, std::string_view message) {
  const auto wanted = search_words(query);
  const auto held = search_words(message);
  // The index must never hide what the words themselves would show.
  const Terms terms = index_terms(held);
  bool in_index = true;
  for (const std::string& term : query_terms(wanted))
    in_index = in_index && std::find(terms.begin(), terms.end(), term) != terms.end();
  if (contains_words(held, wanted)) CHECK(in_index);
  return contains_words(held, wanted);
}

}  // namespace

TEST_CASE("case and accents do not count") {
  CHECK(finds("cafe", "un café noir"));
  CHECK(finds("CAFÉ", "un cafe\u0301 noir"));
  CHECK(finds("STRASSE", "die Straße"));
  CHECK(finds("straße", "DIE STRASSE"));
  CHECK(finds("office", "the o\ufb03ce"));  // the ligature ffi
  CHECK(finds("fix", "\ufb01x"));
  CHECK(finds("ΟΔΥΣΣΕΥΣ", "ὀδυσσεύς"));
  CHECK(finds("istanbul", "\u0130stanbul"));
  CHECK(finds("hello", "\uff28\uff25\uff2c\uff2c\uff2f"));  // full width
  CHECK(finds("елка", "ЁЛКА"));
  CHECK_FALSE(finds("caf", "café"));
  CHECK_FALSE(finds("cafes", "café"));
}

TEST_CASE("words are parted by what is neither letter, digit nor mark") {
  CHECK(words_of("don't panic: it's 42.5%!") == Terms{"don", "t", "panic", "it", "s", "42", "5"});
  CHECK(words_of("snake_case/path\\to\tfile.cc") == Terms{"snake", "case", "path", "to", "file", "cc"});
  CHECK(words_of("\U0001F389party\U0001F600time") == Terms{"party", "time"});
  CHECK(words_of("soft\u00adhyphen zero\u200bwidth") == Terms{"softhyphen", "zerowidth"});
  for (const char* none : {"", " ", "\" * ^ - : ( )", "\U0001F389", "\u0301\u0302", "\n\t", "\xff\xfe"}) {
    CAPTURE(none);
    CHECK(search_words(none).empty());
  }
}

TEST_CASE("what a full text index would take for syntax is words") {
  CHECK(words_of("\"quick* OR NEAR(brown, 5) AND NOT ^fox - col:lazy") ==
        Terms{"quick", "or", "near", "brown", "5", "and", "not", "fox", "col", "lazy"});
  CHECK(words_of("'; DROP TABLE envelopes; --") == Terms{"drop", "table", "envelopes"});
}

TEST_CASE("scripts without spaces are found by any part of a run") {
  CHECK(finds("東京", "私は東京都に住んでいる"));
  CHECK(finds("京都", "東京都"));
  CHECK(finds("京", "東京都"));
  CHECK(finds("都", "東京都"));
  CHECK(finds("東京都", "東京都"));
  CHECK(finds("東", "東"));
  CHECK_FALSE(finds("京東", "東京都"));
  CHECK(finds("カタカナ", "ﾊﾝｶｸｶﾀｶﾅ"));
  CHECK(finds("がく", "\u304b\u3099くせい"));  // composed and not
  CHECK_FALSE(finds("かく", "がくせい"));
  CHECK(finds("한국", "대한민국 한국어"));
  CHECK(finds("국", "\u1112\u1161\u11ab\u1100\u116e\u11a8"));  // jamo
  CHECK(finds("手机", "my iPhone手机2024年"));
  CHECK(finds("iphone 2024 年", "my iPhone手机2024年"));
  CHECK(finds("ภาษา", "ฉันพูดภาษาไทย"));
  CHECK(finds("नमस्ते", "नमस्ते दुनिया"));
}

TEST_CASE("pairs that lie apart are in the index but are not the run") {
  const auto held = search_words("東京 京都");
  const auto wanted = search_words("東京都");
  const Terms terms = index_terms(held);
  for (const std::string& term : query_terms(wanted))
    CHECK(std::find(terms.begin(), terms.end(), term) != terms.end());
  CHECK_FALSE(contains_words(held, wanted));
}

TEST_CASE("terms of a query come once, pairs of runs without their characters") {
  CHECK(query_terms(search_words("a A b")) == Terms{"a", "b"});
  CHECK(query_terms(search_words("東京都")) == Terms{"東京", "京都"});
  CHECK(query_terms(search_words("東")) == Terms{"東"});
  CHECK(index_terms(search_words("東京 a")) == Terms{"東", "東京", "京", "a"});
}

TEST_CASE("hostile text is cut, and found by itself") {
  const std::string long_word(8192, 'X');
  CHECK(words_of(long_word) == Terms{std::string(limits::kSearchWordBytesMax, 'x')});
  CHECK(finds(long_word, long_word));
  std::string zalgo = "z";
  for (int i = 0; i < 4000; ++i) zalgo += i % 2 == 0 ? "\u0335" : "\u0489";
  CHECK(words_of(zalgo + "algo") == Terms{"zalgo"});
  std::string vowels = "\u0915";
  for (int i = 0; i < 2700; ++i) vowels += "\u093e";
  REQUIRE(words_of(vowels).size() == 1);
  CHECK(words_of(vowels)[0].size() <= limits::kSearchWordBytesMax);
  CHECK(is_well_formed(words_of(vowels)[0]));
  std::string ligatures;
  for (int i = 0; i < 2700; ++i) ligatures += "\ufdfa";
  for (const std::string& word : words_of(ligatures)) CHECK(word.size() <= limits::kSearchWordBytesMax);
  CHECK(words_of("a\xff"
                 "b\xc3(c\xed\xa0\x80"
                 "d") == Terms{"a", "b", "c", "d"});
  CHECK(words_of(std::string("nul\0byte", 8)) == Terms{"nul", "byte"});
}

TEST_CASE("any text contains its own words, and terms never hold what parts them") {
  Random random(11);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (std::uint64_t i = random.below(40); i > 0; --i) {
      // Bytes, and code points of every plane.
      if (random.below(3) == 0) {
        text += static_cast<char>(random.below(256));
      } else {
        const std::uint64_t point = random.below(random.below(2) == 0 ? 0x3200 : 0x20000);
        text += static_cast<char>(0xf0 | (point >> 18));
        text += static_cast<char>(0x80 | (point >> 12 & 63));
        text += static_cast<char>(0x80 | (point >> 6 & 63));
        text += static_cast<char>(0x80 | (point & 63));
        if (point < 0x10000) {
          text.resize(text.size() - 4);
          if (point >= 0x800) text += static_cast<char>(0xe0 | (point >> 12));
          if (point >= 0x800) text += static_cast<char>(0x80 | (point >> 6 & 63));
          if (point >= 0x80 && point < 0x800) text += static_cast<char>(0xc0 | (point >> 6));
          text += static_cast<char>(point < 0x80 ? point : 0x80 | (point & 63));
        }
      }
    }
    CHECK(finds(text, text));
    for (const std::string& term : index_terms(search_words(text))) {
      REQUIRE(is_well_formed(term));
      CHECK(term.find_first_of(std::string(" \"_*^-:()\t\n\0", 12)) == std::string::npos);
    }
  }
}
