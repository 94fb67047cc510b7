#include "change_feed.h"

#include <algorithm>
#include <memory>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {

void ChangeFeed::note(Change change) {
  if (changes_.size() == limits::kRendezvousChangesMax) {
    changes_.pop_front();
    ++first_;
  }
  changes_.push_back(std::move(change));
  has_new_ = true;
}

void ChangeFeed::watch(RendezvousLink link, const Watch& watch) {
  forget(link);
  if (watch.what == Watch::What::kNothing) return;
  Watcher& watcher = watchers_[link];
  watcher.everybody = watch.what == Watch::What::kEverybody;
  watcher.members = watch.members;
  watcher.position = end();
}

void ChangeFeed::forget(RendezvousLink link) {
  watchers_.erase(link);
  behind_.erase(link);
}

bool ChangeFeed::on_seen(RendezvousLink link, std::uint64_t position) {
  const auto found = watchers_.find(link);
  // What was sent before it watched something else is still said to be seen.
  if (found == watchers_.end()) return position <= end();
  Watcher& watcher = found->second;
  if (position > watcher.position) return false;
  while (!watcher.unseen.empty() && watcher.unseen.front() <= position) watcher.unseen.pop_front();
  if (watcher.position < end()) behind_.insert(link);
  return true;
}

void ChangeFeed::flush(RendezvousOutputs& out) {
  std::map<std::uint64_t, Page> shared;
  if (has_new_) {
    has_new_ = false;
    for (auto& [link, watcher] : watchers_) serve(link, watcher, shared, out);
    return;
  }
  const std::set<RendezvousLink> behind = std::move(behind_);
  behind_.clear();
  for (const RendezvousLink link : behind) serve(link, watchers_.at(link), shared, out);
}

/// `shared`: what those who watch everybody have been sent, by where they were.
void ChangeFeed::serve(RendezvousLink link, Watcher& watcher, std::map<std::uint64_t, Page>& shared,
                       RendezvousOutputs& out) {
  behind_.erase(link);
  if (watcher.position == end() || watcher.unseen.size() >= limits::kRendezvousChangesAhead) return;
  Page own;
  Page& page = watcher.everybody ? shared[watcher.position] : own;
  if (!page.frame) {
    page.changes = gather(watcher);
    page.frame = std::make_shared<const Bytes>(encode_frame_of(page.changes));
  }
  watcher.position = page.changes.position;
  missed_ += page.changes.missed ? 1 : 0;
  if (page.changes.missed || !page.changes.changes.empty()) {
    watcher.unseen.push_back(watcher.position);
    out.push_back(RendezvousSend{link, page.frame});
  }
  if (watcher.position < end() && watcher.unseen.size() < limits::kRendezvousChangesAhead)
    behind_.insert(link);
}

Changes ChangeFeed::gather(const Watcher& watcher) const {
  Changes page;
  if (watcher.position < first_) {
    page.missed = true;
    page.position = end();
    return page;
  }
  auto next = changes_.begin() + static_cast<std::ptrdiff_t>(watcher.position - first_);
  std::size_t scanned = 0;
  for (; next != changes_.end() && scanned < limits::kRendezvousScannedMax; ++next, ++scanned) {
    if (page.changes.size() == limits::kRendezvousChangesPerFrame) break;
    if (watcher.everybody || std::binary_search(watcher.members.begin(), watcher.members.end(), next->member))
      page.changes.push_back(*next);
  }
  page.position = watcher.position + scanned;
  return page;
}

}  // namespace p2pmesh
