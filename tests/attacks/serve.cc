// One member that lists a long history of its own, and brings it as fast as it is asked for it.
//   --seconds N   for how long (10)
//   --distinct N  how many envelopes it lists (100000)
#include <chrono>
#include <deque>

#include "attack_options.h"
#include "hostile_link.h"
#include "p2pmesh/base/random.h"
#include "p2pmesh/wire/envelope.h"
#include "p2pmesh/wire/messages.h"
#include "signed_texts.h"

namespace p2pmesh::attacks {
namespace {

using namespace std::chrono_literals;

class History {
 public:
  explicit History(std::vector<Bytes> envelopes)
      : envelopes_(std::move(envelopes)), first_(*decode_envelope(envelopes_.front())) {}

  /// All of it, whatever is compared.
  [[nodiscard]] Bytes list(std::uint32_t session) const {
    SyncListing listing;
    listing.session = session;
    listing.last = true;
    listing.differing.fill(0xff);
    HeldLog log;
    log.author = first_.author;
    log.epoch = first_.epoch;
    log.newest_wall_ms = first_.wall_ms;
    log.intervals = {{1, envelopes_.size()}};
    listing.logs.push_back(log);
    return encode_frame_of(listing);
  }

  [[nodiscard]] Bytes answer(const SyncRequest& request) {
    Bytes frames;
    SyncDone done;
    done.session = request.session;
    done.complete = true;
    const auto append = [&](const Bytes& frame) { frames.insert(frames.end(), frame.begin(), frame.end()); };
    for (const SyncRequest::Range& range : request.ranges) {
      if (range.author != first_.author || range.epoch != first_.epoch || range.first == 0) continue;
      for (std::uint64_t seq = range.first; seq <= range.last && seq <= envelopes_.size(); ++seq) {
        append(encode_repair(envelopes_[seq - 1]));
        ++done.envelopes;
      }
    }
    brought_ += done.envelopes;
    append(encode_frame_of(done));
    return frames;
  }
  [[nodiscard]] std::size_t brought() const { return brought_; }

 private:
  std::vector<Bytes> envelopes_;
  Envelope first_;
  std::size_t brought_ = 0;
};

}  // namespace

int serve(const AttackOptions& options) {
  const HostileKey key = make_hostile_key(options.seed());
  const SocketAddress target = options.targets().front();
  HostileLink first(key, AttackOptions::source(0), target);
  if (!first.connect(Clock::now() + 20s) || !first.shake_hands(Clock::now() + 20s)) return 69;
  const std::size_t distinct = options.number("distinct", 100'000);
  History history(sign_texts(*key.signer, first.mesh(), distinct));
  say("signed " + std::to_string(distinct));
  wait_for_word();

  HostileLink link(key, AttackOptions::source(1), target);
  std::deque<Bytes> answers;
  link.set_on_frame([&](const FrameView& frame) {
    if (frame.type == static_cast<std::uint8_t>(FrameType::kSyncDigest)) {
      const auto digest = decode_sync_digest(frame.payload);
      if (digest) answers.push_back(history.list(digest->session));
    } else if (frame.type == static_cast<std::uint8_t>(FrameType::kSyncRequest)) {
      const auto request = decode_sync_request(frame.payload);
      if (request) answers.push_back(history.answer(*request));
    }
  });
  if (!link.enter(Clock::now() + 20s)) return 69;
  Random random(1);
  const Clock::time_point end = Clock::now() + std::chrono::seconds(options.number("seconds", 10));
  Clock::time_point ping_at = Clock::now();
  bool is_up = true;
  while (is_up && Clock::now() < end) {
    if (Clock::now() >= ping_at) {
      Ping ping;
      ping.root = random.next();
      ping.repaired = true;
      answers.push_back(encode_ping(ping));
      ping_at = Clock::now() + 200ms;
    }
    is_up = link.turn(answers.empty() ? 5ms : 0ms);
    if (answers.empty() || !is_up) continue;
    const Bytes next = std::move(answers.front());
    answers.pop_front();
    is_up = link.send(next, end);
  }
  say("brought " + std::to_string(history.brought()) + " that were asked for, " + (is_up ? "1" : "0") +
      " links left");
  return 0;
}

}  // namespace p2pmesh::attacks
