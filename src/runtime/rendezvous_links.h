// A node at its discovery servers: one link to each, kept up; registered there while the node runs; asked who
// is where. What a server says of somebody counts when that one has signed it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "join_attempt.h"
#include "link_server.h"
#include "p2pmesh/base/log.h"
#include "p2pmesh/base/random.h"
#include "p2pmesh/crypto/signature.h"
#include "p2pmesh/posix/event_loop.h"
#include "p2pmesh/posix/socket_address.h"
#include "p2pmesh/wire/rendezvous_messages.h"

namespace p2pmesh {

/// What the node tells of itself.
struct RendezvousPresence {
  std::string name;
  std::vector<NetAddress> addresses;
  std::vector<OpenMesh> meshes;  ///< ascending
  bool discoverable = true;
  bool operator==(const RendezvousPresence&) const = default;
};

/// Who was looked for.
struct FoundMember {
  Registration registration;  ///< signed by the member, and that was checked
  bool online = false;
  WallMs seen_ms = 0;
  /// Where to dial, the likeliest first.
  std::vector<NetAddress> addresses;
};

/// Whose registration is wanted, and for how long it is asked.
struct WantedMember {
  std::string name;                 ///< also of a key: for what is said
  std::optional<MemberKey> member;  ///< else by the name
  /// The first answers count, and who is offline is found too; else it is asked until somebody is online.
  bool is_asked_once = false;
};

/// Who has requests for members that are in no mesh with the local one, and takes theirs.
class AskKeeper {
 public:
  virtual ~AskKeeper() = default;
  /// What this server, or node, is to hand over, signed for it.
  [[nodiscard]] virtual std::vector<Ask> asks_for(const NodeKey& server) = 0;
  /// True: it is on the disk, or needs not be.
  virtual bool take(const NodeKey& server, const Ask& ask) = 0;
  virtual void on_ask_state(const NodeKey& server, const AskState& state) = 0;
  /// It is not kept there.
  virtual void on_ask_denied(const AskId& id, const std::string& why) = 0;
  /// Of whom changes are to be told.
  [[nodiscard]] virtual std::vector<MemberKey> watched() const = 0;
  virtual void on_change(const Change& change) = 0;
};

/// Who and what a discovery server tells of.
struct RendezvousListing {
  std::vector<PersonEntry> people;  ///< by name
  std::vector<MeshEntry> meshes;    ///< the largest first
  bool more = false;                ///< there are further ones
};

AskId hash_ask(const NodeKey& server, const Ask& ask);
/// As it was given, made safe.
std::string format_rendezvous(const HostPort& place);

/// Where it is dialled, in that order.
std::vector<HostPort> places_of(const FoundMember& found);

/// How things stand with one server.
struct RendezvousStanding {
  std::string place;  ///< "host:port" as it was given
  bool linked = false;
  bool registered = false;
  std::string trouble;  ///< a sentence; empty: none
};

/// Threads: the loop's.
class RendezvousLinks {
 public:
  using Present = std::function<std::optional<RendezvousPresence>()>;  ///< nothing: there is no mesh yet
  using LookedUp = std::function<void(Result<FoundMember>)>;

  RendezvousLinks(EventLoop& loop, JoinAttempts& joins, LinkServer& links, const Signer& signer, LogSink& log,
                  Present present);

  /// Goes there, and comes back whenever it is lost. Those that are known already stay as they are.
  void use(const std::vector<HostPort>& places);
  /// It outlives this.
  void serve(AskKeeper& keeper) { keeper_ = &keeper; }
  /// Asks all servers until one knows this member online, or the time is over. Errors: kUnknownHost,
  /// kUnavailable (known and offline, or no server answers), with what to do.
  void look_up(WantedMember wanted, LookedUp done);
  using Listed = std::function<void(Result<RendezvousListing>)>;
  /// What all servers tell. Errors: kUnavailable, no server answers.
  void list(Listed done);
  [[nodiscard]] bool has_servers() const { return !servers_.empty(); }
  /// There is a request more than those that were said, or with `again` one that is to be said once more.
  void say_asks(bool again = false);
  /// A request is kept no longer; `id_at` that server.
  void take_back(const std::function<AskId(const NodeKey& server)>& id_at);

