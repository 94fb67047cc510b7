// Splits what is typed or piped in into lines of bounded length; a longer one is counted and skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace p2pmesh {

struct InputLine {
  std::uint64_t number = 0;  ///< from 1
  std::size_t bytes = 0;     ///< its length, without the line end
  bool too_long = false;     ///< then there is no text
  std::string text;
};

/// Lines end at a line feed; one carriage return before it belongs to the line end. The last line needs none.
///
/// Holds at most one unfinished line of `line_bytes_max` beyond what was handed in.
class InputLines {
 public:
  explicit InputLines(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

  void push(std::string_view bytes);
  /// There is no more; what is left becomes the last line.
  void finish() { finished_ = true; }
  /// The next line, or nothing while more bytes are needed.
  std::optional<InputLine> next();

 private:
  InputLine make_line(std::string_view rest, bool has_line_feed);

  std::size_t line_bytes_max_;
  std::string buffer_;
  std::size_t start_ = 0;
  std::size_t searched_ = 0;
  std::size_t skipped_ = 0;  // bytes of a line that is too long, no longer held
  char last_skipped_ = 0;
  std::uint64_t lines_ = 0;
  bool finished_ = false;
};

}  // namespace p2pmesh
