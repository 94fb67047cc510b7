// What the core wants done. runtime/output_runner carries them out, in order, in its one switch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "p2pmesh/core/inputs.h"
#include "p2pmesh/wire/direct_body.h"

namespace p2pmesh {

/// Decides what a full send queue does with a frame, and what waits for what.
enum class FrameClass : std::uint8_t {
  kControl,  ///< small, never dropped
  kLive,     ///< a flood's payload: may be dropped, repair brings it
  kRepair,   ///< waits for everything else
};

struct SendFrame {
  LinkId link = 0;
  SharedBytes frame;
  FrameClass frame_class = FrameClass::kControl;
};
/// Answered by LinkUp or DialFailed. Every dial checks the key.
struct Dial {
  NodeKey node;
  NetAddress address;
};
/// Send the close frame behind what is queued, then close. No LinkDown follows.
struct CloseLink {
  LinkId link = 0;
  CloseReason reason = CloseReason::kFault;
};
/// Answered by Committed. An envelope that the store cannot keep is retried by the driver.
struct Store {
  EnvelopePtr envelope;
  EnvelopeContext context;
};
enum class NoticeKind : std::uint8_t {
  kJoined,
  kLeft,
  kOffline,
  kBack,
  kRenamed,
  kAsks,      ///< wants to talk to the local member
  kAccepted,  ///< was asked by the local member, and wants to talk
  kDeclined,  ///< and does not want to
  kHidden,    ///< is here, and lets only its contacts know
  kRevoked,   ///< its key counts no more; the local member's own too
};
/// Kept in the order of events and announced.
struct PublishNotice {
  NoticeKind kind = NoticeKind::kJoined;
  MemberKey member;
  std::string name;
  std::string old_name;  ///< kRenamed
};
/// An envelope sent from here: its copies that come back are duplicates.
struct MarkSeen {
  EnvelopeId id;
  WallMs wall_ms = 0;
};
/// A neighbor has taken an own envelope: it leaves the outbox.
struct StoreTaken {
  EnvelopeId id;
};
/// How the local member stands to somebody; replaces what was stored of it.
struct StoreCorrespondent {
  MemberKey member;
  Relation relation = Relation::kNone;
  bool asks = false;
};
/// A line that has to wait; what is acknowledged is that it is kept. An envelope that is made of it later
/// carries its number.
struct StoreDraft {
  std::uint64_t number = 0;
  std::uint64_t token = 0;
  std::string room;
  std::optional<MemberKey> to;
  std::string text;
  WallMs wall_ms = 0;
};
struct DropDraft {
  std::uint64_t number = 0;
};
/// What of the local member's this member has now said to have received. Kept with the messages, for only the
/// newest epochs are told.
struct TellDelivery {
  MemberKey member;
  std::vector<ReceivedLog> received;
};
/// This member has opened or closed the conversation with the local one.
struct TellConversation {
  MemberKey member;
  bool opens = false;
};
struct StorePeer {
  NodeKey node;
  NetAddress address;
  bool success = false;        ///< reached just now
  std::uint32_t failures = 0;  ///< since the last success
};
struct Anchor {
  NodeKey node;
  NetAddress address;
};
/// Neighbors that were dialled from here and lived long: to be dialled first at the next start. Replaces
/// those before.
struct StoreAnchors {
  std::vector<Anchor> anchors;  ///< at most kAnchorsMax
};
/// Answered by Loaded with what is held of it, in the order asked.
struct Load {
  std::uint64_t request = 0;
  std::vector<SyncRequest::Range> ranges;
  std::vector<SyncRequest::Record> records;
  std::size_t bytes_max = 0;
  std::size_t envelopes_max = 0;
  std::size_t gone_max = 0;
};
/// An envelope that a ban or silence refuses: not kept, and should that turn out not to hold, to be taken in.
struct ForgetSeen {
  EnvelopePtr envelope;
};
/// What of this author's is held and refused is shown no more, and what is not refused is shown again.
/// Answered by RefusedHidden.
struct HideRefused {
  MemberKey author;
  Restrictions restrictions;
  WallMs now_ms = 0;  ///< what is dated behind the end of a ban is refused until then
};
/// The acts of this author, the first kActsPerAuthorMax in its log; of forks the lowest id's. Answered by
/// ActsLoaded.
struct LoadActs {
  MemberKey author;
};
/// A committed log envelope, for those who watch.
struct Announce {
  EnvelopePtr envelope;
  EnvelopeContext context;
  std::uint64_t row = 0;
};
/// A SendText is durable.
struct Acknowledge {
  std::uint64_t token = 0;
  EnvelopeId envelope;
  std::uint32_t index = 0;
};
/// What became of a wish for another name.
enum class NameVerdict : std::uint8_t {
  kChanged,     ///< the record that says so is durable
  kSame,        ///< it is the name already
  kTaken,       ///< another key claims it
  kNoNeighbor,  ///< nobody is there to sponsor it
  kNoAnswer,    ///< nobody did in time
  kHidden,      ///< it would tell others that the member is here
  kBusy,        ///< an earlier wish is under way
};
/// Unless it is kChanged nothing has changed.
struct NameAnswer {
  std::uint64_t token = 0;
  NameVerdict verdict = NameVerdict::kChanged;
};
/// The first comparison with a neighbor is done: the roster and the history are what the mesh has.
struct Settled {};
/// A peer sent what no honest one sends; the link is closed as faulty.
struct PenaliseLink {
  LinkId link = 0;
  const char* what = "";
};

using Output =
    std::variant<SendFrame, Dial, CloseLink, MarkSeen, Store, PublishNotice, StoreTaken, StoreCorrespondent,
                 StoreDraft, DropDraft, TellDelivery, TellConversation, StorePeer, StoreAnchors, Load,
                 Announce, ForgetSeen, HideRefused, LoadActs, Acknowledge, NameAnswer, Settled, PenaliseLink>;
using Outputs = std::vector<Output>;

}  // namespace p2pmesh
