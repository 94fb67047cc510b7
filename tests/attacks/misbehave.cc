// What a node must not do over a link.
//   --how trickle    begins a frame and sends a byte of it every half second
//   --how malformed  sends what is no frame of its kind, and comes back as soon as it is let in
//     --times N      so often (4)
//   --how controls   control frames of each kind as fast as they go, with a new key for each kind
//     --seconds N    for so long each (2)
//   --how counts     frames of each kind whose counts and lengths are as large as their fields
//     --times N      all of them so often (1); what became of each is told of the first time alone
//     --pause N      milliseconds between two of them (0)
//   --how key-updates  see key_updates.cc
#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "attack_options.h"
#include "hostile_link.h"
#include "lying_frames.h"
#include "p2pmesh/base/random.h"
#include "p2pmesh/wire/membership_messages.h"
#include "p2pmesh/wire/messages.h"

namespace p2pmesh::attacks {
namespace {

using namespace std::chrono_literals;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

int trickle(const SocketAddress& target) {
  const HostileKey key = make_hostile_key(draw_seed());
  HostileLink link(key, AttackOptions::source(0), target);
  if (!link.enter(Clock::now() + 10s)) return 1;
  const Clock::time_point begin = Clock::now();
  Bytes frame = encode_frame_of(Gossip{});
  frame[2] = 0x80;  // 32 KiB, which will not come
  for (std::size_t i = 0; seconds_since(begin) < 120; ++i) {
    const ByteView one = ByteView(frame).subspan(i % frame.size(), 1);
    if (!link.send(one, Clock::now() + 5s) || !link.read_until(Clock::now() + 500ms)) break;
  }
  say("ended after " + std::to_string(seconds_since(begin)) + " s");
  return 0;
}

int malformed(const SocketAddress& target, std::size_t times) {
  const HostileKey key = make_hostile_key(draw_seed());
  Bytes frame = encode_ping({});
  frame[3] = 2;  // a type and one byte
  frame.resize(6);
  std::string line = "again after";
  std::optional<Clock::time_point> ended;
  for (std::size_t i = 0; i <= times;) {
    HostileLink link(key, AttackOptions::source(i), target);
    if (!link.enter(Clock::now() + 3s)) {
      link.read_until(Clock::now() + 100ms);
      if (ended && seconds_since(*ended) > 60) return 1;
      std::this_thread::sleep_for(100ms);
      continue;
    }
    if (ended) line += " " + std::to_string(seconds_since(*ended));
    link.send(frame, Clock::now() + 3s);
    link.read_until(Clock::now() + 5s);
    ended = Clock::now();
    ++i;
  }
  say(line);
  return 0;
}

std::vector<std::pair<std::string, Bytes>> control_frames() {
  IHave ihave;
  ihave.items.resize(1000);
  Graft graft;
  graft.ids.resize(1000);
  for (IHave::Item& item : ihave.items) draw_random(item.id.bytes);
  for (EnvelopeId& id : graft.ids) draw_random(id.bytes);
  NetAddress address;
  address.ip = {127, 0, 1, 9};
  address.port = 9;
  PeerEntry peer{NodeKey{}, {address}};
  draw_random(peer.node.bytes);
  return {{"ihave", encode_frame_of(ihave)},
          {"graft", encode_frame_of(graft)},
          {"prune", encode_frame_of(Prune{})},
          {"ping", encode_ping({})},
          {"digest", encode_frame_of(SyncDigest{})},
          {"shuffle", encode_frame_of(Shuffle{peer.node, 1, 0, {peer}})},
          {"forward join", encode_frame_of(ForwardJoin{peer, 3})}};
}

int controls(const SocketAddress& target, std::uint64_t seconds) {
  std::size_t source = 0;
  for (const auto& [name, frame] : control_frames()) {
    const HostileKey key = make_hostile_key(draw_seed());
    HostileLink link(key, AttackOptions::source(source++), target);
    if (!link.enter(Clock::now() + 10s)) return 1;
    const Clock::time_point begin = Clock::now();
    Bytes many;
    while (many.size() < 16'384) many.insert(many.end(), frame.begin(), frame.end());
    const std::size_t each = many.size() / frame.size();
    std::size_t sent = 0;
    bool is_up = true;
    while (is_up && seconds_since(begin) < static_cast<double>(seconds)) {
      is_up = link.send(many, Clock::now() + 5s) && link.turn(0ms);
      sent += each;
    }
    say(name + ": " + std::to_string(sent) + " in " + std::to_string(seconds_since(begin)) + " s, " +
        (is_up ? "up" : "closed"));
  }
  return 0;
}

int counts(const SocketAddress& target, std::uint64_t times, std::chrono::milliseconds pause) {
  const std::vector<std::pair<std::string, Bytes>> frames = lying_frames();
  std::size_t sent = 0;
  std::size_t closed = 0;
  for (std::uint64_t time = 0; time < times; ++time) {
    for (const auto& [name, frame] : frames) {
      const HostileKey key = make_hostile_key(draw_seed());
      HostileLink link(key, AttackOptions::source(sent++), target);
      if (!link.enter(Clock::now() + 20s)) return 1;
      // Whoever takes it for a part of a frame, or for a good one, does not end the link.
      const bool is_up = link.send(frame, Clock::now() + 5s) && link.read_until(Clock::now() + 5s);
      closed += is_up ? 0 : 1;
      if (time == 0) say(name + ": " + (is_up ? "up" : "closed"));
      std::this_thread::sleep_for(pause);
    }
  }
  say("lied " + std::to_string(sent) + " times, " + std::to_string(closed) + " links closed for it");
  return 0;
}

}  // namespace

int misbehave(const AttackOptions& options) {
  const SocketAddress target = options.targets().front();
  const std::string how = options.text("how");
  if (how == "trickle") return trickle(target);
  if (how == "malformed") return malformed(target, options.number("times", 4));
  if (how == "controls") return controls(target, options.number("seconds", 2));
  if (how == "counts")
    return counts(target, options.number("times", 1), std::chrono::milliseconds(options.number("pause", 0)));
  if (how == "key-updates") return key_updates(options);
  return 64;
}

}  // namespace p2pmesh::attacks
