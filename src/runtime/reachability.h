// Whether others can dial this node: asks neighbors that it has dialled to dial back, and does so for those
// that ask.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/net_address.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/core/inputs.h"
#include "p2pmesh/wire/frame.h"
#include "p2pmesh/wire/reach_messages.h"

namespace p2pmesh {

struct ReachActions {
  /// Nobody is told of a link that is closed from here.
  std::function<bool(LinkId)> is_open;
  std::function<void(LinkId, Bytes frame)> send;
  /// Dials, looks whether that node answers, and hangs up.
  std::function<void(const NodeKey&, const NetAddress&, std::function<void(Reach)> done)> probe;
  /// A neighbor could not dial this node.
  std::function<void()> not_reached = [] {};
};

/// What is known, in words.
struct ReachState {
  std::string reachable = "unknown";  ///< or "yes" or "no"
  std::string why;
};

class Reachability {
 public:
  /// `listen`: where this node listens.
  Reachability(const NetAddress& listen, ReachActions actions)
      : listen_(listen), actions_(std::move(actions)) {}

  void on_link_up(const LinkUp& up, Instant now);
  void on_link_down(LinkId link) { links_.erase(link); }
  /// Nothing: no frame of this. False: malformed.
  std::optional<bool> on_frame(LinkId link, const FrameView& frame, Instant now);
  /// Where a router sends on to this node, once that is known; nothing: nowhere.
  void set_outside(const std::optional<NetAddress>& outside, Instant now);
  /// Nobody is asked before; set_outside() ends that.
  void hold_until(Instant until) { ask_at_ = until, is_held_ = true; }
  /// Asks again when it is time.
  void ask_due(Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  [[nodiscard]] ReachState state() const;

 private:
  struct Link {
    NodeKey node;
    bool outbound = false;
    NetAddress remote, observed;
    std::optional<Instant> asked_at;
    std::uint16_t asked_port = 0;
  };
  [[nodiscard]] Link* next_to_ask(Instant now);
  void serve(LinkId link, const ReachAsk& ask, Instant now);
  void take_answer(const Link& link, const ReachTold& told, Instant now);
  [[nodiscard]] std::uint16_t port_at(NetAddress observed) const;

  NetAddress listen_;
  std::optional<NetAddress> outside_;
  bool is_held_ = false;
  ReachActions actions_;
  std::map<LinkId, Link> links_;
  Instant ask_at_{};
  NetAddress asked_for_;               // the IP that was to be dialled
  std::map<NodeKey, Instant> served_;  // who asked, and when
  std::size_t dials_ = 0;
  std::optional<ReachState> told_;
};

}  // namespace p2pmesh
