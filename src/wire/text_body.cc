#include "p2pmesh/wire/text_body.h"

#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/codec.h"

namespace p2pmesh {
namespace {

/// Length of the well-formed sequence at the start of `text`, 0 when there is none (Unicode 15, table 3-7).
std::size_t sequence_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return 1;
  std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  if (at(1) < low || at(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

/// Calls `take` with each message; false when malformed.
template <class Take>
bool read_messages(ByteView body, Take take) {
  Reader reader(body);
  const std::size_t count = reader.u16();
  if (count == 0 || count > limits::kMessagesPerEnvelopeMax) return false;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t size = reader.u16();
    std::string_view text = as_text(reader.raw(size));
    if (!reader.ok() || text.empty() || text.size() > limits::kMessageBytesMax || !is_utf8(text))
      return false;
    take(text);
  }
  return reader.done();
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    // Whole words of ASCII first: chat text mostly is.
    std::size_t ascii = 0;
    while (ascii < text.size() && static_cast<unsigned char>(text[ascii]) < 0x80) ++ascii;
    text.remove_prefix(ascii);
    if (text.empty()) return true;
    const std::size_t length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

Bytes encode_text_body(const std::vector<std::string>& messages) {
  Writer writer;
  writer.u16(static_cast<std::uint16_t>(messages.size()));
  for (const std::string& message : messages) {
    writer.u16(static_cast<std::uint16_t>(message.size())).raw(as_bytes(message));
  }
  return writer.take();
}

std::optional<std::vector<std::string>> decode_text_body(ByteView body) {
  std::vector<std::string> messages;
  if (!read_messages(body, [&](std::string_view text) { messages.emplace_back(text); })) return std::nullopt;
  return messages;
}

std::size_t text_message_bytes(std::size_t message_length) {
  return 2 + message_length;
}

std::size_t count_text_messages(ByteView body) {
  std::size_t count = 0;
  return read_messages(body, [&](std::string_view) { ++count; }) ? count : 0;
}

}  // namespace p2pmesh
