// What the codecs of the rendezvous' frames share: fields with their bounds.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/codec.h"
#include "p2pmesh/wire/frame.h"

namespace p2pmesh {

inline void write_flag(Writer& writer, bool flag) {
  writer.u8(flag ? 1 : 0);
}

inline bool read_flag(Reader& reader) {
  const std::uint8_t flag = reader.u8();
  if (flag > 1) reader.refuse();
  return flag == 1;
}

inline void read_signature(Reader& reader, Signature& signature) {
  const ByteView view = reader.raw(signature.size());
  std::copy(view.begin(), view.end(), signature.begin());
}

inline void write_text(Writer& writer, const std::string& text) {
  writer.short_bytes(as_bytes(text));
}

inline std::string read_text(Reader& reader, std::size_t least, std::size_t most) {
  const ByteView view = reader.short_bytes();
  if (view.size() < least || view.size() > most) reader.refuse();
  return reader.ok() ? std::string(as_text(view)) : std::string();
}

inline std::string read_name(Reader& reader) {
  return read_text(reader, 1, limits::kNameBytesMax);
}

/// How many items follow; 0 when there are too few or too many.
inline std::size_t read_count(Reader& reader, std::size_t count, std::size_t least, std::size_t most) {
  if (count < least || count > most) reader.refuse();
  return reader.ok() ? count : 0;
}

template <class Id>
void write_optional_id(Writer& writer, const std::optional<Id>& id) {
  write_flag(writer, id.has_value());
  if (id) writer.id(*id);
}

template <class Id>
std::optional<Id> read_optional_id(Reader& reader) {
  if (!read_flag(reader)) return std::nullopt;
  return reader.id<Id>();
}

template <class Message>
std::optional<Message> taken_whole(const Reader& reader, Message& message) {
  return reader.done() ? std::optional(std::move(message)) : std::nullopt;
}

inline Bytes finish(FrameType type, const Writer& writer) {
  return encode_frame(type, writer.bytes());
}

}  // namespace p2pmesh
