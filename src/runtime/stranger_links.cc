// Requests that are handed over from node to node, without a discovery server: each end stands for itself,
// and speaks as a server that knows one member.
#include <utility>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/safe_text.h"
#include "strangers.h"

namespace p2pmesh {

bool Strangers::is_open() const {
  const auto presence = actions_.presence();
  return presence && presence->discoverable && talks_.size() < limits::kStrangersAskingMax;
}

void Strangers::ask_at(const HostPort& place, Met done) {
  Talk talk;
  talk.is_ours = true;
  talk.place = place;
  talk.done = done;
  // It may fail at once.
  const auto failed = std::make_shared<std::optional<std::uint64_t>>();
  const std::uint64_t ticket =
      joins_.start(place.host, place.port, kStrangersMesh, false,
                   [this, failed, done = std::move(done)](const Result<JoinFound>& found) {
                     if (found) return;
                     if (*failed) dialled_.erase(**failed);
                     *failed = 0;
                     done(tl::unexpected<Error>(found.error()));
                   });
  if (*failed) return;
  *failed = ticket;
  dialled_[ticket] = std::move(talk);
}

/// To say what waits for this one.
void Strangers::dial(const Stranger& stranger) {
  const MeshId mesh = stranger.invite.mesh;
  trials_[mesh].is_under_way = true;
  joins_.start(
      stranger.place.host, stranger.place.port, kStrangersMesh, false,
      [this, mesh](const Result<JoinFound>&) { put_off(mesh); }, NodeKey{stranger.member.bytes});
}

bool Strangers::on_link_up(const LinkUp& up, std::uint64_t join) {
  if (join == 0 && !is_open()) return false;
  Talk talk;
  if (auto dialled = dialled_.extract(join)) talk = std::move(dialled.mapped());
  talk.node = up.node;
  talk.local = up.local;
  talk.is_ours = join != 0;
  talk.deadline = loop_.now().monotonic + limits::kStrangerLinkTime;
  Talk& begun = talks_[up.link] = std::move(talk);
  if (!begun.is_ours) return true;
  if (!begun.done) {
    say_to(up.link, begun);
    return true;
  }
  LookUp question;
  question.ticket = next_ticket_++;
  question.member = MemberKey{begun.node.bytes};
  send(up.link, encode_frame_of(question));
  return true;
}

bool Strangers::on_link_down(LinkId link) {
  auto ended = talks_.extract(link);
  if (!ended) return false;
  if (ended.mapped().done) {
    ended.mapped().done(fail(ExitStatus::kUnavailable, format_safe_line(ended.mapped().place.host) +
                                                           " has ended the connection without an answer"));
  }
  return true;
}

void Strangers::end_talk(LinkId link) {
  links_.close(link, CloseReason::kDisconnect);
  on_link_down(link);
}

void Strangers::send(LinkId link, const Bytes& frame) {
  links_.send({link, std::make_shared<const Bytes>(frame), FrameClass::kControl});
}

bool Strangers::on_frame(LinkId link, const FrameView& frame) {
  Talk& talk = talks_.at(link);
  if (++talk.frames > limits::kStrangerFramesMax) return false;
  switch (static_cast<FrameType>(frame.type)) {
    case FrameType::kLookUp: {
      const auto question = decode_look_up(frame.payload);
      return question && on_question(link, talk, *question);
    }
    case FrameType::kAsk: {
      const auto message = decode_ask_frame(frame.payload);
      return message && on_ask(link, talk, *message);
    }
    case FrameType::kFound: {
      const auto found = decode_found(frame.payload);
      return found && on_found(link, talk, *found);
    }
    case FrameType::kAskState: {
      const auto state = decode_ask_state(frame.payload);
      if (!state || !talk.is_ours) return false;
      on_ask_state(talk.node, *state);
      end_talk(link);
      return true;
    }
    case FrameType::kDenied:
      if (!decode_denied(frame.payload) || !talk.is_ours) return false;
      end_talk(link);
      return true;
    case FrameType::kClose:
      return true;
    default:
      return (frame.type & kSkippableFrameBit) != 0;
  }
}

bool Strangers::on_question(LinkId link, Talk& talk, const LookUp& question) {
  if (talk.is_ours) return false;
  Found reply;
  reply.ticket = question.ticket;
  const auto presence = actions_.presence();
  reply.known = presence && question.member == self_;
  if (reply.known) {
    Registration registration;
    registration.name = presence->name;
    registration.member = self_;
    registration.node = NodeKey{self_.bytes};
    registration.version = registration.valid_until_ms = loop_.now().wall_ms;
    registration.signature = signer_.sign(registration_signing_bytes(registration.node, registration));
    reply.online = true;
    reply.seen_ms = loop_.now().wall_ms;
    reply.registration = encode_registration(registration);
  }
  send(link, encode_frame_of(reply));
  return true;
}

bool Strangers::on_found(LinkId link, Talk& talk, const Found& found) {
  if (!talk.is_ours || !talk.done) return false;
  const auto registration = found.known ? decode_registration(found.registration) : std::nullopt;
  const bool is_true = registration && registration->member == MemberKey{talk.node.bytes} &&
                       ed25519_verifier().verify(registration->member.view(),
                                                 registration_signing_bytes(talk.node, *registration),
                                                 registration->signature);
  if (!is_true) return false;
  const Met done = std::exchange(talk.done, {});
  const auto met = ask_member(registration->member, registration->name, talk.place, talk.local);
  if (met) say_to(link, talk);
  done(met);
  return true;
}

/// The link is ended when it is said, or when there was nothing to say.
void Strangers::say_to(LinkId link, const Talk& talk) {
  bool has_said = false;
  for (Ask& ask : asks_for(talk.node)) {
    if (ask.recipient != MemberKey{talk.node.bytes}) continue;
    send(link, encode_frame_of(AskFrame{next_ticket_++, std::move(ask)}));
    has_said = true;
  }
  if (!has_said) talks_.at(link).deadline = loop_.now().monotonic;
}

bool Strangers::on_ask(LinkId link, const Talk& talk, const AskFrame& message) {
  if (talk.is_ours || message.ask.asker != MemberKey{talk.node.bytes}) return false;
  const NodeKey self{self_.bytes};
  if (take(self, message.ask)) {
    send(link,
         encode_frame_of(AskState{message.ticket, hash_ask(self, message.ask), AskState::State::kDelivered}));
  } else {
    send(link, encode_frame_of(Denied{message.ticket, DenyReason::kFull, limits::kStrangersAskingMax}));
  }
  return true;
}

}  // namespace p2pmesh
