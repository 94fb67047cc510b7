// Appends JSON to a string, piece by piece: no tree is built on the way of an event.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/control/chat_message.h"
#include "p2pmesh/control/reply.h"

namespace p2pmesh::control {

void append_number(std::string& out, std::uint64_t value);
void append_number(std::string& out, std::int64_t value);
/// Shortest form that reads back the same; null for what JSON has no number for.
void append_number(std::string& out, double value);

inline void append_boolean(std::string& out, bool value) {
  out += value ? "true" : "false";
}

/// Lower-case hexadecimal, without quotes.
void append_hex(std::string& out, ByteView bytes);

/// With quotes.
template <class Tag>
void append_id(std::string& out, const Id32<Tag>& id) {
  out += '"';
  append_hex(out, id.bytes);
  out += '"';
}
void append_id(std::string& out, const MessageId& id);
void append_cursor(std::string& out, const Cursor& cursor);

/// The fields of a message, each preceded by a comma but the first; without braces.
/// The members of a doubt, each with a comma in front; none of a name that is beyond doubt.
void append_doubt(std::string& out, const NameDoubt& doubt);
void append_message_fields(std::string& out, const ChatMessage& message);

/// Likewise of a topic.
void append_topic_fields(std::string& out, const TopicFacts& topic);

/// Appends an array, each element by `append_element`.
template <class Elements, class Append>
void append_array(std::string& out, const Elements& elements, Append append_element) {
  out += '[';
  bool is_first = true;
  for (const auto& element : elements) {
    if (!is_first) out += ',';
    is_first = false;
    append_element(element);
  }
  out += ']';
}

/// A field of an object: its name with the quotes, the colon and what stands before it, and its value.
void append_text_field(std::string& out, std::string_view name, std::string_view text);
void append_boolean_field(std::string& out, std::string_view name, bool value);
template <class Number>
void append_number_field(std::string& out, std::string_view name, Number number) {
  out += name;
  append_number(out, number);
}

}  // namespace p2pmesh::control
