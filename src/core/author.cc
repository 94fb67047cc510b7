#include "author.h"

#include <algorithm>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/wire/text_body.h"

namespace p2pmesh {
namespace {

// Nine tenths of what relays enforce: their clocks and ours need not run alike.
constexpr double kEnvelopesPerSecond = 0.9 * static_cast<double>(limits::kAuthorEnvelopesPerSecond);
constexpr double kEnvelopesBurst = 0.9 * static_cast<double>(limits::kAuthorEnvelopesBurst);
constexpr double kBytesPerSecond = 0.9 * static_cast<double>(limits::kAuthorBytesPerSecond);

}  // namespace

EnvelopePtr seal_envelope(Envelope envelope, const Signer& signer) {
  auto sealed = std::make_shared<SealedEnvelope>();
  sealed->encoded = encode_unsigned(envelope);
  sealed->id = hash_envelope(sealed->encoded);
  envelope.signature = signer.sign(envelope_signing_bytes(sealed->id));
  sealed->encoded.insert(sealed->encoded.end(), envelope.signature.begin(), envelope.signature.end());
  sealed->envelope = std::move(envelope);
  return sealed;
}

void Author::resume(std::uint64_t epoch, std::uint64_t last_seq, const EnvelopeId& last_id) {
  epoch_ = epoch;
  last_seq_ = last_seq;
  last_id_ = last_id;
}

void Author::draw_epoch(std::uint64_t last_known, WallMs wall_ms) {
  constexpr std::uint64_t kEpochMax = (1ULL << 63) - 1;
  epoch_ = std::max(std::min(wall_ms, kEpochMax), std::min(last_known, kEpochMax - 1) + 1);
  if (P2P_PLANTED(EpochByClockAlone)) epoch_ = wall_ms;
  last_seq_ = 0;
  last_id_ = {};
}

void Author::enqueue(Draft draft) {
  waiting_bytes_ += draft.text.size();
  waiting_.push_back(std::move(draft));
}

std::vector<Draft> Author::take_waiting() {
  std::vector<Draft> lines;
  std::deque<Draft> rest;
  for (Draft& draft : waiting_) {
    if (draft.kind != DraftKind::kText) {
      rest.push_back(std::move(draft));
      continue;
    }
    waiting_bytes_ -= draft.text.size();
    lines.push_back(std::move(draft));
  }
  waiting_ = std::move(rest);
  return lines;
}

bool Author::cancel(std::uint64_t number) {
  const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                  [&](const Draft& draft) { return draft.number == number; });
  if (found == waiting_.end()) return false;
  waiting_bytes_ -= found->text.size();
  waiting_.erase(found);
  return true;
}

bool Author::has_room() const {
  return waiting_.size() < limits::kUnsentMessagesMax && waiting_bytes_ < limits::kUnsentBytesMax;
}

void Author::refill(Instant now) {
  if (!has_budget_) {
    has_budget_ = true;
    envelope_tokens_ = kEnvelopesBurst;
    byte_tokens_ = kBytesPerSecond;
  } else if (now > refilled_) {
    const double seconds = std::chrono::duration<double>(now - refilled_).count();
    envelope_tokens_ = std::min(kEnvelopesBurst, envelope_tokens_ + seconds * kEnvelopesPerSecond);
    byte_tokens_ = std::min(kBytesPerSecond, byte_tokens_ + seconds * kBytesPerSecond);
  }
  refilled_ = now;
}

std::vector<Written> Author::write(RoomHeads& heads, const RoomSealing& rooms, Conversations& conversations,
                                   Turn& turn) {
  const Now& now = turn.now;
  std::vector<Written> written;
  resume_at_.reset();
  if (waiting_.empty()) return written;
  refill(now.monotonic);
  // Below half of the burst single lines are gathered for as long as one envelope's share of the budget
  // lasts: who types is never held up, who pours in lines is written in few envelopes.
  constexpr auto kShare = Duration(static_cast<Duration::rep>(1e6 / kEnvelopesPerSecond));
  const bool thrifty = envelope_tokens_ < kEnvelopesBurst / 2;
  if (thrifty && waiting_.size() < limits::kMessagesPerEnvelopeMax &&
      now.monotonic < last_written_ + kShare) {
    resume_at_ = last_written_ + kShare;
    return written;
  }
  while (!waiting_.empty()) {
    if (envelope_tokens_ < 1 || byte_tokens_ < static_cast<double>(limits::kEnvelopeBytesMax)) {
      resume_at_ = now.monotonic + kShare;
      break;
    }
    written.push_back(write_one(heads, rooms, conversations, turn));
    envelope_tokens_ -= 1;
    byte_tokens_ -= static_cast<double>(written.back().envelope->encoded.size());
    last_written_ = now.monotonic;
  }
  return written;
}

