// What the driver tells the core. Values only; the driver owns sockets, disks and clocks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/net_address.h"
#include "p2pmesh/base/room_label.h"
#include "p2pmesh/crypto/sealing.h"
#include "p2pmesh/wire/act_body.h"
#include "p2pmesh/wire/entry_body.h"
#include "p2pmesh/wire/envelope.h"
#include "p2pmesh/wire/messages.h"
#include "p2pmesh/wire/revocation.h"
#include "p2pmesh/wire/room_body.h"

namespace p2pmesh {

/// A pair of keys that others seal to for a week or so.
struct Prekey {
  WallMs created_ms = 0;
  AgreementKeys keys;
};

/// Names one link of this process; never used again. 0 is no link.
using LinkId = std::uint64_t;

/// A direct message of or to the local member, opened.
struct DirectMessage {
  MemberKey peer;  ///< the other one
  bool own = false;
  bool is_request = false;   ///< the first of somebody whom we have never written to
  std::uint64_t number = 0;  ///< of the author's to this recipient in this epoch
  std::uint64_t depth = 0;   ///< place in the conversation
  std::vector<std::string> texts;
  std::optional<RoomSecret> invite = std::nullopt;  ///< into a private room; is_room_secret()
};
using DirectMessagePtr = std::shared_ptr<const DirectMessage>;

/// What travels beside an envelope through the store and back.
struct EnvelopeContext {
  LinkId from = 0;                    ///< the link it came over; 0: written here
  bool own = false;                   ///< written here in this run
  bool repaired = false;              ///< came by anti-entropy, not live
  bool gap = false;                   ///< an earlier one of this author and epoch is missing
  std::uint32_t messages = 0;         ///< text messages inside
  std::vector<std::uint64_t> tokens;  ///< of the SendText inputs inside, by message index
  DirectMessagePtr direct;            ///< what is inside, when it concerns the local member
  bool opened_late = false;           ///< it was held before, and could not be opened until now
  std::vector<std::uint64_t> drafts;  ///< of which it was made
  RoomContentPtr opened;              ///< of a private room's, when its key is held
  bool carried = false;               ///< a direct one between others
};

/// A handshake is complete in both directions.
struct LinkUp {
  LinkId link = 0;
  NodeKey node;
  bool outbound = false;
  NetAddress remote;                  ///< the far end of the connection
  NetAddress local;                   ///< the near end
  NetAddress observed;                ///< the near end as the peer sees it
  std::vector<NetAddress> addresses;  ///< where the peer listens
  std::vector<Head> heads_given;      ///< in our welcome
  std::vector<Head> heads_received;   ///< in the peer's welcome
  bool is_closed = false;             ///< each has shown the other to be of a closed mesh; for the driver
};
struct LinkDown {
  LinkId link = 0;
  bool is_faulty = false;  ///< closed from here: what came over it no honest node sends
};
/// A part of a frame has come: the far end lives, though the whole may take long.
struct LinkProgress {
  LinkId link = 0;
};
struct DialFailed {
  NodeKey node;
  NetAddress address;
};
/// A router sends on to this node what comes there, from now on; nothing: no longer.
struct OutsideAddress {
  std::optional<NetAddress> address;
};
/// An envelope that ingress admitted as fresh.
struct EnvelopeReceived {
  LinkId link = 0;
  bool live = true;  ///< by flood, else by repair
  std::uint16_t round = 0;
  EnvelopePtr envelope;
};
struct DuplicateReceived {
  LinkId link = 0;
  EnvelopeId id;
  std::uint16_t round = 0;
  bool live = true;  ///< by broadcast, else by repair
};
/// Any other frame after the welcome. The payload is viewed during the call alone.
struct FrameReceived {
  LinkId link = 0;
  FrameType type = FrameType::kPing;
  ByteView payload;
};
/// A local member speaks. The text is UTF-8 of 1 to kMessageBytesMax bytes, the room checked.
struct SendText {
  std::uint64_t token = 0;  ///< comes back in Acknowledge
  std::string room;
  std::string text;
};
/// A local member sets or clears a room's topic. What wire/room_body.h takes, the room checked.
struct SetTopic {
  std::uint64_t token = 0;  ///< comes back in Acknowledge
  std::string room;
  std::string text;
};
/// A local member founds a room, or does what its rank allows; Node::check_act() said so.
struct WriteAct {
  std::uint64_t token = 0;  ///< comes back in Acknowledge
  ActVerb verb = ActVerb::kFound;
  std::string room;    ///< empty: the whole mesh
  MemberKey subject;   ///< zero without one
  WallMs end_ms = 0;   ///< of a ban or a silence; 0: for good
  EnvelopeId topic;    ///< of a lock: the one that holds
  std::string reason;  ///< what wire/act_body.h takes
};
/// A local member makes or cancels an invite into a closed mesh, or lets somebody in by one, who counts as a
/// member at once. What wire/entry_body.h takes.
struct WriteEntry {
  std::uint64_t token = 0;  ///< comes back in Acknowledge; 0: nobody asks
  EntryBody body;
};
/// A local member writes to another one; Node::access_to() said kOpen or kNoKey: then it waits for a key.
struct SendDirect {
  std::uint64_t token = 0;  ///< comes back in Acknowledge
  MemberKey to;
  std::string text;  ///< as in SendText; empty: a request that says nothing
};
/// A local member gives the key of a private room, which it holds, to another one; access_to() said kOpen.
struct SendInvite {
  std::uint64_t token = 0;  ///< comes back in Acknowledge
  MemberKey to;
  RoomSecret secret;
};
/// The key of a private room; it is on the disk.
struct RoomKeyGiven {
  RoomSecret secret;
};
/// The local member says whether it wants to talk to one that asked.
struct AnswerRequest {
  MemberKey member;
  bool accepts = false;
};
/// The local member forgets whom it has talked to: how they stood to each other, not what was said. The other
/// one is told nothing, and what it writes asks anew.
struct ForgetContact {
  MemberKey member;
};
/// A screen opens or closes a conversation; the other one is told if it is there.
struct OpenConversation {
  MemberKey member;
  bool opens = false;
};
/// Lines that wait are taken back; those that are envelopes already are left alone.
struct CancelDraft {
  std::uint64_t number = 0;
};
/// Whether the local member is to be seen by others as online.
struct SetDiscoverable {
  bool discoverable = true;
};
/// Nothing that this member writes to the local one is opened, or is again.
struct SetBlocked {
  MemberKey member;
  bool blocked = false;
};
/// The local member has read what this one wrote up to these numbers, and wants it to know.
struct ReadTo {
  MemberKey member;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> numbers;  ///< of DirectContent, by epoch
};
/// A direct envelope that is held and was not opened when it came.
struct OpenLate {
  EnvelopePtr envelope;
};
/// The local member wants another name; answered by NameAnswer.
struct ChangeName {
  std::uint64_t token = 0;  ///< comes back in NameAnswer
  std::string name;         ///< checked
};
/// The local member publishes that a key counts no more. Nothing comes of one that is not true.
struct PublishRevocation {
  Revocation revocation;
};
/// A new prekey; it is on the disk.
struct PrekeyDrawn {
  Prekey prekey;
};
/// The commit of a Store output is through. Row 0: it was not written (a duplicate).
struct Committed {
  EnvelopePtr envelope;
  EnvelopeContext context;
  std::uint64_t row = 0;
};
/// The store kept a second id for an (author, epoch, sequence number), for the first time.
struct ForkKept {
  EnvelopePtr envelope;
  EnvelopeId replaced;  ///< the id shown there until now, when this one is the lower; else zero
};
/// All numbers of this range were accepted once; what is no longer held was carried for others and dropped.
struct GoneRange {
  MemberKey author;
  std::uint64_t epoch = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t ids_digest = 0;  ///< exclusive or of id_digest() of what was dropped
};
/// Of one epoch what a ban or silence refuses and is held all the same.
struct HiddenLog {
  std::uint64_t epoch = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> intervals;  ///< closed, ascending
  std::uint64_t ids_digest = 0;  ///< exclusive or of id_digest() of them; of forks the lowest id's
};
/// The answer to a HideRefused output: all of it, by epoch.
struct RefusedHidden {
  MemberKey author;
  std::vector<HiddenLog> logs;
  bool failed = false;  ///< the store could not; it is asked again
};
/// The answer to a LoadActs output. The store that could not is asked again later.
struct ActsLoaded {
  MemberKey author;
  std::vector<EnvelopePtr> acts;
  bool failed = false;
};
/// The answer to a Load output.
struct Loaded {
  std::uint64_t request = 0;
  std::vector<EnvelopePtr> envelopes;
  bool complete = false;             ///< false: a bound was reached before the end
  std::vector<GoneRange> gone = {};  ///< each within a range that was asked for
};
/// This member leaves: Remove Peer. Links are closed by the driver once its outputs are flushed.
struct Leave {};
/// A deadline may have passed.
struct Wake {};

using Input =
    std::variant<LinkUp, LinkDown, LinkProgress, DialFailed, OutsideAddress, EnvelopeReceived,
                 DuplicateReceived, FrameReceived, SendText, SetTopic, WriteAct, WriteEntry, SendDirect,
                 SendInvite, RoomKeyGiven, AnswerRequest, ForgetContact, OpenConversation, CancelDraft,
                 SetDiscoverable, SetBlocked, ReadTo, OpenLate, ChangeName, PublishRevocation, PrekeyDrawn,
                 Committed, ForkKept, RefusedHidden, ActsLoaded, Loaded, Leave, Wake>;

}  // namespace p2pmesh
