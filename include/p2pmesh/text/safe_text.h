// The one place where text from others is made safe, at output. Nothing prints foreign bytes past it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace p2pmesh {

/// Makes foreign text printable on one line: a line break (LF, or CR LF as one) becomes `\n`; other C0, DEL,
/// C1, bidi controls (U+061C, U+200E, U+200F, U+202A..U+202E, U+2066..U+2069), U+2028, U+2029 and every byte
/// that is not well-formed UTF-8 become `\xnn` for each UTF-8 byte, with lower-case digits. Everything else,
/// a backslash included, stays as it is.
std::string format_safe_line(std::string_view foreign);

/// The export form of a message or name: `\n`, `\t`, `\\`, and `\xNN` as above; reversible by
/// parse_export_text().
std::string format_export_text(std::string_view text);

/// The text that format_export_text() wrote; nothing on an unknown or unfinished escape.
std::optional<std::string> parse_export_text(std::string_view exported);

/// True for well-formed UTF-8: no overlong form, no surrogate, nothing above U+10FFFF.
bool is_well_formed(std::string_view text);

/// Columns on a terminal (wcwidth as utf8proc knows it); ill-formed bytes count one each.
std::size_t display_columns(std::string_view text);

}  // namespace p2pmesh
