// Standard output of a screen: queued, written when the other end takes it, so that a slow reader stops
// nothing else.
#pragma once

#include <string>
#include <string_view>

#include "p2pmesh/base/result.h"
#include "p2pmesh/posix/event_loop.h"

namespace p2pmesh {

/// Writes a descriptor without changing its flags, which others share (the shell's terminal): small pieces,
/// and only when the loop says that one fits.
class OutputWriter {
 public:
  OutputWriter(EventLoop& loop, int fd) : loop_(loop), fd_(fd) {}
  ~OutputWriter();
  OutputWriter(const OutputWriter&) = delete;
  OutputWriter& operator=(const OutputWriter&) = delete;

  Result<void> open();
  /// Written in the next turns of the loop; dropped once closed.
  void append(std::string_view text);

  [[nodiscard]] std::size_t pending_bytes() const { return buffer_.size() - start_; }
  /// The reader is gone, or writing failed.
  [[nodiscard]] bool is_closed() const { return closed_; }
  /// Writing failed for another reason than a reader that is gone (a full disk): what was shown is lost.
  [[nodiscard]] bool has_failed() const { return failed_; }

 private:
  void on_ready(Ready ready);
  void close();

  EventLoop& loop_;
  int fd_;
  std::string buffer_;
  std::size_t start_ = 0;
  bool closed_ = false;
  bool failed_ = false;
};

}  // namespace p2pmesh
