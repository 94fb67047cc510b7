// The meshes that a node is in at once: for each a runner, and what answers its control clients.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "control_requests.h"
#include "mesh_runner.h"
#include "profile.h"

namespace p2pmesh {

struct MeshSeat {
  std::unique_ptr<MeshRunner> runner;
  std::unique_ptr<ControlRequests> requests;  ///< uses the runner
  std::optional<Instant> leave_by;            ///< it is being left; given up then
};

/// Threads: the loop's.
/// With whom a mesh of two is.
struct Conversation {
  MemberKey with;
  std::string name;  ///< as it can be typed
};

class MeshSeats {
 public:
  MeshSeat& add(std::unique_ptr<MeshRunner> runner, std::unique_ptr<ControlRequests> requests);
  /// Its links lead nowhere from now on.
  void remove(const MeshId& mesh);

  /// Nothing when the node is not in it, or is leaving it.
  [[nodiscard]] MeshRunner* find(const MeshId& mesh) const;
  [[nodiscard]] MeshSeat* find_seat(const MeshId& mesh) const;
  /// Where clients are who have not chosen; null before the first.
  [[nodiscard]] MeshRunner* current() const;
  void set_current(const MeshId& mesh) { current_ = mesh; }
  /// For a newcomer who takes whatever mesh is here: the current one if it is open, else one that is.
  [[nodiscard]] MeshRunner* for_anybody() const;
  /// In the order in which they were entered.
  [[nodiscard]] const std::vector<std::unique_ptr<MeshSeat>>& all() const { return seats_; }
  /// As they are now: for loops in which one may be added.
  [[nodiscard]] std::vector<MeshSeat*> snapshot() const;
  /// Those that are not being left.
  [[nodiscard]] std::size_t staying() const;
  [[nodiscard]] std::vector<ActiveMesh> active() const;

  void take_link(LinkId link, const MeshId& mesh) { homes_[link] = mesh; }
  void drop_link(LinkId link) { homes_.erase(link); }
  /// Those that were closed from here: nothing is told of them.
  template <class IsClosed>
  void drop_links(IsClosed is_closed) {
    std::erase_if(homes_, [&](const auto& home) { return is_closed(home.first); });
  }
  [[nodiscard]] MeshRunner* home_of(LinkId link) const;
  [[nodiscard]] std::vector<LinkId> links_of(const MeshId& mesh) const;

  void set_conversations(std::map<MeshId, Conversation> conversations) {
    conversations_ = std::move(conversations);
  }
  /// The name of whom the mesh is a conversation with; else the founder's name there, or a piece of the
  /// mesh's id; unlike that of all others.
  [[nodiscard]] std::string label_of(const MeshRunner& runner) const;
  [[nodiscard]] control::MeshEntry describe(const MeshRunner& runner) const;
  /// A label, or how an id begins. Errors: kUsage with what there is.
  [[nodiscard]] Result<MeshRunner*> find_called(std::string_view wanted) const;

 private:
  std::vector<std::unique_ptr<MeshSeat>> seats_;
  /// What a mesh would be called if there were no other one.
  [[nodiscard]] std::string plain_label(const MeshRunner& runner) const;

  std::optional<MeshId> current_;
  std::map<MeshId, Conversation> conversations_;
  std::unordered_map<LinkId, MeshId> homes_;
};

}  // namespace p2pmesh
