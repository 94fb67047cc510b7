// What is held of private rooms: sealed until a key is there, then opened beside its envelopes; and the keys
// that others have sent.
#include <utility>

#include "mesh_store_impl.h"

namespace p2pmesh {

Result<void> MeshStore::Impl::write_room_content(std::int64_t held, std::int64_t room_no,
                                                 const StoreItem& item) {
  if (!is_sealed_room(item.envelope->envelope)) return {};
  return item.opened ? opened.insert(held, *item.opened) : opened.insert_sealed(room_no, held);
}

/// Of a fork the lowest id is shown.
Result<bool> MeshStore::Impl::is_shown(std::int64_t held, const LogPosition& position, const EnvelopeId& id) {
  const auto known = forks.at(position);
  if (!known) return forward(known);
  if (held > 0) return known->empty() || id < known->front().envelope->id;
  if (known->empty() || known->front().no != -held) return false;
  const auto row = row_of(position);
  if (!row) return forward(row);
  const auto first = read_row(*row);
  if (!first) return forward(first);
  return id < (*first)->id;
}

Result<OpenedRow> MeshStore::Impl::write_opened(std::int64_t held, const RoomContentPtr& content) {
  OpenedRow shown;
  const auto envelope = held < 0 ? forks.read(-held) : read_row(held);
  if (!envelope) return forward(envelope);
  const auto position = position_in_log((*envelope)->envelope);
  if (!position) return forward(position);
  const auto count = content ? static_cast<std::uint32_t>(content->texts.size()) : 0;
  const auto entry = make_entry(held, *position, **envelope, count);
  if (!entry) return forward(entry);
  if (auto done = opened.remove_sealed(entry->place.room_no, held); !done) return forward(done);
  if (!content) return shown;  // not tried again
  if (auto done = opened.insert(held, *content); !done) return forward(done);
  const auto is_seen = is_shown(held, *position, (*envelope)->id);
  if (!is_seen || !*is_seen) return is_seen ? Result<OpenedRow>(shown) : forward(is_seen);
  const auto shown_row = held > 0 ? Result<std::int64_t>(held) : row_of(*position);
  if (!shown_row) return forward(shown_row);
  const auto is_hidden = hidden.contains(*shown_row);
  if (!is_hidden || *is_hidden) return is_hidden ? Result<OpenedRow>(shown) : forward(is_hidden);

  if (const auto topic = topic_in((*envelope)->envelope, content)) {
    if (auto done = topics.insert(entry->place, position->author_no, *topic); !done) return forward(done);
  }
  if (auto done = index.set_messages(entry->place, count); !done) return forward(done);
  messages += count;
  const auto row = held > 0 ? Result<std::int64_t>(held) : row_of(*position);
  if (!row) return forward(row);
  const auto searched_row = search.indexed_row();
  if (!searched_row) return forward(searched_row);
  if (*row <= *searched_row) {
    const auto listed = list_texts(**envelope, content->texts, static_cast<std::uint64_t>(*row), held < 0);
    if (auto done = add_words(*row, listed); !done) return forward(done);
  }
  shown.row = held > 0 ? static_cast<std::uint64_t>(held) : 0;
  shown.messages = count;
  shown.author = (*envelope)->envelope.author;
  shown.depth = (*envelope)->envelope.depth;
  shown.wall_ms = (*envelope)->envelope.wall_ms;
  return shown;
}

Result<SealedEnvelopes> MeshStore::sealed_of(const std::string& room, std::size_t count_max,
                                             std::size_t bytes_max) {
  Impl& impl = *impl_;
  SealedEnvelopes sealed;
  const auto room_no = impl.room_numbers.find(as_bytes(room));
  if (!room_no) return forward(room_no);
  sealed.complete = true;
  if (!*room_no) return sealed;
  const auto numbers = impl.opened.sealed_of(**room_no, count_max);
  if (!numbers) return forward(numbers);
  sealed.complete = numbers->size() < count_max;
  std::size_t bytes = 0;
  for (const std::int64_t held : *numbers) {
    auto envelope = held < 0 ? impl.forks.read(-held) : impl.read_row(held);
    if (!envelope) return forward(envelope);
    bytes += (*envelope)->encoded.size();
    if (!sealed.envelopes.empty() && bytes > bytes_max) {
      sealed.complete = false;
      break;
    }
    sealed.envelopes.emplace_back(held, *std::move(envelope));
  }
  return sealed;
}

Result<std::vector<OpenedRow>> MeshStore::open_sealed(const OpenedEnvelopes& opened) {
  Impl& impl = *impl_;
  std::vector<OpenedRow> rows;
  if (auto read = impl.remember(); !read) return forward(read);
  auto done = impl.in_transaction(false, [&]() -> Result<void> {
    if (auto indexed = impl.index.insert_some(impl.index.waiting()); !indexed) return indexed;
    for (const auto& [held, content] : opened) {
      auto row = impl.write_opened(held, content);
      if (!row) return forward(row);
      if (row->messages > 0) rows.push_back(*row);
    }
    if (auto saved = Query(impl.save_messages).number(impl.messages).run(); !saved) return saved;
    return impl.search.finish();
  });
  if (!done) return forward(done);
  impl.unsynced = true;
  return rows;
}

Result<std::vector<std::string>> MeshStore::sealed_rooms() {
  return impl_->opened.sealed_rooms(limits::kRoomsListedMax);
}

Result<std::vector<StoredInvitation>> MeshStore::invitations() {
  return impl_->invitations.list();
}

}  // namespace p2pmesh
