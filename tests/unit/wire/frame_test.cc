#include "p2pmesh/wire/frame.h"

#include <string>
#include <utility>
#include <vector>

#include "canonical.h"
#include "p2pmesh/base/random.h"
#include "p2pmesh/wire/codec.h"

using namespace p2pmesh;

namespace {

using Frames = std::vector<std::pair<std::uint8_t, std::string>>;

/// Takes out what is complete.
void drain(FrameDecoder& decoder, Frames& frames) {
  while (auto frame = decoder.next()) frames.emplace_back(frame->type, as_text(frame->payload));
}

Bytes with_length(std::uint32_t length) {
  return Writer().u32(length).u8(7).take();
}

/// A frame whose type and payload together are this long.
Bytes frame_of_length(std::size_t length) {
  return encode_frame(FrameType::kGossip, Bytes(length - 1, 0xab));
}

}  // namespace

TEST_CASE("a frame is length, type, payload") {
  CHECK(format_hex(encode_frame(FrameType::kPing, as_bytes("abc"))) == "0000000407616263");
  CHECK(format_hex(encode_frame(FrameType::kClose, {})) == "0000000110");
}

TEST_CASE("frames come out whole at every split point") {
  Bytes stream;
  Frames expected;
  for (const char* payload : {"one", "", "three three"}) {
    const Bytes frame = encode_frame(FrameType::kTaken, as_bytes(payload));
    stream.insert(stream.end(), frame.begin(), frame.end());
    expected.emplace_back(6, payload);
  }
  for (std::size_t first = 0; first <= stream.size(); ++first) {
    for (std::size_t second = first; second <= stream.size(); ++second) {
      FrameDecoder decoder;
      Frames frames;
      decoder.push(ByteView(stream).first(first));
      drain(decoder, frames);
      decoder.push(ByteView(stream).subspan(first, second - first));
      drain(decoder, frames);
      decoder.push(ByteView(stream).subspan(second));
      drain(decoder, frames);
      REQUIRE(frames == expected);
      REQUIRE(decoder.buffered_bytes() == 0);
    }
  }
}

TEST_CASE("frames come out whole byte by byte and in random pieces") {
  Random random(11);
  Bytes stream;
  Frames expected;
  for (int i = 0; i < 200; ++i) {
    std::string payload(random.below(300), 'x');
    for (char& c : payload) c = static_cast<char>(random.below(256));
    const Bytes frame = encode_frame(FrameType::kGossip, as_bytes(payload));
    stream.insert(stream.end(), frame.begin(), frame.end());
    expected.emplace_back(4, payload);
  }
  for (std::size_t piece_max : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
    FrameDecoder decoder;
    Frames frames;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t size = std::min<std::size_t>(1 + random.below(piece_max), stream.size() - at);
      decoder.push(ByteView(stream).subspan(at, size));
      drain(decoder, frames);
      at += size;
    }
    CHECK(frames == expected);
  }
}

TEST_CASE("frames pushed together come out one by one") {
  FrameDecoder decoder;
  Bytes stream = encode_frame(FrameType::kPing, as_bytes("a"));
  const Bytes second = encode_frame(FrameType::kPong, as_bytes("b"));
  stream.insert(stream.end(), second.begin(), second.end());
  decoder.push(stream);
  CHECK(decoder.buffered_bytes() == stream.size());
  CHECK(decoder.next()->type == 7);
  CHECK(decoder.next()->type == 8);
  CHECK_FALSE(decoder.next());
  CHECK(decoder.error() == FrameError::kNone);
}

TEST_CASE("the decoder leaves unknown types to its caller") {
  FrameDecoder decoder;
  decoder.push(Bytes{0, 0, 0, 1, 0xff, 0, 0, 0, 1, 0});
  CHECK(decoder.next()->type == 0xff);
  CHECK(decoder.next()->type == 0);
}

TEST_CASE("a frame of length zero is an error") {
  FrameDecoder decoder;
  decoder.push(with_length(0));
  CHECK_FALSE(decoder.next());
  CHECK(decoder.error() == FrameError::kEmpty);
}

TEST_CASE("before the welcome 4096 bytes pass and 4097 do not") {
  FrameDecoder decoder;
  decoder.push(frame_of_length(limits::kFrameBytesMaxBeforeWelcome));
  REQUIRE(decoder.next());
  decoder.push(frame_of_length(limits::kFrameBytesMaxBeforeWelcome + 1));
  CHECK_FALSE(decoder.next());
  CHECK(decoder.error() == FrameError::kTooLarge);
}

TEST_CASE("after the welcome 65536 bytes pass and 65537 do not") {
  FrameDecoder decoder;
  decoder.set_frame_bytes_max(limits::kFrameBytesMax);
  decoder.push(frame_of_length(limits::kFrameBytesMax));
  const auto frame = decoder.next();
  REQUIRE(frame);
  CHECK(frame->payload.size() == limits::kFrameBytesMax - 1);
  decoder.push(frame_of_length(limits::kFrameBytesMax + 1));
  CHECK_FALSE(decoder.next());
  CHECK(decoder.error() == FrameError::kTooLarge);
}

TEST_CASE("a length is refused as soon as it is read") {
  for (std::uint32_t length : {4097U, 65537U, 0x80000000U, 0xFFFFFFFFU}) {
    FrameDecoder decoder;
    const Bytes start = Writer().u32(length).take();
    decoder.push(ByteView(start).first(3));
    CHECK_FALSE(decoder.next());
    CHECK(decoder.error() == FrameError::kNone);
    decoder.push(ByteView(start).subspan(3));
    CHECK_FALSE(decoder.next());
    CHECK(decoder.error() == FrameError::kTooLarge);
  }
}

TEST_CASE("after an error the decoder takes nothing more") {
  FrameDecoder decoder;
  decoder.push(with_length(0xFFFFFFFF));
  CHECK_FALSE(decoder.next());
  const std::size_t held = decoder.buffered_bytes();
  for (int i = 0; i < 1000; ++i) decoder.push(encode_frame(FrameType::kPing, Bytes(1000)));
  CHECK_FALSE(decoder.next());
  CHECK(decoder.error() == FrameError::kTooLarge);
  CHECK(decoder.buffered_bytes() == held);
}
