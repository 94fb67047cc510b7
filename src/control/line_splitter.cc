#include "p2pmesh/control/line_splitter.h"

namespace p2pmesh::control {

void LineSplitter::push(std::string_view bytes) {
  if (too_long_) return;
  if (start_ != 0) {
    buffer_.erase(0, start_);
    searched_ -= start_;
    start_ = 0;
  }
  buffer_ += bytes;
}

std::optional<std::string_view> LineSplitter::next() {
  if (too_long_) return std::nullopt;
  const std::size_t end = buffer_.find('\n', searched_);
  const std::size_t line_end = end == std::string::npos ? buffer_.size() : end;
  if (line_end - start_ > line_bytes_max_) {
    too_long_ = true;
    buffer_ = {};
    start_ = searched_ = 0;
    return std::nullopt;
  }
  searched_ = line_end;
  if (end == std::string::npos) return std::nullopt;
  const std::string_view line = std::string_view(buffer_).substr(start_, end - start_);
  start_ = searched_ = end + 1;
  return line;
}

}  // namespace p2pmesh::control
