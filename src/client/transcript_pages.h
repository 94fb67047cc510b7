// The transcript of a room or a conversation, page after page.
#pragma once

#include "ctl_session.h"

namespace p2pmesh {

/// Calls `take` with each page from the first message of the room, or from the one after `after`, on.
/// Errors: those of the node, and of `take`.
template <class Take>
Result<void> read_forward(CtlSession& session, control::ListRequest request, Take take) {
  for (;;) {
    auto page = session.ask<control::ListReply>(request);
    if (!page) return tl::unexpected<Error>(page.error());
    if (page->messages.empty()) return {};
    if (auto taken = take(page->messages); !taken) return taken;
    if (!page->more) return {};
    request.after = page->messages.back().id;
  }
}

}  // namespace p2pmesh
