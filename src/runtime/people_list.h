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

/// Where somebody was noted to be.
struct NotedPlace {
  std::string name;  ///< checked; that nobody has yet
  std::string host;
  std::uint16_t port = 0;

  /// "1.2.3.4:5", "[::1]:5".
  [[nodiscard]] std::string format() const;
};

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
  /// Likewise; an empty alias or host: none. What is not given stays.
  Result<StoredPerson> note_alias(const MemberKey& member, const std::string& alias);
  Result<StoredPerson> note_place(const MemberKey& member, const std::string& host, std::uint16_t port);
  [[nodiscard]] const StoredPerson* find(const MemberKey& member) const;
  /// Whose alias it is, other capitals or not.
  [[nodiscard]] std::optional<MemberKey> find_alias(const std::string& name) const;

  /// A place for a name that nobody has, in place of the one before. Errors: kTryAgain when there are
  /// kPlacesMax already.
  Result<void> add_place(const NotedPlace& place);
  void drop_place(const std::string& name);
  [[nodiscard]] const NotedPlace* find_place(const std::string& name) const;
  /// By folded name.
  [[nodiscard]] const std::map<std::string, NotedPlace>& places() const { return places_; }

  /// What this member wrote up to a row stays shown, though one does not talk to it any more.
  void keep_shown(const MemberKey& member, std::uint64_t row);
  [[nodiscard]] std::uint64_t shown_until(const MemberKey& member) const;

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
  Result<StoredPerson> change(StoredPerson person);

  std::map<MemberKey, StoredPerson> people_;
  std::map<std::string, NotedPlace> places_;
  std::map<MemberKey, std::uint64_t> shown_until_;
  std::map<MemberKey, std::uint64_t> marks_;
  std::map<MemberKey, std::deque<std::uint64_t>>
      unread_;  // rows, one a message; the newest kUnreadDirectsMax
  Settings changes_;
};

}  // namespace p2pmesh
