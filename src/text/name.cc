#include "p2pmesh/text/name.h"

#include <cstdlib>
#include <memory>
#include <optional>

#include "codepoints.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/room_label.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kInputBytesMax = 1024;  // what is longer is refused before it is normalised; guess
constexpr std::size_t kMarksInARowMax = 4;    // UTS 39, section 5.4
constexpr std::size_t kQuotedBytesMax = 72;   // of a refused name, in its error; guess

/// NFC, with full case folding if asked for; nothing for ill-formed text.
std::optional<std::string> normalize(std::string_view text, bool fold_case) {
  auto options = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
  if (fold_case) options |= UTF8PROC_CASEFOLD;
  utf8proc_uint8_t* mapped = nullptr;
  const auto length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                   static_cast<utf8proc_ssize_t>(text.size()), &mapped,
                                   static_cast<utf8proc_option_t>(options));
  const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owner(mapped, std::free);
  if (length < 0 || mapped == nullptr) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(length));
}

std::string quote(std::string_view foreign) {
  if (foreign.size() <= kQuotedBytesMax) return "\"" + format_safe_line(foreign) + "\"";
  std::size_t end = kQuotedBytesMax;
  while (end > 0 && (static_cast<unsigned char>(foreign[end]) & 0xC0) == 0x80) --end;
  return "\"" + format_safe_line(foreign.substr(0, end)) + "...\"";
}

bool is_mark(std::int32_t codepoint) {
  const auto category = utf8proc_category(codepoint);
  return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC ||
         category == UTF8PROC_CATEGORY_ME;
}

bool is_digit(std::int32_t codepoint) {
  return utf8proc_category(codepoint) == UTF8PROC_CATEGORY_ND;
}

bool is_letter(std::int32_t codepoint) {
  const auto category = utf8proc_category(codepoint);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

/// Blanks that Unicode has among its letters and marks and does not call ignorable: two of the Egyptian
/// hieroglyphs, and the filler of the Khitan small script.
bool is_blank_letter(std::int32_t codepoint) {
  return codepoint == 0x13441 || codepoint == 0x13442 || codepoint == 0x16FE4;
}

bool is_in_alphabet(std::int32_t codepoint) {
  if (codepoint < 0) return false;
  if (codepoint < 0x80 &&
      std::string_view("-_.[]{}|^`").find(static_cast<char>(codepoint)) != std::string_view::npos) {
    return true;
  }
  // Letters and marks that nobody can see (Hangul fillers, variation selectors) would make two names look
  // alike.
  if (utf8proc_get_property(codepoint)->ignorable || is_blank_letter(codepoint)) return false;
  return is_letter(codepoint) || is_digit(codepoint) || is_mark(codepoint);
}

/// Marks one upon the other, which spill over the lines around or hide beneath each other: UTS 39,
/// section 5.4.
bool piles_marks(std::string_view text) {
  std::size_t marks = 0;
  std::int32_t before = 0;
  bool piles = false;
  for_each_codepoint(text, [&](const Codepoint& codepoint) {
    const bool is_nonspacing = utf8proc_category(codepoint.value) == UTF8PROC_CATEGORY_MN;
    marks = is_nonspacing ? marks + 1 : 0;
    piles = piles || marks > kMarksInARowMax || (is_nonspacing && codepoint.value == before);
    before = codepoint.value;
  });
  return piles;
}

/// What is wrong with normalised text, as the end of a sentence; empty when nothing is.
std::string find_fault(std::string_view text, bool digit_may_begin) {
  if (text.empty()) return "is empty";
  if (text.size() > limits::kNameBytesMax) {
    return "has " + std::to_string(text.size()) + " bytes, more than " +
           std::to_string(limits::kNameBytesMax);
  }
  std::string fault;
  for_each_codepoint(text, [&](const Codepoint& codepoint) {
    if (!fault.empty() || is_in_alphabet(codepoint.value)) return;
    if (codepoint.value == ' ') {
      fault = "contains a space";
    } else if (codepoint.value == '~') {
      fault = "contains '~', which marks members whose name another one holds";
    } else {
      fault = "contains '" + format_safe_line(codepoint.bytes) +
              "', which is no letter, digit, mark or one of -_.[]{}|^`";
    }
  });
  if (!fault.empty()) return fault;
  if (piles_marks(text)) return "piles up marks on one letter";
  const std::size_t columns = display_columns(text);
  if (columns == 0) return "cannot be seen";
  if (columns > limits::kNameColumnsMax) {
    return "is " + std::to_string(columns) + " columns wide, more than " +
           std::to_string(limits::kNameColumnsMax);
  }
  const std::int32_t first = first_codepoint(text).value;
  if (first == '-' || first == '.') return std::string("begins with '") + static_cast<char>(first) + "'";
  if (is_mark(first)) return "begins with a mark that belongs to a letter before it";
  if (is_digit(first) && !digit_may_begin) return "begins with a digit";
  return "";
}

}  // namespace

Result<std::string> check_name(std::string_view name) {
  const auto refuse = [&](const std::string& fault) {
    const std::string subject = name.empty() ? "The name" : "The name " + quote(name);
    return fail(ExitStatus::kUsage, subject + " " + fault +
                                        ". Type a name of 1 to 32 letters, digits and -_.[]{}|^` that " +
                                        "begins with a letter, like Alice.");
  };
  if (name.size() > kInputBytesMax)
    return refuse("has " + std::to_string(name.size()) + " bytes, more than 64");
  auto normal = normalize(name, false);
  if (!normal) return refuse("is not UTF-8");
  if (const std::string fault = find_fault(*normal, false); !fault.empty()) return refuse(fault);
  return *std::move(normal);
}

std::string name_key(std::string_view name) {
  auto once = normalize(name, true);
  if (!once) return "";
  // Folding can give a form that folds further once it is composed; the second pass makes the key stable.
  return normalize(*once, true).value_or("");
}

Result<std::string> check_room(std::string_view room) {
  const auto refuse = [&](const std::string& fault) {
    const std::string subject = room.empty() ? "The room's name" : "The room " + quote(room);
    return fail(ExitStatus::kUsage,
                subject + " " + fault + ". Type # and 1 to 32 letters, digits and -_.[]{}|^` , like #lobby.");
  };
  if (room.size() > kInputBytesMax)
    return refuse("has " + std::to_string(room.size()) + " bytes, more than 64");
  if (room.empty()) return refuse("is empty");
  if (room.front() != '#') return refuse("does not begin with #");
  if (!is_well_formed(room)) return refuse("is not UTF-8");
  std::string label = name_key(room.substr(1));
  if (const std::string fault = find_fault(label, true); !fault.empty()) return refuse(fault);
  if (label.size() + 1 > limits::kRoomBytesMax) return refuse("has more than 64 bytes");
  return "#" + label;
}

Result<std::string> check_room_label(std::string_view room) {
  const bool is_public = room.ends_with(kPublicSuffix);
  if (!is_public && !is_private_room(room)) return check_room(room);
  const std::string_view suffix = room.substr(room.rfind('~'));
  auto name = check_room(room.substr(0, room.size() - suffix.size()));
  if (!name) return name;
  if (!is_public && name->size() + suffix.size() > limits::kRoomBytesMax) {
    return fail(ExitStatus::kUsage, "The room " + quote(room) + " has more than " +
                                        std::to_string(limits::kRoomBytesMax) +
                                        " bytes. Type a shorter name.");
  }
  return *name + std::string(suffix);
}

}  // namespace p2pmesh
