// The unit on a link: 4-byte big-endian length of what follows, one type byte, payload.
// p2pmesh-protocol(7). On the way of a frame: written by core and runtime, split by FrameDecoder.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh {

enum class FrameType : std::uint8_t {
  kHello = 1,
  kWelcome = 2,
  kRefuse = 3,
  kGossip = 4,  ///< rounds and envelopes: live broadcast
  kRepair = 5,  ///< envelope: answer to a range request, or an outbox entry
  kTaken = 6,   ///< envelope ids whose commit is through
  kPing = 7,
  kPong = 8,
  kSponsorRequest = 9,
  kSponsorReply = 10,
  kJoin = 11,  ///< the dialler is new: take it as neighbor and pass it on
  kSyncDigest = 12,
  kSyncListing = 13,
  kSyncRequest = 14,
  kSyncDone = 15,
  kClose = 16,  ///< the sender leaves, or has no more use for this link; HyParView's disconnect
  kForwardJoin = 17,
  kNeighbor = 18,       ///< the dialler asks to be a neighbor
  kNeighborReply = 19,  ///< granted or not; to a join as well
  kShuffle = 20,
  kShuffleReply = 21,
  kIHave = 22,
  kGraft = 23,
  kPrune = 24,
  kSyncBranch = 25,
  kSyncDescend = 26,
  kSyncGone = 27,  ///< asked for, and no longer held
  // Between a member and a rendezvous alone: rendezvous_messages.h.
  kRegister = 28,
  kWithdraw = 29,
  kRegistered = 30,
  kDenied = 31,
  kDone = 32,
  kLookUp = 33,
  kFound = 34,
  kListPeople = 35,
  kPeople = 36,
  kListMeshes = 37,
  kMeshes = 38,
  kWatch = 39,
  kChanges = 40,
  kChangesSeen = 41,
  kAsk = 42,
  kAskState = 43,
  kAskDelivery = 44,
  kAsksTaken = 45,
  kListAsks = 46,
  kAsks = 47,
  kTakeBack = 48,
};
/// The greatest number in use between members.
inline constexpr std::uint8_t kFrameTypeLast = static_cast<std::uint8_t>(FrameType::kSyncGone);

/// Frames with this bit are skipped by who does not know them; others unknown close the link.
inline constexpr std::uint8_t kSkippableFrameBit = 0x80;

/// One encoded frame, shared between the send queues of many links.
using SharedBytes = std::shared_ptr<const Bytes>;

/// The whole frame: header and payload.
Bytes encode_frame(FrameType type, ByteView payload);

struct FrameView {
  std::uint8_t type = 0;
  ByteView payload;
};

enum class FrameError : std::uint8_t { kNone, kTooLarge, kEmpty };

/// Splits a byte stream into frames, whatever the split points of the reads.
///
/// Holds at most one frame's bytes beyond what was handed in; a length is checked before anything is
/// allocated for it. After an error the decoder stays failed, since the stream has lost its frame
/// boundary, and the connection must be closed.
class FrameDecoder {
 public:
  explicit FrameDecoder(std::size_t frame_bytes_max = limits::kFrameBytesMaxBeforeWelcome)
      : frame_bytes_max_(frame_bytes_max) {}

  /// Raises the bound once the welcome has arrived.
  void set_frame_bytes_max(std::size_t bytes) { frame_bytes_max_ = bytes; }

  /// Appends bytes read from the stream. Invalidates views returned before.
  void push(ByteView bytes);

  /// The next complete frame, or nothing while more bytes are needed or after an error.
  /// The payload views this decoder's buffer and is valid until the next push().
  std::optional<FrameView> next();

  [[nodiscard]] FrameError error() const { return error_; }
  [[nodiscard]] std::size_t buffered_bytes() const { return buffer_.size() - start_; }

 private:
  Bytes buffer_;
  std::size_t start_ = 0;
  std::size_t frame_bytes_max_;
  FrameError error_ = FrameError::kNone;
};

}  // namespace p2pmesh
