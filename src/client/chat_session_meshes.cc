// The meshes of the node on one screen: those beside the current one, going from one to another, leaving.
#include <algorithm>
#include <utility>

#include "chat_session.h"
#include "complaint.h"
#include "p2pmesh/text/safe_text.h"
#include "screen_lines.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kMissedShown = 100;  // design.md, section 6

}  // namespace

std::unique_ptr<MeshScreen> ChatSession::make_screen(std::unique_ptr<NodeConnection> connection) {
  auto screen = std::make_unique<MeshScreen>(
      std::move(connection), options_.lists_history ? 0 : kMissedShown,
      [](std::string_view message) { complain("p2pchat", message); },
      [this](const control::MeshEntry& entry) { switch_to(entry); });
  screen->node->set_event_handler(
      [this, one = screen.get()](control::Event event) { on_event(*one, std::move(event)); });
  return screen;
}

/// The meshes beside the one that the screen began in.
void ChatSession::open_others() {
  shows_others_ = true;
  node().request(control::MeshesRequest{}, [this](const auto& reply) {
    const auto* listed = reply ? std::get_if<control::MeshesReply>(&*reply) : nullptr;
    if (listed == nullptr) return;
    for (const control::MeshEntry& entry : listed->meshes) {
      MeshScreen* screen = screens_.find(entry.mesh);
      if (screen == nullptr) screen = add_screen(entry.mesh);
      if (screen == nullptr) continue;
      if (screen != screens_.current) screen->view.set_mesh_label(entry.label);
      screen->view.set_conversation(entry.with ? entry.label : "");
    }
  });
}

/// Null when the node takes no further client.
MeshScreen* ChatSession::add_screen(const MeshId& mesh) {
  auto connection = NodeConnection::open(*loop_, data_dir_);
  if (!connection) {
    complain("p2pchat", "A mesh is not shown: " + connection.error().message);
    return nullptr;
  }
  screens_.all.push_back(make_screen(*std::move(connection)));
  MeshScreen& screen = *screens_.all.back();
  screen.mesh = mesh;
  screen.view.set_mesh_label(mesh.hex().substr(0, 8));
  // In one go, for the node answers in order.
  screen.node->request(control::UseMeshRequest{mesh.hex()}, [&screen](const auto& reply) {
    const auto* used = reply ? std::get_if<control::MeshReply>(&*reply) : nullptr;
    if (used != nullptr) screen.marked = used->mesh.read_cursor;
  });
  screen.node->request(control::StatusRequest{}, [&screen](const auto& reply) {
    const auto* status = reply ? std::get_if<control::StatusReply>(&*reply) : nullptr;
    if (status != nullptr) screen.view.begin_quietly(*status);
  });
  screen.node->request(control::RoomsRequest{}, [&screen](const auto& reply) {
    const auto* rooms = reply ? std::get_if<control::RoomsReply>(&*reply) : nullptr;
    if (rooms == nullptr) return;
    screen.view.set_rooms(*rooms, screen.marked);
    control::SubscribeRequest request;
    request.after = screen.marked;
    screen.node->request(request, [](const auto&) {});
  });
  return &screen;
}

/// The replay is done: what was missed is shown, and from now on all as it comes.
void ChatSession::end_gathering_of(MeshScreen& screen) {
  screen.node->request(control::RoomsRequest{}, [&screen](const auto& reply) {
    screen.view.show_missed();
    if (const auto* rooms = reply ? std::get_if<control::RoomsReply>(&*reply) : nullptr)
      screen.view.show_unread(*rooms);
  });
  screen.node->request(control::ContactsRequest{}, [&screen](const auto& reply) {
    const auto* contacts = reply ? std::get_if<control::ContactsReply>(&*reply) : nullptr;
    if (contacts == nullptr) return;
    // Who is in no mesh with us is shown once, in the current one.
    control::ContactsReply members = *contacts;
    std::erase_if(members.contacts, [](const auto& contact) { return contact.mesh.has_value(); });
    screen.view.show_requests(members);
  });
}

