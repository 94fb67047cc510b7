#include "export_lines.h"

#include "clock_text.h"
#include "p2pmesh/control/reply.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

void append_spoken(std::string& out, const control::ChatMessage& message) {
  out += format_safe_line(message.name);
  out += ": ";
  out += format_safe_line(message.text);
  out += '\n';
}

}  // namespace

void append_export_header(std::string& out, std::string_view room, std::optional<WallMs> first_ms) {
  out += "# " + format_export_text(room);
  out += first_ms ? ", held from " + format_utc(*first_ms) : ", nothing held";
  out += '\n';
}

void append_export_text(std::string& out, const control::ChatMessage& message) {
  out += format_utc(message.wall_ms);
  out += '\t';
  out += format_export_text(message.name);
  out += '\t';
  out += format_export_text(message.text);
  out += '\n';
}

void append_export_json(std::string& out, const control::ChatMessage& message) {
  out += "{\"id\":\"" + control::format_message_id(message.id);
  out += "\",\"time\":\"" + format_utc(message.wall_ms);
  out += "\",\"author\":\"" + message.author.hex();
  out += "\",\"name\":";
  control::append_json_string(out, message.name);
  out += ",\"text\":";
  control::append_json_string(out, message.text);
  out += "}\n";
}

void append_found_text(std::string& out, const control::ChatMessage& message) {
  out += format_utc(message.wall_ms);
  out += ' ';
  out += message.direct ? "with " + format_safe_line(message.direct->name) : format_safe_line(message.room);
  out += ' ';
  append_spoken(out, message);
}

void append_history_text(std::string& out, const control::ChatMessage& message) {
  out += format_utc(message.wall_ms);
  out += ' ';
  append_spoken(out, message);
}

}  // namespace p2pmesh
