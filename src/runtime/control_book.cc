// The address book in control requests: whom one finds where, other names for members, and forgetting them.
#include <algorithm>
#include <utility>

#include "control_requests.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/name.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr Duration kRecordTimeout = 3s;  // it comes with the first frames of a link
constexpr Duration kLookInterval = 30s;  // for somebody who is written to again and again; guess

/// A host as it may be noted: what a resolver can be asked for.
Result<void> check_host(const std::string& host) {
  const bool is_plain = std::all_of(host.begin(), host.end(), [](char letter) {
    return letter > ' ' && letter != 0x7f && letter != '[' && letter != ']';
  });
  if (is_plain && is_well_formed(host)) return {};
  return fail(ExitStatus::kUsage, "\"" + format_safe_line(host) +
                                      "\" is no host: a name, or an address such as 10.0.0.7 or ::1.");
}

Error too_many_looks() {
  return {ExitStatus::kTryAgain, "Too many places are being looked at; try again in a few seconds."};
}

}  // namespace

bool ControlRequests::is_known(const MemberKey& member) const {
  const std::string name = runner_->node().shown_name(member);
  return !name.empty() && name.front() != '~';
}

void ControlRequests::look_at(const std::string& host, std::uint16_t port, Found done) {
  // With the brackets of an IPv6 address or without.
  const bool has_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const std::string bare = has_brackets ? host.substr(1, host.size() - 2) : host;
  if (const auto checked = check_host(bare); !checked) return done(tl::unexpected<Error>(checked.error()));
  if (looking_ >= limits::kLooksMax) return done(tl::unexpected<Error>(too_many_looks()));
  ++looking_;
  actions_.connect(
      runner_->mesh(), bare, port,
      [this, done = std::move(done), alive = std::weak_ptr(alive_)](const Result<NodeKey>& found) {
        if (alive.expired()) return;
        if (found) {
          MemberKey member;  // of an ordinary profile, whose node has the same key
          member.bytes = found->bytes;
          looks_.push_back({member, std::nullopt, done});
          return;
        }
        --looking_;
        done(tl::unexpected<Error>(found.error()));
      });
}

void ControlRequests::check_looking(Instant now) {
  std::vector<Look> ended;
  std::erase_if(looks_, [&](Look& look) {
    if (!look.deadline) look.deadline = now + kRecordTimeout;
    if (!is_known(look.member) && now < *look.deadline) return false;
    ended.push_back(std::move(look));
    return true;
  });
  for (Look& look : ended) {
    --looking_;
    look.done(look.member);
  }
}

std::optional<Instant> ControlRequests::next_deadline() const {
  std::optional<Instant> next;
  for (const Look& look : looks_) {
    if (look.deadline && (!next || *look.deadline < *next)) next = look.deadline;
  }
  return next;
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::ConnectRequest& request) {
  if (looking_ >= limits::kLooksMax) return server_->refuse(session.id, id, too_many_looks());
  ++session.unanswered;
  const NotedPlace place{"", request.host, request.port};
  look_at(request.host, request.port,
          [this, session_id = session.id, id, place, where = place.format()](const Result<MemberKey>& found) {
            ControlSession* asking = server_->find(session_id);
            if (asking == nullptr) return;
            asking->end_one();
            if (found) {
              return server_->reply(session_id, id,
                                    control::MemberReply{*found, runner_->node().shown_name(*found)});
            }
            Error error = found.error();
            // Who is noted there says more than an address.
            for (const auto& [member, person] : runner_->people().all()) {
              const NotedPlace noted{"", person.host, person.port};
              if (person.host.empty() || noted.format() != where || !error.message.starts_with(where))
                continue;
              error.message = format_safe_line(runner_->node().shown_name(member)) + " at " + error.message;
              break;
            }
            // Who is in another mesh can be talked with alone.
            if (found.error().status == ExitStatus::kTryAgain ||
                found.error().status == ExitStatus::kNoPermission)
              return ask_at(*asking, id, place, error);
            server_->refuse(session_id, id, error);
          });
}

/// `error`: why it is no member of this mesh.
void ControlRequests::ask_at(ControlSession& session, const std::string& id, const NotedPlace& place,
                             const Error& error) {
  ++session.unanswered;
  actions_.ask_at(
      {place.host, place.port}, [this, session_id = session.id, id, error,
                                 alive = std::weak_ptr(alive_)](const Result<control::MemberReply>& met) {
        if (alive.expired()) return;
        ControlSession* asking = server_->find(session_id);
        if (asking == nullptr) return;
        asking->end_one();
        if (met) return server_->reply(session_id, id, *met);
        // It takes no requests either, as one that is undiscoverable.
        const bool is_other =
            met.error().status == ExitStatus::kTryAgain || met.error().status == ExitStatus::kNoPermission;
        server_->refuse(session_id, id, is_other ? error : met.error());
      });
}

