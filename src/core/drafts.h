// Lines of the local member that may not become envelopes yet: it is undiscoverable, nobody is linked, or the
// one they are for has told no key to seal to. They lie on the disk, and can be taken back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "author.h"
#include "p2pmesh/core/node.h"
#include "turn.h"

namespace p2pmesh {

class Drafts {
 public:
  void restore(const std::vector<RestoredDraft>& drafts, std::uint64_t last_number);

  /// Within kDraftsMax and kDraftBytesMax.
  [[nodiscard]] bool has_room() const;
  [[nodiscard]] bool empty() const { return lines_.empty(); }
  [[nodiscard]] std::size_t size() const { return lines_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  /// Stores it; its token comes back in DraftKept by way of the driver.
  void keep(Draft draft, Turn& turn);
  /// False when it is no draft any more.
  bool cancel(std::uint64_t number, Turn& turn);
  /// Lines to this member wait: later ones go behind them.
  [[nodiscard]] bool holds_to(const MemberKey& member) const { return waiting_to_.contains(member); }
  [[nodiscard]] bool holds_for(const std::string& room) const { return waiting_in_.contains(room); }

  /// What may be written now.
  struct Releases {
    std::function<bool(const MemberKey&)> to_member;
    std::function<bool(const std::string&)> in_room;
  };
  /// Removes those that may go, in the order they were typed; at most `max`.
  std::vector<Draft> release(const Releases& may_go, std::size_t max);

  [[nodiscard]] std::vector<DraftView> list() const;

 private:
  void forget(std::map<std::uint64_t, Draft>::iterator line);
  void count_in(const Draft& draft);

  std::map<std::uint64_t, Draft> lines_;  // by number
  std::map<MemberKey, std::size_t> waiting_to_;
  std::map<std::string, std::size_t> waiting_in_;
  std::size_t bytes_ = 0;
  std::uint64_t last_number_ = 0;
};

}  // namespace p2pmesh
