// What kinds of links the views tell apart, and how many there are of one.
#pragma once

#include <algorithm>
#include <cstddef>

#include "links.h"

namespace p2pmesh {

inline bool is_regular(const Link& link) {
  return !link.extra_until;
}
/// An own dial: nobody else had a say in whom this node is linked to.
inline bool is_own(const Link& link) {
  return is_regular(link) && link.chosen;
}
/// Dialled since somebody told of it.
inline bool is_told(const Link& link) {
  return is_regular(link) && link.outbound && !link.chosen;
}
/// It came by itself, or was dialled since somebody told of it.
inline bool is_others(const Link& link) {
  return is_regular(link) && !link.chosen;
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
