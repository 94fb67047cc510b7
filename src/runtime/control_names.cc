// Names in control requests: the local member's own, and which member is meant by one.
#include <algorithm>
#include <cctype>

#include "control_requests.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/name.h"
#include "p2pmesh/text/nearest_word.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

/// Why the name is as it was.
Error describe(NameVerdict verdict, const std::string& wanted, const std::string& shown) {
  const std::string still = "you are still " + format_safe_line(shown) + ".";
  switch (verdict) {
    case NameVerdict::kTaken:
      return {ExitStatus::kCannotCreate, format_safe_line(wanted) + " is taken by another member; " + still};
    case NameVerdict::kNoNeighbor:
      return {ExitStatus::kTryAgain,
              "A name needs a neighbor who sees that it is free, and nobody is here; " + still};
    case NameVerdict::kNoAnswer:
      return {ExitStatus::kTryAgain,
              "No neighbor has said whether " + format_safe_line(wanted) + " is free; " + still};
    case NameVerdict::kHidden:
      return {ExitStatus::kTryAgain, "A new name would show that you are here: /discover on first; " + still};
    case NameVerdict::kBusy:
      return {ExitStatus::kTryAgain, "Another change of the name is under way; " + still};
    case NameVerdict::kChanged:
    case NameVerdict::kSame:
      break;
  }
  return {ExitStatus::kInternal, "A verdict without a meaning."};
}

constexpr std::size_t kSuffixDigits = 4;   // as the core shows them
constexpr std::size_t kNamesakesTold = 8;  // of those that a name fits, in the error; guess

/// What was typed for a member.
struct WantedName {
  explicit WantedName(const std::string& wanted) {
    const std::size_t mark = wanted.find('~');
    claimed = wanted.substr(0, mark);
    if (const auto normal = check_name(claimed)) claimed = *normal;
    folded = name_key(claimed);
    if (mark == std::string::npos) return;
    suffix = wanted.substr(mark + 1);
    for (char& digit : *suffix) digit = static_cast<char>(std::tolower(static_cast<unsigned char>(digit)));
  }
  /// As it can stand in a sentence.
  [[nodiscard]] std::string shown() const {
    const std::string whole = suffix ? claimed + "~" + *suffix : claimed;
    return format_safe_line(whole.substr(0, limits::kNameBytesMax));
  }

  std::string claimed;
  std::string folded;
  std::optional<std::string> suffix;
};

struct NamedMember {
  std::string shown;
  MemberKey key;
};

/// The name with so much of the key that no other of these has it.
std::string with_suffix(const NamedMember& member, const std::vector<NamedMember>& all) {
  const std::string hex = member.key.hex();
  std::size_t digits = kSuffixDigits;
  for (const NamedMember& other : all) {
    if (other.key == member.key) continue;
    while (digits < hex.size() && other.key.hex().compare(0, digits, hex, 0, digits) == 0) ++digits;
  }
  return format_safe_line(claimed_part(member.shown)) + "~" + hex.substr(0, digits);
}

/// "Bob (or Bob~1c2d), Bob~4f2a": each as it can be typed.
std::string list_names(const std::vector<NamedMember>& members) {
  std::string names;
  for (std::size_t i = 0; i < std::min(members.size(), kNamesakesTold); ++i) {
    const std::string suffixed = with_suffix(members[i], members);
    const bool holds = members[i].shown.find('~') == std::string::npos;
    names += i == 0 ? "" : ", ";
    names += holds ? format_safe_line(members[i].shown) + " (or " + suffixed + ")" : suffixed;
  }
  return members.size() > kNamesakesTold ? names + ", ..." : names;
}

}  // namespace

