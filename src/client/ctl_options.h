// What p2pmeshctl was asked to do.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>

#include "chat_options.h"
#include "export_lines.h"
#include "p2pmesh/base/result.h"
#include "p2pmesh/control/chat_message.h"
#include "p2pmesh/control/request.h"

namespace p2pmesh {

enum class Verb {
  kStatus,
  kPeers,
  kMembers,
  kRooms,
  kSend,
  kHistory,
  kSearch,
  kTail,
  kExport,
  kShutdown,
  kContacts,
  kAsk,
  kAccept,
  kDecline,
  kPending,
  kCancel,
  kDiscover,
  kReceipts,
  kIgnore,
  kUnignore,
  kBlock,
  kUnblock,
  kTopic,
  kJoin,
  kInvite,
  kNick,
  kAdd,
  kConnect,
  kAlias,
  kForget,
  kPassphrase,
  kRevocation,
  kRevoke,
  kModerate,
  kMods,
  kInvites,
  kUninvite,
  kLimits,
  kMeshes,
  kEnter,
  kOpen,
  kLeave,
  kSwitch,
  kRendezvous,
  kCheck,
  kPeople,
  kLan,
};

struct CtlOptions {
  std::string name;      ///< checked; empty if not given
  std::string data_dir;  ///< empty if not given
  std::string mesh;      ///< which of the node's; empty: the current one
  bool json = false;
  Verb verb = Verb::kStatus;
  std::string room{kDefaultRoom};  ///< checked
  std::string peer;  ///< of whom or to whom; a name or a key; of nick: the name wanted; unchecked
  std::string text;  ///< of send, "-" with `reads_input`; of topic
  bool sets_topic = false;
  std::string at;                   ///< of members; empty: all
  std::string host;                 ///< of add, connect, enter and check
  std::uint16_t port = 0;           ///< likewise
  std::string key_file;             ///< of join; empty if not given
  std::string passphrase_file;      ///< of passphrase; empty if not given
  std::string new_passphrase_file;  ///< likewise
  bool removes_passphrase = false;  ///< likewise
  std::string file;                 ///< of revocation, empty if not given; of revoke
  std::string invite;               ///< of enter: a whole link; empty if not given
  std::string find;                 ///< of enter: whom a discovery server knows; empty if not given
  bool closed = false;              ///< of open
  bool reads_input = false;
  bool on = false;                            ///< of discover and receipts
  std::optional<std::uint64_t> number;        ///< of cancel; nothing: all
  bool without_ignored = false;               ///< of export
  ExportFormat format = ExportFormat::kText;  ///< likewise
  std::optional<WallMs> since_ms;             ///< likewise
  control::MakeLinkRequest link;              ///< of invite without a member
  bool draws_code = false;                    ///< likewise
  control::ModerateRequest act;               ///< of moderate; of mods whether it is of the mesh
  control::SearchRequest search;              ///< of search; its page is for the verb to set
  std::optional<std::size_t> count;           ///< -n, --limit
  std::optional<control::Cursor> after;       ///< of tail
};

/// Reads the command line, `arguments[0]` being the program. Errors: kUsage; kDamagedInput for a text that
/// cannot be sent.
Result<std::variant<CtlOptions, PrintOnly>> parse_ctl_options(int count, const char* const* arguments);

}  // namespace p2pmesh
