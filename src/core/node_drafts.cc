// Lines that wait, being undiscoverable, and whom the local member does not listen to.
#include <algorithm>
#include <utility>

#include "node_state.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {

/// Others are known, and none of them is linked: what is written now can still be taken back. Who is alone in
/// its mesh writes its history.
bool Node::State::is_cut_off() const {
  return links.size() == 0 && roster.counts().members > 1;
}

void Node::State::write_or_keep(Draft draft, Turn& turn) {
  const bool is_behind = P2P_PLANTED(DraftsOvertaken) ? false
                         : draft.to                   ? drafts.holds_to(*draft.to)
                                                      : drafts.holds_for(draft.room);
  const bool has_key =
      draft.to ? conversations.access_to(*draft.to) == DirectAccess::kOpen : can_write_in(draft.room);
  const bool is_hidden = conversations.is_hidden() && !P2P_PLANTED(WritesWhileHidden);
  const bool waits = is_hidden || is_cut_off() || is_behind || !has_key;
  waits ? drafts.keep(std::move(draft), turn) : author.enqueue(std::move(draft));
}

/// A private room without its key is none to write in.
bool Node::State::can_write_in(const std::string& room) const {
  return !is_private_room(room) || rooms.has(room);
}

void Node::State::release_drafts(Turn& turn) {
  if (drafts.empty() || conversations.is_hidden() || is_cut_off() || !own.may_write(turn.now.monotonic))
    return;
  const Drafts::Releases may_go{
      [this](const MemberKey& member) { return conversations.access_to(member) == DirectAccess::kOpen; },
      [this](const std::string& room) { return can_write_in(room); }};
  constexpr std::size_t kAtOnce = 4096;
  if (author.waiting() >= kAtOnce) return;
  for (Draft& draft : drafts.release(may_go, kAtOnce - author.waiting())) {
    if (draft.to) draft.prekey = conversations.prekey_of(*draft.to);
    author.enqueue(std::move(draft));
  }
}

void Node::State::on(const CancelDraft& cancelled, Turn& turn) {
  // One that has been released and waits for the author's own budget is on the disk yet.
  if (!drafts.cancel(cancelled.number, turn) && author.cancel(cancelled.number))
    turn.out.push_back(DropDraft{cancelled.number});
}

void Node::State::on(const SetDiscoverable& set, Turn& turn) {
  if (set.discoverable != conversations.is_hidden() || left) return;
  own.set_quiet(!set.discoverable);
  online_since_ms = turn.now.wall_ms;
  if (set.discoverable) {
    conversations.hide(false, turn);
    if (own.has_claim()) publish_own_record(true, turn);
    own.ask_sponsor(links, turn);
    return;
  }
  // What was typed and is no envelope yet waits with what comes.
  for (Draft& draft : author.take_waiting()) drafts.keep(std::move(draft), turn);
  // Contacts first, so that they do not see the member leave.
  conversations.hide(true, turn);
  conversations.hurry_standings();
  publish_standings(turn);
  if (own.has_claim()) publish_own_record(false, turn);
}

void Node::State::on(const SetBlocked& set, Turn& turn) {
  conversations.block(set.member, set.blocked, turn);
}

void Node::State::on(const ReadTo& read, Turn&) {
  conversations.on_read(read);
}

void Node::State::on(const OpenLate& late, Turn& turn) {
  EnvelopeContext context;
  context.direct = conversations.on_log(late.envelope->envelope, turn);
  if (!context.direct) return;
  context.opened_late = true;
  context.repaired = true;
  turn.out.push_back(Store{late.envelope, std::move(context)});
}

/// Its record says that it left, or that it joined; its contacts know better.
void Node::State::correct_notices_of_hidden(std::size_t first_output, Turn& turn) const {
  if (!conversations.has_anybody_here()) return;
  const auto is_untrue = [this](Output& output) {
    auto* notice = std::get_if<PublishNotice>(&output);
    if (notice == nullptr || !conversations.is_here(notice->member)) return false;
    if (notice->kind == NoticeKind::kJoined) notice->kind = NoticeKind::kBack;
    return notice->kind == NoticeKind::kLeft || notice->kind == NoticeKind::kOffline;
  };
  const auto begin = turn.out.begin() + static_cast<std::ptrdiff_t>(first_output);
  turn.out.erase(std::remove_if(begin, turn.out.end(), is_untrue), turn.out.end());
}

}  // namespace p2pmesh
