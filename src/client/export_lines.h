// The forms in which messages leave a node for files and scripts; design.md section 6.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "p2pmesh/control/chat_message.h"

namespace p2pmesh {

enum class ExportFormat { kText, kJson, kCsv };

/// "# ROOM, held from TIME", or "# ROOM, nothing held"; and where the export begins, if it was asked for.
void append_export_header(std::string& out, std::string_view place, std::optional<WallMs> first_ms,
                          std::optional<WallMs> since_ms = std::nullopt);

/// "2026-11-20T14:05:09.123Z TAB name TAB text".
void append_export_text(std::string& out, const control::ChatMessage& message);

/// {"id", "time", "author", "name", "text"} on one line.
void append_export_json(std::string& out, const control::ChatMessage& message);

/// The columns of the CSV form: RFC 4180, lines end with CR LF. The last one is the room or, of direct
/// messages, the other member.
void append_csv_header(std::string& out, bool is_direct);
/// Line breaks stay, within quotes; what else format_safe_line() changes is changed. A cell that a
/// spreadsheet would take for a formula gets an apostrophe in front.
void append_csv_row(std::string& out, const control::ChatMessage& message);

/// "2026-11-20T14:05:09.123Z #room name: text", for reading.
void append_found_text(std::string& out, const control::ChatMessage& message);

/// "2026-11-20T14:05:09.123Z name: text", for reading.
void append_history_text(std::string& out, const control::ChatMessage& message);

}  // namespace p2pmesh
