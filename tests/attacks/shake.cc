// Handshakes as fast as the node takes them, over a few connections at a time.
//   --seconds N  for how long (3)
//   --at-once N  threads, each with one connection after the other (4)
//   --rate N     at most so many a second, in all (as many as go)
//   --until tls  ends each when its channel is up, and not when the welcomes are through
#include <atomic>
#include <chrono>
#include <thread>

#include "attack_options.h"
#include "hostile_link.h"

namespace p2pmesh::attacks {

int shake(const AttackOptions& options) {
  using namespace std::chrono_literals;
  const SocketAddress target = options.targets().front();
  const bool whole = !(options.has("until") && options.text("until") == "tls");
  const Clock::time_point begin = Clock::now();
  const Clock::time_point end = begin + std::chrono::seconds(options.number("seconds", 3));
  const auto rate = static_cast<double>(options.number("rate", 1'000'000));
  std::atomic<std::size_t> done = 0;
  std::atomic<std::size_t> failed = 0;
  const auto work = [&](std::size_t worker) {
    const HostileKey key = make_hostile_key(draw_seed());
    for (std::size_t i = 0; Clock::now() < end; ++i) {
      const double elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
      if (static_cast<double>(done + failed) > rate * elapsed) {
        std::this_thread::sleep_for(5ms);
        continue;
      }
      HostileLink link(key, AttackOptions::source(worker * 60 + i % 60), target);
      const Clock::time_point deadline = Clock::now() + 5s;
      const bool is_done = link.connect(deadline) && (!whole || link.shake_hands(deadline));
      ++(is_done ? done : failed);
    }
  };
  std::vector<std::thread> workers;
  for (std::size_t i = 0; i < options.number("at-once", 4); ++i) workers.emplace_back(work, i);
  for (std::thread& worker : workers) worker.join();
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  say("shaken " + std::to_string(done) + " in " + std::to_string(seconds) + " s, failed " +
      std::to_string(failed));
  return 0;
}

}  // namespace p2pmesh::attacks
