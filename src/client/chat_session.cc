#include "chat_session.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "complaint.h"
#include "contact_lines.h"
#include "p2pmesh/base/invite_link.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/clock.h"
#include "p2pmesh/posix/files.h"
#include "p2pmesh/posix/socket_address.h"
#include "p2pmesh/posix/stream_io.h"
#include "p2pmesh/text/name.h"
#include "p2pmesh/text/safe_text.h"
#include "screen_lines.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr Duration kNobodyTimeout = 5s;       // design.md, section 6
constexpr Duration kSearchPatience = 1s;      // of who leaves while a host is looked for; guess
constexpr Duration kNoProgressTimeout = 30s;  // somebody is there but takes nothing; guess
constexpr Duration kTakenPollMin = 5ms;
constexpr Duration kTakenPollMax = 50ms;
constexpr Duration kMarkInterval = 500ms;
constexpr Duration kNodeEndTimeout = 3s;
constexpr Duration kHurriedFlush = 1s;  // of the output, when the user wants to be gone

}  // namespace

ChatSession::ChatSession(ChatOptions options) : options_(std::move(options)) {}

Result<ExitStatus> ChatSession::run() {
  auto opened = open();
  if (opened) opened = join();
  if (opened) opened = show_opening();
  if (opened) opened = talk();
  if (!opened && !is_leaving()) return tl::unexpected<Error>(opened.error());
  if (!opened) {
    if (screens_.current != nullptr) leave(true);
    return status_of_leaving();
  }

  Result<ExitStatus> status = input_->status();
  if (!is_leaving() && input_->has_ended()) {
    const auto taken = wait_until_taken();
    if (!taken && !is_leaving()) return tl::unexpected<Error>(taken.error());
    if (taken && *status == ExitStatus::kOk) status = *taken;
  }
  const bool is_hurried = is_leaving();
  leave(is_hurried);
  return is_hurried || output_->has_failed() ? status_of_leaving() : status;
}

/// The user or the reader of the output is gone: no fault. An output that takes no more is one.
Result<ExitStatus> ChatSession::status_of_leaving() const {
  if (!output_->has_failed()) return ExitStatus::kOk;
  return fail(ExitStatus::kIo,
              "Standard output cannot be written, so what came in was not shown. Is the disk full? The "
              "node has kept it: p2pmeshctl history.");
}

Result<void> ChatSession::open() {
  auto loop = EventLoop::open();
  if (!loop) return tl::unexpected<Error>(loop.error());
  loop_ = *std::move(loop);
  output_ = std::make_unique<OutputWriter>(*loop_, 1);
  if (auto writable = output_->open(); !writable) return writable;
  auto signals = Signals::open(*loop_, [this](Signal) { interrupted_ = true; });
  if (!signals) return tl::unexpected<Error>(signals.error());
  signals_ = *std::move(signals);

  use_private_umask();
  if (auto made = make_directories(options_.data_dir); !made) return made;
  auto directory = absolute_path(options_.data_dir);
  if (!directory) return tl::unexpected<Error>(directory.error());
  data_dir_ = *std::move(directory);
  auto node = attach_node(*loop_, options_, data_dir_, waiter(), [this] { return is_leaving(); });
  if (!node) return tl::unexpected<Error>(node.error());
  node_ = *std::move(node);
  screens_.all.push_back(make_screen(std::move(node_.connection)));
  screens_.current = screens_.all.front().get();
  screens_.current->is_attached = true;
  screens_.current->is_opened_by_session = true;
  return {};
}

