// MeshStore::write: everything that waits as one transaction.
#include <algorithm>
#include <utility>

#include "mesh_store_impl.h"
#include "p2pmesh/wire/act_body.h"
#include "p2pmesh/wire/codec.h"
#include "p2pmesh/wire/room_body.h"
#include "p2pmesh/wire/text_body.h"

namespace p2pmesh {
namespace {

bool is_empty(const StoreBatch& batch) {
  return batch.items.empty() && batch.peers.empty() && batch.taken.empty() && batch.settings.empty() &&
         batch.correspondents.empty() && batch.deliveries.empty() && batch.drafts.empty() &&
         batch.dropped_drafts.empty() && batch.people.empty();
}

// What the decoder lets through, and SQLite's signed numbers can hold.
bool is_storable(const Envelope& envelope) {
  return fits_signed(envelope.epoch) && fits_signed(envelope.wall_ms) && fits_signed(envelope.seq) &&
         fits_signed(envelope.depth);
}

std::uint32_t count_messages(const StoreItem& item) {
  const Envelope& envelope = item.envelope->envelope;
  if (is_sealed_room(envelope))
    return item.opened ? static_cast<std::uint32_t>(item.opened->texts.size()) : 0;
  if (!is_text(envelope)) return 0;
  return item.messages != 0 ? item.messages : static_cast<std::uint32_t>(count_text_messages(envelope.body));
}

}  // namespace

std::optional<std::string> topic_in(const Envelope& envelope, const RoomContentPtr& opened) {
  if (is_sealed_room(envelope)) return opened ? opened->topic : std::nullopt;
  const bool is_one = envelope.envelope_class == EnvelopeClass::kLog && !envelope.room.empty() &&
                      !is_private_room(envelope.room) &&
                      envelope.kind == static_cast<std::uint16_t>(Kind::kTopic);
  return is_one ? decode_topic(envelope.body) : std::nullopt;
}

Result<StoreBatchResult> MeshStore::write(const StoreBatch& batch) {
  Impl& impl = *impl_;
  if (auto read = impl.remember(); !read) return forward(read);
  if (impl.index.waiting() >= limits::kUnindexedRowsMax) {
    if (auto done = impl.index_all(); !done) return forward(done);
  }
  StoreBatchResult result;
  const std::int64_t changes_before = impl.database->total_changes();
  if (!is_empty(batch)) {
    auto written = impl.in_transaction(batch.full_sync, [&] { return impl.write_items(batch, result); });
    if (!written) return forward(written);
  }
  const bool changed = impl.database->total_changes() != changes_before;
  if (changed) impl.unsynced = !batch.full_sync;
  if (batch.full_sync) {
    if (auto synced = impl.sync(); !synced) return forward(synced);
  }
  return result;
}

Result<void> MeshStore::Impl::write_items(const StoreBatch& batch, StoreBatchResult& result) {
  const std::uint64_t messages_before = messages;
  result.rows.reserve(batch.items.size());
  // Before the envelopes that were made of them.
  for (const StoredDraft& draft : batch.drafts) {
    if (auto done = drafts.save(draft); !done) return done;
  }
  for (const StoreItem& item : batch.items) {
    const auto row = write_item(item, batch.now_ms, result);
    if (!row) return forward(row);
    result.rows.push_back(*row);
  }
  if (auto saved = logs.save_changed(); !saved) return saved;
  if (messages != messages_before) {
    if (auto saved = Query(save_messages).number(messages).run(); !saved) return saved;
  }
  return write_rest(batch);
}

Result<std::uint64_t> MeshStore::Impl::write_item(const StoreItem& item, WallMs now_ms,
                                                  StoreBatchResult& result) {
  P2P_CHECK(item.envelope != nullptr || item.notice.has_value());
  if (item.envelope == nullptr) return write_notice(*item.notice);
  const Envelope& envelope = item.envelope->envelope;
  if (!is_storable(envelope)) return 0;
  if (item.opened_late) return write_opened_late(item);
  if (envelope.envelope_class == EnvelopeClass::kLog) return write_log(item, now_ms, result);
  if (envelope.envelope_class == EnvelopeClass::kRecord) return write_record(*item.envelope);
  return 0;
}

Result<std::uint64_t> MeshStore::Impl::write_log(const StoreItem& item, WallMs now_ms,
                                                 StoreBatchResult& result) {
  const SealedEnvelope& sealed = *item.envelope;
  const Envelope& envelope = sealed.envelope;
  const auto author_no = authors.number_of(envelope.author.view());
  if (!author_no) return forward(author_no);
  const LogPosition position{*author_no, envelope.epoch, envelope.seq};
  LogState& log = logs.at(position.author_no, position.epoch);
  if (log.accepted.contains(envelope.seq)) {
    if (auto done = write_second(position, item, result); !done) return forward(done);
    return std::uint64_t{0};
  }

  const std::uint32_t count = count_messages(item);
  const std::int64_t row = ++last_row;
  {
    Query query(insert_envelope);
    query.number(row)
        .blob(sealed.id.view())
        .number(position.author_no)
        .number(position.epoch)
        .number(position.seq);
    if (auto done = query.number(std::uint64_t{count}).blob(sealed.encoded).run(); !done)
      return forward(done);
  }
  const auto entry = make_entry(row, position, sealed, count);
  if (!entry) return forward(entry);
  index.append(*entry);
  logs.accept(position.author_no, position.epoch, log, envelope.seq, envelope.wall_ms, sealed.id);
  if (auto done = write_room_content(row, entry->place.room_no, item); !done) return forward(done);
  if (const auto topic = topic_in(envelope, item.opened)) {
    if (auto done = topics.insert(entry->place, position.author_no, *topic); !done) return forward(done);
  }
  messages += count;
  if (is_act(envelope)) {
    if (auto done = hidden.insert_act(row); !done) return forward(done);
  }
  if (is_entry(envelope)) {
    if (auto done = hidden.insert_entry(row); !done) return forward(done);
  }
  if (item.carried) {
    if (auto done = carried.insert(row, position.author_no, sealed.encoded.size(), envelope.wall_ms, now_ms);
        !done)
      return forward(done);
  }
  if (item.direct) {
    if (auto done = write_direct(row, item); !done) return forward(done);
  }
  for (const std::uint64_t number : item.drafts) {
    if (auto done = drafts.remove(number); !done) return forward(done);
  }
  if (item.own) {
    Query query(insert_outbox);
    // What says nothing (a topic, a request to talk) waits to be taken too.
    const std::uint64_t texts = std::max<std::uint64_t>(item.direct ? item.direct->texts.size() : count, 1);
    query.blob(sealed.id.view()).number(envelope.epoch).number(envelope.seq).number(texts);
    if (auto done = query.run(); !done) return forward(done);
  }
  return static_cast<std::uint64_t>(row);
}

Result<void> MeshStore::Impl::write_direct(std::int64_t row, const StoreItem& item) {
  const StoredDirect& direct = *item.direct;
  if (auto done = directs.insert(row, *item.envelope, direct); !done) return done;
  messages += direct.texts.size();
  if (!direct.invite || direct.own) return {};
  return invitations.insert(row, {direct.peer, *direct.invite});
}

// What could not be opened when it came is moved to the end of the node's own order: who reads on from a
// cursor then finds it.
Result<std::uint64_t> MeshStore::Impl::write_opened_late(const StoreItem& item) {
  P2P_CHECK(item.direct.has_value());
  const SealedEnvelope& sealed = *item.envelope;
  if (auto done = index.insert_some(index.waiting()); !done) return forward(done);
  const auto position = position_in_log(sealed.envelope);
  if (!position) return forward(position);
  const auto held_id = index.id_at(*position);
  if (!held_id) return forward(held_id);
  if (*held_id != sealed.id) return std::uint64_t{0};  // of a fork the one that came first alone
  const auto old_row = row_of(*position);
  if (!old_row) return forward(old_row);
  if (*old_row == 0) return std::uint64_t{0};
  const auto was_opened = directs.is_opened(*old_row);
  if (!was_opened) return forward(was_opened);
  if (*was_opened) return std::uint64_t{0};
  if (auto done = carried.remove(*old_row); !done) return forward(done);

  const std::int64_t row = ++last_row;
  if (auto done = Query(move_envelope).number(row).number(*old_row).run(); !done) return forward(done);
  {
    Query query(move_in_log);
    query.number(row).number(position->author_no).number(position->epoch).number(position->seq);
    if (auto done = query.run(); !done) return forward(done);
  }
  const auto entry = make_entry(row, *position, sealed, 0);
  if (!entry) return forward(entry);
  {
    const TranscriptKey& place = entry->place;
    Query query(move_in_transcript);
    query.number(row).number(place.room_no).number(place.depth).number(place.wall_ms).blob(place.id.view());
    if (auto done = query.run(); !done) return forward(done);
  }
  {
    Query query(move_id);
    if (auto done = query.number(row).number(id_prefix(sealed.id)).number(*old_row).run(); !done)
      return forward(done);
  }
  const auto was_hidden = hidden.contains(*old_row);
  if (!was_hidden) return forward(was_hidden);
  if (*was_hidden) {
    if (auto done = hidden.remove(*old_row); !done) return forward(done);
    if (auto done = hidden.insert(row, position->author_no); !done) return forward(done);
  }
  if (auto done = index.set_indexed_row(row); !done) return forward(done);
  if (auto done = write_direct(row, item); !done) return forward(done);
  return static_cast<std::uint64_t>(row);
}

// A second envelope for an accepted position: a copy, or a fork. The transcript shows the lowest id.
Result<void> MeshStore::Impl::write_second(const LogPosition& position, const StoreItem& item,
                                           StoreBatchResult& result) {
  const EnvelopePtr& envelope = item.envelope;
  const auto held_id = index.id_at(position);
  if (!held_id) return forward(held_id);
  if (!*held_id) return write_after_gone(position, envelope, result);
  if (**held_id == envelope->id) return {};
  const auto known = forks.at(position);
  if (!known) return forward(known);
  std::optional<Fork> dropped;
  const auto no = forks.insert(position, *envelope, dropped);
  if (!no || *no == 0) return no ? Result<void>{} : forward(no);
  const auto room_no = room_numbers.number_of(as_bytes(envelope->envelope.room));
  if (!room_no) return forward(room_no);
  if (dropped) {
    const auto its_room_no = room_numbers.number_of(as_bytes(dropped->envelope->envelope.room));
    if (!its_room_no) return forward(its_room_no);
    if (auto done = opened.remove(*its_room_no, -dropped->no); !done) return done;
  }
  if (auto done = write_room_content(-*no, *room_no, item); !done) return done;
  const bool fork_shown = !known->empty() && known->front().envelope->id < **held_id;
  const EnvelopeId& shown_id = fork_shown ? known->front().envelope->id : **held_id;
  const bool is_lower = envelope->id < shown_id;
  result.forks.push_back({envelope, is_lower ? shown_id : EnvelopeId{}});
  if (!is_lower) return {};
  logs.replace(position.author_no, position.epoch, id_digest(shown_id) ^ id_digest(envelope->id));
  if (auto done = index.insert_some(index.waiting()); !done) return done;
  const auto row = row_of(position);
  if (!row) return forward(row);
  if (is_act(envelope->envelope)) {
    if (auto done = hidden.insert_act(*row); !done) return done;
  }
  if (is_entry(envelope->envelope)) {
    if (auto done = hidden.insert_entry(*row); !done) return done;
  }
  const auto searched_row = search.indexed_row();
  if (!searched_row) return forward(searched_row);
  if (*row <= *searched_row) {
    const auto shown_now = list_messages_of(*envelope, -*no, static_cast<std::uint64_t>(*row), true);
    if (!shown_now) return forward(shown_now);
    if (auto done = add_words(*row, *shown_now); !done) return done;
    if (auto done = search.finish(); !done) return done;
  }
  EnvelopePtr shown = fork_shown ? known->front().envelope : nullptr;
  if (shown == nullptr) {
    auto held = read_row(*row);
    if (!held) return forward(held);
    shown = std::move(*held);
  }
  const auto old_entry = make_entry(0, position, *shown, 0);
  if (!old_entry) return forward(old_entry);
  const auto entry = make_entry(-*no, position, *envelope, count_messages(item));
  if (!entry) return forward(entry);
  if (auto done = topics.remove(old_entry->place); !done) return done;
  if (const auto topic = topic_in(envelope->envelope, item.opened)) {
    if (auto done = topics.insert(entry->place, position.author_no, *topic); !done) return done;
  }
  return index.replace_in_transcript(old_entry->place, *entry);
}

// The lowest id counts in the sums, as with those who hold both.
Result<void> MeshStore::Impl::write_after_gone(const LogPosition& position, const EnvelopePtr& envelope,
                                               StoreBatchResult& result) {
  const auto gone_id = carried.gone_at(position);
  if (!gone_id) return forward(gone_id);
  if (!*gone_id || !(envelope->id < **gone_id)) return {};
  logs.replace(position.author_no, position.epoch, id_digest(**gone_id) ^ id_digest(envelope->id));
  result.forks.push_back({envelope, **gone_id});
  return carried.insert_gone(position, envelope->id);
}

Result<std::uint64_t> MeshStore::Impl::write_record(const SealedEnvelope& sealed) {
  const Envelope& envelope = sealed.envelope;
  const Bytes version = Writer().u64(envelope.version).take();
  {
    Query query(select_record);
    query.blob(envelope.author.view()).number(std::uint64_t{envelope.kind}).blob(envelope.subject);
    const auto held = query.next();
    if (!held) return forward(held);
    if (*held) {
      const auto held_id = EnvelopeId::from_view(query.blob_at(0));
      const ByteView held_version = query.blob_at(3);
      if (!held_id || held_version.size() != version.size()) {
        return tl::unexpected(database->damaged("a record in it does not decode"));
      }
      const auto held_key = std::pair(query.unsigned_at(2), Reader(held_version).u64());
      const auto key = std::pair(envelope.epoch, envelope.version);
      if (key < held_key || (key == held_key && !(sealed.id < *held_id))) return std::uint64_t{0};
    }
  }
  Query query(save_record);
  query.blob(envelope.author.view()).number(std::uint64_t{envelope.kind}).blob(envelope.subject);
  query.number(envelope.epoch).blob(version).blob(sealed.id.view()).blob(sealed.encoded);
  if (auto done = query.run(); !done) return forward(done);
  return static_cast<std::uint64_t>(std::max<std::int64_t>(last_row, 1));
}

Result<std::uint64_t> MeshStore::Impl::write_notice(const Notice& notice) {
  const std::int64_t row = ++last_row;
  Query query(insert_notice);
  query.number(row).blob(notice.kind).blob(notice.member.view()).blob(notice.name).blob(notice.old_name);
  if (auto done = query.number(clamp_to_signed(notice.at_ms)).run(); !done) return forward(done);
  return static_cast<std::uint64_t>(row);
}

Result<void> MeshStore::Impl::write_rest(const StoreBatch& batch) {
  for (const EnvelopeId& id : batch.taken) {
    if (auto done = Query(delete_outbox).blob(id.view()).run(); !done) return done;
  }
  for (const StoredCorrespondent& correspondent : batch.correspondents) {
    if (auto done = directs.save(correspondent); !done) return done;
  }
  for (const StoredDelivery& delivery : batch.deliveries) {
    if (auto done = directs.mark(delivery); !done) return done;
  }
  for (const std::uint64_t number : batch.dropped_drafts) {
    if (auto done = drafts.remove(number); !done) return done;
  }
  for (const StoredPerson& person : batch.people) {
    if (auto done = people.save(person); !done) return done;
  }
  for (const auto& [key, value] : batch.settings) {
    if (auto done = Query(save_setting).blob(key).blob(value).run(); !done) return done;
  }
  for (const StoredPeer& peer : batch.peers) {
    Query query(save_peer);
    query.blob(peer.node.view()).blob(peer.host).number(std::uint64_t{peer.port});
    query.number(clamp_to_signed(peer.last_success_ms)).number(std::uint64_t{peer.failures});
    if (auto done = query.run(); !done) return done;
  }
  if (batch.peers.empty()) return {};
  return Query(trim_peers).number(std::uint64_t{limits::kPeersMax}).run();
}

}  // namespace p2pmesh
