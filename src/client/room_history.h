// The pages of a room's history, from the newest back, gathered before they are shown in one piece.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "chat_view.h"
#include "node_connection.h"

namespace p2pmesh {

/// Remembers where the last block began, so that the next one goes on from there.
class RoomHistory {
 public:
  /// Sends a request and hands on its reply.
  using Ask = std::function<void(const control::Request&, std::function<void(const control::Reply&)>)>;

  RoomHistory(ChatView& view, Ask ask) : view_(view), ask_(std::move(ask)) {}

  /// Shows the newest `count` messages of a room, or says that there are none.
  /// `member`: what was exchanged with it, in place of the room's.
  void show_newest(const std::string& room, const std::optional<std::string>& member, std::size_t count);
  /// Shows the `count` messages before those that were shown last.
  void show_earlier(std::size_t count);

 private:
  /// "of #dev", "with Bob"
  [[nodiscard]] std::string place() const;
  void ask_page();
  void take_page(const control::ListReply& page);
  void finish();
  void show_pending();

  ChatView& view_;
  Ask ask_;
  std::string room_;
  std::optional<std::string> member_;
  std::optional<control::MessageId> before_;  // the first message that was shown, or is gathered
  bool has_earlier_ = false;
  bool is_newest_ = false;
  std::size_t wanted_ = 0;
  std::deque<control::ChatMessage> gathered_;
};

}  // namespace p2pmesh