Result<MemberKey> ControlRequests::find_member(const std::string& wanted) const {
  if (const auto key = MemberKey::from_hex(wanted)) return *key;
  const WantedName name(wanted);
  const auto refuse = [](const std::string& sentence) { return fail(ExitStatus::kUsage, sentence); };
  std::vector<NamedMember> members;
  bool has_self = false;
  for (MemberView& member : runner_->node().members()) {
    has_self = has_self || member.self;
    members.push_back({std::move(member.name), member.key});
  }
  if (!has_self)
    members.push_back({runner_->node().status().name, runner_->member()});  // its record is to come
  std::vector<std::string> folded;
  for (const NamedMember& member : members) folded.push_back(name_key(claimed_part(member.shown)));

  std::vector<NamedMember> called;    // who claims the name
  std::vector<NamedMember> suffixed;  // and has a key that begins so
  const NamedMember* holder = nullptr;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const bool is_nameless = name.folded.empty() && (!name.claimed.empty() || !name.suffix);
    if (folded[i] != name.folded || is_nameless) continue;
    called.push_back(members[i]);
    if (name.suffix && name.suffix->size() >= kSuffixDigits && members[i].key.hex().starts_with(*name.suffix))
      suffixed.push_back(members[i]);
    if (!name.suffix && members[i].shown == name.claimed) holder = &members[i];
  }
  if (suffixed.size() == 1) return suffixed.front().key;
  // One's own other name comes before what somebody merely claims, and is never lost to a stranger.
  const auto alias = name.suffix ? std::nullopt : runner_->people().find_alias(name.claimed);
  if (alias && holder != nullptr && holder->key != *alias) {
    return refuse(name.shown() + " is your name for " + format_safe_line(runner_->node().shown_name(*alias)) +
                  ", and another member has it now. Type " + with_suffix(*holder, called) + " or " +
                  format_safe_line(runner_->node().shown_name(*alias)) + ", or a key.");
  }
  if (alias) return *alias;
  if (holder == nullptr && !name.suffix && called.size() == 1) holder = &called.front();
  if (holder != nullptr) {
    const auto contact = runner_->contact_names().taken_from(holder->shown, holder->key);
    if (!contact || holder->key == runner_->member()) return holder->key;
    const std::string other = format_safe_line(runner_->node().shown_name(*contact));
    const std::string itself = with_suffix(*holder, called);
    return refuse(format_safe_line(holder->shown) +
                  " is another member now, not the one you talked with, who is " + other + ". Type " +
                  itself + " or " + other + ", or a key.");
  }
  if (!suffixed.empty())
    return refuse(name.shown() + " fits several members: " + list_names(suffixed) +
                  ". Type one of these as it stands.");
  if (!called.empty() && name.suffix)
    return refuse("There is no member " + name.shown() +
                  " here. Of that name there is: " + list_names(called) + ".");
  if (!called.empty()) {
    return refuse(name.shown() + " fits " + std::to_string(called.size()) +
                  " members: " + list_names(called) + ". Type one of these as it stands.");
  }
  std::vector<NamedMember> alike;
  if (check_name(name.claimed)) {
    for (const MemberKey& key : runner_->names().that_look_like(name.claimed))
      alike.push_back({runner_->node().shown_name(key), key});
  }
  if (!alike.empty()) {
    return refuse("There is no member " + name.shown() + " here. These look like it: " + list_names(alike) +
                  ". Type the name as it stands there.");
  }
  const auto nearest = find_nearest_word(name.folded, {folded.begin(), folded.end()});
  if (nearest) {
    return refuse("There is no member " + name.shown() + ". Did you mean " +
                  format_safe_line(members[*nearest].shown) + "?");
  }
  return refuse("There is no member " + name.shown() + " here. /add " + name.shown() +
                " HOST PORT notes where " + name.shown() + " is, /connect HOST PORT looks.");
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::NameRequest& request) {
  const auto name = check_name(request.name);
  if (!name) return server_->refuse(session.id, id, control::invalid_params(name.error().message));
  ++session.unanswered;
  runner_->change_name(*name, [this, session_id = session.id, id, name = *name](NameVerdict verdict) {
    ControlSession* asking = server_->find(session_id);
    if (asking == nullptr) return;
    asking->end_one();
    const std::string shown = runner_->node().status().name;
    if (verdict == NameVerdict::kChanged || verdict == NameVerdict::kSame)
      return server_->reply(session_id, id, control::NameReply{shown, verdict == NameVerdict::kChanged});
    server_->refuse(session_id, id, describe(verdict, name, shown));
  });
}

}  // namespace p2pmesh