/// What was asked for of a node that was running before.
Result<void> ChatSession::enter_wanted() {
  if (name_key(status_.profile) != name_key(options_.name)) {
    return fail(ExitStatus::kUsage, "The node that runs in " + data_dir_ + " is that of " + status_.profile +
                                        ". Type that name, or give another --data-dir.");
  }
  if (options_.exact_name && status_.name != status_.claimed_name) {
    return fail(ExitStatus::kCannotCreate,
                "The name " + status_.claimed_name +
                    " is held by another member; the node that runs here is shown as " + status_.name + ".");
  }
  if (options_.undiscoverable) {
    const control::DiscoverRequest request{false};
    if (auto hidden = call<control::EmptyReply>(node(), request, waiter()); !hidden)
      return tl::unexpected<Error>(hidden.error());
  }
  std::optional<control::Request> wanted;
  if (!options_.host.empty()) wanted = control::EnterMeshRequest{options_.host, options_.port};
  if (!options_.invite.empty()) wanted = control::EnterMeshRequest{"", 0, options_.invite};
  if (options_.fresh) wanted = control::OpenMeshRequest{options_.closed};
  if (!options_.find.empty()) wanted = control::EnterMeshRequest{"", 0, {}, options_.find};
  for (const std::string& text : options_.rendezvous) {
    const auto place = parse_host_port(text);
    const control::AddRendezvousRequest request{place ? place->host : "",
                                                place ? place->port : std::uint16_t{0}};
    if (auto added = call<control::EmptyReply>(node(), request, waiter()); !added)
      return tl::unexpected<Error>(added.error());
  }
  if (wanted) {
    const auto entered = call<control::MeshReply>(node(), *wanted, waiter());
    if (!entered) return tl::unexpected<Error>(entered.error());
    const control::SwitchMeshRequest request{entered->mesh.mesh.hex()};
    if (auto switched = call<control::MeshReply>(node(), request, waiter()); !switched)
      return tl::unexpected<Error>(switched.error());
    return use_mesh(request.mesh);
  }
  if (!options_.closed || status_.closed || !options_.mesh.empty()) return {};
  return fail(ExitStatus::kTryAgain,
              "A node of " + options_.name +
                  " is running, and its mesh is open to everybody. To open a closed one "
                  "beside it: p2pchat --new --private " +
                  options_.name);
}

Result<void> ChatSession::use_mesh(const std::string& wanted) {
  const auto used = call<control::MeshReply>(node(), control::UseMeshRequest{wanted}, waiter());
  if (!used) return tl::unexpected<Error>(used.error());
  node_.attached.read_cursor = used->mesh.read_cursor;
  auto status = call<control::StatusReply>(node(), control::StatusRequest{}, waiter());
  if (!status) return tl::unexpected<Error>(status.error());
  status_ = *std::move(status);
  return {};
}

Result<void> ChatSession::join() {
  auto status = call<control::StatusReply>(node(), control::StatusRequest{}, waiter());
  if (!status) return tl::unexpected<Error>(status.error());
  status_ = *std::move(status);
  if (!node_.child) {
    if (auto entered = enter_wanted(); !entered) return entered;
  }
  if (!options_.mesh.empty()) {
    if (auto used = use_mesh(options_.mesh); !used) return used;
  }
  screen().mesh = status_.mesh;
  const auto rooms = call<control::RoomsReply>(node(), control::RoomsRequest{}, waiter());
  if (!rooms) return tl::unexpected<Error>(rooms.error());
  view().set_rooms(*rooms, node_.attached.read_cursor);
  view().show_listening(status_);
  if (!node_.attached.leaves_with_last_screen) view().show_attached(status_);
  return subscribe(node_.attached.read_cursor);
}

Result<void> ChatSession::subscribe(const control::Cursor& after) {
  control::SubscribeRequest request;
  request.after = after;
  const auto subscribed = call<control::SubscribeReply>(node(), request, waiter());
  if (!subscribed) return tl::unexpected<Error>(subscribed.error());
  return {};
}

