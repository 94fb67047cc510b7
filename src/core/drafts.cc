#include "drafts.h"

#include <algorithm>
#include <set>
#include <utility>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {

void Drafts::count_in(const Draft& draft) {
  bytes_ += draft.text.size();
  draft.to ? ++waiting_to_[*draft.to] : ++waiting_in_[draft.room];
}

void Drafts::restore(const std::vector<RestoredDraft>& drafts, std::uint64_t last_number) {
  last_number_ = last_number;
  for (const RestoredDraft& stored : drafts) {
    last_number_ = std::max(last_number_, stored.number);
    Draft line;
    line.room = stored.room;
    line.text = stored.text;
    line.to = stored.to;
    line.number = stored.number;
    line.typed_ms = stored.wall_ms;
    count_in(line);
    lines_.emplace(stored.number, std::move(line));
  }
}

bool Drafts::has_room() const {
  return lines_.size() < limits::kDraftsMax && bytes_ < limits::kDraftBytesMax;
}

void Drafts::keep(Draft draft, Turn& turn) {
  // One that was released and has to wait again is on the disk already.
  if (draft.number == 0) {
    draft.number = ++last_number_;
    draft.typed_ms = turn.now.wall_ms;
    turn.out.push_back(StoreDraft{draft.number, std::exchange(draft.token, 0), draft.room, draft.to,
                                  draft.text, turn.now.wall_ms});
  }
  count_in(draft);
  const std::uint64_t number = draft.number;
  lines_.emplace(number, std::move(draft));
}

void Drafts::forget(std::map<std::uint64_t, Draft>::iterator line) {
  const Draft& draft = line->second;
  bytes_ -= draft.text.size();
  if (!draft.to) {
    if (auto found = waiting_in_.find(draft.room); --found->second == 0) waiting_in_.erase(found);
  } else if (auto found = waiting_to_.find(*draft.to); --found->second == 0) {
    waiting_to_.erase(found);
  }
  lines_.erase(line);
}

bool Drafts::cancel(std::uint64_t number, Turn& turn) {
  auto line = lines_.find(number);
  if (line == lines_.end()) return false;
  forget(line);
  if (!P2P_PLANTED(CancelNotStored)) turn.out.push_back(DropDraft{number});
  return true;
}

std::vector<Draft> Drafts::release(const Releases& may_go, std::size_t max) {
  std::vector<Draft> released;
  std::set<MemberKey> members;
  std::set<std::string> rooms;
  for (const auto& [member, count] : waiting_to_) {
    if (may_go.to_member(member)) members.insert(member);
  }
  for (const auto& [room, count] : waiting_in_) {
    if (may_go.in_room(room)) rooms.insert(room);
  }
  if (members.empty() && rooms.empty()) return released;
  for (auto line = lines_.begin(); line != lines_.end() && released.size() < max;) {
    const auto next = std::next(line);
    const Draft& draft = line->second;
    if (draft.to ? members.contains(*draft.to) : rooms.contains(draft.room)) {
      released.push_back(draft);
      forget(line);
    }
    line = next;
  }
  return released;
}

std::vector<DraftView> Drafts::list() const {
  std::vector<DraftView> views;
  for (const auto& [number, line] : lines_)
    views.push_back({number, line.room, line.to, line.text, line.typed_ms});
  return views;
}

}  // namespace p2pmesh
