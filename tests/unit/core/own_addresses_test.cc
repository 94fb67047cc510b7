// Which addresses of its own a node tells: its ends of connections, what two others saw, and what a router
// sends on.
#include <doctest/doctest.h>

#include <vector>

#include "own_member.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/hash.h"

namespace p2pmesh {
namespace {

NetAddress at(std::uint8_t last, std::uint16_t port) {
  NetAddress address;
  address.ip = {203, 0, 113, last};
  address.port = port;
  return address;
}

struct Fixture {
  Fixture() {
    options.member_signer = options.node_signer = signer.get();
    options.listen.port = 9750;
    own.emplace(options, *author);
  }
  bool see(std::uint8_t node, const NetAddress& local, const NetAddress& observed) {
    LinkUp up;
    up.node.bytes.fill(node);
    up.local = local;
    up.observed = observed;
    return own->on_observed(up);
  }

  bool is_ready = init_crypto();
  std::unique_ptr<Signer> signer = make_ed25519_signer(KeySeed{});
  NodeOptions options;
  std::optional<Author> author{std::in_place, MeshId{}, *signer};
  std::optional<OwnMember> own;
};

TEST_CASE("WhatARouterSendsOnIsToldFirstAndItsOtherPortsAreNot") {
  Fixture node;
  CHECK(node.see(1, at(20, 4000), at(5, 4000)));
  CHECK(node.see(2, at(20, 4001), at(5, 4001)));
  CHECK(node.own->addresses() == std::vector{at(20, 9750), at(5, 9750)});
  CHECK(node.own->set_outside(at(5, 4711)));
  CHECK(node.own->addresses() == std::vector{at(5, 4711), at(20, 9750)});
  CHECK_FALSE(node.own->set_outside(at(5, 4711)));
  CHECK_FALSE(node.see(3, at(20, 4002), at(5, 4002)));
  CHECK(node.own->addresses() == std::vector{at(5, 4711), at(20, 9750)});
  CHECK(node.own->set_outside(at(6, 9750)));
  CHECK(node.own->addresses() == std::vector{at(6, 9750), at(20, 9750)});
  CHECK(node.own->set_outside(std::nullopt));
  CHECK(node.own->addresses() == std::vector{at(20, 9750)});
  CHECK_FALSE(node.own->set_outside(std::nullopt));
}

TEST_CASE("WhoMovesALotKeepsWhatTheRouterSendsOn") {
  Fixture node;
  for (std::uint8_t i = 0; i < limits::kAddressesMax; ++i) node.see(1, at(100 + i, 1), at(100 + i, 1));
  CHECK(node.own->set_outside(at(5, 4711)));
  CHECK(node.own->addresses().size() == limits::kAddressesMax);
  for (std::uint8_t i = 0; i < 20; ++i) CHECK(node.see(1, at(200 + i, 1), at(200 + i, 1)));
  CHECK(node.own->addresses().size() == limits::kAddressesMax);
  CHECK(node.own->addresses().front() == at(5, 4711));
  CHECK(node.own->addresses().back() == at(219, 9750));
}

}  // namespace
}  // namespace p2pmesh
