// The two primitives of every codec: append in network order, read with a bounds check.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/ids.h"

namespace p2pmesh {

/// Appends big-endian numbers, fixed byte strings and length-prefixed ones to a byte string it owns.
class Writer {
 public:
  Writer& u8(std::uint8_t value) { return bytes_.push_back(value), *this; }
  Writer& u16(std::uint16_t value) { return number(value, 2); }
  Writer& u32(std::uint32_t value) { return number(value, 4); }
  Writer& u64(std::uint64_t value) { return number(value, 8); }
  Writer& raw(ByteView view) { return bytes_.insert(bytes_.end(), view.begin(), view.end()), *this; }
  template <class Tag>
  Writer& id(const Id32<Tag>& value) {
    return raw(value.view());
  }
  /// One length byte, then the bytes; the caller keeps to 255.
  Writer& short_bytes(ByteView view) { return u8(static_cast<std::uint8_t>(view.size())).raw(view); }
  Writer& long_bytes(ByteView view) { return u32(static_cast<std::uint32_t>(view.size())).raw(view); }

  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] Bytes take() { return std::move(bytes_); }
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }

 private:
  Writer& number(std::uint64_t value, int width) {
    for (int shift = (width - 1) * 8; shift >= 0; shift -= 8)
      bytes_.push_back(static_cast<std::uint8_t>(value >> shift));
    return *this;
  }
  Bytes bytes_;
};

/// Reads what Writer wrote. After the first read past the end it has failed: every later read gives
/// zero or empty, and ok() says so. Views point into the bytes it was given.
class Reader {
 public:
  explicit Reader(ByteView bytes) : rest_(bytes) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }
  ByteView raw(std::size_t size) {
    if (!ok_ || rest_.size() < size) return ok_ = false, ByteView{};
    ByteView view = rest_.first(size);
    rest_ = rest_.subspan(size);
    return view;
  }
  template <class Id>
  Id id() {
    auto id = Id::from_view(raw(Id::kSize));
    return id ? *id : Id{};
  }
  ByteView short_bytes() { return raw(u8()); }
  ByteView long_bytes() { return raw(u32()); }

  [[nodiscard]] bool ok() const { return ok_; }
  /// Nothing failed and nothing is left over.
  [[nodiscard]] bool done() const { return ok_ && rest_.empty(); }
  [[nodiscard]] std::size_t remaining() const { return rest_.size(); }
  void refuse() { ok_ = false; }

 private:
  std::uint64_t number(std::size_t width) {
    std::uint64_t value = 0;
    for (std::uint8_t byte : raw(width)) value = value << 8 | byte;
    return value;
  }
  ByteView rest_;
  bool ok_ = true;
};

}  // namespace p2pmesh
