#include "clock_text.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace p2pmesh {
namespace {

constexpr WallMs kLastMs = 253402300799999;  // 9999-12-31T23:59:59.999Z
constexpr WallMs kMinuteMs = 60000;

std::string format_fields(const std::tm* fields, const char* format) {
  char text[32];
  if (fields == nullptr) return "?";
  return std::string(text, std::strftime(text, sizeof text, format, fields));
}

std::string format_local(WallMs wall_ms, const char* format) {
  const auto seconds = static_cast<std::time_t>(std::min(wall_ms, kLastMs) / 1000);
  return format_fields(std::localtime(&seconds), format);
}

}  // namespace

std::string format_utc(WallMs wall_ms) {
  wall_ms = std::min(wall_ms, kLastMs);
  const auto seconds = static_cast<std::time_t>(wall_ms / 1000);
  char fraction[8];
  std::snprintf(fraction, sizeof fraction, ".%03uZ", static_cast<unsigned>(wall_ms % 1000));
  return format_fields(std::gmtime(&seconds), "%Y-%m-%dT%H:%M:%S") + fraction;
}

std::string format_local_minute(WallMs wall_ms) {
  return format_local(wall_ms, "%H:%M");
}

std::string format_local_date(WallMs wall_ms) {
  return format_local(wall_ms, "%Y-%m-%d %H:%M");
}

WallMs next_minute(WallMs wall_ms) {
  return (std::min(wall_ms, kLastMs) / kMinuteMs + 1) * kMinuteMs;
}

}  // namespace p2pmesh
