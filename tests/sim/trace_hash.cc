#include "trace_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace p2pmesh::sim {

void TraceHash::add(std::uint64_t time, std::uint32_t node, std::uint8_t kind, ByteView bytes) {
  const std::uint64_t words[4] = {value_, time, static_cast<std::uint64_t>(node) << 8 | kind,
                                  XXH3_64bits(bytes.data(), bytes.size())};
  value_ = XXH3_64bits(words, sizeof words);
}

void TraceHash::add(std::uint64_t time, std::uint32_t a, std::uint32_t b, std::uint8_t kind) {
  const std::uint64_t words[4] = {value_, time, static_cast<std::uint64_t>(a) << 32 | b, kind};
  value_ = XXH3_64bits(words, sizeof words);
}

}  // namespace p2pmesh::sim
