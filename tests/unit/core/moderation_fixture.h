// Members who keep order, or try to, on halves of a mesh that hear nothing of each other until they are
// joined.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "moderation_log.h"
#include "p2pmesh/crypto/hash.h"

namespace p2pmesh::test {

/// Once the acts that have come are judged.
inline Restrictions refused_of(ModerationLog& log, const MemberKey& member) {
  log.judge();
  return log.refused_of(member);
}

struct ModeratedMesh {
  static constexpr std::uint64_t kEpoch = 1000;
  static constexpr WallMs kFarAhead = 1ULL << 62;  // nothing is too early any more

  struct Half {
    std::unique_ptr<ModerationLog> log;
    std::vector<EnvelopePtr> held;
    std::map<MemberKey, std::uint64_t> last;
  };

  explicit ModeratedMesh(std::size_t count = 2) : mesh(hash_mesh(member('F'), nonce)) {
    for (std::size_t i = 0; i < count; ++i) halves.push_back({std::make_unique<ModerationLog>(mesh), {}, {}});
  }

  static MemberKey member(char name) {
    MemberKey key;
    key.bytes.fill(static_cast<std::uint8_t>(name));
    return key;
  }

  /// What any member writes.
  EnvelopePtr write(std::size_t at, char author, Kind kind, const std::string& room, Bytes body) {
    Half& half = halves[at];
    auto sealed = std::make_shared<SealedEnvelope>();
    Envelope& envelope = sealed->envelope;
    envelope.kind = static_cast<std::uint16_t>(kind);
    envelope.mesh = mesh;
    envelope.room = room;
    envelope.author = member(author);
    envelope.epoch = kEpoch;
    envelope.wall_ms = ++clock;
    envelope.seq = ++last[envelope.author];
    envelope.depth = half.held.size() + 1;
    envelope.body = std::move(body);
    sealed->encoded = encode_envelope(envelope);
    sealed->id = hash_envelope(encode_unsigned(envelope));
    take(at, sealed);
    return sealed;
  }
  /// An act as an honest node writes it.
  EnvelopePtr act(std::size_t at, char author, ActVerb verb, char subject, const std::string& room = {},
                  WallMs end_ms = 0) {
    Half& half = halves[at];
    ActBody body;
    body.verb = verb;
    if (has_subject(verb)) body.subject = member(subject);
    body.end_ms = end_ms;
    if (author == 'F') body.proof = nonce;
    const bool cuts = verb == ActVerb::kBan || verb == ActVerb::kSilence || verb == ActVerb::kUnmod;
    if (const auto known = half.last.find(member(subject)); cuts && known != half.last.end())
      body.cut.epochs = {{kEpoch, known->second}};
    body.seen = half.log->heads(room);
    // Whose ids are lower is to be luck.
    body.reason = std::to_string(salt);
    return write(at, author, Kind::kAct, room, encode_act_body(body));
  }
  EnvelopePtr say(std::size_t at, char author, const std::string& room = "#dev") {
    return write(at, author, Kind::kText, room, {});
  }

  void take(std::size_t at, const EnvelopePtr& envelope) {
    Half& half = halves[at];
    half.held.push_back(envelope);
    std::uint64_t& greatest = half.last[envelope->envelope.author];
    greatest = std::max(greatest, envelope->envelope.seq);
    if (is_act(envelope->envelope)) half.log->add(*envelope);
  }
  /// Each half hears what the others have.
  void join() {
    std::vector<std::size_t> counts;
    for (const Half& half : halves) counts.push_back(half.held.size());
    for (std::size_t to = 0; to < halves.size(); ++to) {
      for (std::size_t from = 0; from < halves.size(); ++from) {
        if (from == to) continue;
        for (std::size_t i = 0; i < counts[from]; ++i) {
          const EnvelopePtr envelope = halves[from].held[i];
          const auto& held = halves[to].held;
          const bool is_known = std::any_of(
              held.begin(), held.end(), [&](const EnvelopePtr& other) { return other->id == envelope->id; });
          if (!is_known) take(to, envelope);
        }
      }
    }
  }
  [[nodiscard]] std::vector<EnvelopePtr> all() const { return halves.front().held; }

  /// Everything that a log can be asked, as one text.
  static std::string describe(ModerationLog& log, const std::vector<EnvelopePtr>& envelopes) {
    std::ostringstream text;
    for (const std::string room : {"", "#dev", "#ops", "#lobby"}) {
      for (const RankView& view : log.ranks(room))
        text << room << ' ' << view.member.bytes[0] << ' ' << static_cast<int>(view.rank) << '\n';
      for (const RestrictionView& view : log.restrictions(room))
        text << room << ' ' << view.member.bytes[0] << view.is_ban << view.by.bytes[0] << view.end_ms << '\n';
      text << log.is_topic_locked(room) << '\n';
    }
    log.judge();
    std::map<EnvelopeId, bool> refused;
    for (const EnvelopePtr& envelope : envelopes)
      refused[envelope->id] = log.refuses(envelope->envelope, kFarAhead);
    for (const auto& [id, is_refused] : refused) text << is_refused;
    return text.str();
  }
  [[nodiscard]] std::string describe(std::size_t at) { return describe(*halves[at].log, all()); }

  ModerationLog& log(std::size_t at) { return *halves[at].log; }
  Rank rank(char name, const std::string& room = {}, std::size_t at = 0) {
    return log(at).rank(member(name), room);
  }
  bool is_refused(const EnvelopePtr& envelope, std::size_t at = 0) {
    log(at).judge();
    return log(at).refuses(envelope->envelope, kFarAhead);
  }

  MeshNonce nonce{7};
  MeshId mesh;
  std::vector<Half> halves;
  std::map<MemberKey, std::uint64_t> last;
  WallMs clock = 10'000;
  unsigned salt = 0;
};

}  // namespace p2pmesh::test
