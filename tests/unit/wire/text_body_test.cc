#include "p2pmesh/wire/text_body.h"

#include "canonical.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/codec.h"

using namespace p2pmesh;
using namespace p2pmesh::test;

namespace {

bool is_refused(const std::vector<std::string>& messages) {
  const Bytes body = encode_text_body(messages);
  const bool refused = !decode_text_body(body);
  CHECK((count_text_messages(body) == 0) == refused);
  return refused;
}

}  // namespace

TEST_CASE("messages come back as they were said") {
  const std::vector<std::string> messages{"hello", "two\nlines", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
                                          std::string(1, '\0')};
  const Bytes body = encode_text_body(messages);
  CHECK(decode_text_body(body) == messages);
  CHECK(count_text_messages(body) == messages.size());
  std::size_t size = 2;
  for (const std::string& message : messages) size += text_message_bytes(message.size());
  CHECK(body.size() == size);
}

TEST_CASE("a text body has one encoding") {
  check_canonical(encode_text_body({"hello", "\xc3\xa9", "x"}), decode_text_body, encode_text_body);
}

TEST_CASE("512 messages fit and 513 do not") {
  CHECK_FALSE(is_refused(std::vector<std::string>(limits::kMessagesPerEnvelopeMax, "x")));
  CHECK(is_refused(std::vector<std::string>(limits::kMessagesPerEnvelopeMax + 1, "x")));
  CHECK(is_refused({}));
}

TEST_CASE("a message of 8192 bytes fits, 8193 and none do not") {
  CHECK_FALSE(is_refused({std::string(limits::kMessageBytesMax, 'x')}));
  CHECK(is_refused({std::string(limits::kMessageBytesMax + 1, 'x')}));
  CHECK(is_refused({"a", ""}));
}

TEST_CASE("a count or length beyond the end is refused") {
  CHECK_FALSE(decode_text_body(Writer().u16(2).u16(1).raw(as_bytes("a")).take()));
  CHECK_FALSE(decode_text_body(Writer().u16(1).u16(5).raw(as_bytes("a")).take()));
  CHECK_FALSE(decode_text_body(Writer().u16(0xffff).take()));
  CHECK_FALSE(decode_text_body({}));
}

TEST_CASE("well-formed UTF-8 is taken") {
  for (const char* text :
       {"", "plain", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
        "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "a\xc3\xa9z"}) {
    CAPTURE(text);
    CHECK(is_utf8(text));
  }
}

TEST_CASE("overlong forms, surrogates, strays and cuts are no UTF-8") {
  for (const char* text :
       {"\x80",         "\xbf",          "\xc0\x80",         "\xc1\xbf",         "\xc3",
        "\xc3z",        "\xe0\x80\x80",  "\xe0\x9f\xbf",     "\xe2\x82",         "\xe2\x82z",
        "\xe2z\xac",    "\xed\xa0\x80",  "\xed\xbf\xbf",     "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
        "\xf0\x90\x80", "\xf0\x90\x80z", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xfe",
        "\xff",         "ok\xff",        "a\xc3\xa9\xc3"}) {
    CAPTURE(format_hex(as_bytes(text)));
    CHECK_FALSE(is_utf8(text));
    CHECK(is_refused({text}));
  }
}

TEST_CASE("every code point's encoding is taken and its neighbours in form are not") {
  std::size_t wrong = 0;
  for (std::uint32_t code = 0x80; code < 0x120000; ++code) {
    std::string text;
    if (code < 0x800) {
      text.push_back(static_cast<char>(0xC0 | code >> 6));
    } else if (code < 0x10000) {
      text.push_back(static_cast<char>(0xE0 | code >> 12));
      text.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
    } else {
      text.push_back(static_cast<char>(0xF0 | code >> 18));
      text.push_back(static_cast<char>(0x80 | (code >> 12 & 0x3F)));
      text.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
    }
    text.push_back(static_cast<char>(0x80 | (code & 0x3F)));
    const bool well_formed = code < 0xD800 || (code > 0xDFFF && code < 0x110000);
    wrong += is_utf8(text) != well_formed ? 1 : 0;
  }
  CHECK(wrong == 0);
}
