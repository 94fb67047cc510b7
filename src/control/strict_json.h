// Reads JSON text more strictly than the library does by itself: bounded depth, no key twice, no exception.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>
#include "p2pmesh/base/result.h"

namespace p2pmesh::control {

using Json = nlohmann::json;

struct JsonFault {
  bool is_syntax = true;  ///< false: JSON, but too deep or with a key twice
  std::string reason;     ///< the end of a sentence
};

/// One whole JSON value of well-formed UTF-8.
tl::expected<Json, JsonFault> parse_json(std::string_view text);

}  // namespace p2pmesh::control
