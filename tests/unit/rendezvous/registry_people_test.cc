// Who is where: ownership of names, replays, leases, look-ups, lists.
#include "registry_fixture.h"

namespace p2pmesh::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kNameKept = std::chrono::milliseconds(limits::kRendezvousNameKeptMs);

TEST_CASE_FIXTURE(RegistryFixture, "WhoRegistersIsFoundByNameAndByKey") {
  open(1);
  CHECK(put(1, 1, "Alice") == "registered");
  CHECK(look(1, "aLICE") == "online");
  CHECK(say(1, LookUp{1, key(1), ""}) == "online");
  CHECK(look(1, "Bob") == "unknown");
  CHECK(say(1, LookUp{1, key(2), ""}) == "unknown");
  const auto reply = decode_registered(payload(answers[1][0]));
  CHECK(reply->lease_s == 300);
  CHECK(reply->observed->ip == address(1).ip);
  CHECK(reply->observed->port == address(99).port);
}

TEST_CASE_FIXTURE(RegistryFixture, "WhatIsFoundIsWhatWasSigned") {
  open(1);
  Registration made = registration(1, 1, "Alice");
  made.meshes = {{MeshId{}, 3, "Ann"}};
  CHECK(put(made, 1, 1) == "registered");
  look(1, "Alice");
  const auto found = decode_found(payload(answers[1].back()));
  sign(made, 1);
  CHECK(found->registration == encode_registration(made));
  CHECK(found->seen_ms == now.wall_ms);
}

TEST_CASE_FIXTURE(RegistryFixture, "AnotherKeyDoesNotGetAHeldName") {
  open(1), open(2);
  CHECK(put(1, 1, "Alice") == "registered");
  const WallMs since = now.wall_ms;
  pass(10s);
  CHECK(put(2, 2, "ALICE") == "name held");
  CHECK(denied_value(2) == since);
  CHECK(put(1, 1, "aLICE") == "registered");
  CHECK(count("denied_name_held") == 1);
}

TEST_CASE_FIXTURE(RegistryFixture, "ARegistrationMustBeNewAndNotExpiredAndSigned") {
  open(1), open(2);
  Registration made = registration(1, 1, "Alice");
  CHECK(put(made, 1, 1) == "registered");
  CHECK(put(made, 1, 1) == "stale");
  CHECK(denied_value(1) == made.version);
  made = registration(1, 1, "Alice");
  made.valid_until_ms = now.wall_ms - 1;
  CHECK(put(made, 1, 1) == "expired");
  CHECK(denied_value(1) == now.wall_ms);
  made.valid_until_ms = now.wall_ms + limits::kRendezvousAheadMs + 1;
  CHECK(put(made, 1, 1) == "expired");
  made.valid_until_ms = now.wall_ms + limits::kRendezvousAheadMs;
  CHECK(put(made, 2, 1) == "malformed");
  CHECK(put(made, 1, 1) == "registered");
  // Signed for another server.
  made = registration(1, 1, "Alice");
  made.signature = HashSigner(1).sign(registration_signing_bytes(node(5), made));
  CHECK(say(1, Register{1, made}) == "malformed");
  // Over a link of another node.
  CHECK(put(registration(1, 1, "Alice"), 1, 2) == "malformed");
}

TEST_CASE_FIXTURE(RegistryFixture, "NamesHaveTheAlphabetOfNames") {
  open(1);
  for (const char* name : {"2bad", "a b", "~x", "-x", "x\xff", "A\xcc\x8a"})
    CHECK(put(1, 1, name) == "bad name");
  CHECK(put(1, 1, "\xc3\x85sa") == "registered");
}

TEST_CASE_FIXTURE(RegistryFixture, "ALinksEndIsAnOfflineAfterTheGrace") {
  open(1), open(2);
  put(1, 1, "Alice");
  pass(10s);
  registry->on_link_down(1, now);
  const WallMs ended = now.wall_ms;
  pass(4999ms);
  turn();
  CHECK(look(2, "Alice") == "online");
  pass(1ms);
  turn();
  CHECK(look(2, "Alice") == "offline");
  CHECK(decode_found(payload(answers[2].back()))->seen_ms == ended);
  CHECK(members[key(1)].seen_ms == ended);
}

