#include "p2pmesh/wire/frame.h"

#include "p2pmesh/wire/codec.h"

namespace p2pmesh {

Bytes encode_frame(FrameType type, ByteView payload) {
  Writer writer;
  writer.u32(static_cast<std::uint32_t>(payload.size() + 1)).u8(static_cast<std::uint8_t>(type)).raw(payload);
  return writer.take();
}

void FrameDecoder::push(ByteView bytes) {
  if (error_ != FrameError::kNone) return;
  if (start_ > 0) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(start_));
    start_ = 0;
  }
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

std::optional<FrameView> FrameDecoder::next() {
  if (error_ != FrameError::kNone) return std::nullopt;
  ByteView rest = ByteView(buffer_).subspan(start_);
  if (rest.size() < 4) return std::nullopt;
  const std::uint32_t length = Reader(rest).u32();
  if (length == 0) return error_ = FrameError::kEmpty, std::nullopt;
  if (length > frame_bytes_max_) return error_ = FrameError::kTooLarge, std::nullopt;
  if (rest.size() - 4 < length) return std::nullopt;
  start_ += 4 + length;
  return FrameView{rest[4], rest.subspan(5, length - 1)};
}

}  // namespace p2pmesh
