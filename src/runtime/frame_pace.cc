#include "frame_pace.h"

#include <utility>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

constexpr auto kToldEvery = std::chrono::seconds(1);  // as heartbeats come

}  // namespace

bool FramePace::on_part(std::size_t bytes, Instant now) {
  if (bytes == 0) {
    begun_.reset();
    return false;
  }
  if (!begun_) {
    begun_ = told_ = now;
    bytes_ = bytes;
    return false;
  }
  if (std::exchange(bytes_, bytes) == bytes || told_ + kToldEvery > now) return false;
  told_ = now;
  return true;
}

std::optional<Instant> FramePace::deadline(Duration patience) const {
  if (!begun_) return std::nullopt;
  const auto earned = std::chrono::microseconds(std::chrono::seconds(1)).count() *
                      static_cast<Duration::rep>(bytes_) /
                      static_cast<Duration::rep>(limits::kFrameBytesPerSecondMin);
  return *begun_ + patience + std::chrono::microseconds(earned);
}

}  // namespace p2pmesh
