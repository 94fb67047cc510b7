// How an address stands in a payload: family 4 or 6, the IP, the port.
#pragma once

#include <algorithm>
#include <vector>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/net_address.h"
#include "p2pmesh/wire/codec.h"

namespace p2pmesh {

inline void write_address(Writer& writer, const NetAddress& address) {
  writer.u8(address.v6 ? 6 : 4).raw(ByteView(address.ip).first(address.v6 ? 16 : 4)).u16(address.port);
}

inline NetAddress read_address(Reader& reader) {
  NetAddress address;
  const std::uint8_t family = reader.u8();
  if (family != 4 && family != 6) return reader.refuse(), address;
  address.v6 = family == 6;
  ByteView ip = reader.raw(address.v6 ? 16 : 4);
  std::copy(ip.begin(), ip.end(), address.ip.begin());
  address.port = reader.u16();
  return address;
}

inline void write_addresses(Writer& writer, const std::vector<NetAddress>& addresses) {
  writer.u8(static_cast<std::uint8_t>(addresses.size()));
  for (const NetAddress& address : addresses) write_address(writer, address);
}

inline std::vector<NetAddress> read_addresses(Reader& reader) {
  std::vector<NetAddress> addresses;
  const std::size_t count = reader.u8();
  if (count > limits::kAddressesMax) return reader.refuse(), addresses;
  for (std::size_t i = 0; i < count && reader.ok(); ++i) addresses.push_back(read_address(reader));
  return addresses;
}

}  // namespace p2pmesh
