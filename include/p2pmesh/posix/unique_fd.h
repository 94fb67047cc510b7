// A file descriptor with one owner.
#pragma once

#include <utility>

namespace p2pmesh {

/// Owns a file descriptor and closes it. -1 is "none". Take it out of the loop before it is closed.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }
  /// Gives the descriptor away unclosed.
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  /// Closes the descriptor held, then holds `fd`.
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

}  // namespace p2pmesh
