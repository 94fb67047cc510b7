// Results that carry a failure of the environment or of the user, never of a peer (a small enum) and
// never of ourselves (P2P_CHECK).
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace p2pmesh {

/// Exit statuses of the three programs, after sysexits.h; design.md section 6.
enum class ExitStatus : int {
  kOk = 0,
  kUsage = 64,         ///< wrong option, name, port
  kDamagedInput = 65,  ///< damaged data that cannot be repaired, or input lines skipped
  kUnknownHost = 68,
  kUnavailable = 69,   ///< refused, no answer, port in use, node gone
  kInternal = 70,      ///< our own bug
  kCannotCreate = 73,  ///< directory unwritable
  kIo = 74,            ///< read or write failed
  kTryAgain = 75,      ///< in use by another node, or try again
  kProtocol = 76,      ///< another protocol or version
  kNoPermission = 77,  ///< permission or credentials
  kConfig = 78,        ///< configuration, or a database of a newer version
};

/// What went wrong, for a human: the actual values, the likely cause, what to type.
struct Error {
  ExitStatus status = ExitStatus::kIo;
  std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ExitStatus status, std::string message) {
  return tl::unexpected<Error>(Error{status, std::move(message)});
}

}  // namespace p2pmesh
