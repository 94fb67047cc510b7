// The methods of the control protocol, in the order of the alternatives of Request.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <variant>

#include "p2pmesh/control/request.h"

namespace p2pmesh::control {

inline constexpr std::array<std::string_view, 48> kMethodNames = {
    "status",          "members.list",       "peers.list",     "message.send",    "message.list",
    "message.search",  "rooms.list",         "room.join",      "room.part",       "events.subscribe",
    "screen.attach",   "read.mark",          "mesh.connect",   "shutdown",        "contact.ask",
    "contact.answer",  "conversation.set",   "contacts.list",  "person.set",      "pending.list",
    "pending.cancel",  "discover.set",       "receipts.set",   "topic.get",       "topic.set",
    "room.invite",     "name.set",           "member.find",    "book.add",        "book.forget",
    "revocation.make", "revocation.publish", "moderation.act", "moderation.list", "invite.make",
    "invite.list",     "invite.cancel",      "limits",         "mesh.list",       "mesh.use",
    "mesh.enter",      "mesh.open",          "mesh.leave",     "mesh.switch",     "rendezvous.list",
    "rendezvous.add",  "rendezvous.people",  "lan.list"};
static_assert(kMethodNames.size() == std::variant_size_v<Request>);

/// Index of a method; kMethodNames.size() when there is none of that name.
constexpr std::size_t find_method(std::string_view name) {
  std::size_t index = 0;
  while (index < kMethodNames.size() && kMethodNames[index] != name) ++index;
  return index;
}

}  // namespace p2pmesh::control
