// With --known-only: who comes to this node is held at the door until a discovery server has said that it
// knows the key; who is not known there is cut.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "link_server.h"
#include "rendezvous_links.h"

namespace p2pmesh {

struct CallerActions {
  std::function<void(const WantedMember& wanted, RendezvousLinks::LookedUp done)> look_up;
  /// It is known: the link goes where it wanted. False: it is not wanted there.
  std::function<bool(const LinkUp& up, const MeshId& mesh)> let_in;
  /// What it said meanwhile. False: it is at fault.
  std::function<bool(LinkId link, const FrameView& frame)> on_frame;
  std::function<void(LinkId link, CloseReason reason)> close;
  /// It is at fault, and was let in.
  std::function<void(LinkId link)> cut_off;
  std::function<void(const std::string& sentence)> log;
};

/// Threads: the loop's.
class KnownCallers {
 public:
  explicit KnownCallers(CallerActions actions) : actions_(std::move(actions)) {}

  /// A link that came from outside. True: it is held, or let in at once; false: it is to be closed.
  bool on_link_up(const LinkUp& up, const MeshId& mesh);
  [[nodiscard]] bool holds(LinkId link) const { return held_.contains(link); }
  /// False: it says more than a caller has to say before it is heard.
  bool on_frame(LinkId link, const FrameView& frame);
  bool on_link_down(LinkId link) { return held_.erase(link) != 0; }

 private:
  struct Held {
    LinkUp up;
    MeshId mesh;
    std::vector<std::pair<std::uint8_t, Bytes>> frames;
    std::size_t bytes = 0;
  };
  void on_answer(LinkId link, const NodeKey& node, const Result<FoundMember>& found);

  CallerActions actions_;
  std::map<LinkId, Held> held_;
  std::set<NodeKey> known_;  // asked once a run: the end of a server cuts nobody who was here
};

}  // namespace p2pmesh
