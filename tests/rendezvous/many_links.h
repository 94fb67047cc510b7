// Many links at once, each with as many questions under way as wanted.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "member_link.h"

namespace p2pmesh::meeting {

class ManyLinks {
 public:
  using OnAnswer = std::function<void(std::uint64_t question, const FrameView&)>;
  /// The question of that number for this link.
  using MakeFrame = std::function<Bytes(std::uint64_t question, MemberLink& link, RendezvousTicket ticket)>;

  ManyLinks(const SocketAddress& target, std::size_t keys);
  /// False when one does not come up.
  bool open(std::size_t count);
  [[nodiscard]] std::size_t up() const;

  /// Asks questions 0 to `count` - 1, at most `ahead` under way on each link, and `per_second` in all; a link
  /// that ends is left out. How many were answered.
  std::uint64_t ask(std::uint64_t count, std::size_t ahead, double per_second, const MakeFrame& make,
                    const OnAnswer& on_answer);

 private:
  struct Slot {
    std::unique_ptr<MemberLink> link;
    std::map<RendezvousTicket, std::uint64_t> asked;
    bool is_up = true;
  };
  void read_all(int wait_ms);

  SocketAddress target_;
  std::vector<HostileKey> keys_;
  std::vector<std::unique_ptr<Slot>> slots_;
  const OnAnswer* on_answer_ = nullptr;
  std::uint64_t answered_ = 0;
};

}  // namespace p2pmesh::meeting