bool ControlRequests::knows(const std::string& wanted) const {
  const auto members = runner_->node().members();
  if (const auto key = MemberKey::from_hex(wanted)) {
    return *key == runner_->member() ||
           std::any_of(members.begin(), members.end(),
                       [&](const MemberView& member) { return member.key == *key; });
  }
  const std::string folded = name_key(wanted.substr(0, wanted.find('~')));
  return runner_->people().find_alias(wanted) || runner_->people().find_place(wanted) != nullptr ||
         name_key(runner_->node().status().claimed_name) == folded ||
         std::any_of(members.begin(), members.end(),
                     [&](const MemberView& member) { return name_key(claimed_part(member.name)) == folded; });
}

bool ControlRequests::means(const std::string& wanted) const {
  return knows(wanted) && find_member(wanted).has_value();
}

bool ControlRequests::is_asked_by(const std::string& wanted) const {
  const auto member = means(wanted) ? find_member(wanted) : fail(ExitStatus::kUsage, "");
  if (!member) return false;
  const std::vector<CorrespondentView> people = runner_->node().correspondents();
  return std::any_of(people.begin(), people.end(), [&](const CorrespondentView& person) {
    return person.member == *member && person.asks;
  });
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::FindRequest& request) {
  server_->reply(
      session.id, id,
      control::FindReply{MemberKey::from_hex(request.member).has_value() || knows(request.member)});
}

Result<std::string> ControlRequests::check_alias(const std::string& alias, const MemberKey& member) const {
  auto name = check_name(alias);
  if (!name) return name;
  const std::string folded = name_key(*name);
  const auto refuse = [&](const std::string& why) {
    return fail(ExitStatus::kUsage, format_safe_line(*name) + " cannot be another name here: " + why);
  };
  for (const MemberView& other : runner_->node().members()) {
    if (name_key(claimed_part(other.name)) != folded) continue;
    return refuse(other.key == member ? "that is what it is called."
                                      : "a member is called " + format_safe_line(other.name) + ".");
  }
  const auto taken = runner_->people().find_alias(*name);
  if (taken && *taken != member)
    return refuse("it is your name for " + format_safe_line(runner_->node().shown_name(*taken)) + ".");
  return name;
}

void ControlRequests::set_alias(ControlSession& session, const std::string& id, const MemberKey& member,
                                const std::string& alias) {
  std::string name;
  if (!alias.empty()) {
    const auto checked = check_alias(alias, member);
    if (!checked) return server_->refuse(session.id, id, checked.error());
    name = *checked;
  }
  if (auto noted = runner_->note_alias(member, name); !noted)
    return server_->refuse(session.id, id, noted.error());
  if (!name.empty()) runner_->drop_place(name);
  reply_when_kept(session, id, control::MemberReply{member, runner_->node().shown_name(member)});
}

