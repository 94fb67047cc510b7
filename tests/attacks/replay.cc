// What came to a member, kept, sent again, or with a bit changed.
//   record --file F           joins every target, keeps all frames that come until a line on stdin
//   replay --file F --times N sends all of them to every target (1)
//     --again N               over at most so many links, each with a new key (200)
//     --cpu N                 at most so many per cent of a core (100)
//   flip   --file F --count N envelopes of the file, each with one bit changed, each over a link of its own
//   (1000)
// The file holds the frames as they came, one after the other.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <thread>

#include <poll.h>
#include <unistd.h>

#include "attack_options.h"
#include "hostile_link.h"
#include "p2pmesh/base/random.h"
#include "p2pmesh/wire/messages.h"

namespace p2pmesh::attacks {
namespace {

using namespace std::chrono_literals;

constexpr auto kEnterTimeout = 20s;

bool has_word() {
  pollfd poll{STDIN_FILENO, POLLIN, 0};
  return ::poll(&poll, 1, 0) > 0;
}

std::vector<Bytes> read_frames(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const Bytes content{std::istreambuf_iterator<char>(file), {}};
  FrameDecoder decoder(limits::kFrameBytesMax);
  decoder.push(content);
  std::vector<Bytes> frames;
  while (const auto frame = decoder.next())
    frames.push_back(encode_frame(static_cast<FrameType>(frame->type), frame->payload));
  return frames;
}

FrameType type_of(const Bytes& frame) {
  return static_cast<FrameType>(frame[4]);
}

std::vector<Bytes> envelopes_of(const std::vector<Bytes>& frames) {
  std::vector<Bytes> found;
  for (const Bytes& frame : frames) {
    const ByteView payload = ByteView(frame).subspan(limits::kFrameHeaderBytes);
    if (type_of(frame) == FrameType::kRepair) found.emplace_back(payload.begin(), payload.end());
    if (type_of(frame) != FrameType::kGossip) continue;
    const auto gossip = decode_gossip(payload);
    if (!gossip) continue;
    for (const GossipItem& item : gossip->items)
      found.emplace_back(item.envelope.begin(), item.envelope.end());
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

/// Comes again when it is sent away; a view that is full gives up one for another.
struct Watcher {
  SocketAddress target;
  std::unique_ptr<HostileLink> link;
};

}  // namespace

int record(const AttackOptions& options) {
  const HostileKey key = make_hostile_key(options.seed());
  std::ofstream file(options.text("file"), std::ios::binary | std::ios::trunc);
  std::size_t frames = 0;
  const auto keep = [&](const FrameView& frame) {
    const Bytes whole = encode_frame(static_cast<FrameType>(frame.type), frame.payload);
    file.write(reinterpret_cast<const char*>(whole.data()), static_cast<std::streamsize>(whole.size()));
    ++frames;
  };
  std::vector<Watcher> watchers;
  for (const SocketAddress& target : options.targets()) watchers.push_back({target, nullptr});
  const auto enter = [&](std::size_t number) {
    Watcher& watcher = watchers[number];
    const Clock::time_point deadline = Clock::now() + kEnterTimeout;
    do {
      watcher.link = std::make_unique<HostileLink>(key, AttackOptions::source(number), watcher.target);
      watcher.link->set_on_frame(keep);
      if (watcher.link->enter(deadline)) return true;
      std::this_thread::sleep_for(100ms);
    } while (Clock::now() < deadline);
    return false;
  };
  std::size_t entered = 0;
  for (std::size_t i = 0; i < watchers.size(); ++i) entered += enter(i) ? 1 : 0;
  say("recording " + std::to_string(entered));
  const Clock::time_point end = Clock::now() + std::chrono::seconds(options.number("seconds", 600));
  Clock::time_point alive_at = Clock::now();
  std::size_t again = 0;
  while (!has_word() && Clock::now() < end) {
    const bool says = Clock::now() >= alive_at;
    if (says) alive_at = Clock::now() + 1s;
    for (std::size_t i = 0; i < watchers.size(); ++i) {
      HostileLink& link = *watchers[i].link;
      const bool is_up = link.turn(1ms) && (!says || link.send(encode_pong(0), Clock::now() + 5s));
      if (is_up || !says) continue;
      ++again;
      enter(i);
    }
  }
  file.close();
  const auto envelopes = envelopes_of(read_frames(options.text("file")));
  say("recorded " + std::to_string(frames) + " frames, " + std::to_string(envelopes.size()) + " envelopes, " +
      std::to_string(again) + " times sent away");
  return 0;
}

int replay(const AttackOptions& options) {
  const std::vector<Bytes> frames = read_frames(options.text("file"));
  const std::uint64_t again_max = options.number("again", 200);
  HostileKey key = make_hostile_key(options.seed());
  const double share = static_cast<double>(options.number("cpu", 100)) / 100;
  const Clock::time_point begin = Clock::now();
  const auto is_over_share = [&, cpu_begin = cpu_seconds()] {
    const double elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
    return cpu_seconds() - cpu_begin > share * elapsed + 0.01;
  };
  std::size_t sent = 0;
  std::size_t again = 0;
  std::size_t number = 0;
  for (const SocketAddress& target : options.targets()) {
    std::unique_ptr<HostileLink> link;
    for (std::uint64_t time = 0; time < options.number("times", 1); ++time) {
      for (const Bytes& frame : frames) {
        // It would end the replay.
        if (type_of(frame) == FrameType::kClose) continue;
        while (is_over_share()) std::this_thread::sleep_for(2ms);
        while (!link || !link->turn(0ms) || !link->send(frame, Clock::now() + kEnterTimeout)) {
          if (++again > again_max) {
            say("not let in again by " + target.format());
            return 69;
          }
          link.reset();
          // Whose link was ended for a fault is not let in soon, and comes under another key.
          if (again > 1) key = make_hostile_key(draw_seed());
          link = std::make_unique<HostileLink>(key, AttackOptions::source(number++), target);
          link->enter(Clock::now() + kEnterTimeout);
        }
        ++sent;
      }
    }
    // What it has in its socket is taken before the link ends.
    if (link) link->read_until(Clock::now() + 500ms);
  }
  say("replayed " + std::to_string(sent) + " frames over " + std::to_string(again) + " links");
  return 0;
}

namespace {

enum class Verdict : std::uint8_t { kEnded, kCopy, kNeither };

/// Whether the far end ends the link, or goes on and answers: a changed signature alone makes a copy of what
/// it has.
Verdict judge(HostileLink& link, const Bytes& frame) {
  bool is_answered = false;
  link.set_on_frame([&](const FrameView& got) {
    is_answered = is_answered || got.type == static_cast<std::uint8_t>(FrameType::kPong);
  });
  Ping ping;
  ping.token = 1;
  const Clock::time_point deadline = Clock::now() + 5s;
  if (!link.send(frame, deadline) || !link.send(encode_ping(ping), deadline)) return Verdict::kEnded;
  while (Clock::now() < deadline) {
    if (!link.turn(50ms)) return Verdict::kEnded;
    if (is_answered) return Verdict::kCopy;
  }
  return Verdict::kNeither;
}

}  // namespace

int flip(const AttackOptions& options) {
  const std::vector<Bytes> envelopes = envelopes_of(read_frames(options.text("file")));
  if (envelopes.empty()) return 66;
  const std::vector<SocketAddress> targets = options.targets();
  Random random(options.number("seed", 1));
  const std::uint64_t count = options.number("count", 1000);
  std::size_t ended = 0;
  std::size_t copies = 0;
  std::size_t not_let_in = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    // A key of its own each time: who was at fault once is not let in again soon.
    const HostileKey key = make_hostile_key(draw_seed());
    HostileLink link(key, AttackOptions::source(i), targets[i % targets.size()]);
    if (!link.enter(Clock::now() + kEnterTimeout)) {
      ++not_let_in;
      continue;
    }
    Bytes flipped = envelopes[i % envelopes.size()];
    const std::uint64_t bit = random.below(flipped.size() * 8);
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
    Gossip gossip;
    gossip.items.push_back({1, flipped});
    const Bytes frame = i % 2 == 0 ? encode_frame_of(gossip) : encode_repair(flipped);
    const Verdict verdict = judge(link, frame);
    ended += verdict == Verdict::kEnded ? 1 : 0;
    copies += verdict == Verdict::kCopy ? 1 : 0;
  }
  say("flipped " + std::to_string(count) + " of " + std::to_string(envelopes.size()) + " envelopes, " +
      std::to_string(ended) + " links ended, " + std::to_string(copies) + " taken for copies, " +
      std::to_string(not_let_in) + " not let in");
  return 0;
}

}  // namespace p2pmesh::attacks
