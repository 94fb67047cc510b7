// How things stand with somebody, in words.
#pragma once

#include <string>

#include "p2pmesh/control/reply.h"

namespace p2pmesh {

/// "contact", "wants to talk to you", "sent, not accepted", "declined" or "declined by you".
std::string describe_contact(const control::ContactEntry& contact);

}  // namespace p2pmesh
