// Requests that name somebody who is not of the mesh of who asks: in another mesh of the node, or in none.
#include <utility>

#include "control_desk.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/room_label.h"
#include "p2pmesh/text/name.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

/// Whom a request is about; null where it is about nobody, or what it does needs one of the mesh.
const std::string* name_in(const control::Request& request) {
  if (const auto* send = std::get_if<control::SendRequest>(&request)) return send->to ? &*send->to : nullptr;
  if (const auto* ask = std::get_if<control::AskRequest>(&request)) return &ask->to;
  if (const auto* answer = std::get_if<control::AnswerRequest>(&request)) return &answer->member;
  if (const auto* talk = std::get_if<control::ConversationRequest>(&request)) return &talk->with;
  if (const auto* list = std::get_if<control::ListRequest>(&request))
    return list->with ? &*list->with : nullptr;
  return nullptr;
}

/// Whether it is worth looking for somebody in the whole world.
bool begins_talk(const control::Request& request) {
  const auto* talk = std::get_if<control::ConversationRequest>(&request);
  return std::holds_alternative<control::SendRequest>(request) ||
         std::holds_alternative<control::AskRequest>(request) || (talk != nullptr && talk->open);
}

}  // namespace

bool ControlDesk::route(ControlSession& session, const std::string& id, const control::Request& request) {
  const std::string* name = name_in(request);
  const MeshSeat* own = seat_of(session);
  if (name == nullptr || own == nullptr || own->leave_by) return false;
  if (const auto waiting = looked_for_.find(name_key(*name)); waiting != looked_for_.end()) {
    waiting->second.push_back({session.id, id, request});
    ++session.unanswered;
    return true;
  }
  const Stranger* here = strangers_.book().find(own->runner->mesh());
  if (here == nullptr && own->requests->knows(*name)) return false;
  const auto stranger = strangers_.book().find_called(*name);
  if (!stranger) {
    server_->refuse(session.id, id, stranger.error());
    return true;
  }
  if (*stranger != nullptr) {
    hand_to(**stranger, session, id, request);
    return true;
  }
  if (own->requests->knows(*name)) return false;
  for (const auto& seat : seats_.all()) {
    const bool is_for_two = strangers_.book().find(seat->runner->mesh()) != nullptr;
    if (seat->leave_by || is_for_two || !seat->requests->knows(*name)) continue;
    seat->requests->on_request(session, id, request);
    return true;
  }
  if (!begins_talk(request) || !rendezvous_.has_servers() || !check_name(*name)) return false;
  look_for(*name, session, id, request);
  return true;
}

/// Lines for one name stay in their order.
void ControlDesk::look_for(const std::string& name, ControlSession& session, const std::string& id,
                           const control::Request& request) {
  looked_for_[name_key(name)].push_back({session.id, id, request});
  ++session.unanswered;
  strangers_.ask(name, [this, name](const Result<MeshId>& met) { on_met(name, met); });
}

void ControlDesk::on_met(const std::string& name, const Result<MeshId>& met) {
  const auto waiting = looked_for_.extract(name_key(name));
  if (!waiting) return;
  for (const Waiting& one : waiting.mapped()) {
    ControlSession* session = server_->find(one.session);
    if (session == nullptr) continue;
    if (session->unanswered > 0) --session->unanswered;
    const Stranger* stranger = met ? strangers_.book().find(*met) : nullptr;
    if (stranger != nullptr) {
      hand_to(*stranger, *session, one.id, one.request);
      continue;
    }
    // Nobody anywhere: what the mesh says to that helps who has mistyped a name.
    MeshSeat* seat = seat_of(*session);
    const bool is_unknown = !met && met.error().status == ExitStatus::kUnknownHost;
    if (is_unknown && seat != nullptr && !seat->leave_by)
      seat->requests->on_request(*session, one.id, one.request);
    else
      server_->refuse(
          one.session, one.id,
          met ? Error{ExitStatus::kTryAgain, "It was answered otherwise meanwhile."} : met.error());
  }
}

