// Each bound of a registry is reached, and what is beyond it is refused.
#include "registry_fixture.h"

namespace p2pmesh::test {
namespace {

using namespace std::chrono_literals;

struct Usual : RegistryFixture {
  Usual() : RegistryFixture(RendezvousSettings{}) {}
};

TEST_CASE_FIXTURE(Usual, "RegistrationsOfALinkHaveABudget") {
  settings.names_per_hour = 1'000'000;
  begin();
  open(1);
  for (std::uint64_t i = 0; i < limits::kRegistrationsBurst; ++i) REQUIRE(put(i, 1) == "registered");
  CHECK(put(1000, 1) == "over");
  CHECK(denied_value(1) == 1000 / limits::kRegistrationsPerSecond);
  pass(std::chrono::milliseconds(denied_value(1)));
  CHECK(put(1000, 1) == "registered");
  CHECK(put(1001, 1) == "over");
  // Another link has its own.
  open(2);
  CHECK(put(registration(1001, 2, "x"), 1001, 2) == "registered");
}

TEST_CASE_FIXTURE(Usual, "ALinkThatGoesOnAtTenTimesItsBudgetIsClosed") {
  open(1);
  std::uint64_t answered = 0;
  std::string said;
  while ((said = look(1, "x")) != "fault") {
    REQUIRE(++answered <= limits::kRendezvousFarOver * limits::kRendezvousLookUpsBurst);
  }
  CHECK(answered == limits::kRendezvousFarOver * limits::kRendezvousLookUpsBurst);
  CHECK(count("denied_over_budget") == answered - limits::kRendezvousLookUpsBurst);
  CHECK(registry->status().links == 0);
}

TEST_CASE_FIXTURE(Usual, "ALinkThatStaysBelowTenTimesItsBudgetIsServedAtItsBudget") {
  open(1);
  std::uint64_t found = 0;
  for (int i = 0; i < 20'000; ++i) {
    pass(1ms);  // a thousand a second
    found += look(1, "x") == "unknown" ? 1 : 0;
  }
  CHECK(found >= 20 * limits::kRendezvousLookUpsPerSecond);
  CHECK(found <= 20 * limits::kRendezvousLookUpsPerSecond + limits::kRendezvousLookUpsBurst);
}

TEST_CASE_FIXTURE(Usual, "PagesPingsAndAsksHaveBudgetsOfTheirOwn") {
  open(1);
  put(1, 1);
  for (std::uint64_t i = 0; i < limits::kRendezvousPagesBurst; ++i)
    REQUIRE(say(1, ListPeople{1, false, {}}) != "over");
  CHECK(say(1, ListMeshes{1, {}}) == "over");
  for (std::uint64_t i = 0; i < limits::kAsksBurst; ++i) {
    Ask ask{key(1), key(2), i, {}, {}};
    ask.signature = HashSigner(1).sign(ask_signing_bytes(self, ask));
    REQUIRE(say(1, AskFrame{1, ask}) == "waiting");
  }
  CHECK(say(1, AskFrame{1, Ask{key(1), key(2), 99, {}, {}}}) == "over");
  Ping ping;
  ping.token = 7;
  const Bytes frame = encode_ping(ping);
  std::uint64_t pings = 0;
  while (raw(1, 7, payload(frame)) != "fault") ++pings;
  CHECK(pings == limits::kRendezvousFarOver * limits::kRendezvousOthersBurst);
}

TEST_CASE_FIXTURE(Usual, "NewNamesOfAnAddressHaveABudget") {
  open(1), open(2);
  for (std::uint64_t i = 0; i < limits::kRendezvousNamesPerHour; ++i) REQUIRE(put(i, 1) == "registered");
  CHECK(put(1000, 1) == "over");
  CHECK(denied_value(1) == 3'600'000 / limits::kRendezvousNamesPerHour);
  CHECK(put(3, 1) == "registered");  // it has its name
  CHECK(put(registration(1000, 2, "x"), 1000, 2) == "registered");
  pass(1min);
  turn();
  CHECK(put(1001, 1) == "registered");
  CHECK(put(1002, 1) == "over");
}

TEST_CASE_FIXTURE(RegistryFixture, "ThereAreOnlySoManyMembers") {
  settings.members_max = 3;
  begin();
  open(1);
  for (std::uint64_t i = 0; i < 3; ++i) CHECK(put(i, 1) == "registered");
  CHECK(put(4, 1) == "full");
  CHECK(denied_value(1) == 3);
  CHECK(put(2, 1) == "registered");
  CHECK(registry->status().registered == 3);
}

TEST_CASE_FIXTURE(RegistryFixture, "RegistrationsTogetherHaveSoManyBytes") {
  Registration made = registration(0, 1, "x");
  made.addresses.assign(limits::kAddressesMax, address(1));
  for (std::uint8_t m = 0; m < limits::kRendezvousMeshesPerMember; ++m) {
    MeshId mesh;
    mesh.bytes[0] = m;
    made.meshes.push_back({mesh, 1, std::string(limits::kRendezvousLabelBytesMax, 'l')});
  }
  const std::size_t bytes = encode_registration(made).size();
  RendezvousState state;
  while ((state.members.size() + 1) * bytes + limits::kRegistrationBytesMax < limits::kRendezvousBytesMax) {
    made.member = key(1000 + state.members.size());
    state.members.push_back({made.member, 1, {}, now.wall_ms, encode_registration(made)});
  }
  settings.members_max = 1'000'000;
  begin();
  registry->restore(std::move(state), now);
  open(1);
  CHECK(put(1, 1) == "registered");
  std::uint64_t further = 2;
  while (put(further, 1) == "registered" && further < 100) ++further;
  CHECK(last(1) == "full");
  CHECK(denied_value(1) == limits::kRendezvousBytesMax);
  for (const auto& [name, used] : registry->uses()) {
    if (name == "rendezvous_bytes_max") CHECK(used <= limits::kRendezvousBytesMax);
  }
}

TEST_CASE_FIXTURE(RegistryFixture, "NothingIsTakenInWhileTheDiskIsBehind") {
  open(1);
  put(1, 1);
  registry->set_writes_waiting(limits::kRendezvousWritesMax + 1);
  CHECK(put(2, 1) == "over");
  Ask ask{key(1), key(2), 1, {}, {}};
  ask.signature = HashSigner(1).sign(ask_signing_bytes(self, ask));
  CHECK(say(1, AskFrame{1, ask}) == "over");
  CHECK(look(1, name_of(1)) == "online");
  registry->set_writes_waiting(0);
  CHECK(put(2, 1) == "registered");
}

TEST_CASE_FIXTURE(Usual, "OneAddressHasSoManyLinks") {
  for (RendezvousLink link = 1; link <= limits::kRendezvousLinksPerSource; ++link)
    REQUIRE(registry->on_link_up(link, node(link), address(1), now));
  CHECK_FALSE(registry->on_link_up(999, node(999), address(1), now));
  CHECK(registry->on_link_up(1000, node(1000), address(2), now));
  registry->on_link_down(7, now);
  CHECK(registry->on_link_up(999, node(999), address(1), now));
  CHECK(count("links_refused") == 1);
  // One network of 64 bits is one address.
  NetAddress v6;
  v6.v6 = true;
  v6.ip[0] = 0x20;
  for (RendezvousLink link = 2001; link <= 2000 + limits::kRendezvousLinksPerSource; ++link) {
    v6.ip[15] = static_cast<std::uint8_t>(link);
    REQUIRE(registry->on_link_up(link, node(link), v6, now));
  }
  CHECK_FALSE(registry->on_link_up(3000, node(3000), v6, now));
}

TEST_CASE_FIXTURE(RegistryFixture, "ASilentLinkIsClosed") {
  open(1), open(2);
  put(1, 1);
  for (int minute = 0; minute < 9; ++minute) {
    pass(1min);
    CHECK(turn().empty());
    look(2, "x");
  }
  pass(61s);
  CHECK(turn() == std::vector<RendezvousLink>{1});
}

TEST_CASE_FIXTURE(RegistryFixture, "EnvelopesAndWhatIsOutOfPlaceAreFaults") {
  for (std::uint8_t type = 1; type < 128; ++type) {
    open(type);
    // What the rendezvous itself sends, too. An empty one of the others is malformed.
    CHECK(raw(type, type, Bytes{}) == "fault");
  }
  open(200);
  CHECK(raw(200, 200, Bytes{}) != "fault");
}

TEST_CASE_FIXTURE(RegistryFixture, "OneWhoDoesNotSayWhatItSawIsToldToListAnew") {
  open(1), open(2);
  say(1, Watch{1, Watch::What::kEverybody, {}});
  const auto frames = [&] { return answers[1].size() - 1; };
  Registration made = registration(2, 2, "Bob");
  const auto flip = [&] {
    made.version = ++version;
    made.addresses[0].port ^= 1;
    put(made, 2, 2);
    answers.erase(2);
    writes.clear();
    registry->set_writes_waiting(0);
  };
  for (std::size_t i = 0; i < 20; ++i) flip(), turn();
  CHECK(frames() == limits::kRendezvousChangesAhead);
  // Those that it has not been sent are still remembered.
  const auto first = decode_changes(payload(answers[1][1]));
  say(1, ChangesSeen{first->position});
  turn();
  CHECK(frames() == limits::kRendezvousChangesAhead + 1);
  CHECK(decode_changes(payload(answers[1].back()))->changes.size() == 20 - limits::kRendezvousChangesAhead);
  // And now they are not.
  for (std::size_t i = 0; i < limits::kRendezvousChangesMax + 1; ++i) flip();
  turn();
  CHECK(frames() == limits::kRendezvousChangesAhead + 1);
  const auto newest = decode_changes(payload(answers[1].back()));
  say(1, ChangesSeen{newest->position});
  turn();
  CHECK(last(1) == "missed");
  CHECK(count("watchers_missed_changes") == 1);
  flip();
  turn();
  CHECK(last(1) == "moved:Bob");
  CHECK(say(1, ChangesSeen{UINT64_MAX}) == "fault");
}

TEST_CASE_FIXTURE(RegistryFixture, "ManyChangesAreTakenUpInFramesOfABoundedSize") {
  open(1), open(2), open(3);
  say(1, Watch{1, Watch::What::kEverybody, {}});
  say(3, Watch{1, Watch::What::kEverybody, {}});
  for (std::uint64_t i = 0; i < 1200; ++i) put(registration(i, 2, name_of(i)), i, 2);
  int turns = 0;
  do turn(), ++turns;
  while (registry->next_deadline() == Instant{} && turns < 10);
  std::size_t told = 0;
  for (std::size_t i = 1; i < answers[1].size(); ++i)
    told += decode_changes(payload(answers[1][i]))->changes.size();
  CHECK(told == 1200);
  CHECK(answers[1].size() == 1 + 3);
  CHECK(answers[3].size() == answers[1].size());
}

}  // namespace
}  // namespace p2pmesh::test
