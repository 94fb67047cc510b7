#include "json_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

namespace p2pmesh::control {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

/// Bytes that are copied without a look at their neighbors: printable ASCII but quote and backslash.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t byte = 0x20; byte < 0x7f; ++byte) plain[byte] = byte != '"' && byte != '\\';
  return plain;
}();

constexpr std::array<char, 512> kHexPairs = [] {
  std::array<char, 512> pairs{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    pairs[2 * byte] = kDigits[byte >> 4];
    pairs[2 * byte + 1] = kDigits[byte & 15];
  }
  return pairs;
}();

/// Decodes the sequence at the start of `text` (first byte at least 0x80); length 0 when it is ill-formed.
struct Decoded {
  std::uint32_t codepoint = 0;
  std::size_t length = 0;
};
Decoded decode(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
  std::uint32_t codepoint = lead & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0) != 0x80) return {};
    codepoint = codepoint << 6 | (byte & 0x3fU);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = codepoint >= 0xd800 && codepoint <= 0xdfff;
  if (codepoint < kSmallest[length] || codepoint > 0x10ffff || is_surrogate) return {};
  return {codepoint, length};
}

/// C1, bidi controls and the two Unicode line ends: legal in JSON, dangerous on a terminal.
bool is_unsafe(std::uint32_t codepoint) {
  if (codepoint < 0xa0) return true;
  if (codepoint == 0x61c || codepoint == 0x200e || codepoint == 0x200f) return true;
  return (codepoint >= 0x2028 && codepoint <= 0x202e) || (codepoint >= 0x2066 && codepoint <= 0x2069);
}

void append_unicode_escape(std::string& out, std::uint32_t codepoint) {
  const char escape[] = {'\\',
                         'u',
                         kDigits[codepoint >> 12 & 15],
                         kDigits[codepoint >> 8 & 15],
                         kDigits[codepoint >> 4 & 15],
                         kDigits[codepoint & 15]};
  out.append(escape, sizeof escape);
}

void append_ascii_escape(std::string& out, char byte) {
  switch (byte) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      append_unicode_escape(out, static_cast<unsigned char>(byte));
  }
}

template <class Number>
void append_digits(std::string& out, Number value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

}  // namespace

void append_number(std::string& out, std::uint64_t value) {
  append_digits(out, value);
}
void append_number(std::string& out, std::int64_t value) {
  append_digits(out, value);
}

void append_number(std::string& out, double value) {
  if (std::isfinite(value)) {
    append_digits(out, value);
  } else {
    out += "null";
  }
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain < text.size() && kPlain[static_cast<unsigned char>(text[plain])]) ++plain;
    out.append(text.data(), plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    std::size_t taken = 1;
    if (static_cast<unsigned char>(text[0]) < 0x80) {
      append_ascii_escape(out, text[0]);
    } else if (const Decoded decoded = decode(text); decoded.length == 0) {
      out += "\xef\xbf\xbd";  // U+FFFD
    } else {
      taken = decoded.length;
      if (is_unsafe(decoded.codepoint)) {
        append_unicode_escape(out, decoded.codepoint);
      } else {
        out.append(text.data(), taken);
      }
    }
    text.remove_prefix(taken);
  }
  out += '"';
}

void append_hex(std::string& out, ByteView bytes) {
  const std::size_t start = out.size();
  out.resize(start + 2 * bytes.size());
  char* at = out.data() + start;
  for (const std::uint8_t byte : bytes) {
    std::memcpy(at, kHexPairs.data() + std::size_t{2} * byte, 2);
    at += 2;
  }
}

void append_id(std::string& out, const MessageId& id) {
  out += '"';
  append_hex(out, id.envelope.bytes);
  out += '.';
  append_digits(out, id.index);
  out += '"';
}

void append_cursor(std::string& out, const Cursor& cursor) {
  out += '"';
  append_digits(out, cursor.row);
  out += '.';
  append_digits(out, cursor.index);
  out += '"';
}

void append_doubt(std::string& out, const NameDoubt& doubt) {
  if (doubt.looks_like) {
    out += ",\"looks_like\":";
    append_json_string(out, *doubt.looks_like);
  }
  if (doubt.mixes_scripts) out += ",\"mixes_scripts\":true";
}

void append_message_fields(std::string& out, const ChatMessage& message) {
  out += "\"id\":";
  append_id(out, message.id);
  out += ",\"author\":";
  append_id(out, message.author);
  out += ",\"name\":";
  append_json_string(out, message.name);
  out += ",\"room\":";
  append_json_string(out, message.room);
  out += ",\"text\":";
  append_json_string(out, message.text);
  out += ",\"wall_ms\":";
  append_number(out, message.wall_ms);
  out += ",\"depth\":";
  append_number(out, message.depth);
  out += message.own ? ",\"own\":true" : ",\"own\":false";
  out += message.forked ? ",\"forked\":true" : ",\"forked\":false";
  if (message.taken) {
    out += ",\"taken\":";
    append_number(out, *message.taken);
  }
  if (!message.direct) return;
  out += ",\"with\":";
  append_id(out, message.direct->peer);
  out += ",\"with_name\":";
  append_json_string(out, message.direct->name);
  append_doubt(out, message.direct->doubt);
  if (!message.direct->state) return;
  out += ",\"state\":\"";
  out += format_direct_state(*message.direct->state);
  out += '"';
}

void append_topic_fields(std::string& out, const TopicFacts& topic) {
  out += "\"text\":";
  append_json_string(out, topic.text);
  out += ",\"author\":";
  append_id(out, topic.author);
  out += ",\"name\":";
  append_json_string(out, topic.name);
  out += ",\"at_ms\":";
  append_number(out, topic.at_ms);
}

void append_text_field(std::string& out, std::string_view name, std::string_view text) {
  out += name;
  append_json_string(out, text);
}

void append_boolean_field(std::string& out, std::string_view name, bool value) {
  out += name;
  append_boolean(out, value);
}

}  // namespace p2pmesh::control