void ControlDesk::hand_to(const Stranger& stranger, ControlSession& session, const std::string& id,
                          const control::Request& request) {
  const std::string name = strangers_.book().shown_name(stranger);
  const std::string shown = format_safe_line(name);
  const MeshId mesh = stranger.invite.mesh;
  if (const auto* answer = std::get_if<control::AnswerRequest>(&request))
    return answer_stranger(session, id, stranger, answer->accept);
  if (stranger.state == StrangerState::kAsks && begins_talk(request))
    return accept_and_hand_to(stranger, session, id, request);
  if (stranger.state == StrangerState::kAsks || stranger.state == StrangerState::kDeclined) {
    return server_->refuse(session.id, id,
                           Error{ExitStatus::kUsage, shown +
                                                         (stranger.state == StrangerState::kAsks
                                                              ? " wants to talk with you: /accept "
                                                              : " was declined by you: /accept ") +
                                                         shown + " first."});
  }
  MeshSeat* seat = seats_.find_seat(mesh);
  if (seat == nullptr || seat->leave_by) {
    return server_->refuse(
        session.id, id,
        Error{ExitStatus::kTryAgain,
              "You have accepted " + shown +
                  ", who is not reached at the moment. It is tried again and again, and you "
                  "are told when you can talk."});
  }
  const MemberKey member = stranger.member;
  const bool is_ask = std::holds_alternative<control::AskRequest>(request);
  if (is_ask) strangers_.ask_again(mesh, {});  // and the book is another one
  if (is_ask || std::holds_alternative<control::ConversationRequest>(request))
    return server_->reply(session.id, id, control::MemberReply{member, name, mesh});
  control::Request of_two = request;
  if (auto* send = std::get_if<control::SendRequest>(&of_two)) {
    send->to.reset();
    send->room = kDefaultRoom;
  } else if (auto* list = std::get_if<control::ListRequest>(&of_two)) {
    list->with.reset();
    list->room = kDefaultRoom;
  }
  seat->requests->on_request(session, id, std::move(of_two));
}

/// Who writes to somebody that has asked wants to talk as well.
void ControlDesk::accept_and_hand_to(const Stranger& stranger, ControlSession& session, const std::string& id,
                                     const control::Request& request) {
  ++session.unanswered;
  const MeshId mesh = stranger.invite.mesh;
  strangers_.answer(stranger, true,
                    [this, session_id = session.id, id, request, mesh](const Result<MeshId>& answered) {
                      ControlSession* asking = server_->find(session_id);
                      if (asking == nullptr) return;
                      if (asking->unanswered > 0) --asking->unanswered;
                      const Stranger* accepted = strangers_.book().find(mesh);
                      if (accepted == nullptr || accepted->state == StrangerState::kAsks) {
                        const Error gone{ExitStatus::kTryAgain, "It was answered otherwise meanwhile."};
                        return server_->refuse(session_id, id, answered ? gone : answered.error());
                      }
                      hand_to(*accepted, *asking, id, request);
                    });
}

void ControlDesk::answer_stranger(ControlSession& session, const std::string& id, const Stranger& stranger,
                                  bool accepts) {
  if (stranger.state == StrangerState::kAsked) {
    return server_->refuse(
        session.id, id,
        Error{ExitStatus::kUsage,
              "It was you who has asked " + format_safe_line(stranger.name) + ", who has not answered yet."});
  }
  if (stranger.state == StrangerState::kTogether) {
    if (accepts) return server_->reply(session.id, id, control::EmptyReply{});
    return server_->refuse(
        session.id, id,
        Error{ExitStatus::kUsage, "You talk with " + format_safe_line(stranger.name) + " already; /leave " +
                                      format_safe_line(stranger.name) + " ends that."});
  }
  ++session.unanswered;
  strangers_.answer(stranger, accepts, [this, session_id = session.id, id](const Result<MeshId>& answered) {
    ControlSession* asking = server_->find(session_id);
    if (asking == nullptr) return;
    if (asking->unanswered > 0) --asking->unanswered;
    // It is answered all the same: who asked is tried again until it is there.
    const bool is_kept = answered || answered.error().status != ExitStatus::kIo;
    if (is_kept) return server_->reply(session_id, id, control::EmptyReply{});
    server_->refuse(session_id, id, answered.error());
  });
}

}  // namespace p2pmesh