Result<void> ChatSession::talk() {
  input_ = std::make_unique<ChatInput>(*loop_, 0, screens_,
                                       [](std::string_view message) { complain("p2pchat", message); });
  if (auto opened = input_->open(); !opened) return opened;
  open_others();
  offer_registered();
  for (;;) {
    const auto wants_more = [](const auto& one) { return one->resume_after.has_value(); };
    const auto is_over = [](const auto& one) { return !one->node->is_open(); };
    wait(
        [&] {
          return input_->has_quit() || input_->has_ended() ||
                 std::any_of(gone_.begin(), gone_.end(), is_over) || !node().is_open() ||
                 std::any_of(screens_.all.begin(), screens_.all.end(), wants_more);
        },
        std::nullopt);
    if (is_leaving()) return quietly();
    std::erase_if(gone_, is_over);
    if (!node().is_open()) return tl::unexpected<Error>(node_gone());
    const bool has_gap = std::any_of(screens_.all.begin(), screens_.all.end(), wants_more);
    for (const auto& one : screens_.all) {
      if (one->resume_after) resubscribe(*one);
    }
    if (!has_gap && (input_->has_quit() || input_->has_ended())) break;
  }
  if (input_->has_quit() && input_->is_searching()) {
    wait([&] { return !input_->is_searching() || !node().is_open(); }, kSearchPatience);
    if (input_->is_searching()) return {};
  }
  // What was typed is answered before anything else, for as long as answers come.
  std::uint64_t answered = 0;
  do {
    answered = input_->answered();
    wait([&] { return input_->unanswered() == 0 || !node().is_open(); }, kNoProgressTimeout);
  } while (!is_leaving() && node().is_open() && input_->unanswered() > 0 && input_->answered() != answered);
  if (is_leaving()) return quietly();
  if (!node().is_open()) return tl::unexpected<Error>(node_gone());
  if (input_->unanswered() > 0) {
    return fail(ExitStatus::kTryAgain, "The node does not say that it has stored " +
                                           count_of(input_->unanswered(), "line") +
                                           ". See p2pmeshctl status.");
  }
  return {};
}

Result<ExitStatus> ChatSession::wait_until_taken() {
  Instant last_progress = read_clock().monotonic;
  std::uint64_t last_pending = UINT64_MAX;
  for (Duration poll = kTakenPollMin;; poll = std::min(2 * poll, kTakenPollMax)) {
    std::uint64_t pending = 0;
    bool is_alone = true, is_hidden = false;
    // They may change while one is asked.
    std::vector<MeshId> meshes;
    for (const auto& one : screens_.all) meshes.push_back(one->mesh);
    for (const MeshId& mesh : meshes) {
      const MeshScreen* one = screens_.find(mesh);
      if (one == nullptr) continue;
      const auto status = call<control::StatusReply>(*one->node, control::StatusRequest{}, waiter());
      if (screens_.find(mesh) == nullptr) continue;
      if (!status) return tl::unexpected<Error>(node().is_open() ? status.error() : node_gone());
      // Whom one has asked may be days away.
      if (screens_.find(mesh)->view.is_conversation() && screens_.find(mesh) != screens_.current) continue;
      pending += status->pending;
      is_hidden = is_hidden || !status->discoverable;
      if (status->pending > 0) is_alone = is_alone && status->neighbors == 0;
    }
    if (pending == 0) return ExitStatus::kOk;
    // Lines kept from an earlier run go out now if somebody is there, but they are not waited for.
    if (input_->sent() == 0 && is_alone) return ExitStatus::kOk;
    if (pending < last_pending) last_progress = read_clock().monotonic;
    last_pending = std::min(last_pending, pending);
    const Duration patience = is_alone || input_->sent() == 0 ? kNobodyTimeout : kNoProgressTimeout;
    if (is_hidden || read_clock().monotonic - last_progress >= patience) {
      if (input_->sent() == 0) return ExitStatus::kOk;
      const std::string when = is_hidden                                ? "after /discover on"
                               : node_.attached.leaves_with_last_screen ? "at the next start"
                                                                        : "when somebody is there";
      const std::string text = count_of(pending, "line") + " kept, sent " + when + "\n";
      [[maybe_unused]] const auto written = write_all(2, as_bytes(text));
      return ExitStatus::kTryAgain;
    }
    wait([] { return false; }, poll);
    if (is_leaving()) return quietly();
  }
}

void ChatSession::leave(bool is_hurried) {
  if (input_) input_->stop();
  for (const auto& one : screens_.all) one->view.flush_late();
  take_output();
  const std::optional<Duration> patience = is_hurried ? std::optional<Duration>(kHurriedFlush) : std::nullopt;
  wait([&] { return output_->pending_bytes() == 0 || output_->is_closed() || (interrupted_ && !is_hurried); },
       patience, false);
  if (node().is_open() && output_->pending_bytes() == 0) send_marks();
  const Wait patient = [this](const std::function<bool()>& done, Duration) {
    return wait(done, kHurriedFlush, false);
  };
  const auto status = call<control::StatusReply>(node(), control::StatusRequest{}, patient);
  for (const auto& one : screens_.all) one->node->close();
  if (status && status->leaves_with_last_screen) wait_for_end(status->screens);
}

