// The forms in which messages leave a node for files and scripts; design.md section 6.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "p2pmesh/control/chat_message.h"

namespace p2pmesh {

/// "# ROOM, held from TIME", or "# ROOM, nothing held".
void append_export_header(std::string& out, std::string_view room, std::optional<WallMs> first_ms);

/// "2026-11-20T14:05:09.123Z TAB name TAB text".
void append_export_text(std::string& out, const control::ChatMessage& message);

/// {"id", "time", "author", "name", "text"} on one line.
void append_export_json(std::string& out, const control::ChatMessage& message);

/// "2026-11-20T14:05:09.123Z #room name: text", for reading.
void append_found_text(std::string& out, const control::ChatMessage& message);

/// "2026-11-20T14:05:09.123Z name: text", for reading.
void append_history_text(std::string& out, const control::ChatMessage& message);

}  // namespace p2pmesh
