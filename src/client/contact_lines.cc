#include "contact_lines.h"

namespace p2pmesh {

std::string describe_contact(const control::ContactEntry& contact) {
  if (contact.asks) return "wants to talk to you";
  if (contact.relation == "declined") return "declined by you";
  if (contact.theirs == "declined") return "declined";
  const bool talks = contact.theirs == "accepted" || contact.theirs == "asked";
  return contact.relation == "asked" && !talks ? "sent, not accepted" : "contact";
}

}  // namespace p2pmesh
