#include "mesh_runner.h"

#include <algorithm>
#include <charconv>

#include "address.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/files.h"
#include "p2pmesh/wire/messages.h"

namespace p2pmesh {
namespace {

constexpr const char* kReadCursorKey = "read_cursor";
constexpr const char* kReceiptsKey = "receipts";
constexpr const char* kUnopenedKey = "unopened_from";
constexpr const char* kClosedKey = "closed";
constexpr std::size_t kOpenedAtOnce = 256;  // an opening costs about 0.1 ms
constexpr std::size_t kNonceFileBytesMax = 256;

std::string path_of(const MeshPlace& place, const char* ending) {
  return place.directory + "/" + place.mesh.hex() + ending;
}

/// The founder's nonce lies in a file of its own: it is the claim to the founder's name and must outlive a
/// damaged database.
std::optional<MeshNonce> read_nonce(const std::string& path) {
  auto content = read_file(path, kNonceFileBytesMax);
  if (!content || !*content) return std::nullopt;
  std::string_view text = as_text(**content);
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  auto raw = parse_hex(text);
  MeshNonce nonce;
  if (!raw || raw->size() != nonce.size()) return std::nullopt;
  std::copy(raw->begin(), raw->end(), nonce.begin());
  return nonce;
}

RestoredState to_restored(StoreSnapshot& snapshot) {
  RestoredState state;
  for (AcceptedLog& log : snapshot.logs) {
    state.logs.push_back(
        {log.author, log.epoch, std::move(log.intervals), log.newest_wall_ms, log.last_id, log.ids_digest});
  }
  state.records = std::move(snapshot.records);
  state.acts = std::move(snapshot.acts);
  state.entries = std::move(snapshot.entries);
  for (const StoredHead& head : snapshot.heads) state.heads.push_back({head.room, {head.id, head.depth}});
  for (const StoredPeer& peer : snapshot.peers) {
    if (auto address = SocketAddress::from_host(peer.host, peer.port)) {
      state.peers.push_back({peer.node, to_net(*address), peer.last_success_ms, peer.failures});
    }
  }
  for (const OutboxEntry& entry : snapshot.outbox)
    state.outbox.push_back({entry.id, entry.epoch, entry.seq, entry.messages});
  for (StoredCorrespondent& stored : snapshot.correspondents) {
    RestoredCorrespondent person{stored.member,         {}, stored.asks, stored.depth, stored.written_epoch,
                                 stored.written_number, {}};
    if (stored.relation <= static_cast<std::uint8_t>(Relation::kDeclined))
      person.relation = static_cast<Relation>(stored.relation);
    for (auto& [epoch, intervals] : stored.received)
      person.received.push_back({epoch, std::move(intervals), 0});
    person.untold = std::move(stored.untold);
    state.correspondents.push_back(std::move(person));
  }
  for (StoredDraft& draft : snapshot.drafts)
    state.drafts.push_back(
        {draft.number, std::move(draft.room), draft.to, std::move(draft.text), draft.wall_ms});
  state.last_draft = snapshot.last_draft;
  state.clean_stop = snapshot.clean_stop;
  return state;
}

std::uint64_t parse_row(const std::string& text) {
  std::uint64_t row = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, row);
  return error == std::errc{} && stop == end ? row : 0;
}

}  // namespace