Result<std::string> ControlRequests::take_place(const NotedPlace& place, const MemberKey& member) {
  const std::string shown = runner_->node().shown_name(member);
  std::string alias;
  if (name_key(claimed_part(shown)) != name_key(place.name)) {
    const auto checked = check_alias(place.name, member);
    if (!checked) return checked;
    if (auto noted = runner_->note_alias(member, *checked); !noted)
      return tl::unexpected<Error>(noted.error());
    alias = *checked;
  }
  if (auto noted = runner_->note_place(member, place.host, place.port); !noted)
    return tl::unexpected<Error>(noted.error());
  runner_->drop_place(std::string(place.name));
  return alias;
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::AddRequest& request) {
  const auto refuse = [this](SessionId asking, const std::string& request_id, const Error& error) {
    server_->refuse(asking, request_id, error);
  };
  if (const auto host = check_host(request.host); !host) return refuse(session.id, id, host.error());
  const auto member = find_member(request.name);
  if (member) {
    if (*member == runner_->member())
      return refuse(session.id, id, {ExitStatus::kUsage, "That is you; name somebody else."});
    if (!is_known(*member))
      return refuse(session.id, id, {ExitStatus::kUsage, "There is no member with that key here."});
    if (auto noted = runner_->note_place(*member, request.host, request.port); !noted)
      return refuse(session.id, id, noted.error());
    const std::string shown = runner_->node().shown_name(*member);
    reply_when_kept(session, id, control::AddReply{*member, shown, "", ""});
    return look_for_absent(*member);
  }
  const auto name = check_name(request.name);
  if (!name) return refuse(session.id, id, member.error());
  // Several members, or one whose name was taken over: that is not a new name.
  const auto members = runner_->node().members();
  const bool is_claimed = std::any_of(members.begin(), members.end(), [&](const MemberView& other) {
    return name_key(claimed_part(other.name)) == name_key(*name);
  });
  if (is_claimed) return refuse(session.id, id, member.error());
  ++session.unanswered;
  const NotedPlace place{*name, request.host, request.port};
  look_at(place.host, place.port,
          [this, refuse, session_id = session.id, id, place](const Result<MemberKey>& found) {
            ControlSession* asking = server_->find(session_id);
            if (asking != nullptr) asking->end_one();
            if (found && is_known(*found)) {
              const auto alias = take_place(place, *found);
              if (!alias) return refuse(session_id, id, alias.error());
              const std::string shown = runner_->node().shown_name(*found);
              if (asking == nullptr) return;
              return reply_when_kept(*asking, id, control::AddReply{*found, shown, *alias, ""});
            }
            const bool may_come = found || found.error().status == ExitStatus::kUnavailable ||
                                  found.error().status == ExitStatus::kUnknownHost;
            if (!may_come) return refuse(session_id, id, found.error());
            if (auto kept = runner_->add_place(place); !kept) return refuse(session_id, id, kept.error());
            const std::string why = found ? "who answers there has not said a name" : found.error().message;
            if (asking != nullptr)
              reply_when_kept(*asking, id, control::AddReply{std::nullopt, place.name, "", why});
          });
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::ForgetRequest& request) {
  const auto member = find_member(request.name);
  if (!member) {
    const NotedPlace* place = runner_->people().find_place(request.name);
    if (place == nullptr) return server_->refuse(session.id, id, member.error());
    const std::string name = place->name;
    runner_->drop_place(name);
    return reply_when_kept(session, id, control::ForgetReply{name, false});
  }
  const std::string shown = runner_->node().shown_name(*member);
  const StoredPerson* person = runner_->people().find(*member);
  const bool is_noted = person != nullptr && !(person->alias.empty() && person->host.empty());
  const bool was_contact = runner_->forget(*member);
  if (!was_contact && !is_noted) {
    return server_->refuse(
        session.id, id,
        Error{ExitStatus::kUsage, format_safe_line(shown) + " is no contact, and nothing is noted of it."});
  }
  reply_when_kept(session, id, control::ForgetReply{shown, was_contact});
}

void ControlRequests::with_member(ControlSession& session, const std::string& id, const std::string& wanted,
                                  std::function<void(ControlSession&, const MemberKey&)> then) {
  const auto member = find_member(wanted);
  if (member) {
    look_for_absent(*member);
    return then(session, *member);
  }
  const NotedPlace* noted = runner_->people().find_place(wanted);
  if (noted == nullptr) return server_->refuse(session.id, id, member.error());
  ++session.unanswered;
  look_at(noted->host, noted->port,
          [this, session_id = session.id, id, place = *noted,
           then = std::move(then)](const Result<MemberKey>& found) {
            ControlSession* asking = server_->find(session_id);
            if (asking != nullptr) asking->end_one();
            std::string why = found ? "who answers there has not said a name" : found.error().message;
            if (found && is_known(*found)) {
              const auto alias = take_place(place, *found);
              if (alias) return asking == nullptr ? void() : then(*asking, *found);
              why = alias.error().message;
            }
            server_->refuse(
                session_id, id,
                Error{ExitStatus::kTryAgain, format_safe_line(place.name) + " is noted at " +
                                                 format_safe_line(place.format()) + ", but " + why});
          });
}

/// The core goes on dialling where it knows members to be; this is where somebody was noted to be.
void ControlRequests::look_for_absent(const MemberKey& member) {
  const StoredPerson* person = runner_->people().find(member);
  if (person == nullptr || person->host.empty()) return;
  const Instant now = runner_->now();
  const auto looked = looked_for_.find(member);
  if (looked != looked_for_.end() && now < looked->second + kLookInterval) return;
  looked_for_[member] = now;
  for (const MemberView& view : runner_->node().members()) {
    if (view.key == member && view.online) return;
  }
  look_at(person->host, person->port, [](const Result<MemberKey>&) {});
}

void ControlRequests::look_for_places() {
  std::vector<NotedPlace> places;
  for (const auto& [folded, place] : runner_->people().places()) places.push_back(place);
  for (const NotedPlace& place : places) {
    look_at(place.host, place.port, [this, place](const Result<MemberKey>& found) {
      const NotedPlace* noted = runner_->people().find_place(place.name);
      const bool is_still = noted != nullptr && noted->format() == place.format();
      // Whose name has become somebody's meanwhile stays as it is, until it is forgotten.
      if (found && is_still && is_known(*found)) [[maybe_unused]]
        const auto alias = take_place(place, *found);
    });
  }
}

}  // namespace p2pmesh
