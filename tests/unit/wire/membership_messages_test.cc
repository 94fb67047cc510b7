#include "p2pmesh/wire/membership_messages.h"

#include "p2pmesh/wire/codec.h"
#include "samples.h"

using namespace p2pmesh;
using namespace p2pmesh::test;

namespace {

PeerEntry peer_of(std::uint8_t first) {
  return {id_from<NodeKey>(first), {v6_address(), v4_address()}};
}

/// A peer with as many addresses as there may be, or one more.
PeerEntry crowded_peer(std::size_t addresses) {
  return {id_from<NodeKey>(1), std::vector<NetAddress>(addresses, v6_address())};
}

Shuffle shuffle_of() {
  return {id_from<NodeKey>(9), 0xfffffffe, 6, {peer_of(9), {id_from<NodeKey>(4), {}}}};
}

void check_same(const std::vector<PeerEntry>& got, const std::vector<PeerEntry>& wanted) {
  REQUIRE(got.size() == wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    CHECK(got[i].node == wanted[i].node);
    CHECK(got[i].addresses == wanted[i].addresses);
  }
}

}  // namespace

TEST_CASE("a join is empty") {
  CHECK(encode_join() == Bytes{0, 0, 0, 1, 11});
}

TEST_CASE("a forward join comes back and has one encoding") {
  const ForwardJoin join{peer_of(1), 255};
  const auto got = decode_forward_join(payload(join));
  REQUIRE(got);
  check_same({got->newcomer}, {join.newcomer});
  CHECK(got->hops_left == 255);
  CHECK(type_of(join) == 17);
  check_canonical(payload(join), decode_forward_join, payload<ForwardJoin>);
  check_canonical(payload(ForwardJoin{}), decode_forward_join, payload<ForwardJoin>);
}

TEST_CASE("a newcomer with 8 addresses passes and with 9 does not") {
  CHECK(decode_forward_join(payload(ForwardJoin{crowded_peer(limits::kAddressesMax), 1})));
  CHECK_FALSE(decode_forward_join(payload(ForwardJoin{crowded_peer(limits::kAddressesMax + 1), 1})));
  CHECK_FALSE(decode_forward_join(Writer().raw(Bytes(32)).u8(1).u8(5).raw(Bytes(7)).take()));
}

TEST_CASE("a neighbor request has a known priority") {
  for (const NeighborPriority priority : {NeighborPriority::kLow, NeighborPriority::kHigh,
                                          NeighborPriority::kMerge, NeighborPriority::kProbe}) {
    const auto got = decode_neighbor_request(payload(NeighborRequest{priority}));
    REQUIRE(got);
    CHECK(got->priority == priority);
  }
  CHECK(type_of(NeighborRequest{}) == 18);
  check_canonical(payload(NeighborRequest{}), decode_neighbor_request, payload<NeighborRequest>);
  CHECK_FALSE(decode_neighbor_request(Bytes{4}));
  CHECK_FALSE(decode_neighbor_request(Bytes{255}));
}

TEST_CASE("a neighbor reply is yes or no") {
  CHECK(decode_neighbor_reply(payload(NeighborReply{true}))->granted);
  CHECK_FALSE(decode_neighbor_reply(payload(NeighborReply{false}))->granted);
  CHECK(type_of(NeighborReply{}) == 19);
  check_canonical(payload(NeighborReply{true}), decode_neighbor_reply, payload<NeighborReply>);
  CHECK_FALSE(decode_neighbor_reply(Bytes{2}));
}

TEST_CASE("a shuffle comes back and has one encoding") {
  const Shuffle shuffle = shuffle_of();
  const auto got = decode_shuffle(payload(shuffle));
  REQUIRE(got);
  CHECK(got->origin == shuffle.origin);
  CHECK(got->id == 0xfffffffe);
  CHECK(got->hops_left == 6);
  check_same(got->peers, shuffle.peers);
  CHECK(type_of(shuffle) == 20);
  check_canonical(payload(shuffle), decode_shuffle, payload<Shuffle>);
}

TEST_CASE("the answer to a shuffle comes back and has one encoding") {
  const ShuffleReply reply{id_from<NodeKey>(9), 7, shuffle_of().peers};
  const auto got = decode_shuffle_reply(payload(reply));
  REQUIRE(got);
  CHECK(got->origin == reply.origin);
  CHECK(got->id == 7);
  check_same(got->peers, reply.peers);
  CHECK(type_of(reply) == 21);
  check_canonical(payload(reply), decode_shuffle_reply, payload<ShuffleReply>);
  CHECK(decode_shuffle_reply(payload(ShuffleReply{}))->peers.empty());
}

TEST_CASE("32 peers with 8 addresses each fit a shuffle, and one more of either is refused") {
  Shuffle shuffle = shuffle_of();
  ShuffleReply reply;
  shuffle.peers.assign(limits::kShufflePeersMax, crowded_peer(limits::kAddressesMax));
  reply.peers = shuffle.peers;
  CHECK(decode_shuffle(payload(shuffle)));
  CHECK(decode_shuffle_reply(payload(reply)));
  CHECK(encode_frame_of(shuffle).size() - 4 <= limits::kFrameBytesMax);
  shuffle.peers.push_back(peer_of(1));
  reply.peers.push_back(peer_of(1));
  CHECK_FALSE(decode_shuffle(payload(shuffle)));
  CHECK_FALSE(decode_shuffle_reply(payload(reply)));
  shuffle.peers = reply.peers = {crowded_peer(limits::kAddressesMax + 1)};
  CHECK_FALSE(decode_shuffle(payload(shuffle)));
  CHECK_FALSE(decode_shuffle_reply(payload(reply)));
}

TEST_CASE("peers that are counted and not there are refused") {
  CHECK_FALSE(decode_shuffle(Writer().raw(Bytes(32)).u32(1).u8(1).u8(32).raw(Bytes(33)).take()));
  CHECK_FALSE(decode_shuffle_reply(Writer().raw(Bytes(32)).u32(1).u8(1).take()));
}
