// A beacon of the local network: first the datagram as it came, then one with a good signature, through all
// that decides whether it counts.
#include <memory>

#include "fuzz_input.h"
#include "heard_nodes.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/beacon.h"

using namespace p2pmesh;

namespace {

class TrustingVerifier final : public Verifier {
 public:
  bool verify(ByteView, ByteView, const Signature&) const override { return true; }
};

SocketAddress pick_source(FuzzInput& input) {
  static const char* const kSources[] = {"10.1.0.7", "10.2.0.7", "fe80::7", "fd00::7"};
  return SocketAddress::from_host(kSources[input.below(4)], 9749)->with_scope(2);
}

void check_codec(ByteView bytes) {
  const auto beacon = decode_beacon(bytes);
  if (!beacon) return;
  const Bytes again = encode_beacon(*beacon);
  demand(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()));
  demand(beacon_signing_bytes(*beacon) == beacon_signing_bytes(bytes));
  demand(peek_beacon_node(bytes) == beacon->node);
  demand(bytes.size() <= limits::kBeaconBytesMax);
}

}  // namespace

/// One byte for the sender, two for the length, the datagram; again and again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_codec(ByteView(data, size));
  static const TrustingVerifier verifier;
  LanInterface lan{2, "eth0", "", {}};
  lan.addresses = {{*SocketAddress::from_host("10.1.0.1", 0), 24},
                   {SocketAddress::from_host("fe80::1", 0)->with_scope(2), 64}};
  HeardNodes heard(NodeKey{}, verifier, [](const Beacon& beacon) {
    std::vector<MeshId> meshes;
    for (const OpenMesh& open : beacon.meshes) meshes.push_back(open.mesh);
    return meshes;
  });
  FuzzInput input(data, size);
  Now now{Instant{std::chrono::hours(1)}, 1'000'000'000};
  while (!input.empty()) {
    HeardDatagram datagram;
    datagram.source = pick_source(input);
    datagram.destination = *SocketAddress::from_host(datagram.source.is_ipv6() ? "ff02::1" : "239.1.1.1", 0);
    datagram.interface = 2;
    const ByteView bytes = input.take(input.below(limits::kBeaconBytesMax + 2));
    const HeardNode* node = heard.take(bytes, datagram, &lan, now);
    if (node != nullptr) {
      demand(decode_beacon(bytes).has_value() && node->places.size() <= limits::kHeardPlacesMax);
      for (const HeardPlace& place : node->places) {
        for (const SocketAddress& address : place.addresses) demand(is_of_network(lan, address.ip()));
      }
    }
    demand(heard.size() <= limits::kHeardMax && heard.sources() <= limits::kBeaconSourcesMax);
    now.monotonic += std::chrono::milliseconds(input.byte());
    now.wall_ms += 1;
  }
  return 0;
}
