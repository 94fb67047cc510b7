#include "export_lines.h"

#include <doctest/doctest.h>

#include <string>

#include "clock_text.h"
#include "complaint.h"

namespace p2pmesh {
namespace {

control::ChatMessage make_message(const std::string& text) {
  control::ChatMessage message;
  message.id.envelope.bytes.fill(0xab);
  message.id.index = 3;
  message.author.bytes.fill(0x0c);
  message.name = "Bob~4f2a";
  message.room = "#lobby";
  message.text = text;
  message.wall_ms = 1795183509123;
  return message;
}

TEST_CASE("an exported line has three fields and no raw control byte") {
  std::string out;
  append_export_text(out, make_message("a\tb\n\\ \x1b\u202eü"));
  CHECK(out == "2026-11-20T14:05:09.123Z\tBob~4f2a\ta\\tb\\n\\\\ \\x1b\\xe2\\x80\\xaeü\n");
}

TEST_CASE("the first line says what is held") {
  std::string out;
  append_export_header(out, "#lobby", 1795183509123);
  append_export_header(out, "#dev", std::nullopt);
  CHECK(out == "# #lobby, held from 2026-11-20T14:05:09.123Z\n# #dev, nothing held\n");
}

TEST_CASE("the JSON form has five members") {
  std::string out;
  append_export_json(out, make_message("q\"\x1b\n"));
  const auto message = make_message("");
  CHECK(out == "{\"id\":\"" + message.id.envelope.hex() +
                   ".3\",\"time\":\"2026-11-20T14:05:09.123Z\",\"author\":\"" + message.author.hex() +
                   "\",\"name\":\"Bob~4f2a\",\"text\":\"q\\\"\\u001b\\n\"}\n");
}

TEST_CASE("times beyond every calendar are shown as its end") {
  CHECK(format_utc(0) == "1970-01-01T00:00:00.000Z");
  CHECK(format_utc(UINT64_MAX) == "9999-12-31T23:59:59.999Z");
  CHECK(next_minute(59999) == 60000);
  CHECK(next_minute(60000) == 120000);
  CHECK(format_local_minute(next_minute(UINT64_MAX)).size() == 5);
}

TEST_CASE("a complaint is safe, and keeps its lines") {
  CHECK(format_complaint("p2pchat", "a\x1b\nb\n") == "p2pchat: a\\x1b\nb\n");
}

}  // namespace
}  // namespace p2pmesh
