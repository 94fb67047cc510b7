#include "contact_names.h"

#include <algorithm>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/name.h"

namespace p2pmesh {
namespace {

constexpr std::string_view kNamesKey = "contact_names.";  // and the key in hexadecimal: names, a line each
constexpr std::string_view kToldKey = "contact_told.";    // likewise: the holder's key, a space, the name

std::string join_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

}  // namespace

void ContactNames::restore(const Settings& settings) {
  for (const auto& [key, value] : settings) {
    const std::string_view prefix = key.starts_with(kNamesKey) ? kNamesKey : kToldKey;
    if (!key.starts_with(prefix)) continue;
    const auto member = MemberKey::from_hex(std::string_view(key).substr(prefix.size()));
    if (!member || value.empty()) continue;  // empty: forgotten
    if (prefix == kToldKey) {
      people_[*member].told = value;
      continue;
    }
    for (std::size_t at = 0; at < value.size();) {
      const std::size_t end = std::min(value.find('\n', at), value.size());
      learn(*member, value.substr(at, end - at));
      at = end + 1;
    }
  }
  changes_.clear();
}

void ContactNames::learn(const MemberKey& contact, const std::string& name) {
  if (name.empty() || (!is_contact(contact) && people_.size() >= limits::kCorrespondentsMax)) return;
  std::vector<std::string>& names = people_[contact].names;
  if (!names.empty() && names.back() == name) return;
  std::erase(names, name);
  names.push_back(name);
  by_name_[name_key(name)].insert(contact);
  if (names.size() > limits::kNamesOfContactMax) {
    const std::string oldest = name_key(names.front());
    names.erase(names.begin());
    const bool is_known_still = std::any_of(
        names.begin(), names.end(), [&](const std::string& other) { return name_key(other) == oldest; });
    const auto known = by_name_.find(oldest);
    if (!is_known_still) known->second.erase(contact);
    if (known->second.empty()) by_name_.erase(known);
  }
  changes_.emplace_back(std::string(kNamesKey) + contact.hex(), join_lines(names));
}

void ContactNames::forget(const MemberKey& contact) {
  if (people_.erase(contact) == 0) return;
  for (auto known = by_name_.begin(); known != by_name_.end();) {
    known->second.erase(contact);
    known = known->second.empty() ? by_name_.erase(known) : std::next(known);
  }
  changes_.emplace_back(std::string(kNamesKey) + contact.hex(), "");
  changes_.emplace_back(std::string(kToldKey) + contact.hex(), "");
}

std::optional<MemberKey> ContactNames::taken_from(const std::string& name, const MemberKey& holder) const {
  if (is_contact(holder)) return std::nullopt;
  const auto known = by_name_.find(name_key(name));
  return known == by_name_.end() ? std::nullopt : std::optional(*known->second.begin());
}

bool ContactNames::tell_once(const MemberKey& contact, const std::string& name, const MemberKey& holder) {
  const auto person = people_.find(contact);
  const std::string told = holder.hex() + " " + name;
  if (person == people_.end() || person->second.told == told) return false;
  person->second.told = told;
  changes_.emplace_back(std::string(kToldKey) + contact.hex(), told);
  return true;
}

}  // namespace p2pmesh
