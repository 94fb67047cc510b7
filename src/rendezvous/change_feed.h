// Who came, went or moved, for those who watch. The last changes are kept once for all watchers; each has a
// place among them, and is sent no more than it says it has seen.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/rendezvous/outputs.h"
#include "p2pmesh/wire/rendezvous_messages.h"

namespace p2pmesh {

class ChangeFeed {
 public:
  void note(Change change);
  /// From now on; instead of what the link watched before.
  void watch(RendezvousLink link, const Watch& watch);
  void forget(RendezvousLink link);
  /// False when the link has not been sent that.
  bool on_seen(RendezvousLink link, std::uint64_t position);
  /// What has changed since the last turn, to everybody who may be sent more.
  void flush(RendezvousOutputs& out);
  /// Somebody may be sent more at once.
  [[nodiscard]] bool has_more() const { return !behind_.empty(); }
  [[nodiscard]] std::size_t watchers() const { return watchers_.size(); }
  [[nodiscard]] std::size_t remembered() const { return changes_.size(); }
  /// Watchers that were told to list anew.
  [[nodiscard]] std::uint64_t missed() const { return missed_; }

 private:
  struct Watcher {
    bool everybody = false;
    std::vector<MemberKey> members;    // ascending
    std::uint64_t position = 0;        // of the next one to look at
    std::deque<std::uint64_t> unseen;  // positions sent
  };
  struct Page {
    Changes changes;
    SharedBytes frame;
  };
  void serve(RendezvousLink link, Watcher& watcher, std::map<std::uint64_t, Page>& shared,
             RendezvousOutputs& out);
  Changes gather(const Watcher& watcher) const;
  [[nodiscard]] std::uint64_t end() const { return first_ + changes_.size(); }

  std::deque<Change> changes_;
  std::uint64_t first_ = 1;  // position of the first one
  std::map<RendezvousLink, Watcher> watchers_;
  std::set<RendezvousLink> behind_;  // not at the end, and with room
  bool has_new_ = false;
  std::uint64_t missed_ = 0;
};

}  // namespace p2pmesh
