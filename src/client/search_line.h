// What is typed behind /search: options in front, then words that are never syntax.
#pragma once

#include <string>
#include <string_view>

#include "p2pmesh/base/result.h"
#include "p2pmesh/control/request.h"

namespace p2pmesh {

/// `in:#dev` or `in:Bob`, `from:Bob`, `since:2026-11-01` and `until:2026-11-20T14:05` (local time; UTC with a
/// Z), each at most once and in front; from the first word on that is none of them, everything is words.
/// Names are left to the node. Errors: kUsage with what is wrong.
Result<control::SearchRequest> parse_search_line(std::string_view line);

/// Errors: kUsage when there is no word to look for, or more than a request may have.
Result<void> check_search_words(const std::string& words);

}  // namespace p2pmesh
