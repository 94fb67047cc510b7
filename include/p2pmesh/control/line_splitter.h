// Splits a byte stream into lines, with a bound on their length. Used at both ends of the control socket.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "p2pmesh/base/limits.h"

namespace p2pmesh::control {

/// Splits at line feeds, whatever the split points of the reads.
///
/// Holds at most one unfinished line beyond what was handed in. After a line over the bound it stays failed:
/// answer with line_too_long_error() and close.
class LineSplitter {
 public:
  explicit LineSplitter(std::size_t line_bytes_max = limits::kControlLineBytesMax)
      : line_bytes_max_(line_bytes_max) {}

  /// Appends bytes read from the stream. Invalidates lines returned before.
  void push(std::string_view bytes);

  /// The next whole line without its line feed, or nothing while more bytes are needed or after a failure.
  /// Valid until the next push().
  std::optional<std::string_view> next();

  /// A line over the bound is next; those before it have been returned.
  [[nodiscard]] bool too_long() const { return too_long_; }
  [[nodiscard]] std::size_t buffered_bytes() const { return buffer_.size() - start_; }

 private:
  std::string buffer_;
  std::size_t start_ = 0;
  std::size_t searched_ = 0;  // no line feed in [start_, searched_)
  std::size_t line_bytes_max_;
  bool too_long_ = false;
};

}  // namespace p2pmesh::control
