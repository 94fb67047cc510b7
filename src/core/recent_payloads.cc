#include "recent_payloads.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace p2pmesh {
namespace {

constexpr std::size_t kRingMin = 16;

}  // namespace

RecentPayloads::RecentPayloads(std::size_t count_max, std::size_t bytes_max, Duration kept,
                               std::uint64_t seed)
    : count_max_(count_max), bytes_max_(bytes_max), kept_(kept), seed_(seed) {}

/// Ids are hashes, which whoever writes may choose among: two of their words, each with a secret, multiplied.
std::uint32_t RecentPayloads::tag_of(const EnvelopeId& id) const {
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  std::memcpy(&a, id.bytes.data(), sizeof a);
  std::memcpy(&b, id.bytes.data() + sizeof a, sizeof b);
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a ^ seed_) * (b ^ (seed_ * 0x9e3779b97f4a7c15ULL));
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(product) ^
                                    static_cast<std::uint64_t>(product >> 64));
}

void RecentPayloads::add(const EnvelopePtr& payload, Entry entry) {
  while (count_ > 0 && (count_ >= count_max_ || slot(0).entry.at + kept_ <= entry.at)) drop_oldest();
  if (find(payload->id) != nullptr) return;
  if (count_ == ring_.size()) grow();
  entry.payload = payload;
  slot(count_) = {payload->id, std::move(entry)};
  index(static_cast<std::uint32_t>((oldest_ + count_) & (ring_.size() - 1)));
  ++count_;
  bytes_ += payload->encoded.size();
  while (bytes_ > bytes_max_ && with_payload_from_ < count_) {
    Entry& oldest = slot(with_payload_from_++).entry;
    bytes_ -= oldest.payload->encoded.size();
    oldest.payload.reset();
  }
}

const RecentPayloads::Entry* RecentPayloads::find(const EnvelopeId& id) const {
  if (count_ == 0) return nullptr;
  const std::uint32_t tag = tag_of(id);
  const std::size_t mask = table_.size() - 1;
  for (std::size_t cell = tag & mask; table_[cell].place != kEmpty; cell = (cell + 1) & mask) {
    if (table_[cell].tag != tag) continue;
    const Slot& found = ring_[table_[cell].place];
    if (found.id == id) return &found.entry;
  }
  return nullptr;
}

void RecentPayloads::index(std::uint32_t place) {
  const std::uint32_t tag = tag_of(ring_[place].id);
  const std::size_t mask = table_.size() - 1;
  std::size_t cell = tag & mask;
  while (table_[cell].place != kEmpty) cell = (cell + 1) & mask;
  table_[cell] = {tag, place};
}

/// Those behind move up, so that no search ends too early.
void RecentPayloads::unindex(std::uint32_t place) {
  const std::size_t mask = table_.size() - 1;
  std::size_t hole = tag_of(ring_[place].id) & mask;
  while (table_[hole].place != place) hole = (hole + 1) & mask;
  for (std::size_t next = (hole + 1) & mask; table_[next].place != kEmpty; next = (next + 1) & mask) {
    const std::size_t home = table_[next].tag & mask;
    if (((next - home) & mask) < ((next - hole) & mask)) continue;
    table_[hole] = table_[next];
    hole = next;
  }
  table_[hole] = Cell{};
}

void RecentPayloads::drop_oldest() {
  Slot& oldest = slot(0);
  unindex(static_cast<std::uint32_t>(oldest_));
  if (oldest.entry.payload) bytes_ -= oldest.entry.payload->encoded.size();
  oldest.entry.payload.reset();
  oldest_ = (oldest_ + 1) & (ring_.size() - 1);
  --count_;
  if (with_payload_from_ > 0) --with_payload_from_;
}

void RecentPayloads::grow() {
  std::vector<Slot> ring(std::max(kRingMin, ring_.size() * 2));
  for (std::size_t i = 0; i < count_; ++i) ring[i] = std::move(slot(i));
  ring_ = std::move(ring);
  oldest_ = 0;
  table_.assign(ring_.size() * 2, Cell{});
  for (std::size_t i = 0; i < count_; ++i) index(static_cast<std::uint32_t>(i));
}

}  // namespace p2pmesh
