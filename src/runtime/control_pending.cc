// The control requests about being left alone: what waits to be sent, being discoverable, whom not to hear.
#include <algorithm>
#include <utility>

#include "control_requests.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::PersonRequest& request) {
  const auto refuse = [&](const Error& error) { server_->refuse(session.id, id, error); };
  const auto member = find_member(request.member);
  if (!member) return refuse(member.error());
  if (*member == runner_->member()) return refuse({ExitStatus::kUsage, "That is you; name somebody else."});
  if (request.ignored || request.blocked) {
    const auto noted = runner_->note_person(*member, request.ignored, request.blocked);
    if (!noted) return refuse(noted.error());
  }
  if (request.alias) return set_alias(session, id, *member, *request.alias);
  reply_when_kept(session, id, control::MemberReply{*member, runner_->node().shown_name(*member)});
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::DiscoverRequest& request) {
  if (const auto set = actions_.set_discoverable(request.on); !set)
    return server_->refuse(session.id, id, set.error());
  server_->reply(session.id, id, control::EmptyReply{});
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::ReceiptsRequest& request) {
  actions_.set_receipts(request.on);
  server_->reply(session.id, id, control::EmptyReply{});
}

/// First what is an envelope already and no neighbor has taken, then the lines that wait.
void ControlRequests::answer(ControlSession& session, const std::string& id, const control::PendingRequest&) {
  using Listed = std::vector<ListedMessage>;
  ask_store<Listed>(
      session, id,
      [self = runner_->member()](MeshStore& store) {
        return store.list_outbox(self, limits::kControlPageMax + 1);
      },
      [this, id](ControlSession& asking, Listed& listed) {
        control::PendingReply reply;
        const auto name_of = [this](const std::optional<MemberKey>& to) {
          return to ? runner_->node().shown_name(*to) : std::string();
        };
        for (ListedMessage& message : listed) {
          const auto to = message.direct ? std::optional(message.direct->peer) : std::nullopt;
          reply.lines.push_back({0, message.room, name_of(to), std::move(message.text), message.wall_ms});
        }
        for (DraftView& draft : runner_->node().drafts()) {
          if (reply.lines.size() > limits::kControlPageMax) break;
          reply.lines.push_back(
              {draft.number, draft.room, name_of(draft.to), std::move(draft.text), draft.wall_ms});
        }
        reply.more = reply.lines.size() > limits::kControlPageMax;
        if (reply.more) reply.lines.resize(limits::kControlPageMax);
        server_->reply(asking.id, id, reply);
      });
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::CancelRequest& request) {
  std::uint64_t cancelled = 0;
  for (const DraftView& draft : runner_->node().drafts()) {
    if (request.number && draft.number != *request.number) continue;
    runner_->handle(CancelDraft{draft.number});
    ++cancelled;
  }
  if (request.number && cancelled == 0) {
    return server_->refuse(session.id, id,
                           Error{ExitStatus::kUsage, "Line " + std::to_string(*request.number) +
                                                         " does not wait any more: it was sent or cancelled, "
                                                         "or never was. See what waits: /pending"});
  }
  // Behind the deletion: what was cancelled does not come back after a crash.
  reply_when_kept(session, id, control::CancelReply{cancelled});
}

std::optional<Error> ControlRequests::check_can_say_now() const {
  if (!runner_->node().status().discoverable)
    return Error{ExitStatus::kTryAgain, "You are undiscoverable, and only lines wait: /discover on first."};
  return check_can_send();
}

}  // namespace p2pmesh
