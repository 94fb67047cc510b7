#include "connection.h"

#include <array>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {

bool SendQueue::push(SharedBytes frame, FrameClass frame_class) {
  if (frame_class == FrameClass::kLive && bytes_ + frame->size() > limits::kSendQueueBytesSoft) return false;
  bytes_ += frame->size();
  (frame_class == FrameClass::kRepair ? repair_ : urgent_).push_back(std::move(frame));
  return true;
}

bool SendQueue::is_overfull() const {
  return bytes_ > limits::kSendQueueBytesMax;
}

IoStatus SendQueue::write_to(int fd) {
  while (!empty()) {
    std::array<ByteView, kGatherPiecesMax> pieces;
    std::size_t count = 0;
    const bool resume_repair = in_repair_ && sent_of_front_ > 0;
    if (resume_repair) pieces[count++] = ByteView(*repair_.front()).subspan(sent_of_front_);
    const std::size_t repair_used = count;
    for (const SharedBytes& frame : urgent_) {
      if (count == pieces.size()) break;
      const bool begun = !in_repair_ && count == 0 && sent_of_front_ > 0;
      pieces[count++] = begun ? ByteView(*frame).subspan(sent_of_front_) : ByteView(*frame);
    }
    const std::size_t urgent_used = count - repair_used;
    if (urgent_used == urgent_.size()) {
      for (std::size_t i = repair_used; i < repair_.size() && count < pieces.size(); ++i)
        pieces[count++] = *repair_[i];
    }
    const IoResult result = write_gathered(fd, std::span(pieces.data(), count));
    if (result.status != IoStatus::kOk) return result.status;
    bytes_ -= result.bytes;
    std::size_t left = result.bytes;
    // Take off what is out, in the order in which it was handed over.
    for (std::size_t i = 0; i < count && left > 0; ++i) {
      const bool from_repair = i < repair_used || i >= repair_used + urgent_used;
      auto& from = from_repair ? repair_ : urgent_;
      if (left < pieces[i].size()) {
        sent_of_front_ = from.front()->size() - pieces[i].size() + left;
        in_repair_ = from_repair;
        left = 0;
      } else {
        left -= pieces[i].size();
        from.pop_front();
        sent_of_front_ = 0;
        in_repair_ = false;
      }
    }
  }
  return IoStatus::kOk;
}

}  // namespace p2pmesh
