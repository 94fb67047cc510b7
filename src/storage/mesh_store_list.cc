// The reads of messages: the transcript of a room, and the node's own order of events.
#include <algorithm>
#include <utility>

#include "mesh_store_impl.h"
#include "p2pmesh/wire/text_body.h"
#include "transcript_bound.h"

namespace p2pmesh {
namespace {

TranscriptPosition position_in_room(const ListedMessage& message) {
  return {message.depth, message.wall_ms, message.envelope, message.index};
}

}  // namespace

std::vector<ListedMessage> list_texts(const SealedEnvelope& sealed, std::vector<std::string> texts,
                                      std::uint64_t row, bool forked) {
  const Envelope& envelope = sealed.envelope;
  std::vector<ListedMessage> messages;
  const auto count = static_cast<std::uint32_t>(texts.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    messages.push_back({sealed.id, i, count, envelope.author, envelope.room, std::move(texts[i]),
                        envelope.wall_ms, envelope.depth, row, forked});
  }
  return messages;
}

Result<std::vector<ListedMessage>> MeshStore::Impl::list_messages_of(const SealedEnvelope& sealed,
                                                                     std::int64_t held, std::uint64_t row,
                                                                     bool forked) {
  const Envelope& envelope = sealed.envelope;
  if (is_sealed_room(envelope)) {
    auto content = opened.find(held);
    if (!content) return forward(content);
    if (!*content) return std::vector<ListedMessage>{};
    return list_texts(sealed, std::move((*content)->texts), row, forked);
  }
  auto texts = is_text(envelope) ? decode_text_body(envelope.body) : std::nullopt;
  return list_texts(sealed, texts ? *std::move(texts) : std::vector<std::string>{}, row, forked);
}

// The messages of what the transcript holds: a row of envelopes, or a fork's number negated.
Result<std::vector<ListedMessage>> MeshStore::Impl::list_held(std::int64_t held) {
  const auto envelope = held < 0 ? forks.read(-held) : read_row(held);
  if (!envelope) return forward(envelope);
  const auto position = position_in_log((*envelope)->envelope);
  if (!position) return forward(position);
  const auto forked = forks.is_forked(*position);
  if (!forked) return forward(forked);
  Result<std::int64_t> row = held;
  if (held < 0) row = row_of(*position);
  if (!row) return forward(row);
  return list_messages_of(**envelope, held, static_cast<std::uint64_t>(*row), *forked);
}

Result<std::vector<ListedMessage>> MeshStore::list_messages(const std::string& room,
                                                            const std::optional<TranscriptPosition>& after,
                                                            const std::optional<TranscriptPosition>& before,
                                                            std::size_t limit, bool newest) {
  Impl& impl = *impl_;
  std::vector<ListedMessage> messages;
  if (auto indexed = impl.index_all(); !indexed) return forward(indexed);
  const auto room_no = impl.room_numbers.find(as_bytes(room));
  if (!room_no) return forward(room_no);
  if (!*room_no || limit == 0) return messages;

  const TranscriptBound low = after ? TranscriptBound::of(*after) : TranscriptBound::lowest();
  const TranscriptBound high = before ? TranscriptBound::of(*before) : TranscriptBound::highest();
  const auto is_inside = [&](const ListedMessage& message) {
    const TranscriptPosition position = position_in_room(message);
    return (!after || position > *after) && (!before || position < *before);
  };
  Query query(newest ? impl.select_descending : impl.select_ascending);
  query.number(**room_no).number(low.depth).number(low.wall_ms).blob(low.id);
  query.number(high.depth).number(high.wall_ms).blob(high.id);
  while (messages.size() < limit) {
    const auto row = query.next();
    if (!row) return forward(row);
    if (!*row) break;
    auto listed = impl.list_held(query.number_at(0));
    if (!listed) return forward(listed);
    if (newest) std::reverse(listed->begin(), listed->end());
    for (ListedMessage& message : *listed) {
      if (messages.size() < limit && is_inside(message)) messages.push_back(std::move(message));
    }
  }
  if (newest) std::reverse(messages.begin(), messages.end());
  return messages;
}

Result<std::vector<ListedMessage>> MeshStore::list_directs(const MemberKey& peer,
                                                           const std::optional<TranscriptPosition>& after,
                                                           const std::optional<TranscriptPosition>& before,
                                                           std::size_t limit, bool newest, bool own_only) {
  return impl_->directs.list(peer, after, before, limit, newest, own_only);
}

Result<std::vector<std::pair<MemberKey, std::uint64_t>>> MeshStore::unread_directs(
    const std::map<MemberKey, std::uint64_t>& marks) {
  std::vector<std::pair<MemberKey, std::uint64_t>> unread;
  const auto people = impl_->directs.correspondents();
  if (!people) return forward(people);
  for (const StoredCorrespondent& person : *people) {
    const auto mark = marks.find(person.member);
    const auto rows = impl_->directs.unread_rows(person.member, mark == marks.end() ? 0 : mark->second);
    if (!rows) return forward(rows);
    for (const std::uint64_t row : *rows) unread.emplace_back(person.member, row);
  }
  return unread;
}

Result<std::vector<std::pair<std::uint64_t, std::uint64_t>>> MeshStore::direct_numbers(const MemberKey& peer,
                                                                                       std::uint64_t row) {
  return impl_->directs.numbers_up_to(peer, row);
}

Result<std::vector<ListedMessage>> MeshStore::list_outbox(const MemberKey& self, std::size_t limit) {
  Impl& impl = *impl_;
  std::vector<ListedMessage> messages;
  if (auto indexed = impl.index_all(); !indexed) return forward(indexed);
  Query outbox(impl.select_outbox_rows);
  outbox.number(std::uint64_t{limit}).blob(self.view());
  while (messages.size() < limit) {
    const auto found = outbox.next();
    if (!found) return forward(found);
    if (!*found) break;
    auto listed = impl.list_row(outbox.number_at(0), outbox.blob_at(1), outbox.blob_at(2));
    if (!listed) return forward(listed);
    for (ListedMessage& message : *listed) {
      if (messages.size() < limit) messages.push_back(std::move(message));
    }
  }
  return messages;
}

Result<std::optional<TranscriptPosition>> MeshStore::position_of(const EnvelopeId& id, std::uint32_t index) {
  Impl& impl = *impl_;
  if (auto indexed = impl.index_all(); !indexed) return forward(indexed);
  const auto fork = impl.forks.find(id);
  if (!fork) return forward(fork);
  std::int64_t held = -fork->no;
  EnvelopePtr envelope = fork->envelope;
  if (envelope == nullptr) {
    Query query(impl.select_by_id);
    const auto row = query.number(id_prefix(id)).blob(id.view()).next();
    if (!row) return forward(row);
    if (!*row) return std::nullopt;
    auto decoded = decode_stored(*impl.database, query.blob_at(0), query.blob_at(1));
    if (!decoded) return forward(decoded);
    envelope = *std::move(decoded);
    held = query.number_at(2);
  }
  if (is_direct(envelope->envelope)) return impl.directs.position_of(id, index);
  const auto messages = impl.list_messages_of(*envelope, held, 0, false);
  if (!messages) return forward(messages);
  if (index >= messages->size()) return std::nullopt;
  return position_in_room((*messages)[index]);
}

Result<std::vector<ListedEvent>> MeshStore::events_after(const Cursor& after, std::size_t limit) {
  Impl& impl = *impl_;
  if (auto read = impl.remember(); !read) return forward(read);
  std::vector<ListedEvent> events;
  if (!fits_signed(after.row)) return events;
  Query envelopes(impl.select_rows);
  Query notices(impl.select_notices);
  envelopes.number(after.row);
  notices.number(after.row);
  auto envelope_there = envelopes.next();
  auto notice_there = notices.next();
  while (events.size() < limit) {
    if (!envelope_there) return forward(envelope_there);
    if (!notice_there) return forward(notice_there);
    if (*notice_there && (!*envelope_there || notices.number_at(0) < envelopes.number_at(0))) {
      const auto member = notices.id_at<MemberKey>(2, "a member's key");
      if (!member) return forward(member);
      events.push_back({{notices.unsigned_at(0), 0},
                        std::nullopt,
                        Notice{std::string(notices.text_at(1)), *member, std::string(notices.text_at(3)),
                               std::string(notices.text_at(4)), notices.unsigned_at(5)}});
      notice_there = notices.next();
      continue;
    }
    if (!*envelope_there) break;
    auto listed = impl.list_row(envelopes.number_at(0), envelopes.blob_at(1), envelopes.blob_at(2));
    if (!listed) return forward(listed);
    for (ListedMessage& message : *listed) {
      const Cursor cursor{message.row, message.index};
      if (cursor > after && events.size() < limit)
        events.push_back({cursor, std::move(message), std::nullopt});
    }
    envelope_there = envelopes.next();
  }
  return events;
}

// The messages of a row as they are shown: of a forked one, those of the lowest id.
Result<std::vector<ListedMessage>> MeshStore::Impl::list_row(std::int64_t row, ByteView id,
                                                             ByteView encoded) {
  auto envelope = decode_stored(*database, id, encoded);
  if (!envelope) return forward(envelope);
  if (is_direct((*envelope)->envelope)) return directs.of_row(row);
  const auto is_hidden = hidden.contains(row);
  if (!is_hidden) return forward(is_hidden);
  if (*is_hidden) return std::vector<ListedMessage>{};
  const auto position = position_in_log((*envelope)->envelope);
  if (!position) return forward(position);
  const auto known = forks.at(*position);
  if (!known) return forward(known);
  const bool fork_shown = !known->empty() && known->front().envelope->id < (*envelope)->id;
  const SealedEnvelope& shown = fork_shown ? *known->front().envelope : **envelope;
  return list_messages_of(shown, fork_shown ? -known->front().no : row, static_cast<std::uint64_t>(row),
                          !known->empty());
}

}  // namespace p2pmesh
