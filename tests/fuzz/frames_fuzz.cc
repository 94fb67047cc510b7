// The frame decoder: what comes in pieces is what comes at once, and nothing is buffered beyond a frame.
#include <vector>

#include "fuzz_input.h"
#include "p2pmesh/wire/frame.h"

using namespace p2pmesh;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  const std::size_t piece = 1 + input.below(300);
  const ByteView stream = input.rest();
  FrameDecoder at_once, in_pieces;
  at_once.push(stream);
  std::vector<Bytes> whole, pieces;
  const auto take_all = [](FrameDecoder& decoder, std::vector<Bytes>& into) {
    while (const auto frame = decoder.next()) {
      Bytes kept{frame->type};
      kept.insert(kept.end(), frame->payload.begin(), frame->payload.end());
      into.push_back(std::move(kept));
    }
  };
  take_all(at_once, whole);
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    in_pieces.push(stream.subspan(at, std::min(piece, stream.size() - at)));
    take_all(in_pieces, pieces);
    demand(in_pieces.error() != FrameError::kNone ||
           in_pieces.buffered_bytes() < 4 + limits::kFrameBytesMaxBeforeWelcome + piece);
  }
  demand(whole == pieces);
  demand(at_once.error() == in_pieces.error());
  return 0;
}
