// Announced by ihave and not come yet: whom to graft, and when. Bounded; what does not fit comes by
// anti-entropy.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/core/inputs.h"

namespace p2pmesh {

class MissingIds {
 public:
  /// False when it was dropped over the bounds, on all and on what one neighbor is the first to announce. The
  /// first announcement sets the deadline. `round`: the hops it had made there.
  bool announce(const EnvelopeId& id, LinkId link, std::uint16_t round, Instant due);
  void arrived(const EnvelopeId& id);
  void on_link_down(LinkId link);
  /// Those that are due, and whom to ask: of the announcers the one nearest to the author, as it is likely to
  /// bring what comes later too; each once, however often it announces. `retry`: when to ask the next
  /// one. What nobody is left to be asked for is forgotten, and counted.
  std::vector<std::pair<LinkId, EnvelopeId>> take_due(Instant now, Duration retry);
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  [[nodiscard]] std::size_t size() const { return missing_.size(); }
  [[nodiscard]] std::uint64_t given_up() const { return given_up_; }

 private:
  struct Announcer {
    LinkId link = 0;
    std::uint16_t round = 0;
    bool asked = false;
  };
  struct Missing {
    LinkId first = 0;
    std::vector<Announcer> announcers;  // nearest to the author first; of the same distance the earlier one
    Instant due;
  };
  void forget(std::map<EnvelopeId, Missing>::iterator missing);

  std::map<EnvelopeId, Missing> missing_;
  std::map<LinkId, std::size_t> of_link_;  // how many it announced first
  std::set<std::pair<Instant, EnvelopeId>> by_time_;
  std::uint64_t given_up_ = 0;
};

}  // namespace p2pmesh