  // Of the host: what its links bring.
  void on_link_up(LinkId link, const NodeKey& node, std::uint64_t join);
  /// True when it was one of these.
  bool on_link_down(LinkId link);
  [[nodiscard]] bool has(LinkId link) const { return find(link) != nullptr; }
  /// False: the server is at fault.
  bool on_frame(LinkId link, const FrameView& frame);

  void check_deadlines();
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  /// Tells the servers that the node goes.
  void withdraw();

  [[nodiscard]] std::vector<RendezvousStanding> standings() const;

 private:
  struct Server {
    HostPort place;
    std::optional<std::uint64_t> join;  ///< being dialled
    std::optional<LinkId> link;
    NodeKey node;
    bool is_registered = false;
    std::string trouble;
    std::uint32_t failures = 0;
    std::optional<Instant> dial_at;
    std::optional<Instant> register_at;
    std::optional<Instant> answer_by;  ///< of a registration; then the link is given up
    RendezvousTicket register_ticket = 0;
    std::optional<RendezvousPresence> told;  ///< as it was last registered
    std::uint64_t last_version = 0;
    std::int64_t clock_ahead_ms = 0;                      ///< of the server's
    std::map<RendezvousTicket, std::uint64_t> questions;  ///< which search each is of
    std::map<RendezvousTicket, AskId> asks;               ///< that it has not answered
    std::set<AskId> said;                                 ///< over this link
    std::map<RendezvousTicket, std::uint64_t> pages;      ///< which listing each is of
    std::vector<MemberKey> watched;                       ///< as it was told
  };
  struct Search {
    WantedMember wanted;
    LookedUp done;
    Instant deadline{};
    Instant ask_at{};
    std::size_t open = 0;  ///< questions without an answer
    std::optional<FoundMember> offline;
    std::optional<FoundMember> found;   ///< of those that are asked once
    std::optional<MemberKey> namesake;  ///< that another server knows by the name
    bool was_answered = false;
  };

  struct Listing {
    std::map<MemberKey, PersonEntry> people;
    std::map<MeshId, MeshEntry> meshes;
    Listed done;
    Instant deadline{};
    std::size_t open = 0;  ///< pages that are to come
    bool was_answered = false;
    bool more = false;
  };

  [[nodiscard]] const Server* find(LinkId link) const;
  [[nodiscard]] Server* find(LinkId link);
  void dial(Server& server);
  void fall_back(Server& server, const std::string& what);
  void send(Server& server, const Bytes& frame);
  void tell_presence(Server& server);
  void on_registered(Server& server, const Registered& reply);
  void on_denied(Server& server, const Denied& denied);
  void give_up(Server& server, const std::string& trouble);
  [[nodiscard]] std::string nobody_answers() const;
  void ask(Search& search, std::uint64_t number);
  void on_found(Server& server, const Found& found);
  void check_searches(Instant now);
  void on_unknown(std::uint64_t number);
  void end_search(std::uint64_t number, Result<FoundMember> found);
  void say_asks_to(Server& server);
  bool on_ask_state(Server& server, const std::optional<AskState>& state);
  bool on_delivery(Server& server, const std::optional<AskDelivery>& delivery);
  // rendezvous_listing.cc
  void ask_all(Server& server, std::uint64_t number);
  void ask_people(Server& server, std::uint64_t number, const std::optional<MemberKey>& after);
  void ask_meshes(Server& server, std::uint64_t number, const std::optional<MeshId>& after);
  bool on_people(Server& server, const std::optional<People>& page);
  bool on_meshes(Server& server, const std::optional<Meshes>& page);
  Listing* take_page(Server& server, RendezvousTicket ticket, std::uint64_t& number);
  void end_page(std::uint64_t number);
  void end_listing(std::uint64_t number);
  void watch(Server& server);
  bool on_changes(Server& server, const std::optional<Changes>& changes);

  [[nodiscard]] static std::string describe(const Server& server, const Denied& denied);

  EventLoop& loop_;
  JoinAttempts& joins_;
  LinkServer& links_;
  const Signer& signer_;
  LogSink& log_;
  Present present_;
  AskKeeper* keeper_ = nullptr;
  Random random_;
  std::vector<Server> servers_;
  std::map<std::uint64_t, Search> searches_;
  std::uint64_t next_search_ = 1;
  std::map<std::uint64_t, Listing> listings_;
  std::uint64_t next_listing_ = 1;
  RendezvousTicket next_ticket_ = 1;
  Instant look_at_{};  ///< when the presence is compared again
};

}  // namespace p2pmesh
