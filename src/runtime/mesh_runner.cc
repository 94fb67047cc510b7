#include "mesh_runner.h"

#include <algorithm>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/files.h"
#include "p2pmesh/wire/messages.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kOpenedAtOnce = 256;  // an opening costs about 0.1 ms

}  // namespace

void MeshRunner::begin() {
  drain();
  if (unopened_from_ != 0) begin_opening(unopened_from_);
  look_at_locked_topics();
  // What an earlier run did not get to.
  for (const RoomSecret& secret : room_keys_.keys()) open_earlier(secret.room);
}

void MeshRunner::handle(const Input& input) {
  node_->handle(input, around_.loop.now(), outputs_);
  drain();
}

bool MeshRunner::on_frame(LinkId link, const FrameView& frame) {
  const bool is_close = frame.type == static_cast<std::uint8_t>(FrameType::kClose);
  if (!seal_ || is_close || (frame.type & kSkippableFrameBit) != 0) return on_opened_frame(link, frame);
  const auto payload = seal_->open(frame);
  return payload && on_opened_frame(link, {frame.type, *payload});
}

bool MeshRunner::on_opened_frame(LinkId link, const FrameView& frame) {
  const auto type = static_cast<FrameType>(frame.type);
  if (type == FrameType::kGossip || type == FrameType::kRepair) return on_envelope_frame(link, frame);
  const bool known =
      frame.type > static_cast<std::uint8_t>(FrameType::kRepair) && frame.type <= kFrameTypeLast;
  if (!known) return (frame.type & kSkippableFrameBit) != 0;
  handle(FrameReceived{link, type, frame.payload});
  return true;
}

bool MeshRunner::on_envelope_frame(LinkId link, const FrameView& frame) {
  if (static_cast<FrameType>(frame.type) == FrameType::kRepair)
    return on_envelope(link, frame.payload, Path::kRepair, 0);
  const auto gossip = decode_gossip(frame.payload);
  if (!gossip) return false;
  for (const GossipItem& item : gossip->items) {
    if (!on_envelope(link, item.envelope, Path::kLive, item.round)) return false;
  }
  return true;
}

bool MeshRunner::on_envelope(LinkId link, ByteView encoded, Path path, std::uint16_t round) {
  // Not granted yet, or just closed from here. Who is turned away for good is told why.
  if (!node_->is_neighbor(link) && !revokes_us(encoded)) return true;
  if (storage_->queued_bytes() > limits::kStoreQueueBytesMax) {
    // The disk is behind. Not marked as seen, so repair brings it when there is room.
    ++store_overflows_;
    return true;
  }
  // What nobody asked for is charged as live: else repair would be the way round every author's budget.
  const bool is_asked = path == Path::kRepair && node_->awaits_repair(link);
  Admission admission = ingress_.admit(encoded, is_asked ? Path::kRepair : Path::kLive, around_.loop.now());
  switch (admission.verdict) {
    case Verdict::kFresh:
      handle(EnvelopeReceived{link, path == Path::kLive, round, std::move(admission.envelope)});
      return true;
    case Verdict::kDuplicate:
      handle(DuplicateReceived{link, admission.id, round, path == Path::kLive});
      return true;
    case Verdict::kOverBudget:
      return true;
    case Verdict::kMalformed:
    case Verdict::kOtherMesh:
    case Verdict::kBadSignature:
      return false;
  }
  return false;
}

std::uint64_t MeshRunner::expect_acknowledge(SessionId session, std::string request_id) {
  const std::uint64_t token = next_token_++;
  sends_.emplace(token, PendingSend{session, std::move(request_id)});
  if (ControlSession* waiting = around_.control.find(session)) ++waiting->unanswered;
  return token;
}

void MeshRunner::send_text(SessionId session, std::string request_id, std::string room, std::string text) {
  const std::uint64_t token = expect_acknowledge(session, std::move(request_id));
  handle(SendText{token, std::move(room), std::move(text)});
}

