// Addresses and payloads that several codecs' tests are made of.
#pragma once

#include "canonical.h"
#include "p2pmesh/base/net_address.h"

namespace p2pmesh::test {

template <class Message>
Bytes payload(const Message& message) {
  return payload_of(encode_frame_of(message));
}

template <class Message>
std::uint8_t type_of(const Message& message) {
  return encode_frame_of(message)[4];
}

inline NetAddress v4_address() {
  NetAddress address;
  address.ip = {192, 0, 2, 7};
  address.port = 9750;
  return address;
}

inline NetAddress v6_address() {
  NetAddress address;
  address.v6 = true;
  address.ip = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};
  address.port = 1;
  return address;
}

}  // namespace p2pmesh::test
