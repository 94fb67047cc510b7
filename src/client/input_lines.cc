#include "input_lines.h"

#include <utility>

namespace p2pmesh {

void InputLines::push(std::string_view bytes) {
  buffer_.erase(0, start_);
  searched_ -= start_;
  start_ = 0;
  buffer_ += bytes;
}

std::optional<InputLine> InputLines::next() {
  const std::size_t end = buffer_.find('\n', searched_);
  if (end != std::string::npos) {
    InputLine line = make_line(std::string_view(buffer_).substr(start_, end - start_), true);
    start_ = searched_ = end + 1;
    return line;
  }
  searched_ = buffer_.size();
  const std::string_view rest = std::string_view(buffer_).substr(start_);
  if (finished_) {
    if (rest.empty() && skipped_ == 0) return std::nullopt;
    InputLine line = make_line(rest, false);
    start_ = searched_;
    return line;
  }
  if (!rest.empty() && (skipped_ > 0 || rest.size() > line_bytes_max_ + 1)) {  // + 1: a carriage return
    skipped_ += rest.size();
    last_skipped_ = rest.back();
    buffer_.clear();
    start_ = searched_ = 0;
  }
  return std::nullopt;
}

InputLine InputLines::make_line(std::string_view rest, bool has_line_feed) {
  InputLine line;
  line.number = ++lines_;
  const std::size_t skipped = std::exchange(skipped_, 0);
  line.bytes = skipped + rest.size();
  const char last = rest.empty() ? (skipped > 0 ? last_skipped_ : '\0') : rest.back();
  if (last == '\r' && has_line_feed) {
    --line.bytes;
    if (!rest.empty()) rest.remove_suffix(1);
  }
  line.too_long = line.bytes > line_bytes_max_;
  if (!line.too_long) line.text = std::string(rest);
  return line;
}

}  // namespace p2pmesh
