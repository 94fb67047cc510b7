// What a screen shows first: what was missed, who is here, the history that was asked for.
#include <algorithm>
#include <deque>
#include <utility>

#include "chat_session.h"
#include "contact_lines.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/clock.h"
#include "p2pmesh/posix/socket_address.h"
#include "p2pmesh/posix/stream_io.h"
#include "p2pmesh/text/name.h"
#include "screen_lines.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr Duration kGatherTimeout = 2s;       // design.md, section 6
constexpr std::size_t kRegisteredShown = 20;  // lines at the start, as many as fit a screen
constexpr Duration kReplayTimeout = 60s;      // the node reads its own disk

bool is_loopback(const std::string& host) {
  const auto address = SocketAddress::from_host(host, 0);
  return address && address->is_loopback();
}

}  // namespace

/// Waits for what was missed: the node's replay, and its first comparison with a neighbor if there is one to
/// come.
Result<void> ChatSession::gather() {
  const Instant gathered_by = read_clock().monotonic + kGatherTimeout;
  // Nobody to compare with: no link, and no member known that might come back.
  const bool is_alone =
      options_.host.empty() && options_.invite.empty() && status_.neighbors == 0 && status_.members <= 1;
  const auto is_complete = [&] {
    return view().is_live() && (is_alone || status_.synced || view().is_synced());
  };
  while (!is_complete() && node().is_open()) {
    const bool was_live = view().is_live();
    const Duration patience = was_live ? gathered_by - read_clock().monotonic : kReplayTimeout;
    const bool has_changed = wait(
        [&] {
          return screen().resume_after || is_complete() || view().is_live() != was_live || !node().is_open();
        },
        patience);
    if (is_leaving()) return quietly();
    if (!has_changed) break;
    if (!screen().resume_after) continue;
    view().expect_replay();
    if (auto again = subscribe(*std::exchange(screen().resume_after, std::nullopt)); !again) return again;
  }
  return {};
}

Result<void> ChatSession::show_opening() {
  if (auto gathered = gather(); !gathered) return gathered;
  auto status = call<control::StatusReply>(node(), control::StatusRequest{}, waiter());
  if (!status) return tl::unexpected<Error>(node_gone());
  status_ = *std::move(status);
  const auto members = call<control::MembersReply>(node(), control::MembersRequest{}, waiter());
  if (!members) return tl::unexpected<Error>(members.error());
  view().show_here(status_, *members);
  if (!status_.discoverable) view().show_info(describe_discoverable(false));
  if (!options_.host.empty()) warn_if_unreachable();
  if (options_.lan) show_lan();
  if (auto ended = end_gathering(); !ended) return ended;
  const auto contacts = call<control::ContactsReply>(node(), control::ContactsRequest{}, waiter());
  if (!contacts) return tl::unexpected<Error>(contacts.error());
  view().show_requests(*contacts);
  if (!options_.lists_history) return {};
  auto listed = options_.history ? list_newest(*options_.history) : list_all();
  if (!listed) return listed;
  view().end_listing(loop_->now().monotonic);
  return {};
}

/// In the very turn in which the node counts: what comes before is counted, what comes after is shown.
Result<void> ChatSession::end_gathering() {
  const auto is_answered = std::make_shared<bool>(false);  // the reply may come when this has given up
  node().request(control::RoomsRequest{}, [this, is_answered](const auto& reply) {
    *is_answered = true;
    const auto* rooms = reply ? std::get_if<control::RoomsReply>(&*reply) : nullptr;
    if (!options_.lists_history) view().show_missed();
    if (rooms != nullptr) view().show_unread(*rooms);
    if (!options_.lists_history) return;
    view().note_read(view().current_room());
    view().begin_listing();
  });
  wait([&] { return *is_answered || !node().is_open(); }, kCallTimeout);
  if (is_leaving()) return quietly();
  if (!*is_answered) return tl::unexpected<Error>(node_gone());
  return {};
}

/// Who joined from another machine but listens on loopback talks through its neighbors alone, and is cut off
/// when they leave.
void ChatSession::warn_if_unreachable() {
  if (options_.listen.empty() || !is_loopback(status_.address)) return;
  const auto peers = call<control::PeersReply>(node(), control::PeersRequest{}, waiter());
  if (!peers) return;
  const auto is_far = [](const control::PeerEntry& peer) {
    const auto address = SocketAddress::parse(peer.address);
    return address && !address->is_loopback();
  };
  if (std::none_of(peers->peers.begin(), peers->peers.end(), is_far)) return;
  view().show_info(
      "Others cannot reach you, and you are cut off when those you reached leave: this node listens on " +
      status_.address + ". To be reached, start with: --listen 0.0.0.0:0");
}

