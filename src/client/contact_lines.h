// How things stand with somebody, in words.
#pragma once

#include <string>

#include "p2pmesh/control/reply.h"

namespace p2pmesh {

/// "contact", "wants to talk to you", "sent, not accepted", "declined" or "declined by you".
std::string describe_contact(const control::ContactEntry& contact);

/// What became of an entry of the address book; `where` is safe to print.
std::string describe_added(const control::AddReply& added, const std::string& where);

/// Made safe, and with one full stop at its end.
std::string end_sentence(const std::string& foreign);
/// What others see of the local member.
std::string describe_discoverable(bool discoverable);
/// "17 to #dev, 2026-11-21 14:05: hello"; safe to print.
std::string describe_pending(const control::PendingEntry& line);
/// Of an own message: "pending", "sent (2)", "delivered", ...
std::string describe_state(const control::ChatMessage& message);

}  // namespace p2pmesh
