// What both ends of the control protocol call a message, its id, and a place in the node's order of events.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/time.h"

namespace p2pmesh::control {

/// A place in the node's own order of events; survives restarts. {0, 0} is before everything.
struct Cursor {
  std::uint64_t row = 0;
  std::uint32_t index = 0;
  auto operator<=>(const Cursor&) const = default;
};

/// "ROW.INDEX" in decimal.
std::string format_cursor(const Cursor& cursor);
/// Takes what format_cursor() writes; nothing on anything else, an overflow or a leading zero included.
std::optional<Cursor> parse_cursor(std::string_view text);

/// Names one message: its envelope, and its place within it.
struct MessageId {
  EnvelopeId envelope;
  std::uint32_t index = 0;
  auto operator<=>(const MessageId&) const = default;
  /// No message has the zero id: as a bound it stands before all of them.
  [[nodiscard]] bool is_start() const { return envelope.is_zero(); }
};

/// "<64 hex>.<index>".
std::string format_message_id(const MessageId& id);
/// Takes what format_message_id() writes; nothing on anything else.
std::optional<MessageId> parse_message_id(std::string_view text);

/// What became of an own direct message.
enum class DirectState : std::uint8_t {
  kPending,    ///< no neighbor has taken it
  kSent,       ///< somebody carries it
  kDelivered,  ///< the other one's node has it on its disk, and its member wants to read it
  kRead,
};
/// "pending", "sent", "delivered" or "read".
const char* format_direct_state(DirectState state);
std::optional<DirectState> parse_direct_state(std::string_view text);

/// Why a name may not be what it seems.
struct NameDoubt {
  std::optional<std::string> looks_like;  ///< another member's name, as it is shown
  bool mixes_scripts = false;             ///< its letters are of scripts that are not written together

  bool operator==(const NameDoubt&) const = default;
};

/// What a direct message has in place of a room.
struct DirectFacts {
  MemberKey peer;                    ///< the other one
  std::string name;                  ///< as shown now
  std::optional<DirectState> state;  ///< of an own one
  NameDoubt doubt = {};              ///< about the name of the other one

  bool operator==(const DirectFacts&) const = default;
};

/// A message as clients see it. Name, room and text are foreign: make them safe before they are printed.
struct ChatMessage {
  MessageId id;
  MemberKey author;
  std::string name;  ///< as shown now, suffix included
  std::string room;
  std::string text;
  WallMs wall_ms = 0;
  std::uint64_t depth = 0;
  bool own = false;                                  ///< written by a member of this node
  bool forked = false;                               ///< its author signed another one for the same place
  std::optional<DirectFacts> direct = std::nullopt;  ///< then `room` is empty
  /// Of an own one in a room: how many neighbors have taken it, as far as the running node knows; 0: it is
  /// pending.
  std::optional<std::uint64_t> taken = std::nullopt;

  bool operator==(const ChatMessage&) const = default;
};

/// A topic as clients see it. Name and text are foreign.
struct TopicFacts {
  std::string text;  ///< not empty
  MemberKey author;
  std::string name;  ///< as shown now
  WallMs at_ms = 0;  ///< as the author's clock said

  bool operator==(const TopicFacts&) const = default;
};

}  // namespace p2pmesh::control
