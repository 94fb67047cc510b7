// The command /search: messages with some words, the newest first, and the ones before those.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "chat_view.h"
#include "p2pmesh/control/reply.h"
#include "p2pmesh/control/request.h"

namespace p2pmesh {

/// Remembers what was searched for last, so that the next block goes on from there.
class MessageSearch {
 public:
  /// Sends a request and hands on its reply.
  using Ask = std::function<void(const control::Request&, std::function<void(const control::Reply&)>)>;

  MessageSearch(ChatView& view, Ask ask) : view_(view), ask_(std::move(ask)) {}

  /// Shows the newest messages that are asked for, or says that there are none.
  void show_newest(control::SearchRequest request);
  /// Shows those before the ones that were shown last.
  void show_more();

 private:
  void ask_page();
  void take_page(const control::SearchReply& page);
  void finish();

  ChatView& view_;
  Ask ask_;
  std::optional<control::SearchRequest> request_;  // `before`: the last one that was shown, or is gathered
  bool has_more_ = false;
  bool is_newest_ = false;
  std::vector<control::FoundMessage> gathered_;
};

}  // namespace p2pmesh
