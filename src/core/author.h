// The local member's pen: epoch, sequence, previous id; waiting texts packed into envelopes.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "conversations.h"
#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/core/inputs.h"
#include "p2pmesh/core/node.h"
#include "p2pmesh/crypto/signature.h"
#include "p2pmesh/wire/envelope.h"
#include "room_heads.h"
#include "room_sealing.h"
#include "turn.h"

namespace p2pmesh {

/// Signs and freezes an envelope.
EnvelopePtr seal_envelope(Envelope envelope, const Signer& signer);

/// An own envelope, ready to be flooded and stored.
struct Written {
  EnvelopePtr envelope;
  std::vector<std::uint64_t> tokens;
  DirectMessagePtr direct;            ///< null for a room's
  RoomContentPtr opened;              ///< of a private room's
  bool is_text = true;                ///< else it holds no message
  std::vector<std::uint64_t> drafts;  ///< numbers
};

enum class DraftKind : std::uint8_t { kText, kTopic, kInvite, kAct, kEntry };

/// What waits to be written: a line, the topic or an act (its body is the text) of a room, an entry
/// (likewise), or a line or an invitation to somebody.
struct Draft {
  std::uint64_t token = 0;
  std::string room;
  std::string text;
  std::optional<MemberKey> to;
  AgreementKey prekey{};  ///< of `to`, as it was when the text was taken in
  DraftKind kind = DraftKind::kText;
  std::optional<RoomSecret> invite = std::nullopt;
  std::uint64_t number = 0;  ///< of the draft that it was; 0: none
  WallMs typed_ms = 0;       ///< likewise

  [[nodiscard]] bool fits_with(const Draft& other) const {
    return kind == DraftKind::kText && other.kind == kind && room == other.room && to == other.to &&
           !text.empty() && !other.text.empty();
  }
};

class Author {
 public:
  Author(const MeshId& mesh, const Signer& signer) : mesh_(mesh), signer_(signer) {}

  /// Goes on in an epoch after a clean stop.
  void resume(std::uint64_t epoch, std::uint64_t last_seq, const EnvelopeId& last_id);
  /// Draws a new epoch, above every one known; sequence numbers restart at 1.
  void draw_epoch(std::uint64_t last_known, WallMs wall_ms);

  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
  [[nodiscard]] std::uint64_t last_seq() const { return last_seq_; }

  void enqueue(Draft draft);
  /// Takes back the lines that wait.
  std::vector<Draft> take_waiting();
  /// Takes back a draft that waits here. False when it does not.
  bool cancel(std::uint64_t number);
  [[nodiscard]] const std::deque<Draft>& drafts() const { return waiting_; }
  [[nodiscard]] bool has_room() const;
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  [[nodiscard]] std::size_t waiting_bytes() const { return waiting_bytes_; }

  /// Packs what waits, as far as the author's own budget allows: a relay that enforces it must never have to.
  std::vector<Written> write(RoomHeads& heads, const RoomSealing& rooms, Conversations& conversations,
                             Turn& turn);
  /// When write() can go on; nothing when nothing waits.
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  /// A record or passing envelope of this member, sealed. The caller sets class, kind, body and, for a
  /// record, subject and version.
  [[nodiscard]] EnvelopePtr write_other(Envelope envelope, WallMs wall_ms) const;

 private:
  Written write_one(RoomHeads& heads, const RoomSealing& rooms, Conversations& conversations, Turn& turn);
  void refill(Instant now);

  MeshId mesh_;
  const Signer& signer_;
  std::uint64_t epoch_ = 0;
  std::uint64_t last_seq_ = 0;
  EnvelopeId last_id_;
  std::deque<Draft> waiting_;
  std::size_t waiting_bytes_ = 0;
  double envelope_tokens_ = 0;
  double byte_tokens_ = 0;
  bool has_budget_ = false;  // filled at the first write
  Instant refilled_{};
  Instant last_written_{};
  std::optional<Instant> resume_at_;
};

}  // namespace p2pmesh
