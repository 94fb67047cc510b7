// The members that have registered, their names, and until when they count as online.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/net_address.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/rendezvous/outputs.h"
#include "p2pmesh/wire/rendezvous_messages.h"

namespace p2pmesh {

struct Registrant {
  Bytes registration;  ///< as it came
  std::string name;
  std::string name_key;
  bool discoverable = false;
  std::uint64_t version = 0;  ///< of the registration, or of a withdrawal after it
  std::optional<NetAddress> observed;
  WallMs seen_ms = 0;
  bool online = false;
  RendezvousLink link = 0;         ///< 0: it has ended, or the member is offline
  Instant offline_at{};            ///< while online
  std::uint64_t handed_until = 0;  ///< requests that went over this link
  std::vector<std::string> names;  ///< keys of all its names, the oldest first

  [[nodiscard]] bool is_shown() const { return online && discoverable; }
};

class Registrants {
 public:
  using Writes = std::vector<RendezvousWrite>;

  [[nodiscard]] const Registrant* find(const MemberKey& member) const;
  /// Whose name it is now.
  [[nodiscard]] std::optional<MemberKey> find_by_name(const std::string& name) const;
  [[nodiscard]] std::size_t size() const { return people_.size(); }
  [[nodiscard]] std::size_t online() const { return leases_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// Of those who are discoverable, after one.
  void fill(People& page, bool online_only, const std::optional<MemberKey>& after) const;

  /// Since when another member holds the name; nothing: it can be had.
  [[nodiscard]] std::optional<WallMs> held_since(const std::string& key, const MemberKey& by,
                                                 WallMs now_ms) const;
  [[nodiscard]] bool owns(const MemberKey& member, const std::string& key) const;

  /// Takes a registration in, whose name can be had, and puts its member online.
  void put(const Registration& registration, std::optional<NetAddress> observed, RendezvousLink link,
           Instant offline_at, WallMs now_ms, Writes& writes);
  void restore(const KeptMember& kept, const Registration& registration);
  void restore(const KeptName& kept);
  /// A later withdrawal: nothing older counts.
  void set_version(const MemberKey& member, std::uint64_t version);
  /// The link of an online member has ended.
  void leave_link(const MemberKey& member, Instant offline_at, WallMs now_ms);
  void set_offline(const MemberKey& member, WallMs seen_ms, Writes& writes);
  void set_handed(const MemberKey& member, std::uint64_t until);

  /// The one whose lease ends first, if it has.
  [[nodiscard]] std::optional<MemberKey> find_over(Instant now) const;
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  /// Forgets those, and former names, of whom nothing was seen for kRendezvousNameKeptMs. How many members.
  std::size_t forget_old(WallMs now_ms, Writes& writes);

 private:
  struct NameHold {
    MemberKey owner;
    WallMs since_ms = 0;
    WallMs left_ms = 0;  // as KeptName's
  };
  Registrant* edit(const MemberKey& member);
  void take_name(Registrant& person, const MemberKey& member, const std::string& key, WallMs now_ms,
                 Writes& writes);
  void drop_name(const std::string& key, Writes& writes);
  void drop(const MemberKey& member, Writes& writes);
  [[nodiscard]] bool is_over(const NameHold& hold, WallMs now_ms) const;
  void list(const MemberKey& member, const Registrant& person);
  void unlist(const MemberKey& member);

  std::map<MemberKey, Registrant> people_;
  std::unordered_map<std::string, NameHold> names_;  // by name_key(); never gone through in its order
  std::set<MemberKey> discoverable_;
  std::set<MemberKey> shown_;
  std::set<std::pair<Instant, MemberKey>> leases_;
  std::size_t bytes_ = 0;
};

}  // namespace p2pmesh
