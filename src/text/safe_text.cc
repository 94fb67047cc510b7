#include "p2pmesh/text/safe_text.h"

#include "codepoints.h"

namespace p2pmesh {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

bool is_plain_ascii(char byte) {
  return byte >= ' ' && byte < '\x7f';
}

/// Ill-formed, or able to drive a terminal, to reorder a line or to end it.
bool is_unsafe(std::int32_t codepoint) {
  if (codepoint < 0xa0) return codepoint < ' ' || codepoint >= 0x7f;
  if (codepoint == 0x61c || codepoint == 0x200e || codepoint == 0x200f) return true;
  return (codepoint >= 0x2028 && codepoint <= 0x202e) || (codepoint >= 0x2066 && codepoint <= 0x2069);
}

void append_escaped(std::string& out, std::string_view bytes) {
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    out += "\\x";
    out += kDigits[value >> 4];
    out += kDigits[value & 15];
  }
}

/// Copies what may stay and escapes what may not; `special` takes a character first and returns how many
/// bytes it has dealt with.
template <class Special>
std::string escape(std::string_view text, Special special) {
  std::string out;
  out.reserve(text.size() + 16);
  while (!text.empty()) {
    if (const std::size_t taken = special(text, out); taken != 0) {
      text.remove_prefix(taken);
      continue;
    }
    if (is_plain_ascii(text.front())) {
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    const Codepoint codepoint = first_codepoint(text);
    if (is_unsafe(codepoint.value)) {
      append_escaped(out, codepoint.bytes);
    } else {
      out += codepoint.bytes;
    }
    text.remove_prefix(codepoint.bytes.size());
  }
  return out;
}

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

}  // namespace

std::string format_safe_line(std::string_view foreign) {
  return escape(foreign, [](std::string_view text, std::string& out) -> std::size_t {
    const std::size_t taken = text.front() == '\n' ? 1 : text.substr(0, 2) == "\r\n" ? 2 : 0;
    if (taken != 0) out += "\\n";
    return taken;
  });
}

std::string format_export_text(std::string_view text) {
  return escape(text, [](std::string_view rest, std::string& out) -> std::size_t {
    switch (rest.front()) {
      case '\n':
        out += "\\n";
        return 1;
      case '\t':
        out += "\\t";
        return 1;
      case '\\':
        out += "\\\\";
        return 1;
      default:
        return 0;
    }
  });
}

std::optional<std::string> parse_export_text(std::string_view exported) {
  std::string out;
  out.reserve(exported.size());
  for (std::size_t i = 0; i < exported.size(); ++i) {
    if (exported[i] != '\\') {
      out += exported[i];
      continue;
    }
    if (++i == exported.size()) return std::nullopt;
    switch (exported[i]) {
      case 'n':
        out += '\n';
        break;
      case 't':
        out += '\t';
        break;
      case '\\':
        out += '\\';
        break;
      case 'x': {
        if (exported.size() - i < 3) return std::nullopt;
        const int high = hex_value(exported[i + 1]);
        const int low = hex_value(exported[i + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high << 4 | low);
        i += 2;
        break;
      }
      default:
        return std::nullopt;
    }
  }
  return out;
}

bool is_well_formed(std::string_view text) {
  bool well_formed = true;
  for_each_codepoint(text,
                     [&](const Codepoint& codepoint) { well_formed = well_formed && codepoint.value >= 0; });
  return well_formed;
}

std::size_t display_columns(std::string_view text) {
  std::size_t columns = 0;
  for_each_codepoint(text, [&](const Codepoint& codepoint) {
    const int width = codepoint.value < 0 ? 1 : utf8proc_charwidth(codepoint.value);
    columns += width > 0 ? static_cast<std::size_t>(width) : 0;
  });
  return columns;
}

}  // namespace p2pmesh
