// The people the local member talks to: how each stands to the other, what has come and was read, and in
// which records that is told.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "direct_sealing.h"
#include "held_index.h"
#include "interval_set.h"
#include "links.h"
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

  /// From now on the member appears offline to all but those it has accepted; nothing that is addressed to it
  /// is opened. Records that came meanwhile are read afterwards.
  void hide(bool hidden, Turn& turn);
  [[nodiscard]] bool is_hidden() const { return hidden_; }
  /// Those who were told that it is here are to be told that it is no more.
  void leave_unseen();
  /// What a blocked one has told is read when it is blocked no more; nothing is told to it meanwhile.
  void block(const MemberKey& member, bool blocked, Turn& turn);
  void restore_blocked(const MemberKey& member) { blocked_.insert(member); }
  /// It has said that it is here, whatever its member record says.
  [[nodiscard]] bool is_here(const MemberKey& member) const;
  [[nodiscard]] bool has_anybody_here() const { return here_ > 0; }

  [[nodiscard]] DirectSealing& sealing() { return sealing_; }
  [[nodiscard]] DirectAccess access_to(const MemberKey& member) const;
  /// What is to be sealed to; only with DirectAccess::kOpen.
  [[nodiscard]] AgreementKey prekey_of(const MemberKey& member) const;

  /// Makes `place`, a log envelope with its place in the author's log, the next one to this member.
  /// Of `content` the type and what it says; the rest is worked out here.
  DirectMessagePtr write(const MemberKey& to, const AgreementKey& prekey, DirectContent content,
                         Envelope& place, Turn& turn);
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
  /// What was received and told stays: no receipt that was given becomes false, no number is used twice.
  void forget(const MemberKey& member, Turn& turn);

  void on_read(const ReadTo& read);

  /// The records that are due, sealed and ready.
  std::vector<EnvelopePtr> take_standings(const Author& author, const HeldIndex& index, Turn& turn);
  /// Without waiting: whom they are for is to know before what comes next.
  void hurry_standings() { hurried_ = true; }
  void on_wake(Turn& turn);
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  /// Somebody who is here, is no neighbor and has not got what was written to it: to be linked to for a
  /// while. Seldom the same.
  std::optional<MemberKey> take_visit(const Links& links, bool has_place, Instant now);
  [[nodiscard]] std::optional<Instant> next_visit() const;
  /// Messages of the current epoch that nobody has said to have.
  [[nodiscard]] std::uint64_t undelivered() const;

  /// Whether what this member wrote is to be shown: we wrote first, or have accepted.
  [[nodiscard]] bool is_shown(const MemberKey& member) const;
  [[nodiscard]] std::vector<CorrespondentView> list() const;
  /// Of an own envelope that has left: whether it came, and was read.
  [[nodiscard]] Delivery delivery_of(const MemberKey& to, std::uint64_t epoch, std::uint64_t number) const;
  [[nodiscard]] const DirectCounters& counters() const { return counters_; }
  struct Sizes {
    std::size_t correspondents = 0;
    std::size_t strangers = 0;  ///< who were not answered
  };
  [[nodiscard]] Sizes sizes() const;

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
    std::map<std::uint64_t, std::uint64_t>
        untold;     // own epochs: the last number of which not all is said to have come
    Bytes subject;  // of the records in which we tell it
    StandingBody told;
    std::uint64_t version = 0;  // of the record that told it
    std::uint64_t version_epoch = 0;
    bool stale = false;
    Instant told_at{};
    Instant visit_at{};
    Duration visit_pause{};
    Instant here_until{};  // it said so; none: it is not, or its member record says more
  };
  static bool is_welcome(Relation relation) {
    return relation == Relation::kAsked || relation == Relation::kAccepted;
  }
  void visit_later(Correspondent& correspondent, Instant now);
  static void forget_told(Correspondent& correspondent);
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
  void mark_accepted_stale();
  /// That anything is told to this one now.
  [[nodiscard]] bool may_tell(const MemberKey& member, const Correspondent& correspondent) const;
  void tell_of_being_here(const Now& now);
  void note_here(const MemberKey& member, Correspondent& correspondent, bool here, Turn& turn);
  [[nodiscard]] StandingBody standing_of(const MemberKey& member, const Correspondent& correspondent) const;
  static void note_epoch(Correspondent& correspondent);
  /// Empty when its key is none.
  const Bytes& subject_to(const MemberKey& member, Correspondent& correspondent);

  const Roster& roster_;
  MeshId mesh_;
  MemberKey self_;
  DirectSealing sealing_;
  std::map<MemberKey, Correspondent> people_;
  std::set<MemberKey> blocked_;
  bool any_stale_ = false;
  bool hurried_ = false;
  bool hidden_ = false;
  bool has_left_ = false;
  std::optional<MemberKey> leaving_;                // is blocked now, and told a last time
  std::uint64_t here_count_ = 0;                    // StandingBody::here
  Instant here_due_{};                              // when that is to be said again
  std::size_t here_ = 0;                            // how many have said it
  std::map<MemberKey, Envelope> unread_standings_;  // that came while hidden, or of who is blocked
  bool any_untold_ = false;                         // as of the last look, or since
  Instant visit_look_at_{};
  DirectCounters counters_;
};

}  // namespace p2pmesh