Result<std::unique_ptr<MeshRunner>> MeshRunner::open(const MeshPlace& place, const MeshSurroundings& around) {
  const std::string path = path_of(place, ".db");
  bool was_set_aside = false;
  auto store = MeshStore::open(path, place.mesh);
  if (!store && store.error().status == ExitStatus::kDamagedInput) {
    auto copy = MeshStore::set_aside(path);
    if (!copy) return tl::unexpected(copy.error());
    around.log.log(LogLevel::kError, store.error().message + "; it is kept as " + *copy +
                                         ", a new one is begun and filled from the neighbors");
    was_set_aside = true;
    store = MeshStore::open(path, place.mesh);
  }
  if (!store) return tl::unexpected(store.error());
  std::unique_ptr<MeshRunner> runner(new MeshRunner(place, around));
  if (auto read = runner->read_secrets(); !read) return tl::unexpected(read.error());
  if (auto started = runner->start(std::move(*store), was_set_aside); !started) {
    if (started.error().status != ExitStatus::kDamagedInput || was_set_aside || runner->lacks_secret_)
      return tl::unexpected(started.error());
    // The damage showed only when the rows were read.
    runner.reset();
    auto copy = MeshStore::set_aside(path);
    if (!copy) return tl::unexpected(copy.error());
    around.log.log(LogLevel::kError, started.error().message + "; it is kept as " + *copy +
                                         ", a new one is begun and filled from the neighbors");
    store = MeshStore::open(path, place.mesh);
    if (!store) return tl::unexpected(store.error());
    runner.reset(new MeshRunner(place, around));
    if (auto read = runner->read_secrets(); !read) return tl::unexpected(read.error());
    if (auto again = runner->start(std::move(*store), true); !again) return tl::unexpected(again.error());
  }
  return runner;
}

MeshRunner::MeshRunner(const MeshPlace& place, const MeshSurroundings& around)
    : place_(place),
      around_(around),
      self_(to_member(around.member_signer.public_key())),
      ingress_(place.mesh, around.seen, around.verifier),
      peers_(path_of(place, ".peers")),
      prekeys_(path_of(place, ".prekeys"), around.agreement, around.files),
      room_keys_(path_of(place, ".roomkeys"), around.files) {}

MeshRunner::~MeshRunner() = default;

Result<void> MeshRunner::start(std::unique_ptr<MeshStore> store, bool was_set_aside) {
  auto snapshot = store->load();
  if (!snapshot) return tl::unexpected(snapshot.error());
  messages_held_ = snapshot->messages;
  started_ms_ = around_.loop.now().wall_ms;
  last_row_ = snapshot->last_row;
  // A file of its own: a damaged database must not show who does not want to be seen.
  const auto hidden = read_file(path_of(place_, ".hidden"), 1);
  if (!hidden) return tl::unexpected(hidden.error());
  const bool is_discoverable = !*hidden;
  bool was_closed = false;
  for (const auto& [key, value] : snapshot->settings) {
    if (key == kClosedKey) was_closed = true;
    if (key == kReadCursorKey) read_cursor_ = control::parse_cursor(value).value_or(control::Cursor{});
    if (key == kReceiptsKey) receipts_ = value == "1";
    if (key == kUnopenedKey) unopened_from_ = parse_row(value);
  }
  people_.restore(std::move(snapshot->people), snapshot->settings);
  const auto unread = store->unread_directs(people_.marks());
  if (!unread) return tl::unexpected(unread.error());
  people_.take_unread(*unread);
  rooms_.restore(snapshot->settings);
  std::vector<MemberKey> never_unread{self_};
  for (const auto& [member, person] : people_.all()) {
    if (people_.is_ignored(member)) never_unread.push_back(member);
  }
  const auto counts = store->count_rooms(never_unread, rooms_.marks());
  if (!counts) return tl::unexpected(counts.error());
  rooms_.take_counts(*counts);
  const auto topics = store->topics();
  if (!topics) return tl::unexpected(topics.error());
  for (const StoredTopic& topic : *topics) rooms_.set_topic(topic.room, topic);
  for (const RoomSecret& secret : room_keys_.keys()) rooms_.add_key(secret.room);
  const auto sealed = store->sealed_rooms();
  if (!sealed) return tl::unexpected(sealed.error());
  for (const std::string& room : *sealed) rooms_.on_sealed(room);
  auto invitations = store->invitations();
  if (!invitations) return tl::unexpected(invitations.error());
  invitations_ = *std::move(invitations);
  if (place_.founder_nonce) {
    auto written =
        write_file_atomically(path_of(place_, ".nonce"), as_bytes(format_hex(*place_.founder_nonce) + "\n"));
    if (!written) return tl::unexpected(written.error());
  } else {
    place_.founder_nonce = read_nonce(path_of(place_, ".nonce"));
  }
  if (auto sound = check_closed(was_closed); !sound) return sound;
  RestoredState restored = to_restored(*snapshot);
  const bool is_empty = restored.peers.empty();
  for (const RestoredPeer& peer : peers_.read()) {
    if (was_set_aside || peer.anchor || is_empty) restored.peers.push_back(peer);
  }
  knows_peers_ = !restored.peers.empty();
  restored.blocked = people_.all_blocked();
  auto storage = StorageThread::start(std::move(store), place_.carry, around_.loop, *this);
  if (!storage) return tl::unexpected(storage.error());
  storage_ = std::move(*storage);
  if (is_closed() && !was_closed) storage_->set(kClosedKey, "1");

  if (auto read = prekeys_.read(); !read) return read;
  // Others must be able to hear of a new one, for each closes what is sealed to the oldest.
  const bool is_seen = is_discoverable && !place_.undiscoverable;
  if (prekeys_.keys().empty() || (is_seen && prekeys_.is_due(around_.loop.now().wall_ms))) {
    if (auto drawn = prekeys_.renew(around_.loop.now().wall_ms); !drawn) return drawn;
  }
  prekey_due_ = around_.loop.now().monotonic + PrekeyFile::kLookInterval;

  NodeOptions options;
  options.mesh = place_.mesh;
  options.founder_nonce = place_.founder_nonce;
  options.name = place_.name;
  options.exact_name = place_.exact_name;
  options.member_signer = &around_.member_signer;
  options.node_signer = &around_.node_signer;
  options.verifier = &around_.verifier;
  options.agreement = &around_.agreement;
  options.prekeys = prekeys_.keys();
  options.room_keys = room_keys_.keys();
  options.listen = place_.listen;
  options.parameters = place_.protocol;
  options.discoverable = is_seen;
  if (place_.closed) {
    options.roots.push_back(place_.closed->grant.founder);
    if (!place_.closed->let_in_by.is_zero()) options.roots.push_back(place_.closed->let_in_by);
    options.roots.push_back(self_);
  }
  if (is_discoverable && !is_seen) {
    if (auto kept = keep_undiscoverable(); !kept) return kept;
  }
  std::array<std::uint8_t, 8> seed;
  draw_random(seed);
  for (std::uint8_t byte : seed) options.seed = options.seed << 8 | byte;
  node_ = std::make_unique<Node>(options, restored, around_.loop.now(), outputs_);
  restore_contacts(snapshot->settings);
  return {};
}

