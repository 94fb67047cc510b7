#include "drafts.h"

#include <algorithm>
#include <set>
#include <utility>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {

void Drafts::count_in(const Draft& draft) {
  bytes_ += draft.text.size();
  draft.to ? ++waiting_to_[*draft.to] : ++for_rooms_;
}

void Drafts::restore(const std::vector<RestoredDraft>& drafts, std::uint64_t last_number) {
  last_number_ = last_number;
  for (const RestoredDraft& stored : drafts) {
    last_number_ = std::max(last_number_, stored.number);
    Line line;
    line.draft.room = stored.room;
    line.draft.text = stored.text;
    line.draft.to = stored.to;
    line.draft.number = stored.number;
    line.wall_ms = stored.wall_ms;
    count_in(line.draft);
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
    turn.out.push_back(StoreDraft{draft.number, std::exchange(draft.token, 0), draft.room, draft.to,
                                  draft.text, turn.now.wall_ms});
  }
  count_in(draft);
  const std::uint64_t number = draft.number;
  lines_.emplace(number, Line{std::move(draft), turn.now.wall_ms});
}

void Drafts::forget(std::map<std::uint64_t, Line>::iterator line) {
  const Draft& draft = line->second.draft;
  bytes_ -= draft.text.size();
  if (!draft.to) {
    --for_rooms_;
  } else if (auto found = waiting_to_.find(*draft.to); --found->second == 0) {
    waiting_to_.erase(found);
  }
  lines_.erase(line);
}

bool Drafts::cancel(std::uint64_t number, Turn& turn) {
  auto line = lines_.find(number);
  if (line == lines_.end()) return false;
  forget(line);
  turn.out.push_back(DropDraft{number});
  return true;
}

std::vector<Draft> Drafts::release(const std::function<bool(const MemberKey&)>& can_write, std::size_t max) {
  std::vector<Draft> released;
  std::set<MemberKey> writable;
  for (const auto& [member, count] : waiting_to_) {
    if (can_write(member)) writable.insert(member);
  }
  if (for_rooms_ == 0 && writable.empty()) return released;
  for (auto line = lines_.begin(); line != lines_.end() && released.size() < max;) {
    const auto next = std::next(line);
    Draft& draft = line->second.draft;
    if (!draft.to || writable.contains(*draft.to)) {
      Draft copy = draft;
      forget(line);
      released.push_back(std::move(copy));
    }
    line = next;
  }
  return released;
}

std::vector<DraftView> Drafts::list() const {
  std::vector<DraftView> views;
  for (const auto& [number, line] : lines_)
    views.push_back({number, line.draft.room, line.draft.to, line.draft.text, line.wall_ms});
  return views;
}

}  // namespace p2pmesh