void ChatSession::offer_registered() {
  const bool has_target =
      !options_.host.empty() || !options_.invite.empty() || !options_.find.empty() || !options_.mesh.empty();
  if (options_.rendezvous.empty() || has_target) return;
  MeshScreen& opened = screen();
  opened.node->request(control::RendezvousPeopleRequest{}, [this, mesh = opened.mesh](const auto& reply) {
    MeshScreen* there = screens_.find(mesh);
    if (there == nullptr) return;
    const auto* listed = reply ? std::get_if<control::RendezvousPeopleReply>(&*reply) : nullptr;
    if (listed == nullptr) return there->view.show_info(reply ? "" : end_sentence(reply.error().message));
    control::RendezvousPeopleReply elsewhere = *listed;
    std::erase_if(elsewhere.meshes, [&](const auto& entry) { return entry.mesh == mesh; });
    there->view.show_registered(elsewhere, kRegisteredShown);
    const bool is_person = !options_.plain && is_terminal(0) && is_terminal(1);
    const auto is_other = [&](const control::RegisteredPerson& person) {
      return person.online && person.key != status_.key;
    };
    if (is_person && std::any_of(listed->people.begin(), listed->people.end(), is_other)) ask_whom();
  });
}

/// Until a name is known, or none is given.
void ChatSession::ask_whom() {
  view().show_info("Whom do you want to chat with? Type a name, or an empty line for nobody.");
  input_->set_question([this, before = screen().mesh](const std::string& name) {
    if (screen().mesh != before) return false;
    if (name.empty()) return true;
    if (!check_name(name)) return false;  // something that is said
    screen().commands.join_mesh_of(name, [this, before](bool has_joined) {
      if (!has_joined) return ask_whom();
      leave_if_unused(before);
    });
    return true;
  });
}

/// The mesh that was opened for want of another one.
void ChatSession::leave_if_unused(const MeshId& mesh) {
  MeshScreen* opened = screens_.find(mesh);
  if (opened == nullptr || mesh != status_.mesh) return;
  opened->node->request(control::StatusRequest{}, [this, mesh](const auto& reply) {
    const auto* status = reply ? std::get_if<control::StatusReply>(&*reply) : nullptr;
    MeshScreen* unused = screens_.find(mesh);
    if (status == nullptr || unused == nullptr || status->members > 1 || status->messages > 0) return;
    unused->node->request(control::LeaveMeshRequest{mesh.hex()}, [](const auto&) {});
  });
}

/// Who looked around is told what came of it.
void ChatSession::show_lan() {
  if (status_.lan == "off") {
    return view().show_info(
        "The node that runs here was started without --lan: it hears nobody on the local network, and is not "
        "heard.");
  }
  const auto heard = call<control::LanReply>(node(), control::LanRequest{}, waiter());
  if (!heard) return;
  const bool is_used = std::any_of(heard->interfaces.begin(), heard->interfaces.end(),
                                   [](const auto& one) { return one.left_out.empty(); });
  if (!is_used) {
    view().show_info("No local network is used; /lan says why.");
  } else if (heard->meshes.empty()) {
    view().show_info(
        status_.closed || !status_.discoverable
            ? "No mesh is heard on the local network."
            : "No mesh is heard on the local network. Who starts p2pchat --lan there finds this one.");
  }
}

Result<void> ChatSession::list_newest(std::size_t count) {
  std::deque<std::vector<control::ChatMessage>> pages;
  control::ListRequest request;
  request.room = view().current_room();
  bool more = count > 0;
  std::size_t total = 0;
  while (more) {
    request.limit = std::min(count - total, limits::kControlPageMax);
    auto page = call<control::ListReply>(node(), request, waiter());
    if (!page) return tl::unexpected<Error>(page.error());
    if (page->messages.empty()) break;
    request.before = page->messages.front().id;
    total += page->messages.size();
    more = page->more && total < count;
    pages.push_front(std::move(page->messages));
  }
  if (total == 0) return {};
  view().show_info(count_of(total, "earlier message") + ":");
  for (const auto& page : pages) view().show_listed(page);
  view().show_info("End of earlier messages.");
  return {};
}

Result<void> ChatSession::list_all() {
  control::ListRequest request;
  request.room = view().current_room();
  request.after = control::MessageId{};
  request.limit = limits::kControlPageMax;
  bool is_first = true;
  for (;;) {
    const auto page = call<control::ListReply>(node(), request, waiter());
    if (!page) return tl::unexpected<Error>(page.error());
    if (page->messages.empty()) break;
    if (is_first) view().show_info("All earlier messages:");
    is_first = false;
    view().show_listed(page->messages);
    request.after = page->messages.back().id;
    // A reader that is slower than the node must not make the output grow.
    wait([&] { return output_->pending_bytes() < kOutputBytesMax; }, std::nullopt);
    if (is_leaving()) return quietly();
    if (!page->more) break;
  }
  if (!is_first) view().show_info("End of earlier messages.");
  return {};
}

}  // namespace p2pmesh
