// What every part of the core is handed for one input: the time, and where outputs go.
#pragma once

#include <memory>
#include <utility>

#include "p2pmesh/base/time.h"
#include "p2pmesh/core/outputs.h"

namespace p2pmesh {

struct Turn {
  Now now;
  Outputs& out;

  void send(LinkId link, Bytes frame, FrameClass frame_class = FrameClass::kControl) {
    out.push_back(SendFrame{link, std::make_shared<const Bytes>(std::move(frame)), frame_class});
  }
};

}  // namespace p2pmesh
