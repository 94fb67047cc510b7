// How fast one author's history is asked for while others talk: no faster than it could have been written,
// and in small pieces once it is long, so that who brings one costs nobody a message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/time.h"

namespace p2pmesh {

class RepairPace {
 public:
  /// As few of one author are not worth a request.
  static constexpr std::uint64_t kPiece = 32;

  /// How many envelopes of this author may be asked for.
  [[nodiscard]] std::uint64_t room_for(const MemberKey& author, Instant now) const;
  /// So many are asked for, at most as there is room.
  void charge(const MemberKey& author, std::uint64_t envelopes, Instant now);
  /// Of how many authors something is remembered.
  [[nodiscard]] std::size_t size() const { return spent_.size(); }

 private:
  struct Spent {
    double envelopes = 0;
    Instant since{};
    bool is_long = false;  // the burst was used up
  };
  static double left_of(const Spent& spent, Instant now);
  void forget_paid(Instant now);

  std::map<MemberKey, Spent> spent_;
};

}  // namespace p2pmesh
