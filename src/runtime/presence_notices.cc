#include "presence_notices.h"

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

constexpr std::uint32_t kToldAtOnce = 2;  // issue "presence": the first two within 30 s

bool is_online(NoticeKind kind) {
  return kind == NoticeKind::kJoined || kind == NoticeKind::kBack || kind == NoticeKind::kHidden;
}

bool is_presence(NoticeKind kind) {
  return is_online(kind) || kind == NoticeKind::kLeft || kind == NoticeKind::kOffline;
}

}  // namespace

bool PresenceNotices::on_notice(NoticeKind kind, const MemberKey& member, const Now& now) {
  if (!is_presence(kind)) return true;
  auto found = windows_.find(member);
  if (found == windows_.end()) {
    // In a mesh of thousands that come or go at once, most do so once.
    if (windows_.size() >= limits::kPresenceWindowsMax) return true;
    found = windows_.emplace(member, Window{}).first;
    ends_.emplace_back(now.monotonic + limits::kPresenceWindow, member);
  }
  Window& window = found->second;
  if (window.told < kToldAtOnce) {
    ++window.told;
    window.told_online = is_online(kind);
    return true;
  }
  ++window.held;
  window.last = kind;
  window.last_ms = now.wall_ms;
  return false;
}

/// What is to be told of it at its end.
std::optional<PresenceNotices::Held> PresenceNotices::close(const MemberKey& member, const Window& window) {
  const bool is_told = window.held > 0 && is_online(window.last) != window.told_online;
  merged_ += window.held - (is_told ? 1 : 0);
  if (!is_told) return std::nullopt;
  return Held{member, window.last, window.last_ms};
}

std::vector<PresenceNotices::Held> PresenceNotices::take_due(Instant now) {
  std::vector<Held> due;
  while (!ends_.empty() && ends_.front().first <= now) {
    const MemberKey member = ends_.front().second;
    ends_.pop_front();
    const auto found = windows_.find(member);
    const auto held = close(member, found->second);
    if (!held) {
      windows_.erase(found);
      continue;
    }
    // It is itself the first notice of the next window: who never rests is told of twice in each.
    found->second = Window{};
    found->second.told = 1;
    found->second.told_online = is_online(held->kind);
    ends_.emplace_back(now + limits::kPresenceWindow, member);
    due.push_back(*held);
  }
  return due;
}

std::vector<PresenceNotices::Held> PresenceNotices::take_all() {
  std::vector<Held> all;
  for (const auto& [end, member] : ends_) {
    if (const auto held = close(member, windows_.at(member))) all.push_back(*held);
  }
  windows_.clear();
  ends_.clear();
  return all;
}

std::optional<Instant> PresenceNotices::next_deadline() const {
  if (ends_.empty()) return std::nullopt;
  return ends_.front().first;
}

}  // namespace p2pmesh
