#include "message_search.h"

#include <utility>

#include "clock_text.h"
#include "p2pmesh/text/safe_text.h"
#include "screen_lines.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kFoundShown = 20;  // a screenful, as of /history

}  // namespace

void MessageSearch::show_newest(control::SearchRequest request) {
  request_ = std::move(request);
  request_->before.reset();
  is_newest_ = true;
  has_more_ = false;
  gathered_.clear();
  ask_page();
}

void MessageSearch::show_more() {
  if (!request_) return view_.show_info("Nothing was searched for yet: /search WORDS");
  if (!has_more_) return view_.show_info("There are no earlier messages with these words.");
  is_newest_ = false;
  gathered_.clear();
  ask_page();
}

/// Several pages at most: a page ends at a number of bytes too.
void MessageSearch::ask_page() {
  request_->limit = kFoundShown - gathered_.size();
  ask_(*request_, [this](const control::Reply& reply) {
    if (const auto* page = std::get_if<control::SearchReply>(&reply)) take_page(*page);
  });
}

void MessageSearch::take_page(const control::SearchReply& page) {
  gathered_.insert(gathered_.end(), page.messages.begin(), page.messages.end());
  has_more_ = page.more && !page.messages.empty();
  if (!page.messages.empty()) request_->before = page.messages.back().cursor;
  if (has_more_ && gathered_.size() < kFoundShown) return ask_page();
  finish();
}

void MessageSearch::finish() {
  if (gathered_.empty()) {
    return view_.show_info(is_newest_ ? "No message has these words."
                                      : "There are no earlier messages with these words.");
  }
  view_.show_info(count_of(gathered_.size(), is_newest_ ? "message" : "earlier message") +
                  (gathered_.size() == 1 ? ":" : ", the newest first:"));
  for (const control::FoundMessage& found : gathered_) {
    const control::ChatMessage& message = found.message;
    const std::string place =
        message.direct ? "with " + format_safe_line(message.direct->name) : view_.shown_room(message.room);
    view_.show_info(format_local_date(message.wall_ms) + " " + place + " " + format_safe_line(message.name) +
                    ": " + format_safe_line(message.text));
  }
  gathered_.clear();
  if (has_more_) view_.show_info("There are earlier ones: /search more");
}

}  // namespace p2pmesh
