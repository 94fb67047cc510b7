// How a mesh is opened: its store, the files beside it, and the core that goes on from them.
#include <algorithm>
#include <charconv>

#include "address.h"
#include "mesh_runner.h"
#include "p2pmesh/posix/files.h"

namespace p2pmesh {
namespace {

constexpr const char* kClosedKey = "closed";
constexpr std::size_t kNonceFileBytesMax = 256;

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
  state.has_more_acts = snapshot.has_more_acts;
  state.entries = std::move(snapshot.entries);
  for (const StoredHead& head : snapshot.heads)
    state.heads.push_back({head.room, {head.id, head.depth}, head.author, head.is_head});
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
  const std::string path = place.file(".db");
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
      peers_(place.file(".peers")),
      prekeys_(place.file(".prekeys"), around.agreement, around.files),
      room_keys_(place.file(".roomkeys"), around.files) {}

MeshRunner::~MeshRunner() = default;

Result<void> MeshRunner::start(std::unique_ptr<MeshStore> store, bool was_set_aside) {
  auto snapshot = store->load();
  if (!snapshot) return tl::unexpected(snapshot.error());
  messages_held_ = snapshot->messages;
  started_ms_ = around_.loop.now().wall_ms;
  last_row_ = snapshot->last_row;
  // A file of its own: a damaged database must not show who does not want to be seen.
  const auto hidden = read_file(place_.file(".hidden"), 1);
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
        write_file_atomically(place_.file(".nonce"), as_bytes(format_hex(*place_.founder_nonce) + "\n"));
    if (!written) return tl::unexpected(written.error());
  } else {
    place_.founder_nonce = read_nonce(place_.file(".nonce"));
  }
  if (auto sound = check_closed(was_closed); !sound) return sound;
  RestoredState restored = to_restored(*snapshot);
  const bool is_empty = restored.peers.empty();
  for (const RestoredPeer& peer : peers_.read()) {
    if (was_set_aside || peer.anchor || is_empty) restored.peers.push_back(peer);
  }
  // There is not room for all: whoever filled the store must not keep them out.
  std::stable_partition(restored.peers.begin(), restored.peers.end(),
                        [](const RestoredPeer& peer) { return peer.anchor; });
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
  options.seed = draw_random_64();
  node_ = std::make_unique<Node>(options, restored, around_.loop.now(), outputs_);
  restore_contacts(snapshot->settings);
  return {};
}

/// What is kept beside the database, and whose damage is not the database's.
Result<void> MeshRunner::read_secrets() {
  if (auto read = room_keys_.read(); !read) return read;
  auto held = read_closed_mesh(place_.file(".closed"), place_.mesh, around_.files);
  if (!held) return tl::unexpected(held.error());
  if (*held) {
    place_.closed = *std::move(held);
  } else if (place_.closed) {
    if (auto written = write_closed_mesh(place_.file(".closed"), *place_.closed, around_.files); !written)
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
              "the file " + place_.file(".closed") +
                  " with the secret of the closed mesh is gone; put back a copy, or come in again with a new "
                  "invite and another --data-dir");
}

}  // namespace p2pmesh