TEST_CASE_FIXTURE(RegistryFixture, "ANewRegistrationCancelsTheGrace") {
  open(1), open(2), open(3);
  put(1, 1, "Alice");
  registry->on_link_down(1, now);
  pass(4s);
  CHECK(put(registration(1, 3, "Alice"), 1, 3) == "registered");
  pass(10s);
  turn();
  CHECK(look(2, "Alice") == "online");
}

TEST_CASE_FIXTURE(RegistryFixture, "TheEndOfALinkThatTheMemberHasLeftIsNothing") {
  open(1), open(2);
  put(1, 1, "Alice");
  CHECK(put(registration(1, 2, "Alice"), 1, 2) == "registered");
  registry->on_link_down(1, now);
  pass(60s);
  turn();
  CHECK(look(2, "Alice") == "online");
}

TEST_CASE_FIXTURE(RegistryFixture, "TheLeaseEndsWithoutARefresh") {
  open(1);
  put(1, 1, "Alice");
  const WallMs registered = now.wall_ms;
  CHECK(registry->next_deadline() <= now.monotonic + settings.lease);
  pass(299s);
  turn();
  CHECK(look(1, "Alice") == "online");
  pass(1s);
  turn();
  CHECK(look(1, "Alice") == "offline");
  CHECK(decode_found(payload(answers[1].back()))->seen_ms == registered);
  CHECK(registry->status().online == 0);
  CHECK(put(1, 1, "Alice") == "registered");
  CHECK(look(1, "Alice") == "online");
}

TEST_CASE_FIXTURE(RegistryFixture, "AWithdrawalIsSignedAndNew") {
  open(1), open(2);
  put(1, 1, "Alice");
  Withdraw withdraw{7, key(1), ++version, {}};
  CHECK(say(2, withdraw) == "malformed");
  withdraw.signature = HashSigner(1).sign(withdrawal_signing_bytes(self, withdraw));
  CHECK(say(1, withdraw) == "done");
  CHECK(look(1, "Alice") == "offline");
  CHECK(say(1, withdraw) == "stale");
  // What was registered before does not count any more, after a restart neither.
  Registration old = registration(1, 1, "Alice");
  old.version = withdraw.version - 1;
  CHECK(put(old, 1, 1) == "stale");
  restart();
  open(1);
  CHECK(put(old, 1, 1) == "stale");
  withdraw.member = key(9);
  CHECK(say(1, withdraw) == "not registered");
}

TEST_CASE_FIXTURE(RegistryFixture, "ANameIsOwnedForNinetyDaysAfterTheLastSighting") {
  open(1), open(2);
  put(1, 1, "Alice");
  registry->on_link_down(1, now);
  pass(10s);
  turn();
  pass(kNameKept - 11s);
  turn();
  CHECK(put(2, 2, "Alice") == "name held");
  CHECK(look(2, "Alice") == "offline");
  pass(2min);
  // At once, whether it has been swept or not.
  CHECK(put(2, 2, "Alice") == "registered");
  CHECK(registry->status().registered == 1);
  CHECK(members.size() == 1);
  CHECK(names.at("alice").owner == key(2));
}

TEST_CASE_FIXTURE(RegistryFixture, "WhoWasNotSeenForNinetyDaysIsForgotten") {
  open(1), open(2);
  put(1, 1, "Alice");
  registry->on_link_down(1, now);
  pass(10s);
  turn();
  pass(kNameKept + 1min);
  turn();
  CHECK(look(2, "Alice") == "unknown");
  CHECK(count("members_forgotten") == 1);
  CHECK(members.empty());
  CHECK(names.empty());
}

