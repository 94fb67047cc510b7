// Names, rooms and text of others: what is printed drives no terminal and breaks no line.
#include "fuzz_input.h"
#include "p2pmesh/text/look_alikes.h"
#include "p2pmesh/text/name.h"
#include "p2pmesh/text/safe_text.h"
#include "p2pmesh/text/search_words.h"

using namespace p2pmesh;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(as_text(ByteView(data, size)));
  const std::string safe = format_safe_line(text);
  demand(is_well_formed(safe));
  for (const char c : safe) demand(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  demand(format_safe_line(safe) == safe);
  if (is_well_formed(text)) demand(parse_export_text(format_export_text(text)) == text);
  display_columns(text);
  search_words(text);
  if (const auto name = check_name(text)) {
    demand(check_name(*name) == *name);
    demand(name_key(*name) == name_key(text));
  }
  if (const auto room = check_room(text)) demand(check_room(*room) == *room);
  check_room_label(text);
  return 0;
}
