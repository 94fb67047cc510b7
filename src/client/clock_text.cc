#include "clock_text.h"

#include <algorithm>
#include <array>
#include <chrono>
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

std::optional<WallMs> parse_utc(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00.000";
  constexpr std::array<std::size_t, 4> kSizes = {10, 16, 19, 23};  // day, minute, second, millisecond
  if (!text.empty() && text.back() == 'Z' && text.size() > kSizes.front() + 1) text.remove_suffix(1);
  if (std::find(kSizes.begin(), kSizes.end(), text.size()) == kSizes.end()) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == '0' ? !is_digit : text[i] != kForm[i]) return std::nullopt;
  }
  const auto number = [&](std::size_t at, std::size_t digits) {
    unsigned value = 0;
    for (std::size_t i = at; i < at + digits && i < text.size(); ++i)
      value = value * 10 + static_cast<unsigned>(text[i] - '0');
    return value;
  };
  namespace chrono = std::chrono;
  const chrono::year_month_day date(chrono::year(static_cast<int>(number(0, 4))), chrono::month(number(5, 2)),
                                    chrono::day(number(8, 2)));
  const unsigned hour = number(11, 2);
  const unsigned minute = number(14, 2);
  const unsigned second = number(17, 2);
  if (!date.ok() || date.year() < chrono::year(1970) || hour > 23 || minute > 59 || second > 59)
    return std::nullopt;
  const auto days = chrono::sys_days(date).time_since_epoch();
  const auto time = days + chrono::hours(hour) + chrono::minutes(minute) + chrono::seconds(second) +
                    chrono::milliseconds(number(20, 3));
  return static_cast<WallMs>(chrono::duration_cast<chrono::milliseconds>(time).count());
}

std::optional<WallMs> parse_local(std::string_view text) {
  const auto as_utc = parse_utc(text);
  if (!as_utc || text.back() == 'Z') return as_utc;
  const auto seconds = static_cast<std::time_t>(*as_utc / 1000);
  const std::tm* fields = std::gmtime(&seconds);
  if (fields == nullptr) return std::nullopt;
  std::tm local = *fields;
  local.tm_isdst = -1;
  const std::time_t there = std::mktime(&local);
  // East of Greenwich the first hours of 1970 lie before the first time there is.
  return there < 0 ? 0 : static_cast<WallMs>(there) * 1000 + *as_utc % 1000;
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
