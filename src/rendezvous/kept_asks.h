// Who has asked for whom, until the recipient has it. What is asked stays on the disk.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/rendezvous/outputs.h"
#include "p2pmesh/wire/rendezvous_messages.h"

namespace p2pmesh {

class KeptAsks {
 public:
  struct Entry {
    AskId id;
    MemberKey asker;
    MemberKey recipient;
    WallMs since_ms = 0;
    bool delivered = false;
  };

  /// Takes it in under a number; `entry.since_ms` is now.
  std::uint64_t add(const Entry& entry);
  void restore(std::uint64_t number, const Entry& entry);
  [[nodiscard]] const Entry* find(const AskId& id) const;
  [[nodiscard]] std::uint64_t number_of(const AskId& id) const { return numbers_.at(id); }
  /// What there may be, if there is no room for a further one; nothing: there is.
  [[nodiscard]] std::optional<std::uint64_t> find_full(const MemberKey& asker,
                                                       const MemberKey& recipient) const;
  /// It waits no more; what remains is for its asker.
  void mark_delivered(const AskId& id);
  void drop(const AskId& id);
  /// Those of one asker, oldest first.
  [[nodiscard]] std::vector<AskEntry> list(const MemberKey& asker) const;
  /// What may be handed over to a recipient that has been handed everything up to `until`.
  [[nodiscard]] std::vector<std::uint64_t> next_for(const MemberKey& recipient, std::uint64_t until) const;
  /// The oldest one, if it is from before then.
  [[nodiscard]] std::optional<AskId> find_older(WallMs than_ms) const;
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] std::size_t waiting() const { return waiting_; }

 private:
  std::map<std::uint64_t, Entry> entries_;
  std::map<AskId, std::uint64_t> numbers_;
  std::map<MemberKey, std::set<std::uint64_t>> by_asker_;
  std::map<MemberKey, std::set<std::uint64_t>> by_recipient_;  // those that wait
  std::size_t waiting_ = 0;
  std::uint64_t next_ = 1;
};

}  // namespace p2pmesh
