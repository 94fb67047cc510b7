#include "link_seal.h"

#include <algorithm>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/signature.h"

namespace p2pmesh {

static_assert(limits::kSealedFrameBytes == SealNonce().size() + kSealBytes);

SharedBytes LinkSeal::seal(const SharedBytes& frame) {
  if (frame == last_) return last_sealed_;
  const ByteView whole = *frame;
  const std::uint8_t type = whole[limits::kFrameHeaderBytes - 1];
  SealNonce nonce;
  draw_random(nonce);
  const Bytes sealed = seal_bound(key_, nonce, whole.subspan(limits::kFrameHeaderBytes), ByteView(&type, 1));
  Bytes payload(nonce.begin(), nonce.end());
  payload.insert(payload.end(), sealed.begin(), sealed.end());
  last_ = frame;
  last_sealed_ = std::make_shared<const Bytes>(encode_frame(static_cast<FrameType>(type), payload));
  return last_sealed_;
}

std::optional<Bytes> LinkSeal::open(const FrameView& frame) const {
  SealNonce nonce;
  if (frame.payload.size() < nonce.size()) return std::nullopt;
  std::copy_n(frame.payload.begin(), nonce.size(), nonce.begin());
  return open_bound(key_, nonce, frame.payload.subspan(nonce.size()), ByteView(&frame.type, 1));
}

}  // namespace p2pmesh