TEST_CASE_FIXTURE(RegistryFixture, "AFormerNameStaysOwnedAndIsNotFound") {
  open(1), open(2);
  put(1, 1, "Alice");
  CHECK(put(1, 1, "Ally") == "registered");
  CHECK(look(2, "Alice") == "unknown");
  CHECK(look(2, "Ally") == "online");
  CHECK(put(2, 2, "Alice") == "name held");
  CHECK(put(1, 1, "Alice") == "registered");
  CHECK(put(2, 2, "Ally") == "name held");
  // Refreshed for longer than a former name is kept.
  for (int day = 0; day < 92; ++day) {
    pass(24h);
    turn();
    CHECK(put(1, 1, "Alice") == "registered");
  }
  turn();
  CHECK(put(2, 2, "Ally") == "registered");
}

TEST_CASE_FIXTURE(RegistryFixture, "AMemberOwnsFourNamesAtMost") {
  open(1), open(2);
  for (const char* name : {"A", "B", "C", "D"}) put(1, 1, name);
  CHECK(put(2, 2, "A") == "name held");
  put(1, 1, "E");
  CHECK(put(2, 2, "B") == "name held");
  CHECK(put(2, 2, "A") == "registered");
  CHECK(names.size() == 5);
}

TEST_CASE_FIXTURE(RegistryFixture, "EverythingIsThereAfterARestart") {
  open(1), open(2);
  put(1, 1, "Alice");
  put(1, 1, "Ally");
  Registration hidden = registration(2, 2, "Bob");
  hidden.discoverable = false;
  put(hidden, 2, 2);
  restart();
  open(1), open(3);
  CHECK(registry->status().registered == 2);
  CHECK(registry->status().online == 0);
  CHECK(look(1, "Ally") == "offline");
  CHECK(look(1, "Bob") == "unknown");
  CHECK(put(3, 3, "Alice") == "name held");
  CHECK(put(3, 3, "Ally") == "name held");
  CHECK(put(3, 3, "Bob") == "name held");
  CHECK(put(hidden, 2, 2) == "fault");  // no such link any more
  open(2);
  CHECK(put(hidden, 2, 2) == "stale");
  CHECK(put(1, 1, "Ally") == "registered");
}

TEST_CASE_FIXTURE(RegistryFixture, "TheUndiscoverableAreInNoListNoLookUpAndNoFeed") {
  open(1), open(2);
  put(1, 1, "Alice");
  say(1, Watch{1, Watch::What::kEverybody, {}});
  Registration hidden = registration(2, 2, "Bob");
  hidden.discoverable = false;
  hidden.meshes = {{MeshId{}, 1, "Ann"}};
  CHECK(put(hidden, 2, 2) == "registered");
  CHECK(look(1, "Bob") == "unknown");
  CHECK(say(1, ListPeople{1, false, {}}) == "people Alice");
  CHECK(say(1, ListMeshes{1, {}}) == "meshes");
  const auto before = answers[1].size();
  turn();
  CHECK(answers[1].size() == before);
  // Who hides goes offline for the others.
  Registration shown = registration(2, 2, "Bob");
  CHECK(put(shown, 2, 2) == "registered");
  turn();
  CHECK(last(1) == "online:Bob");
  say(1, ChangesSeen{UINT64_MAX >> 63});
  hidden = registration(2, 2, "Bob");
  hidden.discoverable = false;
  put(hidden, 2, 2);
  turn();
  CHECK(last(1) == "offline:Bob");
  CHECK(say(1, ListPeople{1, false, {}}) == "people Alice");
}

TEST_CASE_FIXTURE(RegistryFixture, "PeopleAreListedInPages") {
  open(1);
  for (std::uint64_t i = 0; i < 250; ++i) put(i, 1);
  std::size_t listed = 0;
  int pages = 0;
  ListPeople list{1, false, std::nullopt};
  for (;; ++pages) {
    say(1, list);
    const auto page = decode_people(payload(answers[1].back()));
    listed += page->people.size();
    if (page->last) break;
    CHECK(page->people.size() == limits::kRendezvousPageMax);
    list.after = page->people.back().member;
  }
  CHECK(listed == 250);
  CHECK(pages == 2);
  // Of those who are online the others are left out.
  Withdraw withdraw{7, key(3), ++version, {}};
  withdraw.signature = HashSigner(3).sign(withdrawal_signing_bytes(self, withdraw));
  say(1, withdraw);
  std::size_t online = 0;
  list = {1, true, std::nullopt};
  for (;;) {
    say(1, list);
    const auto page = decode_people(payload(answers[1].back()));
    online += page->people.size();
    if (page->last) break;
    list.after = page->people.back().member;
  }
  CHECK(online == 249);
}

