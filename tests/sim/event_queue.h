// What happens next: a heap of 24-byte events ordered by time, ties in the order of insertion.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim_time.h"

namespace p2pmesh::sim {

enum class EventKind : std::uint8_t {
  kArrive,            ///< a = flight
  kDialArrives,       ///< a = connection, b = its serial
  kDialAccepted,      ///< a = connection, b = its serial
  kDialFails,         ///< a = connection, b = its serial
  kHandshakeTimeout,  ///< a = connection, b = its serial
  kClosingTimeout,    ///< a = connection, b = its serial
  kEndFails,          ///< a = connection * 2 + side, b = its serial
  kStallEnds,         ///< a = connection * 2 + side, b = its serial
  kWake,              ///< a = node, b = generation
  kCommit,            ///< a = node, b = boot
  kLoad,              ///< a = node, b = boot
  kScript,            ///< a = script
};

struct Event {
  SimTime time = 0;
  std::uint64_t order_and_kind = 0;  ///< insertion number, then one byte of kind
  std::uint32_t a = 0;
  std::uint32_t b = 0;

  [[nodiscard]] EventKind kind() const { return static_cast<EventKind>(order_and_kind & 0xFF); }
};
static_assert(sizeof(Event) == 24);

/// The next few events lie sorted before the heap, so that what they need can be fetched into the cache
/// meanwhile.
class EventQueue {
 public:
  static constexpr std::size_t kAhead = 24;

  void push(SimTime time, EventKind kind, std::uint32_t a, std::uint32_t b = 0) {
    const Event event{time, next_order_++ << 8 | static_cast<std::uint64_t>(kind), a, b};
    if (ahead_count_ == 0 || !before(event, ahead(ahead_count_ - 1))) {
      if (heap_.empty() && ahead_count_ < kAhead) {
        slot(ahead_count_++) = event;
        return;
      }
      return push_heap(event);
    }
    if (ahead_count_ == kAhead) push_heap(slot(--ahead_count_));
    std::size_t place = ahead_count_++;
    for (; place > 0 && before(event, slot(place - 1)); --place) slot(place) = slot(place - 1);
    slot(place) = event;
  }

  [[nodiscard]] bool empty() const { return ahead_count_ == 0; }
  [[nodiscard]] std::size_t size() const { return heap_.size() + ahead_count_; }
  [[nodiscard]] SimTime next_time() const { return ahead(0).time; }
  /// How many of the next events are known, and which: 0 is the next one.
  [[nodiscard]] std::size_t ahead_count() const { return ahead_count_; }
  [[nodiscard]] const Event& ahead(std::size_t place) const { return ahead_[(first_ + place) % kAhead]; }

  Event pop() {
    const Event next = ahead(0);
    first_ = (first_ + 1) % kAhead;
    --ahead_count_;
    if (!heap_.empty()) slot(ahead_count_++) = pop_heap();
    return next;
  }

 private:
  static constexpr std::size_t kChildren = 4;  // one cache line and a half; fewer levels than a binary heap

  static bool before(const Event& x, const Event& y) {
    return x.time != y.time ? x.time < y.time : x.order_and_kind < y.order_and_kind;
  }
  Event& slot(std::size_t place) { return ahead_[(first_ + place) % kAhead]; }

  void push_heap(const Event& event) {
    std::size_t hole = heap_.size();
    heap_.push_back(event);
    while (hole > 0) {
      const std::size_t parent = (hole - 1) / kChildren;
      if (!before(event, heap_[parent])) break;
      heap_[hole] = heap_[parent];
      hole = parent;
    }
    heap_[hole] = event;
  }

  Event pop_heap() {
    const Event top = heap_.front();
    const Event last = heap_.back();
    heap_.pop_back();
    const std::size_t size = heap_.size();
    if (size == 0) return top;
    std::size_t hole = 0;
    for (;;) {
      const std::size_t first = hole * kChildren + 1;
      if (first >= size) break;
      const std::size_t end = first + kChildren < size ? first + kChildren : size;
      std::size_t least = first;
      for (std::size_t child = first + 1; child < end; ++child) {
        if (before(heap_[child], heap_[least])) least = child;
      }
      if (!before(heap_[least], last)) break;
      heap_[hole] = heap_[least];
      hole = least;
    }
    heap_[hole] = last;
    return top;
  }

  // Every event of the window comes before every event of the heap.
  std::array<Event, kAhead> ahead_{};
  std::size_t first_ = 0;
  std::size_t ahead_count_ = 0;
  std::vector<Event> heap_;
  std::uint64_t next_order_ = 0;
};

}  // namespace p2pmesh::sim
