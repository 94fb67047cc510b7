#include "moderation_words.h"

#include <doctest/doctest.h>

#include <string>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

TEST_CASE("ASpanIsANumberAndAUnit") {
  CHECK(parse_span("30s") == 30'000);
  CHECK(parse_span("30m") == 1'800'000);
  CHECK(parse_span("2h") == 7'200'000);
  CHECK(parse_span("7d") == 604'800'000);
  CHECK(parse_span("1w") == 604'800'000);
  for (const char* none :
       {"", "m", "0m", "-1m", "1.5h", "30", "30x", "m30", "99999999999999999999d", "40000d"}) {
    CAPTURE(none);
    CHECK_FALSE(parse_span(none));
  }
}

TEST_CASE("WhatFollowsANameIsTheMeshATimeAndAReasonInThisOrder") {
  const auto all = parse_moderation(" mesh 2h  too  loud ", true);
  REQUIRE(all);
  CHECK(all->mesh);
  CHECK(all->for_ms == 7'200'000);
  CHECK(all->reason == "too  loud");
  const auto reason = parse_moderation("meshes are 2h away", true);
  REQUIRE(reason);
  CHECK_FALSE(reason->mesh);
  CHECK_FALSE(reason->for_ms);
  CHECK(reason->reason == "meshes are 2h away");
  CHECK(parse_moderation("2h of this", false)->reason == "2h of this");
  CHECK(parse_moderation("", true)->reason.empty());
  CHECK_FALSE(parse_moderation("\xff", true));
  for (const char* mistyped : {"99x loud", "0m", "30 minutes"}) {
    CAPTURE(mistyped);
    CHECK_FALSE(parse_moderation(mistyped, true));
    CHECK(parse_moderation(mistyped, false));
  }
  CHECK_FALSE(parse_moderation(std::string(limits::kActReasonBytesMax + 1, 'x'), true));
}

TEST_CASE("NoReasonOrNameDrivesATerminal") {
  control::ModerationEvent event;
  event.verb = "ban";
  event.by_name = "A\x1b[2J";
  event.name = "B\n";
  event.reason = "c\r";
  CHECK(describe_act(event, "#d\x07") == "A\\x1b[2J banned B\\n from #d\\x07: c\\x0d");
  event.self = true;
  event.reason.clear();
  CHECK(describe_act(event, "") == "A\\x1b[2J banned you from the mesh.");
}

}  // namespace
}  // namespace p2pmesh