/// Waits until the private node has left, so that the directory is free when this program has ended.
void ChatSession::wait_for_end(std::uint64_t screens) {
  if (screens > 1) return;  // it stays for them
  const Instant deadline = read_clock().monotonic + kNodeEndTimeout;
  if (node_.child) {
    [[maybe_unused]] const auto watched = loop_->add(node_.child->event_fd(), kReadable, [](Ready) {});
    wait([&] { return node_.child->try_wait().has_value(); }, kNodeEndTimeout, false);
    return loop_->remove(node_.child->event_fd());
  }
  while (read_clock().monotonic < deadline && NodeConnection::open(*loop_, data_dir_)) {
    wait([] { return false; }, 20ms, false);
  }
}

bool ChatSession::wait(const std::function<bool()>& done, std::optional<Duration> timeout,
                       bool until_interrupted) {
  std::optional<Instant> deadline;
  if (timeout) deadline = read_clock().monotonic + *timeout;
  for (;;) {
    if (done()) return true;
    if (until_interrupted && is_leaving()) return false;
    if (deadline && read_clock().monotonic >= *deadline) return false;
    turn(deadline);
  }
}

void ChatSession::turn(std::optional<Instant> deadline) {
  take_output();  // nothing that is to be seen waits while we do
  const auto earlier = [&](Instant instant) { deadline = deadline ? std::min(*deadline, instant) : instant; };
  for (const auto& one : screens_.all) {
    if (const auto late = one->view.next_deadline()) earlier(*late);
  }
  const bool may_mark = input_ && output_->pending_bytes() == 0;
  if (may_mark && may_mark_more()) earlier(std::max(next_mark_, loop_->now().monotonic));
  loop_->run_until(deadline);

  for (const auto& one : screens_.all) one->view.on_time(loop_->now().monotonic);
  if (input_) input_->pump();
  take_output();
  for (const auto& one : screens_.all) {
    if (one->node->is_open()) one->node->set_reading(output_->pending_bytes() < kOutputBytesMax);
  }
  if (screens_.current != nullptr && node().is_open()) mark_read(loop_->now().monotonic);
}

void ChatSession::take_output() {
  for (const auto& one : screens_.all) output_->append(one->view.take_output());
}

void ChatSession::mark_read(Instant now) {
  if (!input_ || output_->pending_bytes() > 0 || now < next_mark_) return;
  if (send_marks()) next_mark_ = now + kMarkInterval;
}

bool ChatSession::may_mark_more() const {
  return std::any_of(screens_.all.begin(), screens_.all.end(), [](const auto& one) {
    return one->marked < one->view.shown() || one->view.has_read_rooms();
  });
}

/// True when there was something to mark.
bool ChatSession::send_marks() {
  bool has_marked = false;
  for (const auto& one : screens_.all) {
    if (one->node->is_open()) has_marked = send_marks_of(*one) || has_marked;
  }
  return has_marked;
}

bool ChatSession::send_marks_of(MeshScreen& one) {
  std::vector<control::MarkReadRequest> marks = one.view.take_read_rooms();
  if (one.marked < one.view.shown()) {
    one.marked = one.view.shown();
    marks.push_back({one.marked, std::nullopt, std::nullopt, std::nullopt});
  }
  for (const control::MarkReadRequest& mark : marks) one.node->request(mark, [](const auto&) {});
  return !marks.empty();
}

Wait ChatSession::waiter() {
  return [this](const std::function<bool()>& done, Duration timeout) { return wait(done, timeout); };
}

Error ChatSession::node_gone() {
  if (node().fault()) return *node().fault();
  if (node().is_open())
    return {ExitStatus::kUnavailable, "The node does not answer. See " + data_dir_ + "/p2pmeshd.log."};
  std::string how = ".";
  if (const auto status = node_.child ? node_.child->wait(500) : std::nullopt) {
    how = " with status " + std::to_string(*status) + ".";
  }
  return {ExitStatus::kUnavailable, "The node has ended" + how + " Its log may say why: " + data_dir_ +
                                        "/p2pmeshd.log. Start it again with: ./p2pchat " + options_.name};
}

}  // namespace p2pmesh
