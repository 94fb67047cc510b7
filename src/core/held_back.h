// Live envelopes that wait, at most a second, for the one before them of the same author.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/core/inputs.h"
#include "p2pmesh/core/outputs.h"

namespace p2pmesh {

class HeldBack {
 public:
  [[nodiscard]] bool has_room() const;
  void hold(Store store, Instant deadline);
  [[nodiscard]] bool contains(const MemberKey& author, std::uint64_t epoch, std::uint64_t seq) const;
  /// The one that waited for this sequence number, if any.
  std::optional<Store> release_after(const MemberKey& author, std::uint64_t epoch, std::uint64_t seq);
  /// Its time is up at `now`, if it waits.
  void hurry(const MemberKey& author, std::uint64_t epoch, std::uint64_t seq, Instant now);
  /// Those whose time is up, and with each the ones of its author that come before it, lowest first.
  std::vector<Store> release_due(Instant now);
  /// Everything, in order: at the end.
  std::vector<Store> release_all();
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  [[nodiscard]] std::size_t size() const { return waiting_.size(); }

 private:
  using Place = std::tuple<MemberKey, std::uint64_t, std::uint64_t>;  // author, epoch, sequence number
  struct Waiting {
    Store store;
    Instant deadline;
  };
  using Iterator = std::map<Place, Waiting>::iterator;
  Store take(Iterator waiting);

  std::map<Place, Waiting> waiting_;
  std::set<std::pair<Instant, Place>> due_;  // the same; the next deadline is asked for in every turn
};

}  // namespace p2pmesh
