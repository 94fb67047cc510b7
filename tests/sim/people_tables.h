// What one disk keeps of people: who they are to its member, what was opened of whom, what was told of own
// messages, what its member has chosen. As storage/direct_table and the settings of runtime/mesh_runner.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "p2pmesh/core/node.h"

namespace p2pmesh::sim {

/// Nothing of this member is opened, or is again.
struct StoreBlocked {
  MemberKey member;
  bool blocked = false;
};
struct StoreDiscoverable {
  bool discoverable = true;
};
/// The first row that may hold what was not opened; 0: none.
struct StoreUnopenedFrom {
  std::uint64_t row = 0;
};
/// Answered behind everything that was handed to the disk before.
struct DiskQuestion {
  enum class Kind : std::uint8_t { kUnopened, kCancelled };
  Kind kind = Kind::kUnopened;
  std::uint64_t number = 0;  ///< the first row to look at; the draft that was cancelled
};
using PeopleChange = std::variant<StoreCorrespondent, TellDelivery, StoreBlocked, StoreDiscoverable,
                                  StoreUnopenedFrom, DiskQuestion>;

struct PeopleTables {
  explicit PeopleTables(const MemberKey& own_key) : self(own_key) {}

  MemberKey self;
  std::map<MemberKey, StoreCorrespondent> correspondents;
  struct Opened {
    DirectMessagePtr direct;
    std::uint64_t epoch = 0;
    std::uint8_t told = 0;  ///< of an own one: 1 delivered, 2 read
  };
  std::map<std::uint32_t, Opened> opened;         ///< by number in the pool
  std::map<std::uint64_t, std::uint32_t> sealed;  ///< direct envelopes of others that are not, by row
  std::set<MemberKey> blocked;
  bool discoverable = true;
  std::uint64_t unopened_from = 0;

  [[nodiscard]] Relation relation_to(const MemberKey& member) const;
  /// The greatest number of each epoch of what this member wrote.
  [[nodiscard]] std::vector<std::pair<std::uint64_t, std::uint64_t>> numbers_from(
      const MemberKey& member) const;
  /// Marks what this tells. Returns what was marked otherwise before.
  std::vector<std::pair<std::uint32_t, std::uint8_t>> mark(const TellDelivery& delivery);
  void restore(RestoredState& state) const;

 private:
  [[nodiscard]] RestoredCorrespondent restore(const StoreCorrespondent& stored) const;
};

}  // namespace p2pmesh::sim
