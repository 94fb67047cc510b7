// What a registry wants done: frames to be sent, rows to be kept, requests to be handed over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/net_address.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/wire/frame.h"
#include "p2pmesh/wire/rendezvous_messages.h"

namespace p2pmesh {

using RendezvousLink = std::uint64_t;

struct KeptMember {
  MemberKey member;
  std::uint64_t version = 0;
  std::optional<NetAddress> observed;
  WallMs seen_ms = 0;
  Bytes registration;  ///< as it came
};
struct KeptSighting {
  MemberKey member;
  std::uint64_t version = 0;
  WallMs seen_ms = 0;
};
struct DroppedMember {
  MemberKey member;
};
struct KeptName {
  std::string key;  ///< name_key()
  MemberKey owner;
  WallMs since_ms = 0;
  WallMs left_ms = 0;  ///< when its owner took another one; 0: it is the owner's name
};
struct DroppedName {
  std::string key;
};
struct KeptAsk {
  std::uint64_t number = 0;  ///< in the order of coming
  AskId id;
  MemberKey asker;
  MemberKey recipient;
  WallMs since_ms = 0;
  bool delivered = false;
  Bytes ask;  ///< as it came; not kept in memory
};
struct DeliveredAsk {
  std::uint64_t number = 0;
};
struct DroppedAsk {
  std::uint64_t number = 0;
};
using RendezvousWrite = std::variant<KeptMember, KeptSighting, DroppedMember, KeptName, DroppedName, KeptAsk,
                                     DeliveredAsk, DroppedAsk>;

struct RendezvousSend {
  RendezvousLink link = 0;
  SharedBytes frame;
};
/// One after the other, and `then` when all of it is on the disk.
struct RendezvousKeep {
  std::vector<RendezvousWrite> writes;
  std::vector<RendezvousSend> then;
};
/// Of the store, as deliveries; those that are gone are left out.
struct RendezvousHandOver {
  RendezvousLink link = 0;
  std::vector<std::uint64_t> numbers;
};
using RendezvousOutput = std::variant<RendezvousSend, RendezvousKeep, RendezvousHandOver>;
using RendezvousOutputs = std::vector<RendezvousOutput>;

/// What the store held at the start.
struct RendezvousState {
  std::vector<KeptMember> members;
  std::vector<KeptName> names;
  std::vector<KeptAsk> asks;  ///< without what is asked; by number
};

}  // namespace p2pmesh
