// Who is where: registrations and what is told of them.
#include <algorithm>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/name.h"
#include "registry_impl.h"

namespace p2pmesh {
namespace {

/// Where the member seems to be, at the port where it says it listens.
std::optional<NetAddress> observe(const Registration& registration, const NetAddress& remote) {
  if (registration.addresses.empty()) return std::nullopt;
  NetAddress observed = remote;
  observed.port = registration.addresses.front().port;
  return observed;
}

std::optional<NetAddress> observed_of(const Registrant* person) {
  return person == nullptr ? std::nullopt : person->observed;
}

}  // namespace

bool RendezvousRegistry::Impl::is_here(const MemberKey& member, RendezvousLink link) const {
  const Registrant* person = people_.find(member);
  return person != nullptr && person->online && person->link == link;
}

std::optional<Denied> RendezvousRegistry::Impl::find_fault(const Registration& registration, Turn& turn) {
  const WallMs now_ms = turn.now.wall_ms;
  if (registration.valid_until_ms < now_ms ||
      registration.valid_until_ms - now_ms > limits::kRendezvousAheadMs)
    return Denied{0, DenyReason::kExpired, now_ms};
  // Another node cannot speak for this one, and a link shows but one.
  if (registration.node != turn.link.node ||
      !verifier_.verify(registration.member.view(), registration_signing_bytes(self_, registration),
                        registration.signature))
    return Denied{0, DenyReason::kMalformed, 0};
  const Registrant* person = people_.find(registration.member);
  if (person != nullptr && registration.version <= person->version)
    return Denied{0, DenyReason::kStale, person->version};
  const auto name = check_name(registration.name);
  if (!name || *name != registration.name) return Denied{0, DenyReason::kNameNotAllowed, 0};
  return std::nullopt;
}

std::optional<Denied> RendezvousRegistry::Impl::find_no_place(const Registration& registration, Turn& turn) {
  const std::string key = name_key(registration.name);
  if (const auto since = people_.held_since(key, registration.member, turn.now.wall_ms))
    return Denied{0, DenyReason::kNameHeld, *since};
  if (is_behind()) return Denied{0, DenyReason::kOverBudget, 1000};
  if (people_.bytes() + limits::kRegistrationBytesMax > limits::kRendezvousBytesMax)
    return Denied{0, DenyReason::kFull, limits::kRendezvousBytesMax};
  if (people_.find(registration.member) == nullptr && people_.size() >= settings_.members_max)
    return Denied{0, DenyReason::kFull, settings_.members_max};
  if (people_.owns(registration.member, key)) return std::nullopt;
  const auto wait =
      names_.take(source_of_address(turn.link.remote), settings_.names_per_hour, turn.now.monotonic);
  if (wait) return Denied{0, DenyReason::kOverBudget, *wait};
  return std::nullopt;
}

void RendezvousRegistry::Impl::on_register(const Register& message, Turn& turn) {
  auto denied = find_fault(message.registration, turn);
  if (!denied) denied = find_no_place(message.registration, turn);
  if (denied) return deny(turn, message.ticket, denied->reason, denied->value);
  const auto observed = observe(message.registration, turn.link.remote);
  std::vector<RendezvousWrite> writes;
  put(message.registration, observed, turn, writes);
  ++counters_["registrations"];
  const auto lease_s = std::chrono::duration_cast<std::chrono::seconds>(settings_.lease).count();
  const Registered reply{message.ticket, static_cast<std::uint32_t>(lease_s), observed};
  keep(turn.out, std::move(writes), {{turn.link.id, make_frame(reply)}});
  hand_over(message.registration.member, turn.out);
}

void RendezvousRegistry::Impl::put(const Registration& registration,
                                   const std::optional<NetAddress>& observed, Turn& turn,
                                   std::vector<RendezvousWrite>& writes) {
  const MemberKey& member = registration.member;
  const Registrant* before = people_.find(member);
  const bool was_shown = before != nullptr && before->is_shown();
  std::optional<Registration> old;
  if (was_shown) old = decode_registration(before->registration);
  const bool has_moved = old && (old->addresses != registration.addresses || old->name != registration.name ||
                                 observed_of(before) != observed);
  people_.put(registration, observed, turn.link.id, turn.now.monotonic + settings_.lease, turn.now.wall_ms,
              writes);
  turn.link.members.insert(member);
  if (old) {
    std::vector<OpenMesh> left;
    for (const OpenMesh& open : old->meshes) {
      const auto same = [&](const OpenMesh& other) { return other.mesh == open.mesh; };
      if (!registration.discoverable ||
          std::none_of(registration.meshes.begin(), registration.meshes.end(), same))
        left.push_back(open);
    }
    meshes_.remove(member, left);
  }
  if (registration.discoverable) meshes_.add(member, registration.name, registration.meshes);
  if (was_shown && !registration.discoverable)
    feed_.note({Change::What::kOffline, member, old->name, turn.now.wall_ms});
  if (registration.discoverable && (!was_shown || has_moved)) {
    feed_.note({was_shown ? Change::What::kMoved : Change::What::kOnline, member, registration.name,
                turn.now.wall_ms});
  }
}

void RendezvousRegistry::Impl::set_offline(const MemberKey& member, WallMs seen_ms,
                                           std::vector<RendezvousWrite>& writes) {
  const Registrant* person = people_.find(member);
  if (person->is_shown()) {
    if (const auto registration = decode_registration(person->registration))
      meshes_.remove(member, registration->meshes);
    feed_.note({Change::What::kOffline, member, person->name, seen_ms});
  }
  if (const auto link = links_.find(person->link); link != links_.end()) link->second.members.erase(member);
  people_.set_offline(member, seen_ms, writes);
}

void RendezvousRegistry::Impl::on_withdraw(const Withdraw& message, Turn& turn) {
  const Registrant* person = people_.find(message.member);
  if (person == nullptr) return deny(turn, message.ticket, DenyReason::kNotRegistered);
  if (!verifier_.verify(message.member.view(), withdrawal_signing_bytes(self_, message), message.signature))
    return deny(turn, message.ticket, DenyReason::kMalformed);
  if (message.version <= person->version)
    return deny(turn, message.ticket, DenyReason::kStale, person->version);
  if (is_behind()) return deny(turn, message.ticket, DenyReason::kOverBudget, 1000);
  people_.set_version(message.member, message.version);
  std::vector<RendezvousWrite> writes;
  if (person->online)
    set_offline(message.member, turn.now.wall_ms, writes);
  else
    writes.push_back(KeptSighting{message.member, message.version, person->seen_ms});
  keep(turn.out, std::move(writes), {{turn.link.id, make_frame(Done{message.ticket})}});
}

void RendezvousRegistry::Impl::on_look_up(const LookUp& message, Turn& turn) {
  ++counters_["look_ups"];
  const auto member = message.member ? message.member : people_.find_by_name(message.name);
  const Registrant* person = member ? people_.find(*member) : nullptr;
  Found found;
  found.ticket = message.ticket;
  if (person != nullptr && person->discoverable) {
    found.known = true;
    found.online = person->online;
    found.seen_ms = person->seen_ms;
    found.observed = person->observed;
    found.registration = person->registration;
  }
  send(turn, found);
}

void RendezvousRegistry::Impl::on_list_people(const ListPeople& message, Turn& turn) {
  ++counters_["pages"];
  People page;
  page.ticket = message.ticket;
  people_.fill(page, message.online_only, message.after);
  send(turn, page);
}

void RendezvousRegistry::Impl::on_list_meshes(const ListMeshes& message, Turn& turn) {
  ++counters_["pages"];
  Meshes page;
  page.ticket = message.ticket;
  meshes_.fill(page, message.after);
  send(turn, page);
}

void RendezvousRegistry::Impl::on_watch(const Watch& message, Turn& turn) {
  feed_.watch(turn.link.id, message);
  send(turn, Done{message.ticket});
}

}  // namespace p2pmesh
