// File descriptors of this process: how many there are, and one kept for when no other is left.
#pragma once

#include <cstddef>

#include "p2pmesh/posix/unique_fd.h"

namespace p2pmesh {

/// As many as this process may have open (RLIMIT_NOFILE, the soft one), as of now.
std::size_t descriptors_max();
/// Raises the soft limit to the hard one, for a process that serves many; what holds then.
std::size_t raise_descriptors();
/// As many as it has open; 0 when the system does not tell.
std::size_t open_descriptors();

/// Kept so that one connection can be taken when descriptors have run out: to be served, or to be closed.
class SpareDescriptor {
 public:
  SpareDescriptor() { take(); }
  /// Opens it again after give_up(), if it can be had.
  void take();
  void give_up() { fd_.reset(); }
  [[nodiscard]] bool is_held() const { return static_cast<bool>(fd_); }

 private:
  UniqueFd fd_;
};

}  // namespace p2pmesh
