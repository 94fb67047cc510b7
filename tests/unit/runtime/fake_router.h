// A router that says what it is told to say, and records what it was asked.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "p2pmesh/posix/home_router.h"

namespace p2pmesh {

struct FakeRouter : Router {
  std::optional<DefaultRoute> route() override { return way; }
  Result<RouterMapping> open(MappingMethod by, const DefaultRoute& route, const MappingWish& wish) override {
    opened.push_back(by);
    wishes.push_back(wish);
    const auto found = offers.find(by);
    if (found == offers.end()) return fail(ExitStatus::kUnavailable, name_of(by) + ": no answer");
    RouterMapping mapping;
    mapping.by = by;
    mapping.route = route;
    mapping.outside = *SocketAddress::parse(found->second);
    mapping.inside_port = wish.inside_port;
    mapping.lease = lease;
    mapping.epoch = epoch;
    return mapping;
  }
  Result<MappingLook> look(const RouterMapping& mapping) override {
    ++looks;
    if (is_silent) return fail(ExitStatus::kUnavailable, "no answer");
    return MappingLook{is_held, SocketAddress::parse(offers[mapping.by])->with_port(0), epoch};
  }
  Result<void> close(const RouterMapping& mapping) override {
    closed.push_back(mapping.outside.format());
    return {};
  }
  void give_up() override {}

  static std::string name_of(MappingMethod by) { return by == MappingMethod::kNatPmp ? "NAT-PMP" : "UPnP"; }

  std::optional<DefaultRoute> way =
      DefaultRoute{*SocketAddress::from_host("192.168.7.1", 0), *SocketAddress::from_host("192.168.7.20", 0)};
  std::map<MappingMethod, std::string> offers;
  std::chrono::seconds lease{3600};
  std::uint32_t epoch = 1000;
  bool is_held = true;
  bool is_silent = false;
  std::vector<MappingMethod> opened;
  std::vector<MappingWish> wishes;
  std::vector<std::string> closed;
  int looks = 0;
};

}  // namespace p2pmesh
