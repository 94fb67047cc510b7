// The verb history: back to where to begin, then forward.
#include <algorithm>
#include <vector>

#include "ctl_session.h"
#include "export_lines.h"
#include "p2pmesh/base/limits.h"
#include "transcript_pages.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kHistoryDefault = 100;

}  // namespace

Result<ExitStatus> show_history(CtlSession& session, const CtlOptions& options) {
  const std::size_t count = options.count.value_or(kHistoryDefault);
  // Back to where to begin, keeping one page; then forward again.
  control::ListRequest request;
  request.room = options.room;
  if (!options.peer.empty()) request.with = options.peer;
  std::vector<control::ChatMessage> oldest;
  std::size_t total = 0;
  for (bool more = true; more && total < count;) {
    request.limit = std::min(count - total, limits::kControlPageMax);
    auto page = session.ask<control::ListReply>(request);
    if (!page) return tl::unexpected<Error>(page.error());
    if (page->messages.empty()) break;
    request.before = page->messages.front().id;
    total += page->messages.size();
    more = page->more;
    oldest = std::move(page->messages);
  }

  std::size_t printed = 0;
  const auto print = [&](const std::vector<control::ChatMessage>& messages) {
    std::string out;
    for (const control::ChatMessage& message : messages) {
      if (printed == total) break;
      if (options.json) {
        if (printed > 0) out += ",\n";
        control::append_value(out, message);
      } else {
        append_history_text(out, message);
      }
      ++printed;
    }
    return session.print(out);
  };
  if (options.json) {
    if (auto begun = session.print("["); !begun) return tl::unexpected<Error>(begun.error());
  }
  auto done = print(oldest);
  if (done && printed < total) {
    control::ListRequest rest;
    rest.room = options.room;
    rest.with = request.with;
    rest.limit = limits::kControlPageMax;
    rest.after = oldest.back().id;
    done = read_forward(session, rest, print);
  }
  if (done && options.json) done = session.print("]\n");
  if (!done) return tl::unexpected<Error>(done.error());
  return ExitStatus::kOk;
}

}  // namespace p2pmesh
