#include "connection.h"

#include <algorithm>

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

std::size_t SendQueue::peek(std::span<std::uint8_t> out) const {
  std::size_t used = 0;
  const auto copy = [&](const SharedBytes& frame, std::size_t from) {
    const std::size_t size = std::min(frame->size() - from, out.size() - used);
    std::copy_n(frame->begin() + static_cast<std::ptrdiff_t>(from), size,
                out.begin() + static_cast<std::ptrdiff_t>(used));
    used += size;
  };
  const bool resumes_repair = in_repair_ && sent_of_front_ > 0;
  if (resumes_repair) copy(repair_.front(), sent_of_front_);
  for (std::size_t i = 0; i < urgent_.size() && used < out.size(); ++i)
    copy(urgent_[i], i == 0 && !in_repair_ ? sent_of_front_ : 0);
  for (std::size_t i = resumes_repair ? 1 : 0; i < repair_.size() && used < out.size(); ++i)
    copy(repair_[i], 0);
  return used;
}

void SendQueue::pop(std::size_t bytes) {
  bytes_ -= bytes;
  while (bytes > 0) {
    in_repair_ = sent_of_front_ > 0 ? in_repair_ : urgent_.empty();
    auto& from = in_repair_ ? repair_ : urgent_;
    const std::size_t left = from.front()->size() - sent_of_front_;
    if (bytes < left) {
      sent_of_front_ += bytes;
      return;
    }
    bytes -= left;
    from.pop_front();
    sent_of_front_ = 0;
  }
}

}  // namespace p2pmesh
