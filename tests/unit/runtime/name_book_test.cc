#include "name_book.h"

#include <doctest/doctest.h>

#include <chrono>

namespace p2pmesh {
namespace {

MemberKey key_of(std::uint32_t number) {
  MemberKey key;
  for (std::size_t i = 0; i < 4; ++i) key.bytes[i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return key;
}

using Keys = std::vector<MemberKey>;

TEST_CASE("names that look alike find each other, equal ones do not") {
  NameBook book;
  book.note(key_of(1), "Bob");
  book.note(key_of(2), "Bob~4f2a");  // who lost that name
  book.note(key_of(3), "Alice");
  CHECK_FALSE(book.look_alike_of(key_of(1)));
  CHECK_FALSE(book.look_alike_of(key_of(2)));
  book.note(key_of(4), "B0b");
  CHECK(book.look_alike_of(key_of(1)) == key_of(4));
  CHECK(book.look_alike_of(key_of(2)) == key_of(4));
  CHECK(book.look_alike_of(key_of(4)) == key_of(1));
  CHECK_FALSE(book.look_alike_of(key_of(3)));
  CHECK_FALSE(book.look_alike_of(key_of(5)));
}

TEST_CASE("another name takes the place of the one before") {
  NameBook book;
  book.note(key_of(1), "Bob");
  book.note(key_of(2), "B0b");
  book.note(key_of(2), "Rob");
  CHECK_FALSE(book.look_alike_of(key_of(1)));
  CHECK(book.size() == 2);
  book.note(key_of(1), "R0b");
  CHECK(book.look_alike_of(key_of(2)) == key_of(1));
}

TEST_CASE("what is typed finds the names that look like it") {
  NameBook book;
  book.note(key_of(1), "Bob");
  book.note(key_of(2), "\u0412ob");
  CHECK(book.that_look_like("B0b").size() == 2);
  CHECK(book.that_look_like("bob") == Keys{key_of(2)});
  CHECK(book.that_look_like("Rob").empty());
  CHECK(book.that_look_like("").empty());
  CHECK(book.mixes_scripts(key_of(2)));
  CHECK_FALSE(book.mixes_scripts(key_of(1)));
}

TEST_CASE("members without a name look like nobody") {
  NameBook book;
  book.note(key_of(1), "~4f2a");
  book.note(key_of(2), "~5b01");
  CHECK_FALSE(book.look_alike_of(key_of(1)));
}

TEST_CASE("ten thousand members are looked through in a moment") {
  NameBook book;
  book.note(key_of(0), "first");
  const auto start = std::chrono::steady_clock::now();
  for (std::uint32_t i = 1; i < 10'000; ++i) book.note(key_of(i), "Member" + std::to_string(i));
  const auto filled = std::chrono::steady_clock::now();
  for (std::uint32_t i = 1; i < 10'000; ++i) book.note(key_of(i), "Member" + std::to_string(i));
  const auto again = std::chrono::steady_clock::now();
  const auto us = [](auto span) {
    return std::chrono::duration_cast<std::chrono::microseconds>(span).count();
  };
  MESSAGE("ten thousand names: ", us(filled - start), " us at first, ", us(again - filled), " us again");
  CHECK(book.look_alike_of(key_of(1)) == std::nullopt);
  book.note(key_of(10'001), "Memberl");  // an l for a 1
  CHECK(book.look_alike_of(key_of(10'001)) == key_of(1));
}

}  // namespace
}  // namespace p2pmesh
