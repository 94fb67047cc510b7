// What acts refuse of what is held: hidden, and shown again when they turn out not to hold. Nothing is
// deleted.
#include <algorithm>
#include <map>
#include <utility>

#include "mesh_store_impl.h"
#include "p2pmesh/wire/text_body.h"

namespace p2pmesh {
namespace {

std::vector<StoredHidden> logs_of(
    const std::map<std::pair<std::uint64_t, std::uint64_t>, EnvelopeId>& refused_ids) {
  std::vector<StoredHidden> logs;
  for (const auto& [position, id] : refused_ids) {
    const auto [epoch, seq] = position;
    if (logs.empty() || logs.back().epoch != epoch) logs.push_back({epoch, {}, 0});
    StoredHidden& log = logs.back();
    log.ids_digest ^= id_digest(id);
    if (!log.intervals.empty() && log.intervals.back().second + 1 == seq)
      log.intervals.back().second = seq;
    else
      log.intervals.emplace_back(seq, seq);
  }
  return logs;
}

}  // namespace

Result<std::pair<EnvelopePtr, std::int64_t>> MeshStore::Impl::shown_at(const LogPosition& position,
                                                                       std::int64_t row) {
  auto first = read_row(row);
  if (!first) return forward(first);
  const auto known = forks.at(position);
  if (!known) return forward(known);
  if (!known->empty() && known->front().envelope->id < (*first)->id)
    return std::pair(known->front().envelope, -known->front().no);
  return std::pair(*std::move(first), row);
}

Result<bool> MeshStore::Impl::set_hidden(const LogPosition& position, std::int64_t row,
                                         const EnvelopePtr& shown, std::int64_t held, bool is_refused) {
  const auto was_hidden = hidden.contains(row);
  if (!was_hidden) return forward(was_hidden);
  if (*was_hidden == is_refused) return false;
  if (auto done = is_refused ? hidden.insert(row, position.author_no) : hidden.remove(row); !done)
    return forward(done);
  const Envelope& envelope = shown->envelope;
  // What was written to one member alone, and was opened, stays with it.
  if (is_direct(envelope)) return true;
  RoomContentPtr content;
  if (is_sealed_room(envelope)) {
    auto found = opened.find(held);
    if (!found) return forward(found);
    if (*found) content = std::make_shared<const RoomContent>(**std::move(found));
  }
  std::uint32_t count = content ? static_cast<std::uint32_t>(content->texts.size()) : 0;
  if (is_text(envelope)) count = static_cast<std::uint32_t>(count_text_messages(envelope.body));
  const auto entry = make_entry(held, position, *shown, count);
  if (!entry) return forward(entry);
  if (const auto topic = topic_in(envelope, content)) {
    auto done =
        is_refused ? topics.remove(entry->place) : topics.insert(entry->place, position.author_no, *topic);
    if (!done) return forward(done);
  }
  if (auto done = index.set_messages(entry->place, is_refused ? 0 : count); !done) return forward(done);
  messages = is_refused ? messages - std::min<std::uint64_t>(messages, count) : messages + count;
  if (is_refused || count == 0) return true;
  // Its words may never have been put into the index; twice does no harm.
  const auto searched_row = search.indexed_row();
  if (!searched_row) return forward(searched_row);
  if (row > *searched_row) return true;
  const auto listed = list_messages_of(*shown, held, static_cast<std::uint64_t>(row), held < 0);
  if (!listed) return forward(listed);
  if (auto done = add_words(row, *listed); !done) return forward(done);
  return true;
}

Result<HiddenOf> MeshStore::hide_refused(const MemberKey& author, const Restrictions& restrictions,
                                         WallMs now_ms) {
  Impl& impl = *impl_;
  HiddenOf result;
  if (auto indexed = impl.index_all(); !indexed) return forward(indexed);
  const auto author_no = impl.authors.find(author.view());
  if (!author_no) return forward(author_no);
  if (!*author_no) return result;
  struct Place {
    LogPosition position;
    std::int64_t row = 0;
  };
  std::vector<Place> places;
  {
    Query query(impl.select_log_rows);
    query.number(**author_no);
    for (;;) {
      const auto found = query.next();
      if (!found) return forward(found);
      if (!*found) break;
      const Place place{{**author_no, query.unsigned_at(0), query.unsigned_at(1)}, query.number_at(2)};
      const auto may_refuse = [&](const Restriction& one) {
        return one.cut.is_beyond(place.position.epoch, place.position.seq);
      };
      const auto was_hidden = impl.hidden.contains(place.row);
      if (!was_hidden) return forward(was_hidden);
      if (*was_hidden || std::any_of(restrictions.begin(), restrictions.end(), may_refuse))
        places.push_back(place);
    }
  }
  const auto refuses = [&](const Envelope& envelope) {
    return std::any_of(restrictions.begin(), restrictions.end(),
                       [&](const Restriction& one) { return one.refuses(envelope, now_ms); });
  };
  std::map<std::pair<std::uint64_t, std::uint64_t>, EnvelopeId> refused_ids;  // by epoch and number
  // What was carried and dropped counts in the sums, and who never took it in has none of it. Of its date
  // nothing is known any more, and it was written to no room.
  const auto gone = impl.carried.gone_of(**author_no);
  if (!gone) return forward(gone);
  for (const CarriedTable::Gone& one : *gone) {
    const bool is_refused =
        std::any_of(restrictions.begin(), restrictions.end(), [&](const auto& restriction) {
          return restriction.is_ban && restriction.room.empty() && restriction.end_ms == 0 &&
                 restriction.cut.is_beyond(one.epoch, one.seq);
        });
    if (is_refused) refused_ids[{one.epoch, one.seq}] = one.id;
  }
  const std::uint64_t messages_before = impl.messages;
  auto done = impl.in_transaction(false, [&]() -> Result<void> {
    for (const auto& [position, row] : places) {
      const auto shown = impl.shown_at(position, row);
      if (!shown) return forward(shown);
      const auto& [envelope, held] = *shown;
      const bool is_refused = refuses(envelope->envelope);
      const auto changed = impl.set_hidden(position, row, envelope, held, is_refused);
      if (!changed) return forward(changed);
      result.changed = result.changed || *changed;
      if (is_refused) refused_ids[{position.epoch, position.seq}] = envelope->id;
    }
    if (impl.messages != messages_before) {
      if (auto saved = Query(impl.save_messages).number(impl.messages).run(); !saved) return saved;
    }
    return impl.search.finish();
  });
  if (!done) return forward(done);
  if (result.changed) impl.unsynced = true;
  result.messages = impl.messages;
  result.logs = logs_of(refused_ids);
  return result;
}

Result<std::vector<EnvelopePtr>> MeshStore::Impl::read_acts(bool& has_more) {
  // More than are kept in memory, since those of members without rank give way there.
  const auto rows = hidden.acts(limits::kActsPerAuthorMax, 4 * limits::kActsMax, has_more);
  if (!rows) return forward(rows);
  return read_shown(*rows, is_act);
}

Result<std::vector<EnvelopePtr>> MeshStore::acts_of(const MemberKey& author) {
  Impl& impl = *impl_;
  const auto author_no = impl.authors.find(author.view());
  if (!author_no) return forward(author_no);
  if (!*author_no) return std::vector<EnvelopePtr>{};
  const auto rows = impl.hidden.acts_of(**author_no, limits::kActsPerAuthorMax);
  if (!rows) return forward(rows);
  return impl.read_shown(*rows, is_act);
}

Result<std::vector<EnvelopePtr>> MeshStore::Impl::read_entries() {
  bool has_more = false;
  const auto rows = hidden.entries(limits::kEntriesPerAuthorMax, 4 * limits::kEntriesMax, has_more);
  if (!rows) return forward(rows);
  return read_shown(*rows, is_entry);
}

/// What is shown at the places of these rows, where it is of that kind.
Result<std::vector<EnvelopePtr>> MeshStore::Impl::read_shown(const std::vector<std::int64_t>& rows,
                                                             bool (*is_wanted)(const Envelope&)) {
  std::vector<EnvelopePtr> all;
  for (const std::int64_t row : rows) {
    const auto envelope = read_row(row);
    if (!envelope) return forward(envelope);
    const auto position = position_in_log((*envelope)->envelope);
    if (!position) return forward(position);
    auto shown = shown_at(*position, row);
    if (!shown) return forward(shown);
    if (is_wanted(shown->first->envelope)) all.push_back(std::move(shown->first));
  }
  return all;
}

}  // namespace p2pmesh
