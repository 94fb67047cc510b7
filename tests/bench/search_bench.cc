// How fast a history is searched, and what the index costs: a store of so many messages (a million by
// default) of words that are drawn as Zipf's law has it, by a thousand authors in twenty rooms over three
// years. One JSON line a figure.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "p2pmesh/base/random.h"
#include "p2pmesh/storage/mesh_store.h"
#include "p2pmesh/wire/text_body.h"
#include "temp_directory.h"

namespace {

using namespace p2pmesh;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kVocabulary = 100000;
constexpr std::size_t kAuthors = 1000;
constexpr std::size_t kRooms = 20;
constexpr WallMs kStartMs = 1700000000000;
constexpr WallMs kSpanMs = 3ULL * 365 * 86400 * 1000;
constexpr std::size_t kBatch = 1000;
constexpr int kSearches = 200;  // of each kind

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// Draws 0 most often, n - 1 most rarely.
class Zipf {
 public:
  explicit Zipf(std::size_t count) {
    double sum = 0;
    for (std::size_t i = 1; i <= count; ++i) sums_.push_back(sum += 1.0 / static_cast<double>(i));
  }
  std::size_t draw(Random& random) const {
    const double at = static_cast<double>(random.next() >> 11) * 0x1p-53 * sums_.back();
    const auto found = std::lower_bound(sums_.begin(), sums_.end(), at);
    return std::min(static_cast<std::size_t>(found - sums_.begin()), sums_.size() - 1);
  }

