// Names that people take for one another, after Unicode TR39.
#pragma once

#include <string>
#include <string_view>

namespace p2pmesh {

/// What names that look alike have in common: the TR39 skeleton, case-folded since names are compared so.
/// Empty for ill-formed UTF-8. The first call of a process loads a table, in less than a millisecond.
///
/// Threads: any.
std::string name_skeleton(std::string_view name);

/// Whether its letters come from scripts that are not written together, such as Latin and Cyrillic: the
/// restriction level of TR39 is above "highly restrictive". False for ill-formed UTF-8.
bool mixes_scripts(std::string_view name);

}  // namespace p2pmesh
