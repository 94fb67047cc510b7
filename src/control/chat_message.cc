#include "p2pmesh/control/chat_message.h"

#include <array>
#include <charconv>

namespace p2pmesh::control {
namespace {

constexpr std::array<const char*, 4> kDirectStates = {"pending", "sent", "delivered", "read"};

/// A whole number without a sign or leading zeros that fits.
template <class Number>
bool parse_number(std::string_view text, Number& value) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return false;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc{} && stop == end;
}

}  // namespace

std::string format_cursor(const Cursor& cursor) {
  return std::to_string(cursor.row) + "." + std::to_string(cursor.index);
}

std::optional<Cursor> parse_cursor(std::string_view text) {
  const std::size_t dot = text.find('.');
  Cursor cursor;
  if (dot == std::string_view::npos || !parse_number(text.substr(0, dot), cursor.row) ||
      !parse_number(text.substr(dot + 1), cursor.index)) {
    return std::nullopt;
  }
  return cursor;
}

std::string format_message_id(const MessageId& id) {
  return id.envelope.hex() + "." + std::to_string(id.index);
}

const char* format_direct_state(DirectState state) {
  return kDirectStates[static_cast<std::size_t>(state)];
}

std::optional<DirectState> parse_direct_state(std::string_view text) {
  for (std::size_t i = 0; i < kDirectStates.size(); ++i) {
    if (text == kDirectStates[i]) return static_cast<DirectState>(i);
  }
  return std::nullopt;
}

std::optional<MessageId> parse_message_id(std::string_view text) {
  constexpr std::size_t kHexDigits = 2 * EnvelopeId::kSize;
  if (text.size() <= kHexDigits || text[kHexDigits] != '.') return std::nullopt;
  const auto envelope = EnvelopeId::from_hex(text.substr(0, kHexDigits));
  MessageId id;
  if (!envelope || !parse_number(text.substr(kHexDigits + 1), id.index)) return std::nullopt;
  id.envelope = *envelope;
  return id;
}

}  // namespace p2pmesh::control
