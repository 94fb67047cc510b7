// The daemon's log: one line an event to standard error or a file, with the priorities a journal reads.
#pragma once

#include <memory>
#include <string>

#include "p2pmesh/base/log.h"
#include "p2pmesh/base/result.h"

namespace p2pmesh {

class DaemonLog final : public LogSink {
 public:
  /// `file` empty: standard error. Errors: kCannotCreate when the file cannot be opened.
  static Result<std::unique_ptr<DaemonLog>> open(const std::string& file, const std::string& level);
  ~DaemonLog() override;

  void log(LogLevel level, std::string_view line) override;
  void set_level(const std::string& level);

 private:
  struct Impl;
  explicit DaemonLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace p2pmesh