TEST_CASE_FIXTURE(RegistryFixture, "TheOneWhoIsThereLongestSpeaksForAMesh") {
  open(1), open(2);
  const MeshId garden = MeshId{hash_tagged("mesh", as_bytes("garden"))};
  Registration first = registration(1, 1, "Alice");
  first.meshes = {{garden, 3, "Ann"}};
  Registration second = registration(2, 2, "Bob");
  second.meshes = {{garden, 4'000'000, "Liar"}};
  put(first, 1, 1);
  put(second, 2, 2);
  CHECK(say(1, ListMeshes{1, {}}) == "meshes Ann2");
  auto entry = decode_meshes(payload(answers[1].back()))->meshes.front();
  CHECK(entry.online == 3);
  CHECK(entry.names == std::vector<std::string>{"Alice", "Bob"});
  // A refresh keeps the place.
  first = registration(1, 1, "Alice");
  first.meshes = {{garden, 5, "Ann"}};
  put(first, 1, 1);
  say(1, ListMeshes{1, {}});
  CHECK(decode_meshes(payload(answers[1].back()))->meshes.front().online == 5);
  // Who leaves the mesh, or goes, speaks no more.
  put(registration(1, 1, "Alice"), 1, 1);
  CHECK(say(1, ListMeshes{1, {}}) == "meshes Liar1");
  registry->on_link_down(2, now);
  pass(5s);
  turn();
  CHECK(say(1, ListMeshes{1, {}}) == "meshes");
}

TEST_CASE_FIXTURE(RegistryFixture, "MeshesAreListedInPages") {
  open(1);
  for (std::uint64_t i = 0; i < 20; ++i) {
    Registration made = registration(i, 1, name_of(i));
    for (std::uint64_t m = 0; m < limits::kRendezvousMeshesPerMember; ++m) {
      const MeshId mesh = MeshId{hash_tagged("mesh", Writer().u64(i).u64(m).take())};
      made.meshes.push_back({mesh, 1, "x"});
    }
    std::sort(made.meshes.begin(), made.meshes.end(),
              [](const OpenMesh& one, const OpenMesh& other) { return one.mesh < other.mesh; });
    CHECK(put(made, i, 1) == "registered");
  }
  std::size_t listed = 0;
  ListMeshes list{1, std::nullopt};
  for (;;) {
    say(1, list);
    const auto page = decode_meshes(payload(answers[1].back()));
    listed += page->meshes.size();
    if (page->last) break;
    list.after = page->meshes.back().mesh;
  }
  CHECK(listed == 320);
}

TEST_CASE_FIXTURE(RegistryFixture, "WatchersAreToldWhoComesGoesAndMoves") {
  open(1), open(2);
  put(1, 1, "Alice");
  CHECK(say(1, Watch{1, Watch::What::kSome, {key(2)}}) == "done");
  put(3, 1, "Carol");
  put(2, 2, "Bob");
  turn();
  CHECK(last(1) == "online:Bob");
  put(2, 2, "Bob");  // nothing is new
  const auto before = answers[1].size();
  turn();
  CHECK(answers[1].size() == before);
  Registration moved = registration(2, 2, "Bob");
  moved.addresses = {address(5)};
  put(moved, 2, 2);
  turn();
  CHECK(last(1) == "moved:Bob");
  registry->on_link_down(2, now);
  pass(5s);
  turn();
  CHECK(last(1) == "offline:Bob");
  CHECK(registry->status().watchers == 1);
  CHECK(say(1, Watch{1, Watch::What::kNothing, {}}) == "done");
  CHECK(registry->status().watchers == 0);
}

}  // namespace
}  // namespace p2pmesh::test
