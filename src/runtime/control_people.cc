// The control requests about people: whom one talks to, and who wants to talk.
#include <algorithm>

#include "control_requests.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/name.h"
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

constexpr std::size_t kNamesakesTold = 8;  // of those that a name fits, in the error; guess

}  // namespace

ControlRequests::NamedMembers ControlRequests::members_called(const std::string& wanted) const {
  const std::string key = name_key(wanted);
  const bool has_suffix = wanted.find('~') != std::string::npos;
  NamedMembers members;
  for (MemberView& member : runner_->node().members())
    members.emplace_back(std::move(member.name), member.key);
  members.emplace_back(runner_->node().status().name, runner_->member());  // its record may be to come
  NamedMembers called;
  for (auto& member : members) {
    const std::string claimed = has_suffix ? member.first : member.first.substr(0, member.first.find('~'));
    const bool is_listed = std::any_of(called.begin(), called.end(),
                                       [&](const auto& other) { return other.second == member.second; });
    if (!key.empty() && name_key(claimed) == key && !is_listed) called.push_back(std::move(member));
  }
  return called;
}

/// Who holds the name, or else the only one that claims it; or a key.
Result<MemberKey> ControlRequests::find_member(const std::string& wanted) const {
  if (const auto key = MemberKey::from_hex(wanted)) return *key;
  const NamedMembers called = members_called(wanted);
  for (const auto& [name, key] : called) {
    if (name_key(name) == name_key(wanted)) return key;
  }
  if (called.size() == 1) return called.front().second;
  const std::string shown = format_safe_line(wanted.substr(0, limits::kNameBytesMax));
  if (called.empty())
    return fail(ExitStatus::kUsage, "There is no member " + shown + " here. See who is: /who");
  std::string names;
  for (std::size_t i = 0; i < std::min(called.size(), kNamesakesTold); ++i)
    names += (i == 0 ? "" : ", ") + format_safe_line(called[i].first);
  if (called.size() > kNamesakesTold) names += ", ...";
  return fail(ExitStatus::kUsage, shown + " fits several members: " + names + ". Type the whole name.");
}

/// Whether something can be written to it now.
Result<MemberKey> ControlRequests::find_recipient(const std::string& wanted) const {
  auto member = find_member(wanted);
  if (!member) return member;
  const std::string name = format_safe_line(runner_->node().shown_name(*member));
  switch (runner_->node().access_to(*member)) {
    case DirectAccess::kOpen:
    case DirectAccess::kNoKey:  // it waits for one
      return member;
    case DirectAccess::kSelf:
      return fail(ExitStatus::kUsage, "That is you; write to somebody else.");
    case DirectAccess::kUnknown:
      return fail(ExitStatus::kUsage, "There is no member with that key here. See who is: /who");
    case DirectAccess::kBlocked:
      return fail(ExitStatus::kUsage, "You have blocked " + name + ". /unblock " + name + " first.");
    case DirectAccess::kTooMany:
      return fail(ExitStatus::kTryAgain, "You talk to " + std::to_string(limits::kCorrespondentsMax) +
                                             " people already, which is all.");
  }
  return member;
}

void ControlRequests::send_direct(ControlSession& session, const std::string& id, const std::string& to,
                                  std::string text) {
  const auto member = find_recipient(to);
  if (!member) return server_->refuse(session.id, id, control::application_error(member.error()));
  if (const auto error = check_can_send())
    return server_->refuse(session.id, id, control::application_error(*error));
  runner_->send_direct(session.id, id, *member, std::move(text));
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::AskRequest& request) {
  send_direct(session, id, request.to, {});
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::AnswerRequest& request) {
  const auto member = find_member(request.member);
  if (!member) return server_->refuse(session.id, id, control::application_error(member.error()));
  const auto people = runner_->node().correspondents();
  const auto found = std::find_if(people.begin(), people.end(),
                                  [&](const CorrespondentView& person) { return person.member == *member; });
  if (found == people.end()) {
    return server_->refuse(session.id, id,
                           control::application_error(
                               {ExitStatus::kUsage, format_safe_line(runner_->node().shown_name(*member)) +
                                                        " has not asked to talk to you."}));
  }
  runner_->handle(AnswerRequest{*member, request.accept});
  server_->reply(session.id, id, control::EmptyReply{});
  if (request.accept) runner_->tell_invitations_of(*member);
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::ConversationRequest& request) {
  const auto member = find_member(request.with);
  if (!member) return server_->refuse(session.id, id, control::application_error(member.error()));
  runner_->handle(OpenConversation{*member, request.open});
  server_->reply(session.id, id, control::ConversationReply{*member, runner_->node().shown_name(*member)});
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::ContactsRequest&) {
  control::ContactsReply reply;
  const std::vector<MemberView> members = runner_->node().members();
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
    }
    entry.relation = format_relation(person.mine);
    entry.theirs = format_relation(person.theirs);
    entry.asks = person.asks;
    const auto member = std::find_if(members.begin(), members.end(),
                                     [&](const MemberView& view) { return view.key == person.member; });
    entry.online = member != members.end() && member->online;
    entry.hidden = member != members.end() && member->hidden;
    reply.contacts.push_back(std::move(entry));
  }
  server_->reply(session.id, id, reply);
}

}  // namespace p2pmesh