 private:
  std::vector<double> sums_;
};

std::string word_at(std::size_t rank) {
  return "w" + std::to_string(rank);
}

template <class Id>
Id id_of(std::uint64_t number) {
  Id id;
  number *= 0x9e3779b97f4a7c15ULL;
  for (std::size_t i = 0; i < 8; ++i) id.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  id.bytes[31] = 1;
  return id;
}

StoreItem make_item(std::uint64_t number, std::uint64_t count, const Zipf& words, const Zipf& authors,
                    std::vector<std::uint64_t>& seqs, Random& random) {
  std::string text;
  for (std::uint64_t i = 3 + random.below(11); i > 0; --i) {
    text += word_at(words.draw(random));
    text += i > 1 ? " " : ".";
  }
  const std::size_t author = authors.draw(random);
  Envelope envelope;
  envelope.kind = static_cast<std::uint16_t>(Kind::kText);
  envelope.room = "#room" + std::to_string(random.below(kRooms));
  envelope.author = id_of<MemberKey>(author + 1);
  envelope.epoch = 1;
  envelope.seq = ++seqs[author];
  envelope.depth = number + 1;
  envelope.wall_ms = kStartMs + kSpanMs / count * number;
  if (envelope.seq > 1) envelope.prev = id_of<EnvelopeId>(number);
  envelope.parents = {id_of<EnvelopeId>(number)};
  envelope.body = encode_text_body({text});
  Bytes encoded = encode_envelope(envelope);
  const EnvelopeId id = id_of<EnvelopeId>(number + 1);
  return {std::make_shared<const SealedEnvelope>(SealedEnvelope{id, std::move(encoded), std::move(envelope)}),
          std::nullopt, 1, false};
}

template <class Value>
Value must(Result<Value> result) {
  if (!result) {
    std::fprintf(stderr, "search_bench: %s\n", result.error().message.c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<Value>) return std::move(*result);
}

std::unique_ptr<MeshStore> reopen(std::unique_ptr<MeshStore> store, const std::string& path) {
  if (store) must(store->close_clean());
  store = nullptr;
  return must(MeshStore::open(path, MeshId{}));
}

void measure(MeshStore& store, const char* what, const std::function<SearchQuery(Random&)>& make) {
  Random random(7);
  std::vector<double> times;
  std::uint64_t hits = 0;
  for (int i = 0; i < kSearches; ++i) {
    SearchQuery query = make(random);
    const auto start = Clock::now();
    const SearchPage page = must(store.search(query));
    times.push_back(ms_since(start));
    hits += page.messages.size();
  }
  std::sort(times.begin(), times.end());
  std::printf(
      "{\"bench\":\"search\",\"what\":\"%s\",\"hits\":%.1f,\"p50_ms\":%.2f,\"p99_ms\":%.2f,"
      "\"max_ms\":%.2f}\n",
      what, static_cast<double>(hits) / kSearches, times[kSearches / 2], times[kSearches * 99 / 100],
      times.back());
  std::fflush(stdout);
}

SearchQuery query_for(std::string words) {
  SearchQuery query;
  query.words = std::move(words);
  query.limit = 101;
  return query;
}

void measure_all(MeshStore& store) {
  const auto rare_author = [](Random& random) { return id_of<MemberKey>(kAuthors - random.below(50)); };
  measure(store, "frequent word", [](Random& random) { return query_for(word_at(random.below(3))); });
  measure(store, "rare word", [](Random& random) { return query_for(word_at(90000 + random.below(9000))); });
  measure(store, "no hit",
          [](Random& random) { return query_for("n" + std::to_string(random.below(9999))); });
  measure(store, "two words", [](Random& random) {
    return query_for(word_at(random.below(100)) + " " + word_at(1000 + random.below(5000)));
  });
  measure(store, "two frequent words", [](Random& random) {
    return query_for(word_at(random.below(3)) + " " + word_at(3 + random.below(5)));
  });
  measure(store, "frequent word, rare author", [&](Random& random) {
    SearchQuery query = query_for(word_at(random.below(3)));
    query.author = rare_author(random);
    return query;
  });
  measure(store, "frequent word, room, rare author", [&](Random& random) {
    SearchQuery query = query_for(word_at(random.below(3)));
    query.author = rare_author(random);
    query.room = "#room" + std::to_string(random.below(kRooms));
    return query;
  });
  measure(store, "frequent word, old month", [](Random& random) {
    SearchQuery query = query_for(word_at(random.below(3)));
    query.since_ms = kStartMs + random.below(86400000ULL * 200);
    query.until_ms = *query.since_ms + 30ULL * 86400000;
    return query;
  });
  measure(store, "frequent word, old hour", [](Random& random) {
    SearchQuery query = query_for(word_at(random.below(3)));
    query.since_ms = kStartMs + random.below(86400000ULL * 200);
    query.until_ms = *query.since_ms + 3600000;
    return query;
  });
  measure(store, "frequent word, before an old day", [](Random& random) {
    SearchQuery query = query_for(word_at(random.below(3)));
    query.until_ms = kStartMs + 86400000ULL + random.below(86400000ULL * 30);
    return query;
  });
  measure(store, "two frequent words, rare author, old month", [&](Random& random) {
    SearchQuery query = query_for(word_at(random.below(3)) + " " + word_at(3 + random.below(3)));
    query.author = rare_author(random);
    query.since_ms = kStartMs + random.below(86400000ULL * 200);
    query.until_ms = *query.since_ms + 30ULL * 86400000;
    return query;
  });
  measure(store, "frequent word, author and time that never met", [&](Random& random) {
    SearchQuery query = query_for(word_at(random.below(3)));
    query.author = id_of<MemberKey>(1);
    query.since_ms = kStartMs + kSpanMs + 86400000ULL + random.below(1000);
    return query;
  });
  measure(store, "deep page of a frequent word", [](Random& random) {
    SearchQuery query = query_for(word_at(random.below(3)));
    query.before = Cursor{100 + random.below(100000), 0};
    return query;
  });
}

}  // namespace

int main(int argument_count, char** arguments) {
  const std::uint64_t count = argument_count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 1000000;
  const std::size_t step = argument_count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 1000;
  if (count == 0 || step == 0) return 1;
  const TempDirectory directory;
  const std::string path = directory / "mesh.db";

  auto store = reopen(nullptr, path);
  const Zipf words(kVocabulary);
  const Zipf authors(kAuthors);
  std::vector<std::uint64_t> seqs(kAuthors);
  Random random(1);
  double write_ms = 0;
  for (std::uint64_t number = 0; number < count;) {
    StoreBatch batch;
    for (std::size_t i = 0; i < kBatch && number < count; ++i)
      batch.items.push_back(make_item(number++, count, words, authors, seqs, random));
    const auto start = Clock::now();
    must(store->write(batch));
    write_ms += ms_since(start);
  }
  while (!must(store->index_some(20000))) {
  }
  store = reopen(std::move(store), path);
  const auto bytes_without = std::filesystem::file_size(path);

  const auto start = Clock::now();
  std::vector<double> steps;
  for (bool done = false; !done;) {
    const auto began = Clock::now();
    done = must(store->index_words(step));
    steps.push_back(ms_since(began));
  }
  const double index_ms = ms_since(start);
  std::sort(steps.begin(), steps.end());
  store = reopen(std::move(store), path);
  const auto bytes_with = std::filesystem::file_size(path);
  std::printf(
      "{\"bench\":\"search_index\",\"messages\":%llu,\"write_ms\":%.0f,\"index_ms\":%.0f,"
      "\"step_rows\":%zu,\"step_p50_ms\":%.1f,\"step_p99_ms\":%.1f,\"step_max_ms\":%.1f,"
      "\"bytes_without\":%llu,\"bytes_with\":%llu}\n",
      static_cast<unsigned long long>(count), write_ms, index_ms, step, steps[steps.size() / 2],
      steps[steps.size() * 99 / 100], steps.back(), static_cast<unsigned long long>(bytes_without),
      static_cast<unsigned long long>(bytes_with));
  std::fflush(stdout);
  measure_all(*store);
  store = nullptr;
  return 0;
}
