#include "member_link.h"

#include <algorithm>
#include <thread>

#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/posix/clock.h"
#include "p2pmesh/wire/codec.h"

namespace p2pmesh::meeting {

KeySeed numbered_seed(std::uint64_t number) {
  return hash_tagged("rendezvous test key", Writer().u64(number).take());
}

std::uint64_t next_version() {
  static std::uint64_t last = 0;
  last = std::max(last + 1, read_clock().wall_ms);
  return last;
}

Registration describe(const Signer& member, const NodeKey& node, const std::string& name) {
  Registration registration;
  registration.name = name;
  registration.member = to_member(member.public_key());
  registration.node = node;
  NetAddress address;
  address.ip = {127, 0, 0, 1};
  address.port = 9750;
  registration.addresses = {address};
  registration.version = next_version();
  registration.valid_until_ms = read_clock().wall_ms + 3'600'000;
  return registration;
}

void sign(Registration& registration, const Signer& member, const NodeKey& server) {
  registration.signature = member.sign(registration_signing_bytes(server, registration));
}

MemberLink::MemberLink(const HostileKey& key, const SocketAddress& source, const SocketAddress& target)
    : key_(key), link_(key, source, target) {
  link_.set_wanted(kRendezvousMesh);
}

bool MemberLink::enter(Clock::time_point deadline) {
  return link_.connect(deadline) && link_.shake_hands(deadline);
}

std::unique_ptr<MemberLink> enter_before(const HostileKey& key, const SocketAddress& source,
                                         const SocketAddress& target, Clock::time_point end) {
  constexpr auto kAgain = std::chrono::milliseconds(20);  // a server that is not there refuses at once
  while (Clock::now() < end) {
    auto link = std::make_unique<MemberLink>(key, source, target);
    if (link->enter(std::min(end, Clock::now() + std::chrono::seconds(5)))) return link;
    std::this_thread::sleep_for(kAgain);
  }
  return nullptr;
}

std::optional<RendezvousTicket> ticket_of(const FrameView& frame) {
  switch (static_cast<FrameType>(frame.type)) {
    case FrameType::kRegistered:
    case FrameType::kDenied:
    case FrameType::kDone:
    case FrameType::kFound:
    case FrameType::kPeople:
    case FrameType::kMeshes:
    case FrameType::kAskState:
    case FrameType::kAsks: {
      const RendezvousTicket ticket = Reader(frame.payload).u32();
      return ticket == 0 ? std::nullopt : std::optional(ticket);
    }
    default:
      return std::nullopt;
  }
}

}  // namespace p2pmesh::meeting
