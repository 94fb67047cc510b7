// The people the local member talks to: how each stands to the other, what has come and was read, and in
// which records that is told.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "direct_sealing.h"
#include "held_index.h"
#include "interval_set.h"
#include "p2pmesh/core/node.h"
#include "p2pmesh/wire/direct_body.h"
#include "roster.h"
#include "turn.h"

namespace p2pmesh {

class Author;

struct DirectCounters {
  std::uint64_t opened = 0;
  std::uint64_t damaged = 0;     ///< to us, and not what its author would have sealed
  std::uint64_t over_limit = 0;  ///< from one more stranger than are remembered
  std::uint64_t standings = 0;   ///< published
};

class Conversations {
 public:
  Conversations(const NodeOptions& options, const Roster& roster);

  /// First each of these, then the records.
  void restore(const RestoredCorrespondent& stored);
  void restore_standing(const Envelope& record);

  [[nodiscard]] DirectSealing& sealing() { return sealing_; }
  [[nodiscard]] DirectAccess access_to(const MemberKey& member) const;
  /// What is to be sealed to; only with DirectAccess::kOpen.
  [[nodiscard]] AgreementKey prekey_of(const MemberKey& member) const;

  /// Makes `place`, a log envelope with its place in the author's log, the next one to this member.
  DirectMessagePtr write(const MemberKey& to, const AgreementKey& prekey, DirectType type,
                         std::vector<std::string> texts, Envelope& place, Turn& turn);
  /// A notice of the moment; nothing when it cannot be sealed.
  [[nodiscard]] std::optional<Bytes> write_notice(const MemberKey& to, DirectType type,
                                                  const Envelope& place);

  /// A direct envelope that was accepted; null when it is not for us, or not opened.
  DirectMessagePtr on_log(const Envelope& envelope, Turn& turn);
  void on_committed(const Envelope& envelope, const DirectMessage& direct, Instant now);
  void on_notice(const Envelope& envelope, Turn& turn);
  /// A newer standing record of anybody.
  void on_standing(const Envelope& record, Turn& turn);
  void on_answer(const AnswerRequest& answer, Turn& turn);

  /// The records that are due, sealed and ready.
  std::vector<EnvelopePtr> take_standings(const Author& author, const HeldIndex& index, Turn& turn);
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  /// Whether what this member wrote is to be shown: we wrote first, or have accepted.
  [[nodiscard]] bool is_shown(const MemberKey& member) const;
  [[nodiscard]] std::vector<CorrespondentView> list() const;
  /// Of an own envelope that has left: whether it came, and was read.
  [[nodiscard]] Delivery delivery_of(const MemberKey& to, std::uint64_t epoch, std::uint64_t number) const;
  [[nodiscard]] const DirectCounters& counters() const { return counters_; }

 private:
  struct Received {
    IntervalSet numbers;
    std::uint64_t read_to = 0;
  };
  struct Correspondent {
    Relation mine = Relation::kNone;
    bool asks = false;  // wrote to us, who have not answered
    StandingBody theirs;
    std::map<std::uint64_t, Received> received;  // by epoch of theirs; the newest kStandingEpochsMax
    std::uint64_t depth = 0;
    std::uint64_t written_epoch = 0;
    std::uint64_t written_number = 0;
    Bytes subject;  // of the records in which we tell it
    StandingBody told;
    std::uint64_t version = 0;  // of the record that told it
    std::uint64_t version_epoch = 0;
    bool stale = false;
    Instant told_at{};
  };
  Correspondent* find(const MemberKey& member);
  [[nodiscard]] const Correspondent* find(const MemberKey& member) const;
  /// Null when as many are known as may be.
  Correspondent* find_or_add(const MemberKey& member);
  [[nodiscard]] bool is_member(const MemberKey& member) const;
  void set_relation(const MemberKey& member, Correspondent& correspondent, Relation relation, Turn& turn);
  /// What `record` tells beyond what was told before.
  [[nodiscard]] static std::vector<ReceivedLog> news_of(const StandingBody& before,
                                                        const StandingBody& after);
  static void store(const MemberKey& member, const Correspondent& correspondent, Turn& turn);
  void mark_stale(Correspondent& correspondent);
  [[nodiscard]] static StandingBody standing_of(const Correspondent& correspondent);
  static void note_epoch(Correspondent& correspondent);
  /// Empty when its key is none.
  const Bytes& subject_to(const MemberKey& member, Correspondent& correspondent);

  const Roster& roster_;
  MeshId mesh_;
  MemberKey self_;
  DirectSealing sealing_;
  std::map<MemberKey, Correspondent> people_;
  bool any_stale_ = false;
  DirectCounters counters_;
};

}  // namespace p2pmesh
