#include "contact_lines.h"

#include "clock_text.h"
#include "p2pmesh/text/safe_text.h"
#include "place_words.h"

namespace p2pmesh {

std::string describe_contact(const control::ContactEntry& contact) {
  if (!contact.known) return "not found yet, noted at " + format_place(contact.host, contact.port);
  std::string description;
  const bool talks = contact.theirs == "accepted" || contact.theirs == "asked";
  if (contact.asks) {
    description = "wants to talk to you";
  } else if (contact.relation == "declined") {
    description = "declined by you";
  } else if (contact.theirs == "declined") {
    description = "declined";
  } else if (contact.relation == "asked" && !talks) {
    description = "sent, not accepted";
  } else {
    description = contact.relation == "none" ? "no contact" : "contact";
  }
  if (contact.hidden) description += ", appears offline to others";
  if (contact.unread > 0) description += ", " + std::to_string(contact.unread) + " unread";
  if (contact.ignored) description += ", ignored";
  if (contact.blocked) description += ", blocked";
  if (!contact.alias.empty()) description += ", " + format_safe_line(contact.alias) + " to you";
  if (!contact.host.empty()) description += ", noted at " + format_place(contact.host, contact.port);
  return description;
}

std::string end_sentence(const std::string& foreign) {
  std::string sentence = format_safe_line(foreign);
  if (!sentence.ends_with('.')) sentence += '.';
  return sentence;
}

std::string describe_added(const control::AddReply& added, const std::string& where) {
  const std::string name = format_safe_line(added.name);
  if (!added.member) {
    return name + " is noted at " + where + ", but nobody was found there: " + end_sentence(added.why) +
           " It is tried again when you name " + name + ", and at the next start.";
  }
  if (added.alias.empty()) return name + " is noted at " + where + ".";
  const std::string alias = format_safe_line(added.alias);
  return "At " + where + " is " + name + ": noted, and " + alias + " is another name for " + name + " here.";
}

std::string describe_discoverable(bool discoverable) {
  return discoverable
             ? "Others see that you are here."
             : "You appear offline to all but contacts. Nothing that is written to you is opened, and "
               "what you write waits: /discover on";
}

std::string describe_pending(const control::PendingEntry& line) {
  std::string description = line.number == 0 ? "written" : std::to_string(line.number);
  description +=
      line.name.empty() ? " to " + format_safe_line(line.room) : " to " + format_safe_line(line.name);
  description += ", " + format_local_date(line.wall_ms) + ": ";
  return description + (line.text.empty() ? "(asks to talk)" : format_safe_line(line.text));
}

std::string describe_state(const control::ChatMessage& message) {
  if (message.direct)
    return control::format_direct_state(message.direct->state.value_or(control::DirectState::kSent));
  const std::uint64_t taken = message.taken.value_or(0);
  return taken == 0 ? "pending" : "sent (" + std::to_string(taken) + ")";
}

}  // namespace p2pmesh
