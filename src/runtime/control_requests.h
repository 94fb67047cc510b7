// What each control request means: answers from the mesh runner, its store, and the host.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "control_server.h"
#include "mesh_runner.h"

namespace p2pmesh {

/// What a request may ask of the host itself.
struct HostActions {
  std::function<void()> shut_down;
  /// Dials a further member; `done` with nothing on success.
  std::function<void(const std::string& host, std::uint16_t port,
                     std::function<void(std::optional<Error>)> done)>
      connect;
  std::function<void()> screens_changed;
};

class ControlRequests final : public ControlEvents {
 public:
  ControlRequests(HostActions actions, bool leaves_with_last_screen)
      : actions_(std::move(actions)), leaves_with_last_screen_(leaves_with_last_screen) {}

  /// Both outlive this; set before the control socket listens.
  void serve(ControlServer& server, MeshRunner& runner, std::string address, std::uint16_t port);

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
  void answer(ControlSession& session, const std::string& id, const control::ConnectRequest& request);
  void answer(ControlSession& session, const std::string& id, const control::ShutdownRequest& request);
  // control_names.cc
  void answer(ControlSession& session, const std::string& id, const control::NameRequest& request);
  /// The member that is meant by a key, a shown name, or a name that fits nobody else. Errors: kUsage with
  /// what to type.
  [[nodiscard]] Result<MemberKey> find_member(const std::string& wanted) const;
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
  template <class Reply>
  void reply_when_kept(ControlSession& session, const std::string& id, Reply reply);
  void send_direct(ControlSession& session, const std::string& id, const std::string& to, std::string text);
  [[nodiscard]] Result<MemberKey> find_recipient(const std::string& wanted) const;

  /// Asks the store on its thread; `reply` runs on the loop with the session, if it is still there.
  template <class Value>
  void ask_store(ControlSession& session, const std::string& id,
                 std::function<Result<Value>(MeshStore&)> query,
                 std::function<void(ControlSession&, Value&)> reply);
  void list_on(ControlSession& session, const std::string& id, const control::ListRequest& request,
               const std::string& room, const std::optional<MemberKey>& with);
  /// A search under way; control_search.cc.
  struct Search;
  void search_on(ControlSession& session, const std::string& id, const std::shared_ptr<Search>& search);
  void replay(ControlSession& session, const std::vector<ListedEvent>& events, bool complete);
  /// Empty when `as` names the local member or nobody.
  [[nodiscard]] std::optional<control::RpcError> check_as(const std::optional<std::string>& as) const;

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

}  // namespace p2pmesh
