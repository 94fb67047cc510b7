// What each control request means: answers from the mesh runner, its store, and the host.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control_server.h"
#include "mesh_runner.h"
#include "p2pmesh/base/check.h"
#include "p2pmesh/runtime/node_host.h"
#include "port_mapper.h"
#include "reachability.h"

namespace p2pmesh {

/// What a request may ask of the host itself.
struct HostActions {
  std::function<void()> shut_down;
  /// Dials a further member of a mesh; `done` with the node that answers.
  std::function<void(const MeshId& mesh, const std::string& host, std::uint16_t port,
                     std::function<void(Result<NodeKey>)> done)>
      connect;
  /// Asks whoever is there, and in no mesh with the local member, to talk. Errors: as Strangers::ask_at().
  std::function<void(const HostPort& place, std::function<void(Result<control::MemberReply>)> done)> ask_at;
  /// Those who are in no mesh with the local member.
  std::function<std::vector<control::ContactEntry>()> strangers;
  /// It is a conversation with one of those.
  std::function<bool(const MeshId& mesh)> is_for_two;
  /// In every mesh. Errors: as MeshRunner::set_discoverable().
  std::function<Result<void>(bool on)> set_discoverable;
  std::function<void(bool on)> set_receipts;
  std::function<void()> screens_changed;
  std::function<std::size_t()> lookups;  ///< of host names, under way or waiting
  std::function<ReachState()> reachable;
  std::function<MappingState()> port_mapping;
  std::function<control::LanReply()> lan = {};  ///< null: off
  std::vector<HostSetting> settings = {};
};

class ControlRequests final : public ControlEvents {
 public:
  ControlRequests(HostActions actions, bool leaves_with_last_screen)
      : actions_(std::move(actions)), leaves_with_last_screen_(leaves_with_last_screen) {}

  /// Both outlive this; set before the control socket listens.
  void serve(ControlServer& server, MeshRunner& runner, std::string address, std::uint16_t port);

