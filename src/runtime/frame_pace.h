// Whether a frame that was begun gets on: by what has come of it, so that a slow line is no fault.
#pragma once

#include <cstddef>
#include <optional>

#include "p2pmesh/base/time.h"

namespace p2pmesh {

class FramePace {
 public:
  /// What has come is no whole frame: so many bytes of one. True when the far end is worth being taken for
  /// alive: the frame has grown, and was begun, or the last true was, a second ago or more.
  bool on_part(std::size_t bytes, Instant now);
  /// A frame is whole.
  void on_frame() { begun_.reset(); }
  /// When the frame must be whole, unless more of it comes; nothing when none was begun.
  [[nodiscard]] std::optional<Instant> deadline(Duration patience) const;

 private:
  std::optional<Instant> begun_;
  Instant told_{};
  std::size_t bytes_ = 0;
};

}  // namespace p2pmesh