/// What is kept beside the database, and whose damage is not the database's.
Result<void> MeshRunner::read_secrets() {
  if (auto read = room_keys_.read(); !read) return read;
  auto held = read_closed_mesh(path_of(place_, ".closed"), place_.mesh, around_.files);
  if (!held) return tl::unexpected(held.error());
  if (*held) {
    place_.closed = *std::move(held);
  } else if (place_.closed) {
    if (auto written = write_closed_mesh(path_of(place_, ".closed"), *place_.closed, around_.files); !written)
      return written;
  }
  if (!place_.closed) return check_closed(place_.was_closed);
  door_ = std::make_unique<MemberDoor>(*this, *place_.closed, around_.verifier);
  seal_.emplace(closed_mesh_key(place_.closed->grant.secret, place_.mesh));
  return {};
}

/// With a database of a closed mesh and no secret nobody is to come in.
Result<void> MeshRunner::check_closed(bool was_closed) {
  if (is_closed() || !was_closed) return {};
  lacks_secret_ = true;
  return fail(ExitStatus::kDamagedInput,
              "the file " + path_of(place_, ".closed") +
                  " with the secret of the closed mesh is gone; put back a copy, or come in again with a new "
                  "invite and another --data-dir");
}

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
  if (auto kept = write_file_atomically(path_of(place_, ".hidden"), {}); !kept) return kept;
  if (unopened_from_ != 0) return {};
  unopened_from_ = last_row_ + 1;
  storage_->set(kUnopenedKey, std::to_string(unopened_from_));
  return {};
}

Result<void> MeshRunner::set_discoverable(bool discoverable) {
  if (node_->status().discoverable == discoverable) return {};
  auto kept = discoverable ? remove_file(path_of(place_, ".hidden")) : keep_undiscoverable();
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
