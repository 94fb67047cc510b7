// Who asks for whom: kept until it is taken, whoever goes or restarts meanwhile.
#include "registry_fixture.h"

namespace p2pmesh::test {
namespace {

using namespace std::chrono_literals;

struct Asking : RegistryFixture {
  Asking() {
    open(1);
    put(1, 1, "Alice");
  }
  Ask make(std::uint64_t asker, std::uint64_t recipient, const std::string& text) {
    Ask ask{key(asker), key(recipient), now.wall_ms, {}, {}};
    ask.sealed.assign(text.begin(), text.end());
    ask.signature = HashSigner(asker).sign(ask_signing_bytes(self, ask));
    return ask;
  }
  AskId id_of(const Ask& ask) const { return AskId{hash_tagged(kAskIdTag, ask_signing_bytes(self, ask))}; }
  std::string ask_for(std::uint64_t asker, std::uint64_t recipient, const std::string& text,
                      RendezvousLink link = 1) {
    return say(link, AskFrame{ticket, make(asker, recipient, text)});
  }
  std::vector<AskId> ids_of(const std::vector<std::uint64_t>& numbers) {
    std::vector<AskId> ids;
    for (const std::uint64_t number : numbers) ids.push_back(asks.at(number).id);
    return ids;
  }
};

TEST_CASE_FIXTURE(Asking, "ARequestIsKeptAndHandedOverWhenItsRecipientComes") {
  CHECK(ask_for(1, 2, "hello") == "waiting");
  REQUIRE(asks.size() == 1);
  CHECK(decode_ask(asks.begin()->second.ask)->sealed == Bytes{'h', 'e', 'l', 'l', 'o'});
  open(2);
  put(registration(2, 2, "Bob"), 2, 2);
  CHECK(handed[2] == std::vector<std::uint64_t>{1});
  CHECK(say(2, AsksTaken{1, ids_of(handed[2])}) == "done");
  CHECK(last(1) == "delivered");
  CHECK(asks.at(1).delivered);
  CHECK(registry->status().asks == 0);
  CHECK(say(1, ListAsks{1, key(1)}) == "asks 1");
  // Once is enough.
  const auto before = writes.size();
  CHECK(say(2, AsksTaken{1, ids_of(handed[2])}) == "done");
  CHECK(writes.size() == before);
}

TEST_CASE_FIXTURE(Asking, "WhoIsOnlineGetsItAtOnce") {
  open(2);
  put(registration(2, 2, "Bob"), 2, 2);
  ask_for(1, 2, "hello");
  CHECK(handed[2].size() == 1);
}

TEST_CASE_FIXTURE(Asking, "WhatWasNotTakenComesAgainOverAnotherLinkAndAfterARestart") {
  open(2);
  put(registration(2, 2, "Bob"), 2, 2);
  ask_for(1, 2, "hello");
  put(registration(2, 2, "Bob"), 2, 2);  // a refresh
  CHECK(handed[2].size() == 1);
  registry->on_link_down(2, now);
  ask_for(1, 2, "again");
  CHECK(handed[2].size() == 1);  // nobody is there
  open(3);
  put(registration(2, 3, "Bob"), 2, 3);
  CHECK(handed[3].size() == 2);
  restart();
  open(4);
  put(registration(2, 4, "Bob"), 2, 4);
  CHECK(handed[4] == std::vector<std::uint64_t>{1, 2});
}

TEST_CASE_FIXTURE(Asking, "TheSameRequestIsOneRequest") {
  const Ask ask = make(1, 2, "hello");
  CHECK(say(1, AskFrame{1, ask}) == "waiting");
  CHECK(say(1, AskFrame{2, ask}) == "waiting");
  CHECK(decode_ask_state(payload(answers[1].back()))->id == id_of(ask));
  CHECK(asks.size() == 1);
}

TEST_CASE_FIXTURE(Asking, "WhoAsksIsRegisteredHereAndHasSigned") {
  open(2);
  CHECK(ask_for(1, 3, "hello", 2) == "not registered");
  CHECK(ask_for(2, 3, "hello", 2) == "not registered");
  Ask ask = make(1, 2, "hello");
  ask.sealed.push_back('!');
  CHECK(say(1, AskFrame{1, ask}) == "malformed");
  CHECK(say(2, ListAsks{1, key(1)}) == "not registered");
  CHECK(asks.empty());
}

TEST_CASE_FIXTURE(Asking, "AnAskerTakesItsOwnBackAndNobodyElseDoes") {
  const Ask ask = make(1, 3, "hello");
  say(1, AskFrame{1, ask});
  open(2);
  put(registration(2, 2, "Bob"), 2, 2);
  CHECK(say(2, TakeBack{1, id_of(ask)}) == "unknown request");
  CHECK(say(2, AsksTaken{1, {id_of(ask)}}) == "done");
  CHECK_FALSE(asks.at(1).delivered);
  CHECK(say(1, TakeBack{1, id_of(ask)}) == "done");
  CHECK(asks.empty());
  CHECK(say(1, TakeBack{1, id_of(ask)}) == "unknown request");
  CHECK(say(1, ListAsks{1, key(1)}) == "asks 0");
}

TEST_CASE_FIXTURE(Asking, "AnAskerHasAHundredAndARecipientAThousand") {
  for (std::size_t i = 0; i < limits::kAsksPerAsker; ++i) REQUIRE(ask_for(1, 100 + i, "x") == "waiting");
  CHECK(ask_for(1, 999, "x") == "full");
  CHECK(denied_value(1) == limits::kAsksPerAsker);
  for (std::uint64_t asker = 10; asker < 20; ++asker) {
    open(asker);
    put(registration(asker, asker, name_of(asker)), asker, asker);
    for (std::size_t i = 0; i < limits::kAsksPerAsker; ++i)
      REQUIRE(ask_for(asker, 5, std::to_string(i), asker) == "waiting");
  }
  open(20);
  put(registration(20, 20, "Zoe"), 20, 20);
  CHECK(ask_for(20, 5, "x", 20) == "full");
  CHECK(denied_value(20) == limits::kAsksPerRecipient);
  CHECK(ask_for(20, 6, "x", 20) == "waiting");
}

TEST_CASE_FIXTURE(Asking, "OnlySoManyAreOnTheirWayAtOnce") {
  for (std::size_t i = 0; i < 40; ++i) REQUIRE(ask_for(1, 2, std::to_string(i)) == "waiting");
  open(2);
  put(registration(2, 2, "Bob"), 2, 2);
  CHECK(handed[2].size() == limits::kAsksAhead);
  std::size_t taken = 0;
  while (taken < handed[2].size()) {
    CHECK(say(2, AsksTaken{1, ids_of({handed[2][taken]})}) == "done");
    ++taken;
    CHECK(handed[2].size() <= taken + limits::kAsksAhead);
  }
  CHECK(taken == 40);
  CHECK(registry->status().asks == 0);
}

TEST_CASE_FIXTURE(Asking, "ARequestIsKeptForThirtyDays") {
  ask_for(1, 2, "hello");
  pass(std::chrono::milliseconds(limits::kAskKeptMs) - 1h);
  turn();
  CHECK(asks.size() == 1);
  pass(2h);
  turn();
  CHECK(asks.empty());
  CHECK(count("asks_expired") == 1);
}

TEST_CASE_FIXTURE(Asking, "ThereAreOnlySoManyInAll") {
  RendezvousState state;
  for (std::uint64_t i = 1; i <= limits::kAsksMax; ++i) {
    const AskId id{hash_tagged("id", Writer().u64(i).take())};
    state.asks.push_back({i, id, key(1000 + i / 90), key(5000 + i / 900), now.wall_ms, false, {}});
  }
  begin();
  registry->restore(std::move(state), now);
  open(1);
  put(1, 1, "Alice");
  CHECK(ask_for(1, 2, "x") == "full");
  CHECK(denied_value(1) == limits::kAsksMax);
}

}  // namespace
}  // namespace p2pmesh::test
