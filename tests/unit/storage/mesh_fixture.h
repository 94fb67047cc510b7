// Envelopes and a directory for storage tests. Signatures and ids are made up: storage takes them as they
// are.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "p2pmesh/base/check.h"
#include "p2pmesh/storage/mesh_store.h"
#include "p2pmesh/wire/text_body.h"
#include "temp_directory.h"

namespace p2pmesh {

template <class Id>
Id make_id(std::uint64_t number) {
  Id id;
  for (std::size_t i = 0; i < 8; ++i) id.bytes[i] = static_cast<std::uint8_t>(number >> (56 - 8 * i));
  id.bytes[31] = 1;
  return id;
}

/// Scatters numbers over all ids, as a hash does.
inline EnvelopeId scattered_id(std::uint64_t number) {
  return make_id<EnvelopeId>(number * 0x9e3779b97f4a7c15ULL);
}

inline const MeshId kMesh = make_id<MeshId>(77);
inline const MemberKey kAlice = make_id<MemberKey>(1);
inline const MemberKey kBob = make_id<MemberKey>(2);

inline EnvelopePtr seal(Envelope envelope, const EnvelopeId& id) {
  envelope.mesh = kMesh;
  Bytes encoded = encode_envelope(envelope);
  return std::make_shared<const SealedEnvelope>(SealedEnvelope{id, std::move(encoded), std::move(envelope)});
}

/// A text envelope of #lobby whose depth is its seq and whose wall time is 1000 + seq.
inline Envelope text_envelope(const MemberKey& author, std::uint64_t seq,
                              const std::vector<std::string>& messages) {
  Envelope envelope;
  envelope.kind = static_cast<std::uint16_t>(Kind::kText);
  envelope.room = "#lobby";
  envelope.author = author;
  envelope.epoch = 10;
  envelope.wall_ms = 1000 + seq;
  envelope.seq = seq;
  if (seq > 1) envelope.prev = scattered_id(seq - 1);
  envelope.depth = seq;
  envelope.body = encode_text_body(messages);
  return envelope;
}

inline StoreItem item_of(EnvelopePtr envelope) {
  return {std::move(envelope), std::nullopt, 0, false};
}
inline StoreItem text_item(const MemberKey& author, std::uint64_t seq,
                           const std::vector<std::string>& messages) {
  const std::uint64_t author_number = author.bytes[7];
  return item_of(seal(text_envelope(author, seq, messages), scattered_id(author_number << 32 | seq)));
}

inline StoreBatch batch_of(std::vector<StoreItem> items) {
  StoreBatch batch;
  batch.items = std::move(items);
  return batch;
}

/// What a power cut or kill -9 would leave: the files as they are now, without a close.
inline void copy_live(const std::string& from, const std::string& to) {
  for (const char* suffix : {"", "-wal"}) {
    std::error_code ignored;
    std::filesystem::copy_file(from + suffix, to + suffix, std::filesystem::copy_options::overwrite_existing,
                               ignored);
  }
}

inline std::unique_ptr<MeshStore> open_store(const std::string& path) {
  auto store = MeshStore::open(path, kMesh);
  P2P_CHECK(store.has_value());
  return std::move(*store);
}

/// The names of the rooms with messages.
inline std::vector<std::string> rooms_of(MeshStore& store) {
  const auto counts = store.count_rooms({kAlice}, {});
  P2P_CHECK(counts.has_value());
  std::vector<std::string> rooms;
  for (const RoomCount& count : *counts) rooms.push_back(count.room);
  return rooms;
}

/// The texts of a whole room, oldest first.
inline std::vector<std::string> texts_of(MeshStore& store, const std::string& room = "#lobby") {
  auto messages = store.list_messages(room, std::nullopt, std::nullopt, 1000000, false);
  P2P_CHECK(messages.has_value());
  std::vector<std::string> texts;
  for (const ListedMessage& message : *messages) texts.push_back(message.text);
  return texts;
}

/// A direct envelope of this author's log, sealed for somebody.
inline StoreItem direct_item(const MemberKey& author, std::uint64_t seq) {
  Envelope envelope;
  envelope.kind = static_cast<std::uint16_t>(Kind::kDirect);
  envelope.author = author;
  envelope.epoch = 10;
  envelope.wall_ms = 1000 + seq;
  envelope.seq = seq;
  if (seq > 1) envelope.prev = scattered_id(seq - 1);
  envelope.depth = 1;
  envelope.body = Bytes(300, 7);
  const std::uint64_t author_number = author.bytes[7];
  return item_of(seal(std::move(envelope), scattered_id(author_number << 32 | seq)));
}
/// And what is inside.
inline StoreItem direct_item(const MemberKey& author, std::uint64_t seq, StoredDirect direct) {
  StoreItem item = direct_item(author, seq);
  item.direct = std::move(direct);
  return item;
}

/// A store in a directory of its own.
struct StoreFixture {
  StoreFixture() : store(open_store(path())) { P2P_CHECK(store->load().has_value()); }

  [[nodiscard]] std::string path() const { return directory.path() + "/mesh.db"; }
  /// As after a restart.
  StoreSnapshot reopen() {
    store.reset();
    store = open_store(path());
    auto snapshot = store->load();
    P2P_CHECK(snapshot.has_value());
    return std::move(*snapshot);
  }
  std::vector<std::uint64_t> write(std::vector<StoreItem> items) {
    auto written = store->write(batch_of(std::move(items)));
    P2P_CHECK(written.has_value());
    return std::move(written->rows);
  }
  /// The texts exchanged with Bob.
  std::vector<std::string> with_bob() {
    const auto listed = store->list_directs(kBob, std::nullopt, std::nullopt, 1000, false);
    P2P_CHECK(listed.has_value());
    std::vector<std::string> texts;
    for (const ListedMessage& message : *listed) texts.push_back(message.text);
    return texts;
  }

  TempDirectory directory;
  std::unique_ptr<MeshStore> store;
};

}  // namespace p2pmesh
