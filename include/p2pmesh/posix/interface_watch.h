// The network interfaces of this machine, and word of every change of them: rtnetlink(7).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "p2pmesh/base/result.h"
#include "p2pmesh/posix/event_loop.h"
#include "p2pmesh/posix/socket_address.h"

namespace p2pmesh {

struct InterfaceAddress {
  SocketAddress address;    ///< with a scope when it is link-local
  std::uint8_t prefix = 0;  ///< bits that all of its network share
  bool operator==(const InterfaceAddress&) const = default;
};

struct NetworkInterface {
  std::uint32_t index = 0;
  std::string name;
  std::string kind;  ///< "bridge", "veth", "tun", "wireguard"; empty for hardware
  bool is_up = false;
  bool has_carrier = false;
  bool has_multicast = false;
  bool is_loopback = false;
  bool is_point_to_point = false;
  std::uint32_t master = 0;                      ///< the bridge whose port it is; 0: none
  std::vector<InterfaceAddress> addresses = {};  ///< that can be used: not those still being checked
  bool operator==(const NetworkInterface&) const = default;
};

/// All of them, by index. Errors: kIo.
Result<std::vector<NetworkInterface>> list_interfaces();

/// Says when the list may be another one. Threads: the loop's.
class InterfaceWatch {
 public:
  /// `changed` is called from inside the loop's turn; also when the kernel had more to say than fitted.
  /// Errors: kIo, kTryAgain.
  static Result<std::unique_ptr<InterfaceWatch>> open(EventLoop& loop, std::function<void()> changed);
  ~InterfaceWatch();
  InterfaceWatch(const InterfaceWatch&) = delete;
  InterfaceWatch& operator=(const InterfaceWatch&) = delete;

 private:
  InterfaceWatch(EventLoop& loop, UniqueFd fd, std::function<void()> changed)
      : loop_(loop), fd_(std::move(fd)), changed_(std::move(changed)) {}
  void on_ready();

  EventLoop& loop_;
  UniqueFd fd_;
  std::function<void()> changed_;
};

}  // namespace p2pmesh