void MeshRunner::send_direct(SessionId session, std::string request_id, const MemberKey& to,
                             std::string text) {
  const std::uint64_t token = expect_acknowledge(session, std::move(request_id));
  handle(SendDirect{token, to, std::move(text)});
}

void MeshRunner::change_name(std::string name, std::function<void(NameVerdict)> done) {
  const std::uint64_t token = next_token_++;
  wishes_.emplace(token, std::move(done));
  handle(ChangeName{token, std::move(name)});
}

void MeshRunner::end_turn() {
  const Now& now = around_.loop.now();
  if (auto deadline = node_->next_deadline(); deadline && *deadline <= now.monotonic)
    node_->handle(Wake{}, now, outputs_);
  if (prekey_due_ <= now.monotonic) renew_prekey();
  tell_held(presence_notices_.take_due(now.monotonic));
  node_->flush(now, outputs_);
  drain();
  check_contacts();
  storage_->flush();
}

std::optional<Instant> MeshRunner::next_deadline() const {
  Instant next = std::min(prekey_due_, node_->next_deadline().value_or(prekey_due_));
  return std::min(next, presence_notices_.next_deadline().value_or(next));
}

void MeshRunner::renew_prekey() {
  const Now& now = around_.loop.now();
  prekey_due_ = now.monotonic + PrekeyFile::kLookInterval;
  if (!prekeys_.is_due(now.wall_ms) || !node_->status().discoverable || unopened_from_ != 0) return;
  if (auto drawn = prekeys_.renew(now.wall_ms); !drawn)
    return around_.log.log(LogLevel::kError, drawn.error().message);
  node_->handle(PrekeyDrawn{prekeys_.keys().front()}, now, outputs_);
}

void MeshRunner::leave() {
  handle(Leave{});
  // How everybody was when this node left.
  tell_held(presence_notices_.take_all());
  storage_->ask([](MeshStore&) {}, [this] { leave_stored_ = true; });
}

bool MeshRunner::stop() {
  return storage_->stop();
}

void MeshRunner::mark_read(const control::Cursor& cursor) {
  if (cursor <= read_cursor_) return;
  read_cursor_ = cursor;
  storage_->set(kReadCursorKey, control::format_cursor(cursor));
}

Result<void> MeshRunner::note_person(const MemberKey& member, const std::optional<bool>& ignored,
                                     const std::optional<bool>& blocked) {
  const bool was_blocked = people_.is_blocked(member);
  auto person = people_.note(member, ignored, blocked);
  if (!person) return tl::unexpected(person.error());
  storage_->store(*person);
  if (person->blocked == was_blocked) return {};
  handle(SetBlocked{member, person->blocked});
  // What was refused all the time is there yet.
  if (was_blocked) begin_opening(1);
  return {};
}

void MeshRunner::mark_read_with(const MemberKey& member, std::uint64_t row) {
  if (!people_.mark_read(member, std::min(row, last_row_))) return;
  for (auto& [key, value] : people_.take_changes()) storage_->set(std::move(key), std::move(value));
  if (!receipts_) return;
  auto numbers = std::make_shared<std::vector<std::pair<std::uint64_t, std::uint64_t>>>();
  storage_->ask(
      [member, row, numbers](MeshStore& store) {
        if (auto read = store.direct_numbers(member, row)) *numbers = std::move(*read);
      },
      [this, member, numbers] {
        if (receipts_) handle(ReadTo{member, *numbers});
      });
}

void MeshRunner::set_receipts(bool receipts) {
  receipts_ = receipts;
  storage_->set(kReceiptsKey, receipts ? "1" : "0");
}

Result<void> MeshRunner::keep_undiscoverable() {
  if (auto kept = write_file_atomically(place_.file(".hidden"), {}); !kept) return kept;
  if (unopened_from_ != 0) return {};
  unopened_from_ = last_row_ + 1;
  storage_->set(kUnopenedKey, std::to_string(unopened_from_));
  return {};
}

