#include "peer_file.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/files.h"
#include "temp_directory.h"

namespace p2pmesh {
namespace {

NodeKey key(std::uint8_t byte) {
  NodeKey node;
  node.bytes[0] = byte;
  return node;
}

NetAddress address(std::uint16_t port) {
  NetAddress net;
  net.ip = {127, 0, 0, 1};
  net.port = port;
  return net;
}

TEST_CASE("AnchorsAreReadFirstAndSaidToBeThat") {
  TempDirectory directory;
  PeerFile file(directory / "m.peers");
  CHECK(file.read().empty());
  file.note(key(1), address(1));
  file.note(key(2), address(2));
  file.keep_anchors({{key(9), address(9)}, {key(2), address(2)}});
  file.note(key(3), address(3));
  PeerFile again(directory / "m.peers");
  const auto peers = again.read();
  REQUIRE(peers.size() == 5);
  CHECK(peers[0].node == key(9));
  CHECK(peers[0].address == address(9));
  CHECK(peers[1].node == key(2));
  for (std::size_t i = 0; i < peers.size(); ++i) CHECK(peers[i].anchor == (i < 2));
  again.note(key(4), address(4));  // keeps what was read
  CHECK(PeerFile(directory / "m.peers").read().size() == 6);
  again.keep_anchors({{key(1), address(1)}});
  CHECK(PeerFile(directory / "m.peers").read()[0].node == key(1));
}

TEST_CASE("LinesThatAreNoPeersAreSkippedAndAnchorsAreFew") {
  TempDirectory directory;
  std::string content = "nonsense\n\n" + key(1).hex() + "\n" + key(1).hex() + " 127.0.0.1 anchor\n";
  for (std::uint8_t i = 1; i <= 9; ++i)
    content += key(i).hex() + " 127.0.0.1:" + std::to_string(i) + " anchor\n";
  REQUIRE(write_file_atomically(directory / "m.peers", as_bytes(content)));
  PeerFile file(directory / "m.peers");
  const auto peers = file.read();
  std::size_t anchors = 0;
  for (const RestoredPeer& peer : peers) anchors += peer.anchor ? 1 : 0;
  CHECK(peers.size() == 9);
  CHECK(anchors == limits::kAnchorsMax);
}

TEST_CASE("OneProvenPeerMoreThanTheFileHoldsIsNotKept") {
  TempDirectory directory;
  PeerFile file(directory / "m.peers");
  const auto note = [&](std::size_t i) {
    file.note(key(static_cast<std::uint8_t>(i)), address(static_cast<std::uint16_t>(i)));
  };
  for (std::size_t i = 1; i <= limits::kPeersOfFileMax; ++i) note(i);
  CHECK(PeerFile(directory / "m.peers").read().size() == limits::kPeersOfFileMax);
  note(limits::kPeersOfFileMax + 1);
  const auto peers = PeerFile(directory / "m.peers").read();
  CHECK(peers.size() == limits::kPeersOfFileMax);
  for (const RestoredPeer& peer : peers) CHECK(peer.address.port <= limits::kPeersOfFileMax);
  // Who is in it may move.
  file.note(key(1), address(999));
  const auto moved = PeerFile(directory / "m.peers").read();
  CHECK(std::any_of(moved.begin(), moved.end(), [](const auto& peer) { return peer.address.port == 999; }));
}

TEST_CASE("OfALongerFileTheFirstPeersAreRead") {
  TempDirectory directory;
  std::string content;
  for (std::size_t i = 1; i <= limits::kPeersOfFileMax + limits::kAnchorsMax + 5; ++i)
    content += key(static_cast<std::uint8_t>(i)).hex() + " 127.0.0.1:" + std::to_string(i) + "\n";
  REQUIRE(write_file_atomically(directory / "m.peers", as_bytes(content)));
  const auto peers = PeerFile(directory / "m.peers").read();
  CHECK(peers.size() == limits::kPeersOfFileMax + limits::kAnchorsMax);
  CHECK(peers.front().address.port == 1);
}

TEST_CASE("APeerFileWithAByteTooManyIsNotRead") {
  TempDirectory directory;
  std::string content = key(1).hex() + " 127.0.0.1:1\n";
  content.resize(limits::kPeerFileBytesMax, ' ');
  REQUIRE(write_file_atomically(directory / "m.peers", as_bytes(content)));
  CHECK(PeerFile(directory / "m.peers").read().size() == 1);
  content += ' ';
  REQUIRE(write_file_atomically(directory / "m.peers", as_bytes(content)));
  CHECK(PeerFile(directory / "m.peers").read().empty());
}

}  // namespace
}  // namespace p2pmesh
