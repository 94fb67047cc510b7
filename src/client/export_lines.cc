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

constexpr std::string_view kCsvLineEnd = "\r\n";
constexpr std::string_view kFormulaStarts = "=+-@";

void append_cell(std::string& out, std::string_view foreign) {
  std::string cell;
  if (!foreign.empty() && kFormulaStarts.find(foreign.front()) != std::string_view::npos) cell = '\'';
  for (;;) {
    const std::size_t end = foreign.find('\n');
    std::string_view line = foreign.substr(0, end);
    if (end != std::string_view::npos && line.ends_with('\r')) line.remove_suffix(1);
    cell += format_safe_line(line);
    if (end == std::string_view::npos) break;
    cell += '\n';
    foreign.remove_prefix(end + 1);
  }
  if (cell.find_first_of("\",\n") == std::string::npos) {
    out += cell;
    return;
  }
  out += '"';
  for (const char letter : cell) {
    if (letter == '"') out += '"';
    out += letter;
  }
  out += '"';
}

}  // namespace

void append_export_header(std::string& out, std::string_view place, std::optional<WallMs> first_ms,
                          std::optional<WallMs> since_ms) {
  out += "# " + format_export_text(place);
  out += first_ms ? ", held from " + format_utc(*first_ms) : ", nothing held";
  if (since_ms) out += ", since " + format_utc(*since_ms);
  out += '\n';
}

void append_csv_header(std::string& out, bool is_direct) {
  out += is_direct ? "time,name,text,with" : "time,name,text,room";
  out += kCsvLineEnd;
}

void append_csv_row(std::string& out, const control::ChatMessage& message) {
  out += format_utc(message.wall_ms);
  out += ',';
  append_cell(out, message.name);
  out += ',';
  append_cell(out, message.text);
  out += ',';
  append_cell(out, message.direct ? message.direct->name : message.room);
  out += kCsvLineEnd;
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
