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
  if (const auto* answer = std::get_if<control::AnswerRequest>(&request))
    return route_answer(session, id, *answer, *own);
  const StrangerBook& book = strangers_.book();
  const Stranger* here = book.find(own->runner->mesh());
  const bool is_exact = name->find('~') != std::string::npos || MemberKey::from_hex(*name);
  const bool is_ours = is_exact ? own->requests->means(*name) : own->requests->knows(*name);
  if (is_ours && here == nullptr) return false;
  if (const auto waiting = looked_for_.find(name_key(*name)); waiting != looked_for_.end()) {
    waiting->second.push_back({session.id, id, request});
    ++session.unanswered;
    return true;
  }
  const auto refuse = [&](const Error& error) {
    server_->refuse(session.id, id, error);
    return true;
  };
  const auto talk = book.find_called(*name, is_talk);
  if (!talk) return refuse(talk.error());
  if (*talk) {
    hand_to(*book.find_talk(**talk), session, id, request);
    return true;
  }
  if (is_ours) return false;
  for (const auto& seat : seats_.all()) {
    if (seat->leave_by || book.find(seat->runner->mesh()) != nullptr || !seat->requests->means(*name))
      continue;
    seat->requests->on_request(session, id, request);
    return true;
  }
  const auto asking = book.find_called(*name, is_incoming);
  if (!asking) return refuse(asking.error());
  if (*asking && book.find_incoming(**asking)->state == StrangerState::kAsks) {
    const std::string shown = format_safe_line(strangers_.shown_name(*book.find_incoming(**asking)));
    return refuse({ExitStatus::kUsage, shown + ", whose key begins with " + (**asking).hex().substr(0, 8) +
                                           ", wants to talk with you: /accept " + shown + " or /decline " +
                                           shown + " first."});
  }
  const bool may_look = rendezvous_.has_servers() && (check_name(*name) || MemberKey::from_hex(*name));
  if (!begins_talk(request) || !may_look) return false;
  look_for(*name, session, id, request);
  return true;
}

/// Whoever has asked is meant, here or elsewhere.
bool ControlDesk::route_answer(ControlSession& session, const std::string& id,
                               const control::AnswerRequest& answer, const MeshSeat& own) {
  const StrangerBook& book = strangers_.book();
  if (own.requests->is_asked_by(answer.member)) return false;
  for (const StrangerBook::Fits fits : {StrangerBook::Fits(is_incoming), StrangerBook::Fits(is_talk)}) {
    const auto meant = book.find_called(answer.member, fits);
    if (!meant) {
      server_->refuse(session.id, id, meant.error());
      return true;
    }
    if (!*meant) continue;
    const Stranger* stranger = book.find_incoming(**meant);
    answer_stranger(session, id, stranger != nullptr ? *stranger : *book.find_talk(**meant), answer.accept);
    return true;
  }
  for (const auto& seat : seats_.all()) {
    if (seat->leave_by || seat.get() == &own || !seat->requests->is_asked_by(answer.member)) continue;
    seat->requests->on_request(session, id, answer);
    return true;
  }
  return false;
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
    session->end_one();
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
  const std::string name = strangers_.shown_name(stranger);
  const MeshId mesh = stranger.invite.mesh;
  const MemberKey member = stranger.member;
  MeshSeat* seat = seats_.find_seat(mesh);
  const bool is_listing = std::holds_alternative<control::ListRequest>(request);
  if (seat == nullptr || seat->leave_by) {
    if (is_listing) return server_->reply(session.id, id, control::ListReply{});
    return server_->refuse(
        session.id, id,
        Error{ExitStatus::kTryAgain,
              "You have accepted " + format_safe_line(name) +
                  ", who is not reached at the moment. It is tried again and again, and you "
                  "are told when you can talk."});
  }
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

void ControlDesk::answer_stranger(ControlSession& session, const std::string& id, const Stranger& stranger,
                                  bool accepts) {
  const std::string name = format_safe_line(strangers_.shown_name(stranger));
  const auto refuse = [&](const std::string& why) {
    server_->refuse(session.id, id, Error{ExitStatus::kUsage, why});
  };
  if (stranger.state == StrangerState::kAsked)
    return refuse("It was you who has asked " + name + ", who has not answered yet.");
  if (stranger.state == StrangerState::kTogether && !accepts)
    return refuse("You talk with " + name + " already; /leave " + name + " ends that.");
  if (stranger.state != StrangerState::kTogether) {
    if (const auto answered = strangers_.answer(stranger, accepts); !answered)
      return server_->refuse(session.id, id, answered.error());
  }
  server_->reply(session.id, id, control::EmptyReply{});
}

}  // namespace p2pmesh
