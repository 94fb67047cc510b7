// The control requests about people: whom one talks to, and who wants to talk.
#include <algorithm>
#include <map>

#include "control_requests.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

const char* format_relation(Relation relation) {
  switch (relation) {
    case Relation::kNone:
      return "none";
    case Relation::kAsked:
      return "asked";
    case Relation::kAccepted:
      return "accepted";
    case Relation::kDeclined:
      return "declined";
  }
  return "none";
}

}  // namespace

/// Whether something can be written to it now.
Result<void> ControlRequests::check_recipient(const MemberKey& member) const {
  const std::string name = format_safe_line(runner_->node().shown_name(member));
  switch (runner_->node().access_to(member)) {
    case DirectAccess::kOpen:
    case DirectAccess::kNoKey:  // it waits for one
      break;
    case DirectAccess::kSelf:
      return fail(ExitStatus::kUsage, "That is you; write to somebody else.");
    case DirectAccess::kUnknown:
      return fail(ExitStatus::kUsage, "There is no member with that key here. See who is: /who");
    case DirectAccess::kBlocked:
      return fail(ExitStatus::kUsage, "You have blocked " + name + ". /unblock " + name + " first.");
    case DirectAccess::kRevoked:
      return fail(ExitStatus::kUsage, "The key of " + name +
                                          " was revoked: nothing is written to it any more. Ask for the new "
                                          "name, and see who is there: /who");
    case DirectAccess::kTooMany:
      return fail(ExitStatus::kTryAgain, "You talk to " + std::to_string(limits::kCorrespondentsMax) +
                                             " people already, which is all.");
  }
  // The others drop the oldest of what they carry beyond that; their defaults count, as theirs are not known.
  if (const std::uint64_t count = runner_->node().undelivered();
      count >= limits::kCarriedEnvelopesPerAuthor) {
    return fail(ExitStatus::kTryAgain,
                std::to_string(count) +
                    " direct messages of yours have not been delivered yet, and the others carry no more for "
                    "you. Wait until who they are for is here; /sent NAME tells what is not delivered.");
  }
  return {};
}

void ControlRequests::send_direct(ControlSession& session, const std::string& id, const std::string& to,
                                  std::string text) {
  with_member(session, id, to,
              [this, id, text = std::move(text)](ControlSession& asking, const MemberKey& member) {
                if (const auto open = check_recipient(member); !open)
                  return server_->refuse(asking.id, id, open.error());
                if (const auto error = check_may_say({})) return server_->refuse(asking.id, id, *error);
                if (const auto error = check_can_send()) return server_->refuse(asking.id, id, *error);
                runner_->send_direct(asking.id, id, member, text);
              });
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::AskRequest& request) {
  send_direct(session, id, request.to, {});
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::AnswerRequest& request) {
  const auto member = find_member(request.member);
  if (!member) return server_->refuse(session.id, id, member.error());
  const auto people = runner_->node().correspondents();
  const auto found = std::find_if(people.begin(), people.end(),
                                  [&](const CorrespondentView& person) { return person.member == *member; });
  if (found == people.end()) {
    return server_->refuse(session.id, id,
                           Error{ExitStatus::kUsage, format_safe_line(runner_->node().shown_name(*member)) +
                                                         " has not asked to talk to you."});
  }
  if (const auto error = check_can_say_now()) return server_->refuse(session.id, id, *error);
  runner_->handle(AnswerRequest{*member, request.accept});
  server_->reply(session.id, id, control::EmptyReply{});
  if (request.accept) runner_->tell_invitations_of(*member);
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::ConversationRequest& request) {
  with_member(
      session, id, request.with,
      [this, id, opens = request.open](ControlSession& asking, const MemberKey& member) {
        runner_->handle(OpenConversation{member, opens});
        server_->reply(asking.id, id, control::MemberReply{member, runner_->node().shown_name(member)});
      });
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::ContactsRequest&) {
  control::ContactsReply reply;
  runner_->names();
  const std::vector<MemberView> members = runner_->node().members();
  std::map<MemberKey, control::ContactEntry::Successor> successors;
  for (const MemberView& member : members) {
    if (member.self || runner_->contact_names().is_empty() || member.name.find('~') != std::string::npos)
      continue;
    if (const auto contact = runner_->contact_names().taken_from(member.name, member.key))
      successors.emplace(*contact, control::ContactEntry::Successor{member.name, member.key});
  }
  const PeopleList& people = runner_->people();
  std::vector<CorrespondentView> listed = runner_->node().correspondents();
  // Of some something is noted alone.
  for (const auto& [key, noted] : people.all()) {
    const auto is_same = [member = key](const CorrespondentView& person) { return person.member == member; };
    if (std::none_of(listed.begin(), listed.end(), is_same)) listed.push_back({key, {}, {}, false});
  }
  for (const CorrespondentView& person : listed) {
    control::ContactEntry entry;
    entry.name = runner_->node().shown_name(person.member);
    entry.key = person.member;
    if (runner_->node().is_shown(person.member)) entry.unread = people.unread_of(person.member);
    if (const StoredPerson* noted = people.find(person.member)) {
      entry.ignored = noted->ignored;
      entry.blocked = noted->blocked;
      entry.alias = noted->alias;
      entry.host = noted->host;
      entry.port = noted->port;
    }
    entry.relation = format_relation(person.mine);
    entry.theirs = format_relation(person.theirs);
    entry.asks = person.asks;
    entry.doubt = runner_->doubt_about(person.member);
    const auto successor = successors.find(person.member);
    if (successor != successors.end()) entry.taken_over = successor->second;
    const auto member = std::find_if(members.begin(), members.end(),
                                     [&](const MemberView& view) { return view.key == person.member; });
    entry.online = member != members.end() && member->online;
    entry.hidden = member != members.end() && member->hidden;
    reply.contacts.push_back(std::move(entry));
  }
  for (const auto& [folded, place] : people.places()) {
    control::ContactEntry entry;
    entry.known = false;
    entry.name = place.name;
    entry.relation = entry.theirs = "none";
    entry.host = place.host;
    entry.port = place.port;
    reply.contacts.push_back(std::move(entry));
  }
  for (control::ContactEntry& entry : actions_.strangers()) reply.contacts.push_back(std::move(entry));
  server_->reply(session.id, id, reply);
}

}  // namespace p2pmesh
