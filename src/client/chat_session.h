// One run of p2pchat in plain mode: node, input, view and output, from the first line to the exit status.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "chat_input.h"
#include "chat_options.h"
#include "chat_view.h"
#include "node_start.h"
#include "output_writer.h"
#include "p2pmesh/base/result.h"
#include "p2pmesh/posix/event_loop.h"
#include "p2pmesh/posix/signals.h"

namespace p2pmesh {

/// Reads descriptor 0, writes 1 and complains on 2. A result that is kOk without a value means: leave
/// quietly.
class ChatSession {
 public:
  explicit ChatSession(ChatOptions options);

  /// Runs until the user leaves or the node is gone. Errors: what is to be said and the exit status.
  Result<ExitStatus> run();

 private:
  Result<void> open();
  [[nodiscard]] std::optional<Error> check_running_mesh() const;
  Result<void> join();
  Result<void> subscribe(const control::Cursor& after);
  Result<void> gather();
  Result<void> show_opening();
  Result<void> end_gathering();
  Result<void> list_all();
  void warn_if_unreachable();
  Result<ExitStatus> status_of_leaving() const;
  Result<void> list_newest(std::size_t count);
  Result<void> talk();
  Result<ExitStatus> wait_until_taken();
  void leave(bool is_hurried);
  void wait_for_end(std::uint64_t screens);

  void on_event(control::Event event);
  bool wait(const std::function<bool()>& done, std::optional<Duration> timeout,
            bool until_interrupted = true);
  void turn(std::optional<Instant> deadline);
  void mark_read(Instant now);
  bool send_marks();
  [[nodiscard]] bool is_leaving() const { return interrupted_ || output_->is_closed(); }
  [[nodiscard]] Wait waiter();
  [[nodiscard]] Error node_gone();

  ChatOptions options_;
  std::string data_dir_;  // absolute
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Signals> signals_;
  std::unique_ptr<OutputWriter> output_;
  ChatView view_;
  AttachedNode node_;
  std::unique_ptr<ChatInput> input_;
  control::StatusReply status_;
  bool interrupted_ = false;
  std::optional<control::Cursor> resume_after_;  // a gap event asked for a new subscription
  control::Cursor marked_;
  Instant next_mark_{};
};

}  // namespace p2pmesh
