// What a rendezvous keeps: members as they registered, whose each name is, and requests that wait.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/net_address.h"
#include "p2pmesh/base/result.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/wire/rendezvous_messages.h"

namespace p2pmesh {

struct StoredRegistration {
  MemberKey member;
  std::uint64_t version = 0;
  std::optional<NetAddress> observed;
  WallMs seen_ms = 0;
  Bytes registration;
};
struct StoredName {
  std::string key;
  MemberKey owner;
  WallMs since_ms = 0;
  WallMs left_ms = 0;  ///< 0: the owner's present one
};
struct StoredAsk {
  std::uint64_t number = 0;
  AskId id;
  MemberKey asker;
  MemberKey recipient;
  WallMs since_ms = 0;
  bool delivered = false;
  Bytes ask;  ///< empty when it is listed, and when it was delivered
};
struct RendezvousSnapshot {
  std::vector<StoredRegistration> members;  ///< by key
  std::vector<StoredName> names;
  std::vector<StoredAsk> asks;  ///< by number
};

/// Threads: one at a time. Errors: as MeshStore's.
class RendezvousStore {
 public:
  /// Errors: kDamagedInput (also: a database of something else), kConfig (of a newer version), kCannotCreate,
  /// kIo, kTryAgain. A damaged one can be set aside as MeshStore::set_aside() does.
  static Result<std::unique_ptr<RendezvousStore>> open(const std::string& path);
  ~RendezvousStore();
  RendezvousStore(const RendezvousStore&) = delete;
  RendezvousStore& operator=(const RendezvousStore&) = delete;

  Result<RendezvousSnapshot> load();

  /// Between these two, what follows is one transaction; with commit() it is on the disk, a power cut
  /// included.
  Result<void> begin();
  Result<void> commit();
  void rollback();

  Result<void> save(const StoredRegistration& member);
  Result<void> save_sighting(const MemberKey& member, std::uint64_t version, WallMs seen_ms);
  Result<void> drop_member(const MemberKey& member);
  Result<void> save(const StoredName& name);
  Result<void> drop_name(const std::string& key);
  Result<void> save(const StoredAsk& ask);
  /// What is asked is no longer needed.
  Result<void> mark_delivered(std::uint64_t number);
  Result<void> drop_ask(std::uint64_t number);

  /// What is asked; nothing when it is gone.
  Result<std::optional<Bytes>> read_ask(std::uint64_t number);
  Result<void> close_clean();

 private:
  struct Impl;
  explicit RendezvousStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace p2pmesh
