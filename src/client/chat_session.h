// One run of p2pchat in plain mode: node, input, screens and output, from the first line to the exit status.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chat_input.h"
#include "chat_options.h"
#include "mesh_screen.h"
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
  static constexpr std::size_t kOutputBytesMax = 1024 * 1024;  // then the node is held back

  /// The first failure leaves quietly: the user or the reader of the output is gone.
  static tl::unexpected<Error> quietly() { return fail(ExitStatus::kOk, ""); }
  Result<void> open();
  [[nodiscard]] std::optional<Error> check_running_mesh() const;
  Result<void> join();
  Result<void> subscribe(const control::Cursor& after);
  Result<void> gather();
  Result<void> show_opening();
  Result<void> end_gathering();
  Result<void> list_all();
  void warn_if_unreachable();
  /// Who and what the discovery servers tell of; somebody at a terminal may choose.
  void offer_registered();
  void ask_whom();
  void leave_if_unused(const MeshId& mesh);
  void show_lan();
  Result<ExitStatus> status_of_leaving() const;
  Result<void> list_newest(std::size_t count);
  Result<void> talk();
  Result<ExitStatus> wait_until_taken();
  void leave(bool is_hurried);
  void wait_for_end(std::uint64_t screens);

  Result<void> enter_wanted();
  Result<void> use_mesh(const std::string& wanted);
  // chat_session_meshes.cc
  std::unique_ptr<MeshScreen> make_screen(std::unique_ptr<NodeConnection> connection);
  void open_others();
  MeshScreen* add_screen(const MeshId& mesh);
  void end_gathering_of(MeshScreen& screen);
  void switch_to(const control::MeshEntry& entry);
  void remove_screen(const MeshId& mesh);
  void refresh_labels();
  void resubscribe(MeshScreen& screen);
  void on_mesh(const control::MeshEvent& event);
  void take_output();
  void on_event(MeshScreen& screen, control::Event event);
  bool wait(const std::function<bool()>& done, std::optional<Duration> timeout,
            bool until_interrupted = true);
  void turn(std::optional<Instant> deadline);
  void mark_read(Instant now);
  bool send_marks();
  bool send_marks_of(MeshScreen& screen);
  [[nodiscard]] bool may_mark_more() const;
  [[nodiscard]] MeshScreen& screen() { return *screens_.current; }
  [[nodiscard]] NodeConnection& node() { return *screens_.current->node; }
  [[nodiscard]] ChatView& view() { return screens_.current->view; }
  [[nodiscard]] bool is_leaving() const { return interrupted_ || output_->is_closed(); }
  [[nodiscard]] Wait waiter();
  [[nodiscard]] Error node_gone();

  ChatOptions options_;
  std::string data_dir_;  // absolute
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Signals> signals_;
  std::unique_ptr<OutputWriter> output_;
  AttachedNode node_;  // without its connection, which the first screen has
  MeshScreens screens_;
  std::vector<std::unique_ptr<MeshScreen>> gone_;  // of meshes that were left, until they are closed
  bool shows_others_ = false;
  std::unique_ptr<ChatInput> input_;
  control::StatusReply status_;
  bool interrupted_ = false;
  Instant next_mark_{};
};

}  // namespace p2pmesh
