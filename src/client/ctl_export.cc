// The verb export: all that is held of a room, or of what was exchanged with one member.
#include <chrono>

#include "ctl_session.h"
#include "export_lines.h"
#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/clock.h"
#include "p2pmesh/posix/stream_io.h"
#include "transcript_pages.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr Duration kProgressInterval = 1s;

/// How far it is, for a person who waits: on a terminal, where the messages go somewhere else.
class ExportProgress {
 public:
  ExportProgress() : is_shown_(is_terminal(2) && !is_terminal(1)), next_(now() + kProgressInterval) {}
  ~ExportProgress() {
    if (has_shown_) show("\n");
  }
  ExportProgress(const ExportProgress&) = delete;
  ExportProgress& operator=(const ExportProgress&) = delete;

  void on_page(std::size_t read, std::size_t written) {
    if (!is_shown_ || now() < next_) return;
    show("\rp2pmeshctl: " + std::to_string(read) + " messages read, " + std::to_string(written) + " written");
    has_shown_ = true;
    next_ = now() + kProgressInterval;
  }

 private:
  static Instant now() { return read_clock().monotonic; }
  /// Nothing is lost when it cannot be shown.
  static void show(std::string_view text) { [[maybe_unused]] const auto done = write_all(2, as_bytes(text)); }

  bool is_shown_;
  bool has_shown_ = false;
  Instant next_;
};

}  // namespace

Result<ExitStatus> export_messages(CtlSession& session, const CtlOptions& options) {
  const bool is_direct = !options.peer.empty();
  control::ListRequest request;
  request.ignored = !options.without_ignored;
  request.room = options.room;
  if (is_direct) request.with = options.peer;
  request.limit = limits::kControlPageMax;
  request.after = control::MessageId{};

  bool is_first = true;
  std::size_t read = 0;
  std::size_t written = 0;
  ExportProgress progress;
  const auto append_first = [&](std::string& out, const control::ChatMessage* first) {
    is_first = false;
    if (options.format == ExportFormat::kCsv) return append_csv_header(out, is_direct);
    if (options.format == ExportFormat::kJson) return;
    const bool is_named = first != nullptr && first->direct;
    const std::string other = is_named ? first->direct->name : options.peer;
    append_export_header(out, is_direct ? "with " + other : options.room,
                         first == nullptr ? std::nullopt : std::optional(first->wall_ms), options.since_ms);
  };
  auto done = read_forward(session, request, [&](const std::vector<control::ChatMessage>& messages) {
    std::string out;
    if (is_first) append_first(out, &messages.front());
    for (const control::ChatMessage& message : messages) {
      // The transcript is in no order of time: each one is looked at.
      if (options.since_ms && message.wall_ms < *options.since_ms) continue;
      switch (options.format) {
        case ExportFormat::kText:
          append_export_text(out, message);
          break;
        case ExportFormat::kJson:
          append_export_json(out, message);
          break;
        case ExportFormat::kCsv:
          append_csv_row(out, message);
          break;
      }
      ++written;
    }
    read += messages.size();
    progress.on_page(read, written);
    return session.print(out);
  });
  if (done && is_first) {
    std::string out;
    append_first(out, nullptr);
    done = session.print(out);
  }
  if (!done) return tl::unexpected<Error>(done.error());
  return ExitStatus::kOk;
}

}  // namespace p2pmesh
