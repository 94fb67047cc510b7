// What check_address() found out, for people and for scripts.
#pragma once

#include <string>

#include "p2pmesh/runtime/address_check.h"

namespace p2pmesh {

/// One line a step that was reached; the error is not among them.
std::string format_check(const HostPort& place, const AddressCheck& check);
/// One JSON object and a line feed.
std::string format_check_json(const HostPort& place, const AddressCheck& check);
/// How --check ends: that a mesh is closed is an answer, not a failure.
ExitStatus status_of_check(const AddressCheck& check);

}  // namespace p2pmesh
