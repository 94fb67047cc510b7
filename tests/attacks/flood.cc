// One member that writes far more than anybody may: signed beforehand, so that it costs it little.
//   --rate N      envelopes a second, in all (50000)
//   --seconds N   for how long (10)
//   --distinct N  how many are signed; they are sent again and again (100000)
//   --as repair   as if they had been asked for
//   --cpu N       at most so many per cent of a core (20)
#include <chrono>
#include <thread>

#include "attack_options.h"
#include "hostile_link.h"
#include "p2pmesh/wire/messages.h"
#include "signed_texts.h"

namespace p2pmesh::attacks {
namespace {

using namespace std::chrono_literals;

/// As many of them as one frame holds, from there on and round the end.
Bytes next_frame(const std::vector<Bytes>& envelopes, std::size_t& at, std::size_t count, bool as_repair) {
  if (as_repair) return encode_repair(envelopes[at++ % envelopes.size()]);
  Gossip gossip;
  std::size_t bytes = 1;
  while (gossip.items.size() < count) {
    const Bytes& next = envelopes[at % envelopes.size()];
    bytes += kGossipItemBytes + next.size();
    if (bytes > limits::kFrameBytesMax) break;
    gossip.items.push_back({1, next});
    ++at;
  }
  return encode_frame_of(gossip);
}

}  // namespace

int flood(const AttackOptions& options) {
  const HostileKey key = make_hostile_key(options.seed());
  const std::vector<SocketAddress> targets = options.targets();
  HostileLink first(key, AttackOptions::source(0), targets.front());
  if (!first.connect(Clock::now() + 20s) || !first.shake_hands(Clock::now() + 20s)) {
    say("no welcome");
    return 69;
  }
  const double cpu_before = cpu_seconds();
  const std::size_t distinct = options.number("distinct", 100'000);
  const std::vector<Bytes> envelopes = sign_texts(*key.signer, first.mesh(), distinct);
  const double cpu_a_signature = (cpu_seconds() - cpu_before) / static_cast<double>(distinct);
  say("signed " + std::to_string(distinct) + ", " + std::to_string(cpu_a_signature * 1e6) + " us each");
  wait_for_word();

  std::vector<std::unique_ptr<HostileLink>> links;
  for (const SocketAddress& target : targets) {
    links.push_back(std::make_unique<HostileLink>(key, AttackOptions::source(links.size()), target));
    if (links.back()->enter(Clock::now() + 20s)) continue;
    say("not let in by " + target.format());
    return 69;
  }
  const auto rate = static_cast<double>(options.number("rate", 50'000));
  const double share = static_cast<double>(options.number("cpu", 20)) / 100;
  const bool as_repair = options.has("as") && options.text("as") == "repair";
  const Clock::time_point begin = Clock::now();
  const Clock::time_point end = begin + std::chrono::seconds(options.number("seconds", 10));
  const double cpu_begin = cpu_seconds();
  std::size_t sent = 0;
  std::size_t alive = links.size();
  while (Clock::now() < end && alive > 0) {
    const double elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
    const bool is_ahead = static_cast<double>(sent) >= rate * elapsed;
    if (is_ahead || cpu_seconds() - cpu_begin > share * elapsed + 0.01) {
      std::this_thread::sleep_for(2ms);
      continue;
    }
    alive = 0;
    for (auto& link : links) {
      const Bytes frame = next_frame(envelopes, sent, 250, as_repair);
      if (link->turn(0ms) && link->send(frame, end)) ++alive;
    }
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  say("sent " + std::to_string(sent) + " in " + std::to_string(seconds) + " s, " +
      std::to_string(100 * (cpu_seconds() - cpu_begin) / seconds) + " % of a core, " + std::to_string(alive) +
      " links left");
  return 0;
}

}  // namespace p2pmesh::attacks