  /// Ends what has waited long enough for a member record of whom was found at an address.
  void check_looking(Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  /// Somebody is or was called so here, or noted under that name.
  [[nodiscard]] bool knows(const std::string& wanted) const;
  /// It is one member and no other.
  [[nodiscard]] bool means(const std::string& wanted) const;
  /// And that one waits for an answer.
  [[nodiscard]] bool is_asked_by(const std::string& wanted) const;

  [[nodiscard]] std::optional<MeshId> default_mesh() const override;
  void on_request(ControlSession& session, std::string id, control::Request request) override;
  void on_session_closed(const ControlSession& session) override;
  void on_replay_wanted(ControlSession& session) override;

 private:
  void answer(ControlSession& session, const std::string& id, const control::StatusRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::MembersRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::PeersRequest& request);
  void answer(ControlSession& session, const std::string& id, control::SendRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::ListRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::SearchRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::RoomsRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::JoinRoomRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::PartRoomRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::SubscribeRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::AttachRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::MarkReadRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::GetTopicRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::SetTopicRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::InviteRequest& request);
  /// Which room a client means. Errors: kUsage, as text/name.h.
  [[nodiscard]] Result<std::string> find_room(const std::string& typed) const;
  /// Likewise, of one where something is to be said.
  [[nodiscard]] Result<std::string> find_writable_room(const std::string& typed) const;
  [[nodiscard]] Result<std::string> find_room_to_join(const control::JoinRoomRequest& request);
  /// What concerns all meshes is the control desk's.
  template <class OfTheDesk>
  void answer(ControlSession&, const std::string&, const OfTheDesk&) {
    P2P_CHECK(false);
  }
  // control_book.cc
  void answer(ControlSession& session, const std::string& id, const control::ConnectRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::FindRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::AddRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::ForgetRequest& request);
  /// Dials, and waits a moment for the member record of who is there. Errors: why nobody was reached.
  using Found = std::function<void(Result<MemberKey>)>;
  void look_at(const std::string& host, std::uint16_t port, Found done);
  [[nodiscard]] bool is_known(const MemberKey& member) const;
  void ask_at(ControlSession& session, const std::string& id, const NotedPlace& place, const Error& error);
  /// Who was found at the place of a name is noted under that name. The alias that it got, or nothing.
  Result<std::string> take_place(const NotedPlace& place, const MemberKey& member);
  /// As find_member(), and who is noted at some place is looked for there: one that is absent by the way, one
  /// that nobody knows before `then` runs. `then` does not run when nobody is meant: then it is refused.
  void with_member(ControlSession& session, const std::string& id, const std::string& wanted,
                   std::function<void(ControlSession&, const MemberKey&)> then);
  void look_for_absent(const MemberKey& member);
  /// At the start: who is noted under a name that nobody has may be there now.
  void look_for_places();
  /// Errors: kUsage with why it cannot be another name for this member.
  [[nodiscard]] Result<std::string> check_alias(const std::string& alias, const MemberKey& member) const;
  void answer(ControlSession& session, const std::string& id, const control::ShutdownRequest& request);
  // control_moderation.cc
  void answer(ControlSession& session, const std::string& id, const control::ModerateRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::ModerationRequest& request);
  [[nodiscard]] std::string name_ranks(const std::string& room) const;
  [[nodiscard]] std::optional<Error> check_allowed(const WriteAct& act) const;
  /// Nothing when no ban or silence keeps the local member from saying something in a room, or, without one,
  /// to another member.
  [[nodiscard]] std::optional<Error> check_may_say(const std::string& room) const;
  [[nodiscard]] std::optional<Error> check_may_join(const std::string& room) const;
  [[nodiscard]] std::optional<Error> check_topic_free(const std::string& room) const;
  // control_entries.cc
  void answer(ControlSession& session, const std::string& id, const control::MakeLinkRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::InvitesRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::CancelInviteRequest& request);
  /// Nothing when this mesh has invites.
  [[nodiscard]] std::optional<Error> check_closed() const;
  [[nodiscard]] std::vector<std::string> addresses_for_link(const std::optional<std::string>& given) const;
  // control_limits.cc
  void answer(ControlSession& session, const std::string& id, const control::LimitsRequest& request);
  // control_names.cc
  void answer(ControlSession& session, const std::string& id, const control::NameRequest& request);
  /// The member that is meant by a key, a shown name, or a name that fits nobody else. Errors: kUsage with
  /// what to type.
  [[nodiscard]] Result<MemberKey> find_member(const std::string& wanted) const;
  // control_revocations.cc
  void answer(ControlSession& session, const std::string& id, const control::RevocationRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::RevokeRequest& request);
  // control_people.cc
  void answer(ControlSession& session, const std::string& id, const control::AskRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::AnswerRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::ConversationRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::ContactsRequest& request);
  // control_pending.cc
  void answer(ControlSession& session, const std::string& id, const control::PersonRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::PendingRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::CancelRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::DiscoverRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::ReceiptsRequest& request);
  /// Nothing when a text may be taken in now.
  [[nodiscard]] std::optional<Error> check_can_send() const;
  /// Likewise of what cannot wait until the local member is discoverable.
  [[nodiscard]] std::optional<Error> check_can_say_now() const;
  /// When everything before it is on the disk, a power cut included.
  template <class Reply>
  void reply_when_kept(ControlSession& session, const std::string& id, Reply reply);
  void send_direct(ControlSession& session, const std::string& id, const std::string& to, std::string text);
  [[nodiscard]] Result<void> check_recipient(const MemberKey& member) const;
  void set_alias(ControlSession& session, const std::string& id, const MemberKey& member,
                 const std::string& alias);
  struct Listing;
  void list_on(ControlSession& session, const std::string& id, const std::shared_ptr<Listing>& listing);

  /// Asks the store on its thread; `reply` runs on the loop with the session, if it is still there.
  template <class Value>
  void ask_store(ControlSession& session, const std::string& id,
                 std::function<Result<Value>(MeshStore&)> query,
                 std::function<void(ControlSession&, Value&)> reply);
  /// A search under way; control_search.cc.
  struct Search;
  void search_on(ControlSession& session, const std::string& id, const std::shared_ptr<Search>& search);
  void replay(ControlSession& session, const std::vector<ListedEvent>& events, bool complete);
  /// Empty when `as` names the local member or nobody.
  [[nodiscard]] std::optional<control::RpcError> check_as(const std::optional<std::string>& as) const;

  struct Look {
    MemberKey member;
    std::optional<Instant> deadline;  // from the first check on
    Found done;
  };
  std::vector<Look> looks_;                                     // reached, and its member record is to come
  std::size_t looking_ = 0;                                     // looks_ and those that are dialled
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for dials that outlive the mesh
  std::map<MemberKey, Instant> looked_for_;
  HostActions actions_;
  bool leaves_with_last_screen_;
  ControlServer* server_ = nullptr;
  MeshRunner* runner_ = nullptr;
  std::string address_;
  std::uint16_t port_ = 0;
};

template <class Value>
void ControlRequests::ask_store(ControlSession& session, const std::string& id,
                                std::function<Result<Value>(MeshStore&)> query,
                                std::function<void(ControlSession&, Value&)> reply) {
  auto result = std::make_shared<Result<Value>>();
  ++session.unanswered;
  ++session.reads;
  runner_->storage().ask([query = std::move(query), result](MeshStore& store) { *result = query(store); },
                         [this, session_id = session.id, id, result, reply = std::move(reply)] {
                           ControlSession* asking = server_->find(session_id);
                           if (asking == nullptr) return;
                           --asking->unanswered;
                           --asking->reads;
                           if (*result) return reply(*asking, **result);
                           server_->refuse(session_id, id, control::application_error(result->error()));
                         });
}

template <class Reply>
void ControlRequests::reply_when_kept(ControlSession& session, const std::string& id, Reply reply) {
  ++session.unanswered;
  runner_->storage().ask([](MeshStore& store) { (void)store.sync(); },
                         [this, session_id = session.id, id, reply = std::move(reply)] {
                           if (ControlSession* asking = server_->find(session_id)) --asking->unanswered;
                           server_->reply(session_id, id, reply);
                         });
}

}  // namespace p2pmesh
