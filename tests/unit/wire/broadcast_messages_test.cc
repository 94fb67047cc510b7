#include "p2pmesh/wire/codec.h"
#include "p2pmesh/wire/messages.h"
#include "samples.h"

using namespace p2pmesh;
using namespace p2pmesh::test;

namespace {

Bytes bytes_of(ByteView view) {
  return {view.begin(), view.end()};
}

IHave ihave_of(std::size_t count) {
  IHave ihave;
  for (std::size_t i = 0; i < count; ++i)
    ihave.items.push_back({id_from<EnvelopeId>(static_cast<std::uint8_t>(i)), static_cast<std::uint16_t>(i)});
  return ihave;
}

}  // namespace

TEST_CASE("gossip comes back with every round and envelope, in order") {
  const Bytes first(50, 0x5a);
  const Bytes second(7, 0xa5);
  const Gossip gossip{{{0xfffe, first}, {1, second}, {0, first}}};
  const Bytes bytes = payload(gossip);
  const auto got = decode_gossip(bytes);
  REQUIRE(got);
  REQUIRE(got->items.size() == 3);
  CHECK(got->items[0].round == 0xfffe);
  CHECK(bytes_of(got->items[0].envelope) == first);
  CHECK(got->items[1].round == 1);
  CHECK(bytes_of(got->items[1].envelope) == second);
  CHECK(bytes_of(got->items[2].envelope) == first);
  CHECK(type_of(gossip) == 4);
  CHECK(encode_frame_of(gossip) == encode_frame(FrameType::kGossip, bytes));
  CHECK(bytes.size() == 3 * kGossipItemBytes + 107);
}

TEST_CASE("gossip has one encoding") {
  const Bytes envelope(30, 0x5a);
  check_canonical(payload(Gossip{{{258, envelope}}}), decode_gossip, payload<Gossip>);
  // Cut between two items it is the shorter gossip.
  check_canonical(payload(Gossip{{{258, envelope}, {3, envelope}}}), decode_gossip, payload<Gossip>, false);
}

TEST_CASE("gossip without an item, or with a cut one, is refused") {
  CHECK_FALSE(decode_gossip(Bytes{}));
  CHECK_FALSE(decode_gossip(Bytes{1}));
  CHECK_FALSE(decode_gossip(Writer().u16(1).u32(0xffffffff).raw(Bytes(20)).take()));
  CHECK_FALSE(decode_gossip(Writer().u16(1).u32(20).raw(Bytes(19)).take()));
  CHECK_FALSE(decode_gossip(Writer().u16(1).u32(2).raw(Bytes(2)).u16(1).take()));
}

TEST_CASE("the greatest envelope fits a gossip frame") {
  const Bytes envelope(limits::kEnvelopeBytesMax, 1);
  const Bytes frame = encode_frame_of(Gossip{{{1, envelope}}});
  CHECK(frame.size() - 4 <= limits::kFrameBytesMax);
  CHECK(decode_gossip(payload_of(frame))->items[0].envelope.size() == envelope.size());
}

TEST_CASE("an ihave comes back with ids and rounds") {
  const IHave ihave{{{id_from<EnvelopeId>(2), 0xfffe}, {id_from<EnvelopeId>(1), 0}}};
  const auto got = decode_ihave(payload(ihave));
  REQUIRE(got);
  REQUIRE(got->items.size() == 2);
  CHECK(got->items[0].id == id_from<EnvelopeId>(2));
  CHECK(got->items[0].round == 0xfffe);
  CHECK(got->items[1].id == id_from<EnvelopeId>(1));
  CHECK(got->items[1].round == 0);
  CHECK(type_of(ihave) == 22);
  check_canonical(payload(ihave), decode_ihave, payload<IHave>);
}

TEST_CASE("an ihave names at least one id, and what it counts is there") {
  CHECK_FALSE(decode_ihave(payload(IHave{})));
  CHECK_FALSE(decode_ihave(Bytes{}));
  CHECK_FALSE(decode_ihave(Writer().u16(0xffff).raw(Bytes(34)).take()));
  CHECK_FALSE(decode_ihave(Writer().u16(1).raw(Bytes(33)).take()));
  CHECK_FALSE(decode_ihave(Writer().u16(1).raw(Bytes(68)).take()));
  const auto full = decode_ihave(payload(ihave_of(1024)));
  REQUIRE(full);
  CHECK(full->items.size() == 1024);
  CHECK(full->items[1023].round == 1023);
  CHECK(encode_frame_of(ihave_of(1024)).size() - 4 <= limits::kFrameBytesMax);
}

TEST_CASE("a graft comes back with its ids, and with none") {
  const Graft graft{{id_from<EnvelopeId>(2), id_from<EnvelopeId>(1)}};
  const auto got = decode_graft(payload(graft));
  REQUIRE(got);
  CHECK(got->ids == graft.ids);
  CHECK(decode_graft(payload(Graft{}))->ids.empty());
  CHECK(type_of(graft) == 23);
  check_canonical(payload(graft), decode_graft, payload<Graft>);
  check_canonical(payload(Graft{}), decode_graft, payload<Graft>);
  CHECK_FALSE(decode_graft(Writer().u16(0xffff).raw(Bytes(32)).take()));
}

TEST_CASE("a prune concerns all, or one author") {
  CHECK(payload(Prune{}).empty());
  REQUIRE(decode_prune(Bytes{}));
  CHECK_FALSE(decode_prune(Bytes{})->author);
  const Prune prune{id_from<MemberKey>(3)};
  CHECK(decode_prune(payload(prune))->author == prune.author);
  CHECK(type_of(prune) == 24);
  // Cut to nothing it is the prune of all.
  check_canonical(payload(prune), decode_prune, payload<Prune>, false);
  CHECK_FALSE(decode_prune(Bytes(31)));
  CHECK_FALSE(decode_prune(Bytes(33)));
  CHECK_FALSE(decode_prune(Bytes(1)));
}
