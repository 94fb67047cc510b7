// What the local member has noted of others, and how much of what they wrote to it no screen has shown.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "p2pmesh/base/result.h"
#include "p2pmesh/storage/mesh_store.h"

namespace p2pmesh {

/// By key, so that a new name escapes nothing. In memory; what must survive is handed out.
class PeopleList {
 public:
  using Settings = std::vector<std::pair<std::string, std::string>>;

  /// What was stored; of the settings what take_changes() gave.
  void restore(std::vector<StoredPerson> people, const Settings& settings);
  /// Up to which row what each of them wrote was read, for MeshStore::unread_directs().
  [[nodiscard]] const std::map<MemberKey, std::uint64_t>& marks() const { return marks_; }
  void take_unread(const std::vector<std::pair<MemberKey, std::uint64_t>>& rows);

  /// Changes what is noted. Errors: kTryAgain when something is noted of kPeopleMax members already.
  Result<StoredPerson> note(const MemberKey& member, const std::optional<bool>& ignored,
                            const std::optional<bool>& blocked);
  [[nodiscard]] const StoredPerson* find(const MemberKey& member) const;
  /// What it writes is not shown.
  [[nodiscard]] bool is_ignored(const MemberKey& member) const;
  [[nodiscard]] bool is_blocked(const MemberKey& member) const;
  [[nodiscard]] std::vector<MemberKey> all_blocked() const;
  /// Of whom something is noted, by key.
  [[nodiscard]] const std::map<MemberKey, StoredPerson>& all() const { return people_; }

  void on_direct(const MemberKey& author, std::uint64_t row, std::size_t messages);
  /// A screen has shown what came up to this row. True when that is news.
  bool mark_read(const MemberKey& author, std::uint64_t row);
  [[nodiscard]] std::uint64_t unread_of(const MemberKey& author) const;

  /// The settings that changed since the last call.
  Settings take_changes() { return std::exchange(changes_, {}); }

 private:
  std::map<MemberKey, StoredPerson> people_;
  std::map<MemberKey, std::uint64_t> marks_;
  std::map<MemberKey, std::deque<std::uint64_t>>
      unread_;  // rows, one a message; the newest kUnreadDirectsMax
  Settings changes_;
};

}  // namespace p2pmesh
