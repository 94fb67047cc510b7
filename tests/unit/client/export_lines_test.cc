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

TEST_CASE("a CSV row keeps line breaks and quotes, and is no formula") {
  const auto row = [](const std::string& text) {
    std::string out;
    append_csv_row(out, make_message(text));
    const std::string start = "2026-11-20T14:05:09.123Z,Bob~4f2a,";
    const std::string end = ",#lobby\r\n";
    REQUIRE(out.starts_with(start));
    REQUIRE(out.ends_with(end));
    return out.substr(start.size(), out.size() - start.size() - end.size());
  };
  CHECK(row("plain") == "plain");
  CHECK(row("a,b") == "\"a,b\"");
  CHECK(row("say \"hi\"") == "\"say \"\"hi\"\"\"");
  CHECK(row("a\nb\r\nc\n") == "\"a\nb\nc\n\"");
  CHECK(row("a\rb") == "a\\x0db");
  CHECK(row("\x1b[2J\u202e\\") == "\\x1b[2J\\xe2\\x80\\xae\\");
  for (const std::string formula : {"=1+1", "+1", "-1", "@x"}) CHECK(row(formula) == "'" + formula);
  CHECK(row("=\"a\",b") == "\"'=\"\"a\"\",b\"");
  CHECK(row("a=b") == "a=b");
  CHECK(row("'=1") == "'=1");
  CHECK(row("\t=1") == "\\x09=1");
  std::string direct;
  control::ChatMessage message = make_message("hi");
  message.direct.emplace().name = "Carol";
  append_csv_header(direct, true);
  append_csv_row(direct, message);
  append_csv_header(direct, false);
  CHECK(direct ==
        "time,name,text,with\r\n2026-11-20T14:05:09.123Z,Bob~4f2a,hi,Carol\r\ntime,name,text,room\r\n");
}

TEST_CASE("an export that begins later says so in its first line") {
  std::string out;
  append_export_header(out, "with Bob", 1795183509123, 1795132800000);
  CHECK(out == "# with Bob, held from 2026-11-20T14:05:09.123Z, since 2026-11-20T00:00:00.000Z\n");
}

TEST_CASE("a local time is read as the clock here shows it, and in UTC with a Z") {
  for (const char* text : {"2026-11-20", "2026-11-20T14:05", "2026-07-01T00:00"}) {
    CAPTURE(text);
    REQUIRE(parse_local(text));
    const std::string shown = format_local_date(*parse_local(text));
    std::string wanted = text;
    if (wanted.size() == 10) wanted += "T00:00";
    wanted[10] = ' ';
    CHECK(shown == wanted);
  }
  CHECK(parse_local("2026-11-20T14:05Z") == 1795183500000);
  CHECK_FALSE(parse_local("now"));
}

TEST_CASE("a message that was found is told with its room, on one line") {
  std::string out;
  append_found_text(out, make_message("a\nb\x1b"));
  append_history_text(out, make_message("c"));
  CHECK(out ==
        "2026-11-20T14:05:09.123Z #lobby Bob~4f2a: a\\nb\\x1b\n2026-11-20T14:05:09.123Z Bob~4f2a: c\n");
}

TEST_CASE("a time is read to the day, minute, second or millisecond, and nothing else is one") {
  CHECK(parse_utc("1970-01-01") == 0);
  CHECK(parse_utc("2026-11-20") == 1795132800000);
  CHECK(parse_utc("2026-11-20T14:05") == 1795183500000);
  CHECK(parse_utc("2026-11-20T14:05Z") == 1795183500000);
  CHECK(parse_utc("2026-11-20T14:05:09") == 1795183509000);
  CHECK(parse_utc("2026-11-20T14:05:09.123Z") == 1795183509123);
  CHECK(parse_utc("2024-02-29") == 1709164800000);
  for (const WallMs time : {WallMs{1}, WallMs{951782399999}, WallMs{253402300799999}})
    CHECK(parse_utc(format_utc(time)) == time);
  for (const char* text : {"",
                           "Z",
                           "2026",
                           "2026-11-20Z",
                           "2026-11-20 14:05",
                           "2026-02-29",
                           "2026-13-01",
                           "2026-00-01",
                           "2026-11-00",
                           "2026-11-20T24:00",
                           "2026-11-20T14:60",
                           "2026-11-20T14:05:60",
                           "2026-11-20T14:5",
                           "1969-12-31",
                           "-026-11-20",
                           "2026-11-2x",
                           "20261120",
                           "2026-11-20T",
                           "2026-11-20T14:05:09.12",
                           "2026-11-20T14:05:09.1234",
                           "2026-11-20T14:05+1",
                           "now"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_utc(text));
  }
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
