// Talking with people who are in no mesh with the local member: each asks the other through a discovery
// server, or at its own node, and sends an invite into a closed mesh of the two along. Requests are kept
// until both are there.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "join_attempt.h"
#include "link_server.h"
#include "p2pmesh/base/log.h"
#include "p2pmesh/base/random.h"
#include "p2pmesh/control/event.h"
#include "p2pmesh/crypto/sealing.h"
#include "p2pmesh/posix/event_loop.h"
#include "p2pmesh/wire/stranger_request.h"
#include "rendezvous_links.h"
#include "stranger_book.h"

namespace p2pmesh {

/// What is needed of the host.
struct StrangerActions {
  /// Opens a closed mesh with an invite for one. Errors: as MeshRunner::open(), kTryAgain while
  /// undiscoverable.
  std::function<Result<InviteLink>()> open;
  /// As one that this member has founded. Errors: kNoPermission when it is another one's.
  std::function<void(const InviteLink& invite, const MemberKey& founder, std::function<void(Result<MeshId>)>)>
      enter;
  std::function<void(const MeshId& mesh)> leave;
  /// A further mesh may be entered.
  std::function<bool()> has_room;
  std::function<bool(const MeshId& mesh)> is_in;
  /// Or was, in this run or the last.
  std::function<bool(const MeshId& mesh)> was_in;
  /// Somebody else is called so in a mesh of the node.
  std::function<bool(const std::string& name, const MemberKey& but)> is_taken;
  std::function<bool(const MeshId& mesh, const MemberKey& other)> has_come;
  /// Nobody is linked there.
  std::function<bool(const MeshId& mesh)> is_alone;
  std::function<void(const MeshId& mesh, const std::vector<HostPort>& places)> look_there;
  std::function<bool(const MemberKey& member)> is_unwanted;
  /// Nothing before there is a mesh.
  std::function<std::optional<RendezvousPresence>()> presence;
  std::function<void(const control::StrangerEvent& event)> tell;
  /// With whom each mesh is, has changed.
  std::function<void()> changed;
};

/// Threads: the loop's.
class Strangers final : public AskKeeper {
 public:
  using Met = std::function<void(Result<MeshId>)>;

  Strangers(EventLoop& loop, JoinAttempts& joins, LinkServer& links, RendezvousLinks& servers,
            const Signer& signer, const KeyAgreement& agreement, StrangerBook book, StrangerActions actions,
            LogSink& log);

  /// Errors: as StrangerBook::read().
  Result<void> open() { return book_.read(); }
  [[nodiscard]] const StrangerBook& book() const { return book_; }
  /// As it can be typed: with a piece of the key where another one is called so.
  [[nodiscard]] std::string shown_name(const Stranger& stranger) const;

  /// Looks for somebody at the discovery servers, asks it to talk, and gives the mesh of the two. Errors:
  /// those of RendezvousLinks::look_up() and of the actions.
  void ask(const std::string& name, Met done);
  /// Likewise of whoever is there.
  void ask_at(const HostPort& place, Met done);
  /// Says the request of that mesh once more, since the last one may have come to nothing.
  void ask_again(const MeshId& mesh, const HostPort& place);
  /// Answers who has asked; on the disk when it returns. Who is accepted is reached as soon as it is there.
  /// Errors: as StrangerBook::keep(), kTryAgain when there is no room for a further mesh.
  Result<void> answer(const Stranger& stranger, bool accepts);
  /// The mesh was left.
  void forget(const MeshId& mesh);

  // Of the host: what links bring that are for requests.
  /// Whether somebody may come to ask.
  [[nodiscard]] bool is_open() const;
  bool on_link_up(const LinkUp& up, std::uint64_t join);
  bool on_link_down(LinkId link);
  [[nodiscard]] bool has(LinkId link) const { return talks_.contains(link); }
  bool on_frame(LinkId link, const FrameView& frame);

  void check_deadlines();
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  std::vector<Ask> asks_for(const NodeKey& server) override;
  bool take(const NodeKey& server, const Ask& ask) override;
  void on_ask_state(const NodeKey& server, const AskState& state) override;
  void on_ask_denied(const AskId& id, const std::string& why) override;
  [[nodiscard]] std::vector<MemberKey> watched() const override;
  void on_change(const Change& change) override;

 private:
  /// A link on which a request is handed over.
  struct Talk {
    NodeKey node;
    bool is_ours = false;  ///< dialled from here
    Met done;              ///< of ask_at()
    HostPort place;
    NetAddress local;  ///< the near end: where the other one can reach this machine
    Instant deadline{};
    std::size_t frames = 0;
  };
  /// When somebody is tried again.
  struct Trial {
    Instant at{};
    std::uint32_t failures = 0;
    bool is_under_way = false;
    bool is_told = false;  ///< that it is refused
  };
  /// `local`: an address of this machine that the other one can reach, if one is known.
  Result<MeshId> ask_member(const MemberKey& member, const std::string& name, const HostPort& place,
                            const std::optional<NetAddress>& local = std::nullopt);
  [[nodiscard]] Bytes seal(const StrangerRequest& request, const MemberKey& to) const;
  [[nodiscard]] std::optional<StrangerRequest> unseal(const Ask& ask) const;
  [[nodiscard]] Ask sign(const NodeKey& server, const Stranger& stranger) const;
  [[nodiscard]] static bool is_said(const Stranger& stranger) {
    return stranger.sealed.empty() || stranger.is_delivered;
  }
  bool take_request(const Ask& ask, const StrangerRequest& request);
  void take_decline(const Ask& ask, const StrangerRequest& request);
  void set_said(const Stranger& stranger);
  void set_together(const Stranger& stranger);
  void take_back(const Stranger& stranger);
  void tell(const char* what, const Stranger& stranger, const std::string& why = "");
  Result<void> keep(const Stranger& stranger);

  void dial(const Stranger& stranger);
  void send(LinkId link, const Bytes& frame);
  void end_talk(LinkId link);
  bool on_question(LinkId link, Talk& talk, const LookUp& question);
  bool on_ask(LinkId link, const Talk& talk, const AskFrame& message);
  bool on_found(LinkId link, Talk& talk, const Found& found);
  void say_to(LinkId link, const Talk& talk);

  void try_again(const Stranger& stranger);
  void enter(const Stranger& stranger);
  void enter_at(const MeshId& mesh, const std::vector<HostPort>& places);
  [[nodiscard]] bool may_dial(const std::string& address) const;
  void on_entered(const MeshId& mesh, const Result<MeshId>& entered);
  void look_for(const Stranger& stranger);
  void put_off(const MeshId& mesh);

  EventLoop& loop_;
  JoinAttempts& joins_;
  LinkServer& links_;
  RendezvousLinks& servers_;
  const Signer& signer_;
  const KeyAgreement& agreement_;
  StrangerBook book_;
  StrangerActions actions_;
  LogSink& log_;
  Random random_;
  MemberKey self_;
  std::map<LinkId, Talk> talks_;
  std::map<std::uint64_t, Talk> dialled_;  // by the ticket of the join
  std::map<MeshId, Trial> trials_;
  RendezvousTicket next_ticket_ = 1;
  Instant look_at_{};
};

}  // namespace p2pmesh