void ChatSession::resubscribe(MeshScreen& screen) {
  screen.view.expect_replay();
  control::SubscribeRequest request;
  request.after = std::exchange(screen.resume_after, std::nullopt);
  screen.node->request(request, [](const auto&) {});
  screen.node->request(control::RoomsRequest{}, [&screen](const auto& reply) {
    const auto* rooms = reply ? std::get_if<control::RoomsReply>(&*reply) : nullptr;
    if (rooms != nullptr) screen.view.follow_rooms(*rooms);
  });
}

void ChatSession::switch_to(const control::MeshEntry& entry) {
  MeshScreen* next = screens_.find(entry.mesh);
  if (next == nullptr) next = add_screen(entry.mesh);
  if (next == nullptr) return;
  take_output();
  screens_.current = next;
  next->view.set_mesh_label("");
  next->view.set_conversation(entry.with ? entry.label : "");
  next->view.show_info(entry.with
                           ? "You talk with " + entry.label + " alone now; /meshes shows where else you are."
                           : "You are in the mesh " + format_safe_line(entry.label) + " now.");
  refresh_labels();
}

void ChatSession::refresh_labels() {
  if (shows_others_) open_others();
}

void ChatSession::remove_screen(const MeshId& mesh) {
  const auto found = std::find_if(screens_.all.begin(), screens_.all.end(),
                                  [&](const auto& screen) { return screen->mesh == mesh; });
  if (found == screens_.all.end()) return;
  take_output();
  std::unique_ptr<MeshScreen> left = std::move(*found);
  screens_.all.erase(found);
  if (left->unanswered > 0)
    complain("p2pchat", count_of(left->unanswered, "line") + " may not have been sent: the mesh was left.");
  if (left->is_attached) {
    // The node counts its screens; it must not think that this one has ended.
    MeshScreen& heir = *screens_.all.front();
    heir.is_attached = true;
    MeshScreen* waiting = left.get();
    heir.node->request(control::AttachRequest{}, [waiting](const auto&) { waiting->node->close(); });
  } else {
    left->node->close();
  }
  gone_.push_back(std::move(left));
}

void ChatSession::on_mesh(const control::MeshEvent& event) {
  if (!shows_others_) return;
  if (event.entered) return refresh_labels();
  if (screens_.find(event.mesh) == nullptr) return;
  const bool was_current = screens_.current->mesh == event.mesh;
  if (screens_.all.size() == 1) {
    // The others are not shown yet.
    return refresh_labels();
  }
  remove_screen(event.mesh);
  const std::string label = format_safe_line(event.label);
  if (!was_current) return screens_.current->view.show_info("The mesh " + label + " was left.");
  screens_.current = screens_.all.front().get();
  screens_.current->view.set_mesh_label("");
  screens_.current->view.show_info("The mesh " + label + " was left; you are in another one now: /meshes");
  refresh_labels();
}

void ChatSession::on_event(MeshScreen& screen, control::Event event) {
  if (const auto* gap = std::get_if<control::GapEvent>(&event)) {
    screen.resume_after = gap->resume_after;
    return;
  }
  if (const auto* mesh = std::get_if<control::MeshEvent>(&event)) return on_mesh(*mesh);
  if (const auto* stranger = std::get_if<control::StrangerEvent>(&event)) {
    if (&screen == screens_.current && screen.view.is_showing()) screen.view.show_stranger(*stranger);
    return refresh_labels();
  }
  const bool names_founder = std::holds_alternative<control::SyncedEvent>(event);
  const bool is_live = std::holds_alternative<control::LiveEvent>(event);
  const bool was_live = screen.view.is_live();
  screen.view.on_event(std::move(event), loop_->now().monotonic);
  // The one that the screen began in is gathered by itself.
  if (is_live && !was_live && !screen.view.is_showing() && !screen.is_opened_by_session)
    end_gathering_of(screen);
  if (names_founder) refresh_labels();
}

}  // namespace p2pmesh
