// In a closed mesh, what goes through the channels is sealed once more with the key that its members share:
// who has got a link without being of the mesh reads nothing.
#pragma once

#include <optional>

#include "p2pmesh/crypto/sealing.h"
#include "p2pmesh/wire/frame.h"

namespace p2pmesh {

class LinkSeal {
 public:
  explicit LinkSeal(const SharedSecret& key) : key_(key) {}

  /// The same frame with its payload sealed. One that goes over many links is sealed once.
  SharedBytes seal(const SharedBytes& frame);
  /// The payload; nothing when it was not sealed with this key.
  [[nodiscard]] std::optional<Bytes> open(const FrameView& frame) const;

 private:
  SharedSecret key_;
  SharedBytes last_;
  SharedBytes last_sealed_;
};

}  // namespace p2pmesh
