// Key updates over a link that is up, which nobody needs.
//   --rate N     so many a second (1000)
//   --seconds N  for how long at most, over each link (5)
//   --links N    one after the other, with a new key for each (1)
//   --pause N    milliseconds between two of them (0)
#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include <openssl/ssl.h>

#include "attack_options.h"
#include "hostile_link.h"

namespace p2pmesh::attacks {
namespace {

using namespace std::chrono_literals;

/// The node's own channel has no word for it, so OpenSSL is asked for the one whose handshake was the last to
/// end.
SSL* last_channel = nullptr;

void on_channel(const SSL* channel, int where, int /*value*/) {
  if ((where & SSL_CB_HANDSHAKE_DONE) != 0) last_channel = const_cast<SSL*>(channel);
}

void listen_for_channels(const TlsContext& context) {
  SSL* other = context.make_channel(true, nullptr);
  SSL_CTX_set_info_callback(SSL_get_SSL_CTX(other), on_channel);
  SSL_free(other);
}

struct Updates {
  std::size_t sent = 0;
  double seconds = 0;
  bool is_up = true;
};

/// No answers are asked for: those would end the link from here.
Updates update_keys(HostileLink& link, SSL* channel, double rate, double seconds_max) {
  const Clock::time_point begin = Clock::now();
  Updates updates;
  while (updates.is_up && updates.seconds < seconds_max) {
    if (static_cast<double>(updates.sent) < rate * updates.seconds) {
      SSL_key_update(channel, SSL_KEY_UPDATE_NOT_REQUESTED);
      SSL_do_handshake(channel);
      ++updates.sent;
    } else {
      std::this_thread::sleep_for(500us);
    }
    updates.is_up = link.turn(0ms);
    updates.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  }
  return updates;
}

}  // namespace

int key_updates(const AttackOptions& options) {
  const SocketAddress target = options.targets().front();
  const std::uint64_t links = options.number("links", 1);
  const auto rate = static_cast<double>(options.number("rate", 1000));
  const auto seconds_max = static_cast<double>(options.number("seconds", 5));
  std::size_t most = 0;
  std::size_t closed = 0;
  double slowest = 0;
  for (std::uint64_t i = 0; i < links; ++i) {
    const HostileKey key = make_hostile_key(draw_seed());
    listen_for_channels(*key.tls);
    HostileLink link(key, AttackOptions::source(i), target);
    if (!link.enter(Clock::now() + 20s)) return 1;
    const Updates updates = update_keys(link, last_channel, rate, seconds_max);
    most = std::max(most, updates.sent);
    slowest = std::max(slowest, updates.seconds);
    closed += updates.is_up ? 0 : 1;
    std::this_thread::sleep_for(std::chrono::milliseconds(options.number("pause", 0)));
  }
  say("closed " + std::to_string(closed) + " of " + std::to_string(links) + " links, after at most " +
      std::to_string(most) + " key updates and " + std::to_string(slowest) + " s");
  return 0;
}

}  // namespace p2pmesh::attacks
