#include "daemon_log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

#include "p2pmesh/posix/stream_io.h"

namespace p2pmesh {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

/// `<N>` before the line, as sd-daemon(3) has it: the journal takes the priority off and keeps it.
class JournalPriority final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    const char* priority = "<6>";
    if (message.level <= spdlog::level::debug) priority = "<7>";
    if (message.level == spdlog::level::warn) priority = "<4>";
    if (message.level >= spdlog::level::err) priority = "<3>";
    out.append(std::string_view(priority));
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return spdlog::details::make_unique<JournalPriority>();
  }
};

}  // namespace

struct DaemonLog::Impl {
  std::shared_ptr<spdlog::logger> logger;
};

DaemonLog::DaemonLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DaemonLog::~DaemonLog() = default;

Result<std::unique_ptr<DaemonLog>> DaemonLog::open(const std::string& file, const std::string& level) {
  spdlog::sink_ptr sink;
  if (file.empty()) {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  } else {
    try {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file);
    } catch (const spdlog::spdlog_ex& error) {
      return fail(ExitStatus::kCannotCreate, "the log file " + file + " cannot be written: " + error.what());
    }
  }
  auto impl = std::make_unique<Impl>();
  impl->logger = std::make_shared<spdlog::logger>("p2pmeshd", std::move(sink));
  const bool to_journal = file.empty() && std::getenv("JOURNAL_STREAM") != nullptr;
  const bool to_person = !file.empty() || is_terminal(2);
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<JournalPriority>('*');
  formatter->set_pattern(to_journal  ? "%*%v"
                         : to_person ? "%Y-%m-%dT%H:%M:%S.%e%z %l %v"
                                     : "%*%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  impl->logger->set_formatter(std::move(formatter));
  impl->logger->flush_on(spdlog::level::trace);
  std::unique_ptr<DaemonLog> log(new DaemonLog(std::move(impl)));
  log->set_level(level);
  return log;
}

void DaemonLog::log(LogLevel level, std::string_view line) {
  impl_->logger->log(to_spdlog(level), line);
}

void DaemonLog::set_level(const std::string& level) {
  impl_->logger->set_level(spdlog::level::from_str(level));
}

}  // namespace p2pmesh