Written Author::write_one(RoomHeads& heads, const RoomSealing& rooms, Conversations& conversations,
                          Turn& turn) {
  Written written;
  const Draft first = waiting_.front();
  std::vector<std::string> messages;
  // Beside the messages of a direct envelope there are its recipient, its place and a signature.
  constexpr std::size_t kBesideDirect = 256;
  const bool is_sealed = is_private_room(first.room);
  std::size_t bytes = 2 + (first.to ? kBesideDirect : is_sealed ? kBesideRoomContent : 0);
  while (!waiting_.empty() && messages.size() < limits::kMessagesPerEnvelopeMax &&
         (written.tokens.empty() || waiting_.front().fits_with(first))) {
    Draft& draft = waiting_.front();
    const std::size_t more = text_message_bytes(draft.text.size());
    if (bytes + more > limits::kTextBodyBytesMax) break;
    bytes += more;
    waiting_bytes_ -= draft.text.size();
    written.tokens.push_back(draft.token);
    if (draft.number != 0) written.drafts.push_back(draft.number);
    if (!draft.text.empty()) messages.push_back(std::move(draft.text));
    waiting_.pop_front();
  }
  Envelope envelope;
  envelope.envelope_class = EnvelopeClass::kLog;
  envelope.mesh = mesh_;
  envelope.author = to_member(signer_.public_key());
  envelope.epoch = epoch_;
  envelope.wall_ms = turn.now.wall_ms;
  envelope.seq = ++last_seq_;
  envelope.prev = last_id_;
  if (first.to) {
    // What it answers would tell who talks to whom: a direct envelope has no room and no parents.
    envelope.kind = static_cast<std::uint16_t>(Kind::kDirect);
    envelope.depth = 1;
    const DirectType type = first.invite       ? DirectType::kInvite
                            : messages.empty() ? DirectType::kRequest
                                               : DirectType::kText;
    written.direct = conversations.write(*first.to, first.prekey,
                                         {type, {}, 0, 0, std::move(messages), first.invite}, envelope, turn);
  } else {
    Placement placement = heads.place(first.room);
    const bool is_topic = first.kind == DraftKind::kTopic;
    written.is_text = first.kind == DraftKind::kText;
    envelope.room = first.room;
    envelope.parents = std::move(placement.parents);
    envelope.depth = placement.depth;
    Kind kind = is_topic ? Kind::kTopic : Kind::kText;
    if (first.kind == DraftKind::kAct || first.kind == DraftKind::kEntry) {
      // In the open in a private room too: all carry it, so all must be able to weigh it.
      kind = first.kind == DraftKind::kAct ? Kind::kAct : Kind::kEntry;
      const ByteView body = as_bytes(first.text);
      envelope.body.assign(body.begin(), body.end());
    } else if (is_sealed) {
      kind = Kind::kSealedRoom;
      RoomContent content{std::move(messages)};
      if (is_topic) content = {{}, first.text};
      envelope.body = rooms.seal(content, envelope);
      written.opened = std::make_shared<const RoomContent>(std::move(content));
    } else {
      const ByteView topic = as_bytes(first.text);
      envelope.body = is_topic ? Bytes(topic.begin(), topic.end()) : encode_text_body(messages);
    }
    envelope.kind = static_cast<std::uint16_t>(kind);
  }
  written.envelope = seal_envelope(std::move(envelope), signer_);
  last_id_ = written.envelope->id;
  if (!first.to && !first.room.empty()) heads.on_own(*written.envelope);
  return written;
}

std::optional<Instant> Author::next_deadline() const {
  return waiting_.empty() ? std::nullopt : resume_at_;
}

EnvelopePtr Author::write_other(Envelope envelope, WallMs wall_ms) const {
  envelope.mesh = mesh_;
  envelope.author = to_member(signer_.public_key());
  envelope.epoch = epoch_;
  envelope.wall_ms = wall_ms;
  return seal_envelope(std::move(envelope), signer_);
}

}  // namespace p2pmesh
