// The verb tail: events as they come, one a line.
#include <optional>
#include <utility>

#include "ctl_session.h"
#include "p2pmesh/text/safe_text.h"
#include "screen_lines.h"

namespace p2pmesh {
namespace {

/// Turns events into lines until enough of them were there.
class Tail {
 public:
  explicit Tail(const CtlOptions& options) : options_(options) {}

  void take(const control::Event& event) {
    if (const auto* gap = std::get_if<control::GapEvent>(&event)) {
      resume_after_ = gap->resume_after;
      return;
    }
    if (is_done() || !append(event)) return;
    ++lines_;
  }
  [[nodiscard]] bool is_done() const { return options_.count && lines_ >= *options_.count; }
  [[nodiscard]] bool has_news() const { return !out_.empty() || resume_after_ || is_done(); }
  std::string take_output() { return std::exchange(out_, {}); }
  std::optional<control::Cursor> take_resume() { return std::exchange(resume_after_, std::nullopt); }

 private:
  /// Nothing is printed of the marks that concern the subscription alone.
  bool append(const control::Event& event) {
    const auto* message = std::get_if<control::MessageEvent>(&event);
    const auto* notice = std::get_if<control::NoticeEvent>(&event);
    const auto* storage = std::get_if<control::StorageEvent>(&event);
    if (message == nullptr && notice == nullptr && storage == nullptr) return false;
    if (options_.json) {
      control::append_value(out_, event);
      out_ += '\n';
    } else if (message != nullptr) {
      const control::ChatMessage& said = message->message;
      append_message(out_, said, said.room == kDefaultRoom ? "" : said.room);
    } else if (notice != nullptr) {
      append_notice(out_, *notice);
    } else {
      append_info(out_, "Storage: " + format_safe_line(storage->state));
    }
    return true;
  }

  const CtlOptions& options_;
  std::size_t lines_ = 0;
  std::string out_;
  std::optional<control::Cursor> resume_after_;
};

}  // namespace

Result<ExitStatus> show_tail(CtlSession& session, const CtlOptions& options) {
  Tail tail(options);
  session.node().set_event_handler([&](const control::Event& event) { tail.take(event); });
  control::SubscribeRequest request;
  request.after = options.after;
  for (;;) {
    const auto subscribed = session.ask<control::SubscribeReply>(request);
    if (!subscribed) return tl::unexpected<Error>(subscribed.error());
    for (;;) {
      const auto running = session.run_until([&] { return tail.has_news(); });
      if (auto printed = session.print(tail.take_output()); !printed)
        return tl::unexpected<Error>(printed.error());
      if (!running) return tl::unexpected<Error>(running.error());
      if (tail.is_done()) return ExitStatus::kOk;
      if (auto resume = tail.take_resume()) {
        request.after = *resume;
        break;
      }
    }
  }
}

}  // namespace p2pmesh
