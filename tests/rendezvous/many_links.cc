#include "many_links.h"

#include <poll.h>

#include <algorithm>

#include "attacks/attack_options.h"

namespace p2pmesh::meeting {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 30s;

}  // namespace

ManyLinks::ManyLinks(const SocketAddress& target, std::size_t keys) : target_(target) {
  for (std::size_t i = 0; i < keys; ++i) keys_.push_back(attacks::make_hostile_key(draw_seed()));
}

bool ManyLinks::open(std::size_t count) {
  while (slots_.size() < count) {
    const std::size_t number = slots_.size();
    auto slot = std::make_unique<Slot>();
    slot->link = std::make_unique<MemberLink>(keys_[number % keys_.size()],
                                              attacks::AttackOptions::source(number), target_);
    if (!slot->link->enter(Clock::now() + kPatience)) return false;
    slot->link->set_on_frame([this, raw = slot.get()](const FrameView& frame) {
      const auto ticket = ticket_of(frame);
      const auto found = ticket ? raw->asked.find(*ticket) : raw->asked.end();
      if (found == raw->asked.end()) return;
      const std::uint64_t question = found->second;
      raw->asked.erase(found);
      ++answered_;
      if (on_answer_ != nullptr && *on_answer_) (*on_answer_)(question, frame);
    });
    slots_.push_back(std::move(slot));
  }
  return true;
}

std::size_t ManyLinks::up() const {
  return static_cast<std::size_t>(
      std::count_if(slots_.begin(), slots_.end(), [](const auto& slot) { return slot->is_up; }));
}

/// Those that have something, and no others.
void ManyLinks::read_all(int wait_ms) {
  std::vector<pollfd> polls;
  std::vector<Slot*> polled;
  for (const auto& slot : slots_) {
    if (!slot->is_up) continue;
    polls.push_back({slot->link->fd(), POLLIN, 0});
    polled.push_back(slot.get());
  }
  if (::poll(polls.data(), polls.size(), wait_ms) <= 0) return;
  for (std::size_t i = 0; i < polls.size(); ++i) {
    if (polls[i].revents != 0) polled[i]->is_up = polled[i]->link->turn(0ms);
  }
}

std::uint64_t ManyLinks::ask(std::uint64_t count, std::size_t ahead, double per_second, const MakeFrame& make,
                             const OnAnswer& on_answer) {
  answered_ = 0;
  on_answer_ = &on_answer;
  const Clock::time_point begin = Clock::now();
  Clock::time_point moved = begin;
  std::uint64_t next = 0;
  std::size_t turn = 0;
  while (answered_ < count && up() > 0 && Clock::now() < moved + kPatience) {
    const std::uint64_t before = answered_ + next;
    const double elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
    const auto allowed = static_cast<std::uint64_t>(std::min(per_second * elapsed + 1, 1e18));
    for (std::size_t i = 0; i < slots_.size() && next < count; ++i) {
      Slot& slot = *slots_[(turn + i) % slots_.size()];
      Bytes frames;
      while (slot.is_up && slot.asked.size() < ahead && next < std::min(count, allowed)) {
        const RendezvousTicket ticket = slot.link->next_ticket();
        const Bytes frame = make(next, *slot.link, ticket);
        frames.insert(frames.end(), frame.begin(), frame.end());
        slot.asked.emplace(ticket, next++);
      }
      if (!frames.empty()) slot.is_up = slot.link->send(frames, Clock::now() + kPatience);
    }
    ++turn;
    read_all(next < count ? 1 : 50);
    if (answered_ + next != before) moved = Clock::now();
  }
  on_answer_ = nullptr;
  return answered_;
}

}  // namespace p2pmesh::meeting
