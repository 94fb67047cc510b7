// The log sink that every layer writes to; the daemon decides where lines go.
#pragma once

#include <string_view>

namespace p2pmesh {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// Where log lines go. Implementations are safe to call from any thread and never block for long.
/// Foreign text must be made safe (text/safe_text.h) before it is logged.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void log(LogLevel level, std::string_view line) = 0;
};

/// Drops every line; for tests.
class NullLog final : public LogSink {
 public:
  void log(LogLevel, std::string_view) override {}
};

}  // namespace p2pmesh
