// The one list of every bound that a node keeps, for who asks how far each is used.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

namespace p2pmesh {

/// A constant of base/limits.h.
struct LimitRow {
  /// A duration is told in milliseconds; the unit of the others is in their names.
  template <class Value>
  constexpr LimitRow(std::string_view constant_name, Value value, std::string_view config_key = {})
      : name(constant_name), limit(to_number(value)), unit(unit_of<Value>(constant_name)), key(config_key) {}

  std::string_view name;  ///< the constant's, in words: kLinksMax is "links_max"
  std::uint64_t limit = 0;
  std::string_view unit;  ///< as control::LimitEntry's
  std::string_view key;   ///< of the configuration file, where `limit` is what holds without it

 private:
  template <class Value>
  static constexpr std::uint64_t to_number(Value value) {
    if constexpr (std::is_integral_v<Value>) {
      return value;
    } else {
      return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(value).count());
    }
  }
  template <class Value>
  static constexpr std::string_view unit_of(std::string_view name) {
    if (!std::is_integral_v<Value> || name.ends_with("_ms")) return "ms";
    const bool is_bytes = name.find("bytes") != name.npos || name.find("memory") != name.npos;
    if (name.find("_per_second") != name.npos) return is_bytes ? "bytes/s" : "/s";
    return is_bytes ? "bytes" : "";
  }
};

/// In the order of base/limits.h. Not among them: what is no bound but a shape of the protocol.
std::span<const LimitRow> limit_rows();

}  // namespace p2pmesh
