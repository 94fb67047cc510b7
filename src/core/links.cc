#include "links.h"

#include <algorithm>

namespace p2pmesh {

std::optional<LinkId> Links::add(const LinkUp& up, const NodeKey& self, Instant now) {
  Link link;
  link.id = up.link;
  link.node = up.node;
  link.outbound = up.outbound;
  link.remote = up.remote;
  link.addresses = up.addresses;
  link.heads_given = up.heads_given;
  link.heads_received = up.heads_received;
  link.up_at = now;
  link.heard_at = now;
  link.next_ping = now;
  auto other = by_node_.find(up.node);
  if (other == by_node_.end()) {
    by_node_[up.node] = up.link;
    put(up.link, std::move(link));
    return std::nullopt;
  }
  // Of two crossing links the one dialled by the smaller key stays; of two in the same direction the newer,
  // since a node dials again only when its old link is gone for it. Both ends come to the same answer.
  const Link& old = *find(other->second);
  // One that has fallen silent may be over at the other end alone, as when that has got another address.
  const bool keep_new = old.suspected || old.outbound == up.outbound || up.outbound == (self < up.node);
  if (!keep_new) return up.link;
  const LinkId gone = old.id;
  drop(links_.find(gone));
  other->second = up.link;
  put(up.link, std::move(link));
  return gone;
}

void Links::remove(LinkId id) {
  auto found = links_.find(id);
  if (found == links_.end()) return;
  by_node_.erase(found->second.node);
  drop(found);
}

void Links::put(LinkId id, Link link) {
  links_.emplace(id, std::move(link));
  ids_.insert(std::upper_bound(ids_.begin(), ids_.end(), id), id);
}

void Links::drop(FlatMap<LinkId, Link>::iterator place) {
  ids_.erase(ids_.begin() + (place - links_.begin()));
  links_.erase(place);
}

const Link* Links::find(LinkId id) const {
  const auto found = std::find(ids_.begin(), ids_.end(), id);
  return found == ids_.end() ? nullptr : &(links_.begin() + (found - ids_.begin()))->second;
}

const Link* Links::find_node(const NodeKey& node) const {
  auto found = by_node_.find(node);
  return found == by_node_.end() ? nullptr : find(found->second);
}

std::size_t Links::dialled() const {
  return static_cast<std::size_t>(
      std::count_if(links_.begin(), links_.end(), [](const auto& item) { return item.second.outbound; }));
}

bool Links::is_alive(const NodeKey& node) const {
  const Link* link = find_node(node);
  return link != nullptr && !link->suspected;
}

}  // namespace p2pmesh
