// Why a request was refused, as JSON-RPC 2.0 says it.
#pragma once

#include <string>

#include "p2pmesh/base/result.h"

namespace p2pmesh::control {

enum class RpcErrorCode : int {
  kParse = -32700,           ///< not JSON
  kInvalidRequest = -32600,  ///< JSON, but no request: a batch, no method, a line too long
  kUnknownMethod = -32601,
  kInvalidParams = -32602,  ///< missing, unknown, of another type or out of range; named in the message
  kApplication = -32000,    ///< the node could not do it; `status` says what kind of failure
};

struct RpcError {
  RpcErrorCode code = RpcErrorCode::kApplication;
  std::string message;                     ///< a sentence for a human
  ExitStatus status = ExitStatus::kUsage;  ///< travels with kApplication alone

  bool operator==(const RpcError&) const = default;
};

/// The node's failure as an answer to a request.
inline RpcError application_error(const Error& error) {
  return {RpcErrorCode::kApplication, error.message, error.status};
}
inline RpcError invalid_params(std::string message) {
  return {RpcErrorCode::kInvalidParams, std::move(message), ExitStatus::kUsage};
}

}  // namespace p2pmesh::control
