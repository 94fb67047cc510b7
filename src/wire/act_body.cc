#include "p2pmesh/wire/act_body.h"

#include <algorithm>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/codec.h"
#include "p2pmesh/wire/text_body.h"

namespace p2pmesh {
namespace {

bool has_end(ActVerb verb) {
  return verb == ActVerb::kBan || verb == ActVerb::kSilence;
}
bool has_cut(ActVerb verb) {
  return verb == ActVerb::kUnmod || has_end(verb);
}
bool has_topic(ActVerb verb) {
  return verb == ActVerb::kLockTopic || verb == ActVerb::kUnlockTopic;
}

/// What its verb has not must not be there: each act has one encoding.
bool fits_verb(const ActBody& body) {
  return has_subject(body.verb) != body.subject.is_zero() && (has_end(body.verb) || body.end_ms == 0) &&
         (has_cut(body.verb) || body.cut.epochs.empty()) && (has_topic(body.verb) || body.topic.is_zero());
}

}  // namespace

bool has_subject(ActVerb verb) {
  return verb >= ActVerb::kMod && verb <= ActVerb::kUnsilence;
}

bool LogCut::is_beyond(std::uint64_t epoch, std::uint64_t seq) const {
  const auto found =
      std::lower_bound(epochs.begin(), epochs.end(), epoch,
                       [](const auto& listed, std::uint64_t wanted) { return listed.first > wanted; });
  return found == epochs.end() || found->first != epoch || seq > found->second;
}

void LogCut::narrow(const LogCut& other) {
  LogCut both;
  auto there = other.epochs.begin();
  for (const auto& [epoch, last] : epochs) {
    while (there != other.epochs.end() && there->first > epoch) ++there;
    if (there != other.epochs.end() && there->first == epoch)
      both.epochs.emplace_back(epoch, std::min(last, there->second));
  }
  *this = std::move(both);
}

bool Restriction::refuses(const Envelope& envelope) const {
  return refuses_dated(envelope, envelope.wall_ms);
}

bool Restriction::refuses(const Envelope& envelope, WallMs now_ms) const {
  if (refuses(envelope)) return true;
  return has_set_end && end_ms > now_ms && refuses_dated(envelope, now_ms);
}

bool Restriction::refuses_dated(const Envelope& envelope, WallMs wall_ms) const {
  if (envelope.envelope_class != EnvelopeClass::kLog || (!room.empty() && room != envelope.room))
    return false;
  if (end_ms != 0 && wall_ms >= end_ms) return false;
  const auto kind = static_cast<Kind>(envelope.kind);
  const bool is_said = kind == Kind::kText || kind == Kind::kSealedRoom || kind == Kind::kTopic;
  if ((!is_ban && !is_said) || !cut.is_beyond(envelope.epoch, envelope.seq)) return false;
  return is_of_key || !is_act(envelope) || !decode_act_body(envelope.body);
}

bool is_act(const Envelope& envelope) {
  return envelope.envelope_class == EnvelopeClass::kLog &&
         envelope.kind == static_cast<std::uint16_t>(Kind::kAct);
}

void write_cut(Writer& writer, const LogCut& cut) {
  writer.u16(static_cast<std::uint16_t>(cut.epochs.size()));
  for (const auto& [epoch, last] : cut.epochs) writer.u64(epoch).u64(last);
}

std::optional<LogCut> read_cut(Reader& reader) {
  LogCut cut;
  const std::size_t epochs = reader.u16();
  if (!reader.ok() || epochs > limits::kCutEpochsMax || reader.remaining() < epochs * 16) return std::nullopt;
  for (std::size_t i = 0; i < epochs; ++i) {
    const std::uint64_t epoch = reader.u64();
    const std::uint64_t last = reader.u64();
    if (last == 0 || (i > 0 && epoch >= cut.epochs.back().first)) return std::nullopt;
    cut.epochs.emplace_back(epoch, last);
  }
  return cut;
}

Bytes encode_act_body(const ActBody& body) {
  Writer writer;
  writer.u8(static_cast<std::uint8_t>(body.verb)).id(body.subject).u64(body.end_ms);
  writer.u8(body.proof ? 1 : 0);
  if (body.proof) writer.raw(*body.proof);
  write_cut(writer, body.cut);
  writer.u8(static_cast<std::uint8_t>(body.seen.size()));
  for (const EnvelopeId& id : body.seen) writer.id(id);
  return writer.id(body.topic)
      .u16(static_cast<std::uint16_t>(body.reason.size()))
      .raw(as_bytes(body.reason))
      .take();
}

std::optional<ActBody> decode_act_body(ByteView bytes) {
  Reader reader(bytes);
  ActBody body;
  const std::uint8_t verb = reader.u8();
  if (verb < static_cast<std::uint8_t>(ActVerb::kFound) ||
      verb > static_cast<std::uint8_t>(ActVerb::kUnlockTopic))
    return std::nullopt;
  body.verb = static_cast<ActVerb>(verb);
  body.subject = reader.id<MemberKey>();
  body.end_ms = reader.u64();
  const std::uint8_t has_proof = reader.u8();
  if (has_proof > 1) return std::nullopt;
  if (has_proof == 1) {
    const ByteView nonce = reader.raw(MeshNonce().size());
    body.proof.emplace();
    if (reader.ok()) std::copy(nonce.begin(), nonce.end(), body.proof->begin());
  }
  auto cut = read_cut(reader);
  if (!cut) return std::nullopt;
  body.cut = *std::move(cut);
  const std::size_t seen = reader.u8();
  if (!reader.ok() || seen > limits::kActSeenMax) return std::nullopt;
  for (std::size_t i = 0; i < seen; ++i) {
    body.seen.push_back(reader.id<EnvelopeId>());
    if (i > 0 && !(body.seen[i - 1] < body.seen[i])) return std::nullopt;
  }
  body.topic = reader.id<EnvelopeId>();
  const std::size_t reason_bytes = reader.u16();
  if (reason_bytes > limits::kActReasonBytesMax) return std::nullopt;
  body.reason = std::string(as_text(reader.raw(reason_bytes)));
  if (!reader.done() || !is_utf8(body.reason) || !fits_verb(body) || body.end_ms >> 63 != 0)
    return std::nullopt;
  return body;
}

}  // namespace p2pmesh
