// The keys of `[protocol]` in the configuration file: one for each field of core/parameters.h, with its
// range.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "p2pmesh/core/parameters.h"

namespace p2pmesh {

struct ProtocolKey {
  enum class Type { kNumber, kMilliseconds, kSwitch };

  std::string_view name;  ///< the field's; a duration's ends in `_ms`
  Type type = Type::kNumber;
  std::int64_t least = 0;     ///< of a switch: off
  std::int64_t greatest = 1;  ///< of a switch: on
  std::int64_t (*get)(const ProtocolParameters&) = nullptr;
  void (*set)(ProtocolParameters&, std::int64_t) = nullptr;  ///< takes what lies within the range

  /// "is true or false", "is a whole number of milliseconds from 100 to 5000".
  [[nodiscard]] std::string describe_range() const;
};

/// In the order of the struct.
std::span<const ProtocolKey> protocol_keys();
const ProtocolKey* find_protocol_key(std::string_view name);

/// What two values that fit their ranges contradict each other in; a sentence with both keys and values.
std::optional<std::string> find_contradiction(const ProtocolParameters& parameters);

}  // namespace p2pmesh