Result<void> MeshRunner::set_discoverable(bool discoverable) {
  if (node_->status().discoverable == discoverable) return {};
  auto kept = discoverable ? remove_file(place_.file(".hidden")) : keep_undiscoverable();
  if (!kept) return kept;
  handle(SetDiscoverable{discoverable});
  ++opening_;
  if (discoverable && unopened_from_ != 0) begin_opening(unopened_from_);
  return {};
}

/// Direct envelopes from this row on that could not be opened when they came. Remembered until all were
/// tried: neither a crash nor being undiscoverable meanwhile loses one.
void MeshRunner::begin_opening(std::uint64_t first_row) {
  unopened_from_ = unopened_from_ == 0 ? first_row : std::min(first_row, unopened_from_);
  storage_->set(kUnopenedKey, std::to_string(unopened_from_));
  ++opening_;
  if (node_->status().discoverable) open_late(unopened_from_, opening_);
}

/// Page by page, so that other work goes on.
void MeshRunner::open_late(std::uint64_t first_row, std::uint64_t opening) {
  auto page = std::make_shared<Result<MeshStore::UnopenedPage>>();
  storage_->ask([self = self_, first_row,
                 page](MeshStore& store) { *page = store.list_unopened(self, first_row, kOpenedAtOnce); },
                [this, page, opening] {
                  if (opening != opening_) return;  // another one has begun since
                  if (!*page) return around_.log.log(LogLevel::kError, page->error().message);
                  for (const EnvelopePtr& envelope : (*page)->envelopes) handle(OpenLate{envelope});
                  if ((*page)->next_row != 0) return open_late((*page)->next_row, opening);
                  unopened_from_ = 0;
                  storage_->set(kUnopenedKey, "0");
                  renew_prekey();
                });
}

void MeshRunner::keep_rooms() {
  for (auto& [key, value] : rooms_.take_changes()) storage_->set(std::move(key), std::move(value));
}

std::vector<std::pair<std::string, std::uint64_t>> MeshRunner::counters() const {
  auto counters = node_->counters();
  const IngressCounters& ingress = ingress_.counters();
  const LinkCounters& links = around_.links.counters();
  const SeenTableCounters seen = around_.seen.counters();
  counters.insert(counters.end(), {{"ingress_fresh", ingress.fresh},
                                   {"ingress_duplicates", ingress.duplicates},
                                   {"ingress_malformed", ingress.malformed},
                                   {"ingress_other_mesh", ingress.other_mesh},
                                   {"ingress_bad_signatures", ingress.bad_signatures},
                                   {"ingress_over_budget", ingress.over_budget},
                                   {"seen_entries", seen.entries},
                                   {"seen_expired", seen.expired},
                                   {"seen_evicted", seen.evicted},
                                   {"links_accepted", links.accepted},
                                   {"links_refused_full", links.refused_full},
                                   {"links_refused_descriptors", links.refused_descriptors},
                                   {"links_refused_faulty", links.refused_faulty},
                                   {"handshakes_delayed", links.handshakes_delayed},
                                   {"frames_too_slow", links.slow_frames},
                                   {"handshakes_failed", links.handshakes_failed},
                                   {"link_faults", links.faults},
                                   {"frames_received", links.frames_received},
                                   {"bytes_received", links.bytes_received},
                                   {"bytes_sent", links.bytes_sent},
                                   {"payloads_dropped_queue_full", links.live_dropped},
                                   {"send_queues_overfull", links.queues_overfull},
                                   {"store_queue_bytes", storage_->queued_bytes()},
                                   {"store_overflows", store_overflows_},
                                   {"messages_in_unnameable_rooms", rooms_.unnameable()},
                                   {"rooms_forgotten", rooms_.forgotten()},
                                   {"notices_merged", presence_notices_.merged()}});
  return counters;
}

}  // namespace p2pmesh
