// Bodies of what one member writes to another: what everybody sees of it, and what is inside.
// p2pmesh-protocol(7). Pure: the keys are the core's.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/room_label.h"
#include "p2pmesh/base/time.h"

namespace p2pmesh {

/// To whom a sealed envelope is, for who shares a secret with its author; another one every day.
using RecipientTag = std::array<std::uint8_t, 8>;
/// The key of the sealed part, sealed for the author itself: what it wrote stays readable to it.
using AuthorsCopy = std::array<std::uint8_t, 48>;

/// What everybody sees of a direct envelope.
struct SealedBody {
  RecipientTag tag{};
  AgreementKey ephemeral{};
  AuthorsCopy authors_copy{};
  Bytes sealed;
};
Bytes encode_sealed_body(const SealedBody& body);
std::optional<SealedBody> decode_sealed_body(ByteView bytes);

enum class DirectType : std::uint8_t {
  kText = 1,     ///< messages
  kRequest = 2,  ///< wants to talk, says nothing yet
  kOpened = 3,   ///< the author has opened the conversation on its screen
  kClosed = 4,   ///< and has closed it
  kInvite = 5,   ///< gives the key of a private room
};

/// What is inside.
struct DirectContent {
  DirectType type = DirectType::kText;
  MemberKey recipient;
  std::uint64_t number = 0;  ///< of those in the log from this author to this recipient in this epoch, from 1
  std::uint64_t depth = 0;   ///< 1 + the greatest that the author has seen in this conversation
  std::vector<std::string> texts = {};              ///< kText: 1 to 512
  std::optional<RoomSecret> invite = std::nullopt;  ///< kInvite; the label and the key need not fit
};
/// The content alone: what the signature inside is over, with direct_signing_bytes().
Bytes encode_direct_content(const DirectContent& content);
/// The content, its signature and as many zeros as make it a multiple of kDirectPadding bytes.
Bytes pad_direct(ByteView content, const Signature& signature);

/// What pad_direct() wrote: the content as it stood there, decoded, and the signature.
struct OpenedDirect {
  DirectContent content;
  Bytes signed_content;
  Signature signature{};
};
std::optional<OpenedDirect> parse_padded_direct(ByteView padded);

/// What the author signs beside the envelope: the recipient is in the content, so that nobody can pass it on
/// as if it had been written to somebody else.
Bytes direct_signing_bytes(const MeshId& mesh, const MemberKey& author, std::uint64_t epoch,
                           std::uint64_t seq, ByteView content);

/// How one member stands to another.
enum class Relation : std::uint8_t {
  kNone = 0,      ///< nothing was said
  kAsked = 1,     ///< wrote first; answers are welcome
  kAccepted = 2,  ///< talks
  kDeclined = 3,  ///< does not want to
};

/// DirectContent::number of what came of one epoch of the correspondent and was opened and committed: closed
/// intervals, ascending, not touching.
struct ReceivedLog {
  std::uint64_t epoch = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> intervals;
  std::uint64_t read_to = 0;  ///< 0: not told

  bool operator==(const ReceivedLog&) const = default;
};

/// Record kStanding, sealed: what its author tells one other member for as long as nothing newer is said.
struct StandingBody {
  Relation relation = Relation::kNone;
  /// Not 0: the author is here although its member record says offline. Greater in each record that says so
  /// anew; who hears no such one for a while may take it for gone.
  std::uint64_t here = 0;
  std::vector<ReceivedLog> received;  ///< at most kStandingEpochsMax, the newest; ascending

  bool operator==(const StandingBody&) const = default;
};
/// Padded as pad_direct() does.
Bytes encode_standing(const StandingBody& body);
std::optional<StandingBody> decode_standing(ByteView padded);

}  // namespace p2pmesh
