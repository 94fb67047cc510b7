// The seen table under many threads; `make check-all` runs this under TSan.
#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "p2pmesh/base/random.h"
#include "p2pmesh/dedup/seen_table.h"

#include <doctest/doctest.h>

using namespace p2pmesh;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kThreads = 8;
constexpr Instant kStart{1h};

std::vector<EnvelopeId> make_ids(std::size_t count) {
  Random random(3);
  std::vector<EnvelopeId> ids(count);
  for (EnvelopeId& id : ids) {
    for (std::size_t word = 0; word < 4; ++word) {
      const std::uint64_t value = random.next();
      std::memcpy(id.bytes.data() + word * 8, &value, 8);
    }
  }
  return ids;
}

/// Runs the work in all threads, which begin together.
template <class Work>
void run_together(Work work) {
  std::atomic<std::size_t> ready{0};
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      ++ready;
      while (ready < kThreads) std::this_thread::yield();
      work(thread);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

TEST_CASE("of eight threads that insert the same keys one wins each") {
  const auto ids = make_ids(20000);
  SeenTable table({});
  std::vector<std::atomic<int>> wins(ids.size());
  run_together([&](std::size_t) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (table.insert(ids[i], i, kStart)) ++wins[i];
    }
  });
  std::size_t not_once = 0;
  for (const auto& count : wins) not_once += count != 1 ? 1 : 0;
  CHECK(not_once == 0);
  CHECK(table.counters().entries == ids.size());
}

TEST_CASE("an inserted key is there for every thread from then on") {
  const auto ids = make_ids(5000);
  SeenTable table({});
  std::atomic<std::size_t> missing{0};
  run_together([&](std::size_t thread) {
    for (std::size_t step = 0; step < ids.size(); ++step) {
      const std::size_t i = (step + thread * 611) % ids.size();
      table.insert(ids[i], i, kStart);
      if (!table.contains(ids[i], i, kStart)) ++missing;
    }
  });
  CHECK(missing == 0);
}

TEST_CASE("threads that insert, erase, evict, expire and count leave the bound intact") {
  const auto ids = make_ids(3000);
  SeenTable table({.entries_max = 640, .expiry = 100us});
  std::atomic<std::size_t> over{0};
  run_together([&](std::size_t thread) {
    Random random(thread);
    for (int step = 0; step < 5000; ++step) {
      const std::size_t i = random.below(ids.size());
      const Instant now = kStart + Duration(step / 4);
      if (random.below(4) == 0)
        table.erase(ids[i], i);
      else
        table.insert(ids[i], i, now);
      if (step % 100 == 0 && table.counters().entries > 640) ++over;
    }
  });
  CHECK(over == 0);
  // Everything left is taken off by age, and then one by one: index and ring still agree.
  for (std::size_t i = 0; i < ids.size(); ++i) table.insert(ids[i], i, kStart + 1s);
  CHECK(table.counters().expired > 0);
  CHECK(table.counters().entries == 640);
  for (std::size_t i = 0; i < ids.size(); ++i) table.erase(ids[i], i);
  CHECK(table.counters().entries == 0);
}
