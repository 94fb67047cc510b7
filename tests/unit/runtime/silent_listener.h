// A port that takes no connection and refuses none, as an address behind a firewall.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <vector>

#include "p2pmesh/posix/socket.h"

namespace p2pmesh {

class SilentListener {
 public:
  SilentListener() {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where);
    ::listen(fd.get(), 0);  // room for one that nobody accepts; the rest waits for ever
    address_ = *local_address(fd.get());
    listener_ = std::move(fd);
    for (int i = 0; i < 4; ++i) {
      if (auto filler = connect_tcp(address_)) fillers_.push_back(std::move(*filler));
    }
  }
  [[nodiscard]] const SocketAddress& address() const { return address_; }

 private:
  UniqueFd listener_;
  std::vector<UniqueFd> fillers_;
  SocketAddress address_;
};

}  // namespace p2pmesh
