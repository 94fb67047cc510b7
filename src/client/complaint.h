// What a program says on standard error.
#pragma once

#include <string>
#include <string_view>

namespace p2pmesh {

/// Writes "PROGRAM: MESSAGE" to standard error, made safe; line breaks in the message stay.
void complain(std::string_view program, std::string_view message);

/// The same text without writing it.
std::string format_complaint(std::string_view program, std::string_view message);

}  // namespace p2pmesh
