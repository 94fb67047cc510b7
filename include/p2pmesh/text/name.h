// What may be a member's name, and when two names are the same.
#pragma once

#include <string>
#include <string_view>

#include "p2pmesh/base/result.h"

namespace p2pmesh {

/// Checks a name against the alphabet of design.md, section 4, and returns its NFC form: 1 to 32 columns, at
/// most 64 bytes, letters, digits, marks and -_.[]{}|^` ; not beginning with '-', '.', a digit or a mark; no
/// spaces, no '~'. Errors: kUsage with a sentence that quotes the name (made safe), says what is wrong with
/// it and what to type.
Result<std::string> check_name(std::string_view name);

/// Two names are equal when their keys are: NFC and full case folding. Empty for ill-formed UTF-8.
std::string name_key(std::string_view name);

/// Checks a room's name: `#` and then 1 to 32 characters of a name's alphabet (digits may come first);
/// returns it case-folded, in NFC.
Result<std::string> check_room(std::string_view room);

/// As check_room(), of what may stand for a room where one is meant that is there: its name; the label of a
/// private one, `#board~1a2b3c4d`; or `#board~public`, the public one beside a private one of the same name.
Result<std::string> check_room_label(std::string_view room);

inline constexpr std::string_view kPublicSuffix = "~public";

}  // namespace p2pmesh
