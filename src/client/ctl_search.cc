// The verb search: page after page, the newest first.
#include <algorithm>

#include "ctl_session.h"
#include "export_lines.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kFoundDefault = 100;

}  // namespace

Result<ExitStatus> show_found(CtlSession& session, const CtlOptions& options) {
  const std::size_t count = options.count.value_or(kFoundDefault);
  control::SearchRequest request = options.search;
  std::size_t printed = 0;
  for (bool more = true; more && printed < count;) {
    request.limit = std::min(count - printed, limits::kControlPageMax);
    const auto page = session.ask<control::SearchReply>(request);
    if (!page) return tl::unexpected<Error>(page.error());
    std::string out;
    for (const control::FoundMessage& found : page->messages) {
      if (options.json) {
        out += printed == 0 ? "[" : ",\n";
        control::append_value(out, found);
      } else {
        append_found_text(out, found.message);
      }
      ++printed;
    }
    if (auto done = session.print(out); !done) return tl::unexpected<Error>(done.error());
    more = page->more && !page->messages.empty();
    if (more) request.before = page->messages.back().cursor;
  }
  if (options.json) {
    if (auto done = session.print(printed == 0 ? "[]\n" : "]\n"); !done)
      return tl::unexpected<Error>(done.error());
  }
  return ExitStatus::kOk;
}

}  // namespace p2pmesh
