#include "rendezvous_storage.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace p2pmesh {
namespace {

constexpr auto kRetryFirst = std::chrono::milliseconds(200);
constexpr auto kRetryLast = std::chrono::seconds(5);

/// One row, by what it is.
struct RowWriter {
  RendezvousStore& store;

  Result<void> operator()(const KeptMember& row) const {
    return store.save(
        StoredRegistration{row.member, row.version, row.observed, row.seen_ms, row.registration});
  }
  Result<void> operator()(const KeptSighting& row) const {
    return store.save_sighting(row.member, row.version, row.seen_ms);
  }
  Result<void> operator()(const DroppedMember& row) const { return store.drop_member(row.member); }
  Result<void> operator()(const KeptName& row) const {
    return store.save(StoredName{row.key, row.owner, row.since_ms, row.left_ms});
  }
  Result<void> operator()(const DroppedName& row) const { return store.drop_name(row.key); }
  Result<void> operator()(const KeptAsk& row) const {
    return store.save(
        StoredAsk{row.number, row.id, row.asker, row.recipient, row.since_ms, row.delivered, row.ask});
  }
  Result<void> operator()(const DeliveredAsk& row) const { return store.mark_delivered(row.number); }
  Result<void> operator()(const DroppedAsk& row) const { return store.drop_ask(row.number); }
};

}  // namespace

RendezvousState to_state(RendezvousSnapshot snapshot) {
  RendezvousState state;
  for (StoredRegistration& row : snapshot.members) {
    state.members.push_back(
        {row.member, row.version, row.observed, row.seen_ms, std::move(row.registration)});
  }
  for (StoredName& row : snapshot.names)
    state.names.push_back({std::move(row.key), row.owner, row.since_ms, row.left_ms});
  for (const StoredAsk& row : snapshot.asks) {
    state.asks.push_back({row.number, row.id, row.asker, row.recipient, row.since_ms, row.delivered, {}});
  }
  return state;
}

Result<std::unique_ptr<RendezvousStorage>> RendezvousStorage::start(std::unique_ptr<RendezvousStore> store,
                                                                    EventLoop& loop,
                                                                    RendezvousStorageEvents& events) {
  std::unique_ptr<RendezvousStorage> storage(new RendezvousStorage(std::move(store), events));
  RendezvousStorage* raw = storage.get();
  auto waker = Waker::open(loop, [raw] { raw->deliver(); });
  if (!waker) return tl::unexpected(waker.error());
  storage->waker_ = std::move(*waker);
  storage->thread_ = std::thread([raw] { raw->run(); });
  return storage;
}

RendezvousStorage::~RendezvousStorage() {
  if (thread_.joinable()) (void)stop();
}

bool RendezvousStorage::stop() {
  {
    std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  thread_.join();
  return state_ == "ok" && store_->close_clean().has_value();
}

void RendezvousStorage::keep(RendezvousKeep keep) {
  waiting_ += keep.writes.size();
  {
    std::lock_guard guard(mutex_);
    queue_.keeps.push_back(std::move(keep));
  }
  work_.notify_one();
}

void RendezvousStorage::read(RendezvousHandOver wanted) {
  {
    std::lock_guard guard(mutex_);
    queue_.reads.push_back(std::move(wanted));
  }
  work_.notify_one();
}

void RendezvousStorage::run() {
  for (;;) {
    Queue queue;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      std::swap(queue, queue_);
    }
    Answer answer;
    if (!write(queue, answer)) return;
    read_asks(queue, answer);
    post(std::move(answer));
  }
}

bool RendezvousStorage::write(Queue& queue, Answer& answer) {
  auto retry_after = std::chrono::milliseconds(kRetryFirst);
  for (;;) {
    const auto written = try_write(queue.keeps);
    if (written) break;
    if (state_ != written.error().message) {
      Answer trouble;
      trouble.state = state_ = written.error().message;
      post(std::move(trouble));
    }
    // Nothing is dropped while the disk refuses, and nothing acknowledged: what comes meanwhile waits.
    std::unique_lock lock(mutex_);
    if (work_.wait_for(lock, retry_after, [this] { return stopping_; })) return false;
    retry_after = std::min<std::chrono::milliseconds>(retry_after * 2, kRetryLast);
  }
  if (state_ != "ok") answer.state = state_ = "ok";
  for (RendezvousKeep& keep : queue.keeps) {
    answer.rows += keep.writes.size();
    std::move(keep.then.begin(), keep.then.end(), std::back_inserter(answer.then));
  }
  return true;
}

Result<void> RendezvousStorage::try_write(const std::vector<RendezvousKeep>& keeps) {
  const auto has_rows = [](const RendezvousKeep& keep) { return !keep.writes.empty(); };
  if (std::none_of(keeps.begin(), keeps.end(), has_rows)) return {};
  auto result = store_->begin();
  if (!result) return result;
  for (const RendezvousKeep& keep : keeps) {
    for (const RendezvousWrite& row : keep.writes) {
      if (result) result = std::visit(RowWriter{*store_}, row);
    }
  }
  if (result) result = store_->commit();
  if (!result) store_->rollback();
  return result;
}

void RendezvousStorage::read_asks(const Queue& queue, Answer& answer) {
  for (const RendezvousHandOver& wanted : queue.reads) {
    ReadAsks read{wanted.link, {}};
    for (const std::uint64_t number : wanted.numbers) {
      auto ask = store_->read_ask(number);
      // One that cannot be read now goes when its recipient registers anew.
      if (ask && *ask) read.asks.push_back(std::move(**ask));
    }
    answer.read.push_back(std::move(read));
  }
}

void RendezvousStorage::post(Answer answer) {
  bool first = false;
  {
    std::lock_guard guard(mutex_);
    first = answers_.empty();
    answers_.push_back(std::move(answer));
  }
  if (first) waker_->wake();
}

void RendezvousStorage::deliver() {
  std::deque<Answer> answers;
  {
    std::lock_guard guard(mutex_);
    answers.swap(answers_);
  }
  for (Answer& answer : answers) {
    waiting_ -= answer.rows;
    if (!answer.state.empty()) events_.on_storage_state(answer.state);
    if (!answer.then.empty()) events_.on_kept(std::move(answer.then));
    for (ReadAsks& read : answer.read) events_.on_asks_read(read.link, std::move(read.asks));
  }
}

}  // namespace p2pmesh
