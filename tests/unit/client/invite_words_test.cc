#include "invite_words.h"

#include <doctest/doctest.h>

#include "qr_code.h"

namespace p2pmesh {
namespace {

TEST_CASE("ALinkIsForOneAndAWeekUnlessSomethingElseIsSaid") {
  const auto plain = parse_link_words("");
  REQUIRE(plain);
  CHECK(plain->uses == 1);
  CHECK(plain->for_ms == kInviteForMs);
  const auto both = parse_link_words(" 3  2h ");
  REQUIRE(both);
  CHECK(both->uses == 3);
  CHECK(both->for_ms == 7'200'000);
  const auto open = parse_link_words("any never");
  REQUIRE(open);
  CHECK(open->uses == 0);
  CHECK_FALSE(open->for_ms);
  for (const char* wrong : {"0", "-1", "many", "99999999", "1 soon", "1 2h 3", "2h"}) {
    CAPTURE(wrong);
    const auto parsed = parse_link_words(wrong);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().status == ExitStatus::kUsage);
  }
}

TEST_CASE("AnInviteIsToldInOneLineThatDrivesNoTerminal") {
  control::InviteEntry invite;
  invite.key = "1a2b3c4d5e6f";
  invite.by = "A\x1b[2J";
  invite.uses = 3;
  invite.used = 1;
  invite.standing = "open";
  CHECK(describe_invite(invite, true) == "1a2b3c4d by A\\x1b[2J: open, 1 of 3 used, for good");
  CHECK(describe_terms(1, 0, true) == "for 1 member, for good");
  CHECK(describe_terms(0, 1795269600000, true).starts_with("for any number of members, until 2026-11-21T"));
}

TEST_CASE("ACodeIsAsWideAsItsLinkNeeds") {
  const auto code = draw_qr_code("p2pmesh://127.0.0.1:9750/" + std::string(129, 'a'));
  REQUIRE(code);
  CHECK(std::count(code->begin(), code->end(), '\n') > 20);
  CHECK(code->find("\u2588") != std::string::npos);
  CHECK_FALSE(draw_qr_code(std::string(5000, 'a')));
}

}  // namespace
}  // namespace p2pmesh
