// P2P_CHECK: our own invariants, on in release builds too. Never for input from users, peers or disks.
#pragma once

namespace p2pmesh {

/// Prints the place and the condition to stderr and aborts.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace p2pmesh

#define P2P_CHECK(condition)                                                   \
  do {                                                                         \
    if (!(condition)) ::p2pmesh::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)
