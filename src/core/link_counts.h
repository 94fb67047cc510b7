// What kinds of links the views tell apart, and how many there are of one.
#pragma once

#include <algorithm>
#include <cstddef>

#include "links.h"

namespace p2pmesh {

inline bool is_inbound(const Link& link) {
  return !link.outbound;
}
inline bool is_regular(const Link& link) {
  return !link.extra_until;
}
/// Nothing is pushed over it, so that nobody misses it.
inline bool is_spare(const Link& link) {
  return is_regular(link) && !link.in_tree;
}

template <class Wanted>
std::size_t count_links(const Links& links, Wanted wanted) {
  return static_cast<std::size_t>(std::count_if(links.all().begin(), links.all().end(),
                                                [&](const auto& item) { return wanted(item.second); }));
}

}  // namespace p2pmesh
