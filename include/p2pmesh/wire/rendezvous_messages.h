// What a member and a rendezvous say to each other: p2pmesh-protocol(7), RENDEZVOUS. A question carries a
// ticket, and its answer carries the same.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/net_address.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/wire/frame.h"

namespace p2pmesh {

/// What a hello wants, and a welcome names, where a rendezvous is meant and no mesh.
inline constexpr MeshId kRendezvousMesh = [] {
  constexpr std::string_view kWords = "p2pmesh rendezvous";
  MeshId mesh;
  for (std::size_t i = 0; i < kWords.size(); ++i) mesh.bytes[i] = static_cast<std::uint8_t>(kWords[i]);
  return mesh;
}();

using RendezvousTicket = std::uint32_t;
/// BLAKE2b-256 over what an asker signs, with this tag.
using AskId = Id32<struct AskIdTag>;
inline constexpr std::string_view kAskIdTag = "p2pmesh ask 1";

/// A mesh that a member is in and that others may join.
struct OpenMesh {
  MeshId mesh;
  std::uint32_t online = 0;  ///< members, as the one who registers sees it
  std::string label;         ///< for people: the founder's name; at most kRendezvousLabelBytesMax bytes
  bool operator==(const OpenMesh&) const = default;
};

/// Who somebody is and where. Handed on as it was signed, so that who asks can check it.
struct Registration {
  std::string name;  ///< 1 to kNameBytesMax bytes
  MemberKey member;
  NodeKey node;                       ///< that hosts the member
  std::vector<NetAddress> addresses;  ///< where the node listens, at most kAddressesMax
  std::vector<OpenMesh> meshes;       ///< ascending, each once, at most kRendezvousMeshesPerMember
  bool discoverable = true;           ///< else it owns the name and can be asked, and nobody is told of it
  std::uint64_t version = 0;          ///< greater than of all before it: the wall clock's milliseconds
  WallMs valid_until_ms = 0;          ///< to be registered; at most kRendezvousAheadMs from now
  Signature signature{};              ///< by the member, over registration_signing_bytes()
};

/// "A asks for B": what is asked is sealed to B.
struct Ask {
  MemberKey asker;
  MemberKey recipient;
  WallMs made_ms = 0;
  Bytes sealed;           ///< at most kAskBytesMax
  Signature signature{};  ///< by the asker, over ask_signing_bytes()
};

Bytes encode_registration(const Registration& registration);
std::optional<Registration> decode_registration(ByteView bytes);
/// What a member signs; `server` is the rendezvous' node key, so that no other one can use it.
Bytes registration_signing_bytes(const NodeKey& server, const Registration& registration);

Bytes encode_ask(const Ask& ask);
std::optional<Ask> decode_ask(ByteView bytes);
Bytes ask_signing_bytes(const NodeKey& server, const Ask& ask);

// From the member.

struct Register {
  RendezvousTicket ticket = 0;
  Registration registration;
};
/// The member goes offline now.
struct Withdraw {
  RendezvousTicket ticket = 0;
  MemberKey member;
  std::uint64_t version = 0;  ///< as a registration's
  Signature signature{};      ///< by the member, over withdrawal_signing_bytes()
};
Bytes withdrawal_signing_bytes(const NodeKey& server, const Withdraw& withdraw);

struct LookUp {
  RendezvousTicket ticket = 0;
  std::optional<MemberKey> member;  ///< else by name:
  std::string name;                 ///< 1 to kNameBytesMax bytes
};
struct ListPeople {
  RendezvousTicket ticket = 0;
  bool online_only = false;
  std::optional<MemberKey> after;  ///< the last one of the page before
};
struct ListMeshes {
  RendezvousTicket ticket = 0;
  std::optional<MeshId> after;
};
/// Takes the place of what the link has watched before.
struct Watch {
  enum class What : std::uint8_t { kNothing = 0, kEverybody = 1, kSome = 2 };
  RendezvousTicket ticket = 0;
  What what = What::kNothing;
  std::vector<MemberKey> members;  ///< of kSome alone: ascending, 1 to kRendezvousWatchedMax
};
/// Up to where changes were seen.
struct ChangesSeen {
  std::uint64_t position = 0;
};
struct AskFrame {
  RendezvousTicket ticket = 0;
  Ask ask;
};
/// They are on the recipient's disk.
struct AsksTaken {
  RendezvousTicket ticket = 0;
  std::vector<AskId> ids;  ///< 1 to kAsksTakenMax
};
struct ListAsks {
  RendezvousTicket ticket = 0;
  MemberKey asker;
};
struct TakeBack {
  RendezvousTicket ticket = 0;
  AskId id;
};

// From the rendezvous.

/// It is on the disk.
struct Registered {
  RendezvousTicket ticket = 0;
  std::uint32_t lease_s = 0;           ///< to be registered again at a third of it
  std::optional<NetAddress> observed;  ///< as others are told of it; nothing when no address was advertised
};
enum class DenyReason : std::uint8_t {
  kNameHeld = 1,       ///< by another key; the value: since when, as WallMs
  kStale = 2,          ///< the value: the version that is held
  kExpired = 3,        ///< or valid for too long; the value: the clock here, as WallMs
  kOverBudget = 4,     ///< the value: milliseconds until it is worth trying again
  kFull = 5,           ///< the value: what there may be
  kMalformed = 6,      ///< its signature does not fit, or it names another node
  kNotRegistered = 7,  ///< over this link
  kNameNotAllowed = 8,
  kUnknown = 9,  ///< there is no such request of this asker
};
struct Denied {
  RendezvousTicket ticket = 0;
  DenyReason reason = DenyReason::kMalformed;
  std::uint64_t value = 0;
};
/// It is done, and on the disk where that matters.
struct Done {
  RendezvousTicket ticket = 0;
};
struct Found {
  RendezvousTicket ticket = 0;
  bool known = false;  ///< else nothing of what follows
  bool online = false;
  WallMs seen_ms = 0;  ///< when it was last heard of
  std::optional<NetAddress> observed;
  Bytes registration;  ///< as it came; 1 to kRegistrationBytesMax
};
struct PersonEntry {
  MemberKey member;
  std::string name;
  bool online = false;
  WallMs seen_ms = 0;
  bool operator==(const PersonEntry&) const = default;
};
struct People {
  RendezvousTicket ticket = 0;
  bool last = false;
  std::vector<PersonEntry> people;  ///< at most kRendezvousPageMax
};
struct MeshEntry {
  MeshId mesh;
  std::uint32_t online = 0;        ///< as the one says who has been online longest of those who name it
  std::uint32_t registered = 0;    ///< how many name it
  std::string label;               ///< as `online`
  std::vector<std::string> names;  ///< of some of them, at most kRendezvousMeshNamesMax
  bool operator==(const MeshEntry&) const = default;
};
struct Meshes {
  RendezvousTicket ticket = 0;
  bool last = false;
  std::vector<MeshEntry> meshes;  ///< at most kRendezvousPageMax
};
struct Change {
  enum class What : std::uint8_t { kOffline = 0, kOnline = 1, kMoved = 2 };
  What what = What::kOffline;
  MemberKey member;
  std::string name;
  WallMs at_ms = 0;
  bool operator==(const Change&) const = default;
};
struct Changes {
  std::uint64_t position = 0;   ///< to be said back in ChangesSeen
  bool missed = false;          ///< there were more of them than are remembered: list anew
  std::vector<Change> changes;  ///< at most kRendezvousChangesPerFrame
};
struct AskState {
  enum class State : std::uint8_t { kWaiting = 1, kDelivered = 2 };
  RendezvousTicket ticket = 0;  ///< 0: nobody has asked, it has just been delivered
  AskId id;
  State state = State::kWaiting;
};
struct AskDelivery {
  Ask ask;
};
struct AskEntry {
  AskId id;
  MemberKey recipient;
  WallMs since_ms = 0;  ///< by the clock of the rendezvous
  AskState::State state = AskState::State::kWaiting;
  bool operator==(const AskEntry&) const = default;
};
struct Asks {
  RendezvousTicket ticket = 0;
  std::vector<AskEntry> asks;  ///< oldest first, at most kAsksPerAsker
};

Bytes encode_frame_of(const Register&);
Bytes encode_frame_of(const Withdraw&);
Bytes encode_frame_of(const Registered&);
Bytes encode_frame_of(const Denied&);
Bytes encode_frame_of(const Done&);
Bytes encode_frame_of(const LookUp&);
Bytes encode_frame_of(const Found&);
Bytes encode_frame_of(const ListPeople&);
Bytes encode_frame_of(const People&);
Bytes encode_frame_of(const ListMeshes&);
Bytes encode_frame_of(const Meshes&);
Bytes encode_frame_of(const Watch&);
Bytes encode_frame_of(const Changes&);
Bytes encode_frame_of(const ChangesSeen&);
Bytes encode_frame_of(const AskFrame&);
Bytes encode_frame_of(const AskState&);
Bytes encode_frame_of(const AskDelivery&);
Bytes encode_frame_of(const AsksTaken&);
Bytes encode_frame_of(const ListAsks&);
Bytes encode_frame_of(const Asks&);
Bytes encode_frame_of(const TakeBack&);

std::optional<Register> decode_register(ByteView);
std::optional<Withdraw> decode_withdraw(ByteView);
std::optional<Registered> decode_registered(ByteView);
std::optional<Denied> decode_denied(ByteView);
std::optional<Done> decode_done(ByteView);
std::optional<LookUp> decode_look_up(ByteView);
std::optional<Found> decode_found(ByteView);
std::optional<ListPeople> decode_list_people(ByteView);
std::optional<People> decode_people(ByteView);
std::optional<ListMeshes> decode_list_meshes(ByteView);
std::optional<Meshes> decode_meshes(ByteView);
std::optional<Watch> decode_watch(ByteView);
std::optional<Changes> decode_changes(ByteView);
std::optional<ChangesSeen> decode_changes_seen(ByteView);
std::optional<AskFrame> decode_ask_frame(ByteView);
std::optional<AskState> decode_ask_state(ByteView);
std::optional<AskDelivery> decode_ask_delivery(ByteView);
std::optional<AsksTaken> decode_asks_taken(ByteView);
std::optional<ListAsks> decode_list_asks(ByteView);
std::optional<Asks> decode_asks(ByteView);
std::optional<TakeBack> decode_take_back(ByteView);

}  // namespace p2pmesh
