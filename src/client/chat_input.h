// What the user types or pipes in: lines that are sent, and commands.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "input_lines.h"
#include "mesh_screen.h"
#include "p2pmesh/base/result.h"
#include "p2pmesh/posix/event_loop.h"

namespace p2pmesh {

/// Reads a descriptor in the loop's turns and sends its lines in order, a bounded number of them on their way
/// at once.
class ChatInput {
 public:
  using Complain = std::function<void(std::string_view)>;

  /// Borrows everything, for its whole life.
  ChatInput(EventLoop& loop, int fd, MeshScreens& screens, Complain complain);
  ~ChatInput();
  ChatInput(const ChatInput&) = delete;
  ChatInput& operator=(const ChatInput&) = delete;

  Result<void> open();
  /// Reads no more.
  void stop();
  /// Goes on after replies, or after the connection has taken bytes. Cheap; to be called once a turn.
  void pump();

  /// The next line may answer a question: when it does, it is not sent. It may be empty. A command ends the
  /// question.
  void set_question(std::function<bool(const std::string&)> answer) { question_ = std::move(answer); }
  [[nodiscard]] bool has_quit() const { return screens_.current->commands.has_quit(); }  ///< :q and its like
  [[nodiscard]] bool has_ended() const { return has_ended_; }  ///< end of input, every line looked at
  /// Requests that are not answered.
  [[nodiscard]] std::size_t unanswered() const;
  [[nodiscard]] std::uint64_t answered() const;
  /// All that is not answered is a search in the network: it need not be waited for.
  [[nodiscard]] bool is_searching() const;
  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  /// kOk, or the worst that happened: a failed send before a skipped line.
  [[nodiscard]] ExitStatus status() const {
    return send_status_ != ExitStatus::kOk ? send_status_ : line_status_;
  }

 private:
  void read();
  [[nodiscard]] bool may_take() const;
  void take(InputLine line);
  void send(std::uint64_t number, std::string text);
  void watch(bool wanted);

  EventLoop& loop_;
  int fd_;
  MeshScreens& screens_;
  Complain complain_;
  InputLines lines_;
  std::function<bool(const std::string&)> question_;
  std::optional<InputLine> held_;  // was looked at, and is the next one
  bool is_finished_ = false;       // the descriptor has no more
  bool is_stopped_ = false;
  bool has_ended_ = false;
  std::uint64_t sent_ = 0;
  ExitStatus send_status_ = ExitStatus::kOk;
  ExitStatus line_status_ = ExitStatus::kOk;
};

}  // namespace p2pmesh
