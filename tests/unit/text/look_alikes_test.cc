#include "p2pmesh/text/look_alikes.h"

#include <doctest/doctest.h>

#include <string>

#include "p2pmesh/text/name.h"

namespace p2pmesh {
namespace {

bool look_alike(std::string_view one, std::string_view other) {
  return name_skeleton(one) == name_skeleton(other);
}

TEST_CASE("names that people take for one another have one skeleton") {
  CHECK(look_alike("Bob", "B0b"));
  CHECK(look_alike("Bob", "\u0412\u043eb"));  // Cyrillic Ve and o
  CHECK(look_alike("Alice", "AIice"));        // a capital i
  CHECK(look_alike("Alice", "A1ice"));
  CHECK(look_alike("Alice", "\u0391lice"));  // Greek Alpha
  CHECK(look_alike("Tom", "Torn"));
  CHECK(look_alike("paypal", "p\u0430yp\u0430l"));
  CHECK(look_alike("Bob", "bob"));  // names are equal then too
}

TEST_CASE("names that differ for the eye differ in their skeletons") {
  for (const char* other : {"Rob", "Bobo", "Bo", "Alice", "Bób", "B_b"}) {
    CAPTURE(other);
    CHECK_FALSE(look_alike("Bob", other));
  }
  CHECK(name_skeleton("Bob\xff").empty());
  CHECK(name_skeleton("").empty());
}

TEST_CASE("a skeleton of the longest name is whole") {
  std::string doubled;
  for (int i = 0; i < 64; ++i) doubled += "rn";
  CHECK(name_skeleton(std::string(64, 'm')) == doubled);
  std::string grows;
  for (int i = 0; i < 21; ++i) grows += "\ufdfa";  // a ligature of eighteen letters
  CHECK(name_skeleton(grows).size() > 256);
}

TEST_CASE("letters of scripts that are not written together are noticed") {
  CHECK(mixes_scripts("\u0410lice"));  // Cyrillic A
  CHECK(mixes_scripts("Alic\u03b5"));  // Greek epsilon
  CHECK(mixes_scripts("Bo\u0562"));    // Armenian
  CHECK_FALSE(mixes_scripts("Alice"));
  CHECK_FALSE(mixes_scripts("Zo\u00eb-1_[x]{y}|^`."));
  CHECK_FALSE(mixes_scripts("\u0418\u0432\u0430\u043d7"));
  CHECK_FALSE(mixes_scripts("Ken\u5065\u305f\u30b1\u30f3"));  // Latin, Han, Hiragana, Katakana
  CHECK_FALSE(mixes_scripts("\u05d3\u05d5\u05d3"));
  CHECK_FALSE(mixes_scripts("Bob\xff"));
}

TEST_CASE("letters that nobody sees and piles of marks are in no name") {
  const char* const kHostile[] = {
      "Bo\u200db",       "Bo\u200cb",
      "Bo\u200bb",       "Bo\u2060b",
      "Bo\ufeffb",  // joiners, zero width
      "Bo\ufe0fb",       "Bo\U000e0100b",
      "Bo\u180bb",  // variation selectors
      "Bo\u115fb",       "Bo\u1160b",
      "Bo\u3164b",       "Bo\uffa0b",  // Hangul fillers
      "Bo\U000e0062b",   "Bo\U000e0001b",
      "Bo\u034fb",       "Bo\u00adb",
      "Bo\u17b4b",  // tags, invisible marks
      "Bo\u202eb",       "Bo\u2066b",
      "Bo\u061cb",       "Bo\u200fb",  // bidi
      "Bo\u2800b",       "Bo\u00a0b",
      "Bo\u3000b",       "Bo\u2028b",                          // blanks
      "Bo\U00013441b",   "Bo\U00016fe4b",                      // blank letters
      "Bo\u0338\u0338b", "Bo\u0335\u0336\u0337\u0338\u0334b",  // piles
  };
  for (const char* name : kHostile) {
    CAPTURE(name);
    CHECK_FALSE(check_name(name));
    CHECK_FALSE(check_room("#" + std::string(name)));
  }
  CHECK(check_name("Nguy\u1ec5n"));
  CHECK(check_name("\u0e19\u0e49\u0e33\u0e1c\u0e36\u0e49\u0e07"));  // Thai, a vowel and a tone
  CHECK(check_name("\u0939\u093f\u0928\u094d\u0926\u0940"));
  CHECK(check_name("\u05e9\u05c1\u05b8\u05bc\u05dd"));  // Hebrew with three points
}

}  // namespace
}  // namespace p2pmesh
