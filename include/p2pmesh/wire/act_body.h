// The body of an act: what a founder or a moderator does to keep order in a room or the mesh.
// p2pmesh-protocol(7). Pure: who may do what is the core's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/wire/codec.h"
#include "p2pmesh/wire/envelope.h"
#include "p2pmesh/wire/member_body.h"

namespace p2pmesh {

enum class ActVerb : std::uint8_t {
  kFound = 1,  ///< the author has opened this room
  kMod = 2,    ///< names a moderator
  kUnmod = 3,
  kKick = 4,
  kBan = 5,
  kUnban = 6,
  kSilence = 7,
  kUnsilence = 8,
  kLockTopic = 9,
  kUnlockTopic = 10,
};

/// Has a subject; else it is about the room itself.
bool has_subject(ActVerb verb);

/// Of each epoch the last sequence number that still counts. What is beyond it, and all of an epoch that is
/// not listed, was written afterwards: an author can make up old epochs, so that only what was seen can
/// count.
struct LogCut {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> epochs;  ///< epoch and number, the newest first

  [[nodiscard]] bool is_beyond(std::uint64_t epoch, std::uint64_t seq) const;
  /// From here on what is beyond either of them is beyond this one.
  void narrow(const LogCut& other);
  bool operator==(const LogCut&) const = default;
};

struct ActBody {
  ActVerb verb = ActVerb::kFound;
  MemberKey subject;  ///< zero without one
  WallMs end_ms = 0;  ///< kBan, kSilence: until then, by the author's clock of what is judged; 0: for good
  std::optional<MeshNonce> proof;  ///< the author has founded the mesh: with its key this makes the mesh's id
  LogCut cut;                      ///< of the subject: kUnmod, kBan, kSilence
  std::vector<EnvelopeId> seen;    ///< acts that no other one names which the author had seen; ascending
  EnvelopeId topic;    ///< kLockTopic, kUnlockTopic: the envelope of the topic that holds; zero: none
  std::string reason;  ///< UTF-8 of at most kActReasonBytesMax bytes

  bool operator==(const ActBody&) const = default;
};

/// What a ban or a silence refuses of its subject, on every node alike: what it says depends on nothing but
/// the acts and the envelope. Acts are never refused: whether they count is another question, and what makes
/// them count may come later.
struct Restriction {
  std::string room;     ///< empty: the whole mesh
  bool is_ban = false;  ///< else a silence, which refuses what is said in rooms alone
  LogCut cut;
  WallMs end_ms = 0;  ///< refused is what its author dates before that; 0: whatever the date
  bool has_set_end =
      false;               ///< the end was set beforehand, so what is dated behind it cannot be there before
  bool is_of_key = false;  ///< the key was revoked: acts are refused too

  [[nodiscard]] bool refuses(const Envelope& envelope) const;
  /// Likewise; what is dated behind an end that was set beforehand is refused until then by our own clock.
  [[nodiscard]] bool refuses(const Envelope& envelope, WallMs now_ms) const;
  bool operator==(const Restriction&) const = default;

 private:
  [[nodiscard]] bool refuses_dated(const Envelope& envelope, WallMs wall_ms) const;
};
using Restrictions = std::vector<Restriction>;

/// A log envelope of the kind; its body may still be malformed.
bool is_act(const Envelope& envelope);

/// At most kCutEpochsMax epochs.
void write_cut(Writer& writer, const LogCut& cut);
/// Nothing when malformed or over the limit.
std::optional<LogCut> read_cut(Reader& reader);

Bytes encode_act_body(const ActBody& body);

/// Nothing when malformed, over a limit, or with a field that its verb has not.
std::optional<ActBody> decode_act_body(ByteView bytes);

}  // namespace p2pmesh
