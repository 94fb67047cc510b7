#include "virtual_disk.h"

#include <algorithm>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/planted.h"
#include "p2pmesh/wire/text_body.h"

namespace p2pmesh::sim {
namespace {

constexpr SimTime kFullSync = std::chrono::duration_cast<Duration>(limits::kFullSyncInterval).count();

bool is_log(const Envelope& envelope) {
  return envelope.envelope_class == EnvelopeClass::kLog;
}

}  // namespace

RecordKey record_key(const Envelope& envelope) {
  return {envelope.author, envelope.kind, std::string(as_text(envelope.subject))};
}

void VirtualDisk::note_peer(const StorePeer& peer, WallMs wall_ms) {
  // Losing a peer's address costs a dial; so the table is not journaled.
  RestoredPeer& known = peers_[{peer.node, peer.address}];
  known.node = peer.node;
  known.address = peer.address;
  known.failures = peer.failures;
  if (peer.success) known.last_success_ms = wall_ms;
  if (peers_.size() <= limits::kPeersMax) return;
  auto worst = std::min_element(peers_.begin(), peers_.end(), [](const auto& a, const auto& b) {
    return a.second.last_success_ms < b.second.last_success_ms;
  });
  peers_.erase(worst);
}

void VirtualDisk::begin_commit() {
  committing_ = true;
  std::swap(running_, waiting_);
}

void VirtualDisk::finish_commit(SimTime now, CommitResult& result) {
  committing_ = false;
  apply(running_, now, result);
  running_ = {};
}

void VirtualDisk::apply(Queue& queue, SimTime now, CommitResult& result) {
  sync_if_due(now);
  bool full_sync = !queue.drafts.empty() || !queue.dropped.empty();
  for (StoreDraft& draft : queue.drafts) {
    last_draft_ = std::max(last_draft_, draft.number);
    drafts_[draft.number] = draft;
    result.drafts.push_back(std::move(draft));
  }
  for (Store& store : queue.items) {
    full_sync = full_sync || (store.context.own && !P2P_PLANTED(AcknowledgedBeforeSync));
    full_sync = full_sync || store.context.direct != nullptr;
    const std::uint64_t row = store.context.opened_late          ? apply_opened(store, now)
                              : is_log(store.envelope->envelope) ? apply_log(store, now, result)
                              : store.envelope->envelope.envelope_class == EnvelopeClass::kRecord
                                  ? apply_record(store, now)
                                  : 0;
    for (const std::uint64_t number : store.context.drafts) {
      drafts_.erase(number);
      if (row != 0 && !drafts_sent_.insert(number).second) ++drafts_sent_twice_;
    }
    result.committed.push_back({std::move(store.envelope), std::move(store.context), row});
  }
  for (const EnvelopeId& id : queue.taken) {
    const std::uint32_t entry = pool_->find(id);
    if (entry == kNone || outbox_.erase(entry) == 0) continue;
    note({now, ChangeKind::kOutboxTaken, entry, {}, nullptr, {}});
  }
  for (const std::uint64_t number : queue.dropped) drafts_.erase(number);
  for (const PeopleChange& change : queue.people) full_sync = apply(change, now, result) || full_sync;
  if (full_sync) journal_.clear();
}

std::uint64_t VirtualDisk::apply_log(const Store& store, SimTime now, CommitResult& result) {
  const Interned interned = pool_->intern(store.envelope);
  const std::uint32_t entry = interned.entry;
  const std::uint32_t shown = shown_at((*pool_)[entry].position);
  if (gone_.contains((*pool_)[entry].position)) return 0;
  if (shown == kNone) {
    held_.insert(entry);
    rows_.push_back(entry);
    note({now, ChangeKind::kRow, entry, {}, nullptr, {}});
    if (store.context.own) {
      outbox_[entry] = true;
      note({now, ChangeKind::kOutboxAdded, entry, {}, nullptr, {}});
    }
    ++last_row_;
    if (people_ != nullptr && store.envelope->envelope.kind == static_cast<std::uint16_t>(Kind::kDirect))
      add_direct(entry, last_row_, store.context.direct, now);
    if (store.context.carried && carry_max_ > 0) carry(entry);
    return last_row_;
  }
  if (!held_.insert(entry)) return P2P_PLANTED(ShownAgain) ? ++last_row_ : 0;
  forks_.push_back(entry);
  note({now, ChangeKind::kFork, entry, {}, nullptr, {}});
  ForkKept kept;
  kept.envelope = store.envelope;
  const EnvelopeId& shown_id = (*pool_)[shown].envelope->id;
  if (store.envelope->id < shown_id) kept.replaced = shown_id;
  result.forks.push_back(std::move(kept));
  return 0;
}

/// What goes is not taken back by a power cut: the store would drop it again.
void VirtualDisk::carry(std::uint32_t entry) {
  std::deque<std::uint32_t>& entries = carried_[(*pool_)[entry].author];
  entries.push_back(entry);
  while (entries.size() > carry_max_) {
    const std::uint32_t oldest = entries.front();
    entries.pop_front();
    const PoolEntry& known = (*pool_)[oldest];
    if (known.position != oldest || known.next_fork != kNone) continue;
    held_.erase(oldest);
    gone_.insert(oldest);
    std::erase_if(people_->sealed, [&](const auto& item) { return item.second == oldest; });
    ++dropped_;
  }
}

/// What was opened lies in another table than what was not.
void VirtualDisk::add_direct(std::uint32_t entry, std::uint64_t row, const DirectMessagePtr& direct,
                             SimTime now) {
  const Envelope& fields = (*pool_)[entry].envelope->envelope;
  if (direct != nullptr) {
    people_->opened[entry] = {direct, fields.epoch, 0};
    note_undo(now, [this, entry] { people_->opened.erase(entry); });
  } else if (fields.author != people_->self) {
    people_->sealed[row] = entry;
    note_undo(now, [this, row] { people_->sealed.erase(row); });
  }
}

/// As MeshStore's write_opened(): it comes to the end of the node's own order.
std::uint64_t VirtualDisk::apply_opened(const Store& store, SimTime now) {
  const std::uint32_t entry = pool_->find(store.envelope->id);
  const auto place = std::find_if(people_->sealed.begin(), people_->sealed.end(),
                                  [&](const auto& item) { return item.second == entry; });
  if (place == people_->sealed.end()) return 0;
  const std::uint64_t old_row = place->first;
  people_->sealed.erase(place);
  people_->opened[entry] = {store.context.direct, store.envelope->envelope.epoch, 0};
  note_undo(now, [this, entry, old_row] {
    people_->opened.erase(entry);
    people_->sealed[old_row] = entry;
  });
  return ++last_row_;
}

bool VirtualDisk::apply(const PeopleChange& change, SimTime now, CommitResult& result) {
  PeopleTables& people = *people_;
  if (const auto* person = std::get_if<StoreCorrespondent>(&change)) {
    people.correspondents[person->member] = *person;
    return true;
  }
  if (const auto* blocked = std::get_if<StoreBlocked>(&change)) {
    blocked->blocked ? void(people.blocked.insert(blocked->member))
                     : void(people.blocked.erase(blocked->member));
    return true;
  }
  if (const auto* delivery = std::get_if<TellDelivery>(&change)) {
    note_undo(now, [this, before = people.mark(*delivery)] {
      for (const auto& [entry, told] : before) {
        if (auto found = people_->opened.find(entry); found != people_->opened.end())
          found->second.told = told;
      }
    });
  } else if (const auto* seen = std::get_if<StoreDiscoverable>(&change)) {
    note_undo(now, [this, before = people.discoverable] { people_->discoverable = before; });
    people.discoverable = seen->discoverable;
  } else if (const auto* from = std::get_if<StoreUnopenedFrom>(&change)) {
    note_undo(now, [this, before = people.unopened_from] { people_->unopened_from = before; });
    people.unopened_from = from->row;
  } else if (const auto* question = std::get_if<DiskQuestion>(&change)) {
    result.questions.push_back(*question);
  }
  return false;
}

std::vector<EnvelopePtr> VirtualDisk::unopened(std::uint64_t first_row) const {
  std::vector<EnvelopePtr> found;
  for (auto item = people_->sealed.lower_bound(first_row); item != people_->sealed.end(); ++item)
    found.push_back((*pool_)[item->second].envelope);
  return found;
}

void VirtualDisk::note_undo(SimTime now, std::function<void()> undo) {
  note({now, ChangeKind::kPeople, 0, {}, nullptr, std::move(undo)});
}

std::uint64_t VirtualDisk::apply_record(const Store& store, SimTime now) {
  const Envelope& fields = store.envelope->envelope;
  RecordKey key = record_key(fields);
  EnvelopePtr held = find_record(key);
  if (held != nullptr) {
    const auto held_version = std::pair(held->envelope.epoch, held->envelope.version);
    const auto version = std::pair(fields.epoch, fields.version);
    if (version < held_version || (version == held_version && !(store.envelope->id < held->id))) return 0;
  }
  auto own = records_.find(key);
  if (journaled_) {
    note({now, ChangeKind::kRecord, 0, key, own == records_.end() ? nullptr : own->second, {}});
  }
  records_[std::move(key)] = store.envelope;
  return std::max<std::uint64_t>(last_row_, 1);
}

void VirtualDisk::note(Change change) {
  if (journaled_) journal_.push_back(std::move(change));
}

/// What was written is on the disk a second later at the latest.
void VirtualDisk::sync_if_due(SimTime now) {
  while (!journal_.empty() && journal_.front().at + kFullSync <= now) {
    const SimTime synced = journal_.front().at + kFullSync;
    while (!journal_.empty() && journal_.front().at <= synced) journal_.pop_front();
  }
}

void VirtualDisk::kill(bool running_done, SimTime now) {
  CommitResult untold;
  if (committing_ && running_done) apply(running_, now, untold);
  running_ = {};
  waiting_ = {};
  committing_ = false;
}

std::vector<std::uint32_t> VirtualDisk::cut_power(SimTime now) {
  running_ = {};
  waiting_ = {};
  committing_ = false;
  sync_if_due(now);
  std::vector<std::uint32_t> lost;
  for (; !journal_.empty(); journal_.pop_back()) {
    Change& change = journal_.back();
    switch (change.kind) {
      case ChangeKind::kRow:
        rows_.pop_back();
        held_.erase(change.entry);
        gone_.erase(change.entry);
        std::erase(carried_[(*pool_)[change.entry].author], change.entry);
        lost.push_back(change.entry);
        break;
      case ChangeKind::kFork:
        forks_.pop_back();
        held_.erase(change.entry);
        break;
      case ChangeKind::kRecord:
        if (change.old_record != nullptr)
          records_[change.record] = change.old_record;
        else
          records_.erase(change.record);
        break;
      case ChangeKind::kOutboxAdded:
        outbox_.erase(change.entry);
        break;
      case ChangeKind::kOutboxTaken:
        outbox_[change.entry] = true;
        break;
      case ChangeKind::kPeople:
        change.undo();
        break;
    }
  }
  return lost;
}

void VirtualDisk::stop_cleanly(SimTime now) {
  CommitResult untold;
  apply(running_, now, untold);
  apply(waiting_, now, untold);
  running_ = {};
  waiting_ = {};
  committing_ = false;
  journal_.clear();
  clean_ = true;
}

bool VirtualDisk::holds_position(std::uint32_t entry) const {
  return shown_at((*pool_)[entry].position) != kNone;
}

std::uint32_t VirtualDisk::shown_at(std::uint32_t position) const {
  std::uint32_t shown = kNone;
  for (std::uint32_t entry = position; entry != kNone; entry = (*pool_)[entry].next_fork) {
    if (!held_.contains(entry)) continue;
    if (P2P_PLANTED(ForkShowsFirst) && is_row(entry)) return entry;
    if (shown == kNone || (*pool_)[entry].envelope->id < (*pool_)[shown].envelope->id) shown = entry;
  }
  return shown;
}

/// It is the first of its place.
bool VirtualDisk::is_row(std::uint32_t entry) const {
  const bool alone = (*pool_)[entry].next_fork == kNone && (*pool_)[entry].position == entry;
  return alone || std::find(rows_.begin(), rows_.end(), entry) != rows_.end();
}

EnvelopePtr VirtualDisk::find_record(const RecordKey& key) const {
  auto own = records_.find(key);
  if (own != records_.end()) return own->second;
  if (base_records_ == nullptr) return nullptr;
  auto base = base_records_->find(key);
  return base == base_records_->end() ? nullptr : base->second;
}

Loaded VirtualDisk::load(const Load& load) const {
  Loaded loaded;
  loaded.request = load.request;
  loaded.complete = true;
  std::size_t bytes = 0;
  const auto is_full = [&] {
    return bytes >= load.bytes_max || loaded.envelopes.size() >= load.envelopes_max;
  };
  const auto take = [&](const EnvelopePtr& envelope) {
    bytes += envelope->encoded.size();
    loaded.envelopes.push_back(envelope);
  };
  for (const SyncRequest::Record& record : load.records) {
    if (is_full()) loaded.complete = false;
    if (!loaded.complete) return loaded;
    auto found = find_record({record.author, record.kind, std::string(as_text(record.subject))});
    if (found != nullptr) take(found);
  }
  for (const SyncRequest::Range& range : load.ranges) {
    if (is_full()) loaded.complete = false;
    if (!loaded.complete) return loaded;
    const std::uint32_t log = pool_->find_log(range.author, range.epoch);
    if (log == kNone) continue;
    bool stopped = false;
    std::optional<GoneRange> part;  // of accepted numbers; none when nothing of it is gone
    std::uint64_t any_gone = 0;
    const auto end_part = [&] {
      if (part && any_gone > 0) loaded.gone.push_back(*part);
      part.reset();
      any_gone = 0;
    };
    pool_->for_each_at(log, range.first, range.last, [&](std::uint32_t position) {
      const SealedEnvelope& sealed = *(*pool_)[position].envelope;
      const std::uint64_t seq = sealed.envelope.seq;
      const bool is_gone = gone_.contains(position);
      const bool is_accepted = is_gone || shown_at(position) != kNone;
      if (part && (!is_accepted || part->last + 1 != seq)) end_part();
      if (is_accepted && is_full() && !is_gone) return !(stopped = true);
      if (is_accepted) {
        if (!part) part = GoneRange{range.author, range.epoch, seq, seq, 0};
        part->last = seq;
        if (is_gone) part->ids_digest ^= id_digest(sealed.id);
        any_gone += is_gone ? 1 : 0;
      }
      for (std::uint32_t entry = position; entry != kNone; entry = (*pool_)[entry].next_fork) {
        if (!held_.contains(entry)) continue;
        if (is_full()) return !(stopped = true);
        take((*pool_)[entry].envelope);
      }
      return true;
    });
    end_part();
    if (stopped) loaded.complete = false;
  }
  return loaded;
}

RestoredState VirtualDisk::restore() {
  RestoredState state;
  state.clean_stop = clean_;
  clean_ = false;
  std::map<std::pair<MemberKey, std::uint64_t>, std::map<std::uint64_t, std::uint32_t>> by_log;
  for (std::uint32_t row : rows_) {
    const Envelope& fields = (*pool_)[row].envelope->envelope;
    by_log[{fields.author, fields.epoch}][fields.seq] = row;
  }
  for (const auto& [key, positions] : by_log) {
    RestoredLog log;
    log.author = key.first;
    log.epoch = key.second;
    for (const auto& [seq, row] : positions) {
      if (!log.intervals.empty() && log.intervals.back().second + 1 == seq)
        log.intervals.back().second = seq;
      else
        log.intervals.emplace_back(seq, seq);
      const SealedEnvelope& sealed = *(*pool_)[row].envelope;
      log.newest_wall_ms = std::max(log.newest_wall_ms, sealed.envelope.wall_ms);
      log.last_id = sealed.id;
      const std::uint32_t shown = gone_.contains(row) ? row : shown_at((*pool_)[row].position);
      log.ids_digest ^= id_digest((*pool_)[shown].envelope->id);
    }
    state.logs.push_back(std::move(log));
  }
  for (const auto& [key, record] : records_) state.records.push_back(record);
  append_heads(state);
  for (const auto& [key, peer] : peers_) state.peers.push_back(peer);
  std::stable_sort(state.peers.begin(), state.peers.end(), [](const RestoredPeer& a, const RestoredPeer& b) {
    return a.last_success_ms != b.last_success_ms ? a.last_success_ms > b.last_success_ms
                                                  : a.failures < b.failures;
  });
  for (const Anchor& anchor : anchors_) state.peers.push_back({anchor.node, anchor.address, 1, 0, true});
  for (const auto& [entry, unused] : outbox_) {
    const SealedEnvelope& sealed = *(*pool_)[entry].envelope;
    std::size_t messages = count_text_messages(sealed.envelope.body);
    if (people_ != nullptr) {
      const auto direct = people_->opened.find(entry);
      if (direct != people_->opened.end()) messages = direct->second.direct->texts.size();
    }
    state.outbox.push_back(
        {sealed.id, sealed.envelope.epoch, sealed.envelope.seq, static_cast<std::uint32_t>(messages)});
  }
  for (const auto& [number, draft] : drafts_)
    state.drafts.push_back({number, draft.room, draft.to, draft.text, draft.wall_ms});
  state.last_draft = last_draft_;
  if (people_ != nullptr) people_->restore(state);
  return state;
}

/// As the store finds them: of the deepest 1,024 of a room those that no other of them names.
void VirtualDisk::append_heads(RestoredState& state) const {
  constexpr std::size_t kSearched = 1024;
  std::map<std::string, std::vector<std::uint32_t>> rooms;
  for (std::uint32_t row : rows_) {
    const PoolEntry& entry = (*pool_)[row];
    if (gone_.contains(row)) continue;
    rooms[entry.envelope->envelope.room].push_back(shown_at(entry.position));
  }
  for (auto& [room, entries] : rooms) {
    const auto deeper = [&](std::uint32_t a, std::uint32_t b) {
      const SealedEnvelope& x = *(*pool_)[a].envelope;
      const SealedEnvelope& y = *(*pool_)[b].envelope;
      return std::tie(y.envelope.depth, y.envelope.wall_ms, y.id) <
             std::tie(x.envelope.depth, x.envelope.wall_ms, x.id);
    };
    const std::size_t searched = std::min(entries.size(), kSearched);
    std::partial_sort(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(searched), entries.end(),
                      deeper);
    std::map<EnvelopeId, std::uint64_t> named;
    std::set<MemberKey> authors;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < searched; ++i) {
      const SealedEnvelope& sealed = *(*pool_)[entries[i]].envelope;
      const Envelope& envelope = sealed.envelope;
      const auto namer = named.find(sealed.id);
      const bool is_named = namer != named.end() && namer->second > envelope.depth;
      const bool is_head = !is_named && kept < limits::kHeadsPerRoomMax;
      const bool is_deepest =
          authors.size() < limits::kHeadAuthorsMax && authors.insert(envelope.author).second;
      if (is_head || is_deepest)
        state.heads.push_back({room, {sealed.id, envelope.depth}, envelope.author, is_head});
      kept += is_head ? 1 : 0;
      for (const EnvelopeId& parent : envelope.parents) named.try_emplace(parent, envelope.depth);
    }
  }
}

}  // namespace p2pmesh::sim
