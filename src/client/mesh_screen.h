// The meshes of a node as one screen shows them: one is current, where lines go; what comes in the others is
// shown with their label.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chat_commands.h"
#include "chat_view.h"
#include "node_connection.h"

namespace p2pmesh {

/// One mesh: its client of the node, what is shown of it, and the commands that are typed there.
struct MeshScreen {
  MeshScreen(std::unique_ptr<NodeConnection> connection, std::size_t missed_max,
             ChatCommands::Complain complain, ChatCommands::Switch switch_to = {})
      : node(std::move(connection)),
        view(missed_max),
        commands(*node, view, std::move(complain), std::move(switch_to)) {}

  MeshId mesh;
  std::unique_ptr<NodeConnection> node;
  ChatView view;
  ChatCommands commands;
  bool is_opened_by_session = false;            ///< which gathers what was missed itself
  bool is_attached = false;                     ///< the node counts it as a screen
  std::optional<control::Cursor> resume_after;  ///< a gap event asked for a new subscription
  control::Cursor marked;
  std::size_t unanswered = 0;  ///< lines that were sent
  std::uint64_t answered = 0;
};

struct MeshScreens {
  std::vector<std::unique_ptr<MeshScreen>> all;
  MeshScreen* current = nullptr;  ///< one of them, once there is one

  [[nodiscard]] MeshScreen* find(const MeshId& mesh) const {
    for (const auto& screen : all) {
      if (screen->mesh == mesh) return screen.get();
    }
    return nullptr;
  }
};

}  // namespace p2pmesh
