#include "storage_thread.h"

#include <algorithm>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/clock.h"

namespace p2pmesh {
namespace {

using SteadyClock = std::chrono::steady_clock;

// The derived indexes are brought up when nobody waits; a reader that comes earlier does it itself.
constexpr std::size_t kIndexRowsAtOnce = 2000;
// While there is something to write, since that waits meanwhile: where sixteen nodes share two cores, steps
// as large as for a quiet moment were measured to take 40 to 140 ms.
constexpr std::size_t kIndexRowsBetween = 200;
constexpr std::size_t kWordRowsBetween = 50;
constexpr std::uint64_t kIndexAfterRows = 5000;
constexpr auto kIndexAfter = std::chrono::seconds(3);
// The index of words costs several times as much: while there is something to write every few seconds, a
// step now and then takes two hundredths of the time. The rest waits for a quiet moment or a search.
constexpr std::size_t kWordRowsAtOnce = 1000;
constexpr int kWordsRest = 50;  // times as long as the step before
// What is carried for others is looked at a moment after there is more, and for its age now and then.
constexpr auto kQuotaAfter = std::chrono::seconds(1);
constexpr auto kQuotaInterval = std::chrono::minutes(10);
constexpr std::size_t kDroppedAtOnce = 500;
constexpr int kQuotaRest = 4;  // times as long as the step before: others write meanwhile
constexpr auto kRetryFirst = std::chrono::milliseconds(200);
constexpr auto kRetryLast = std::chrono::seconds(5);

}  // namespace

Result<std::unique_ptr<StorageThread>> StorageThread::start(std::unique_ptr<MeshStore> store,
                                                            const CarryQuota& quota, EventLoop& loop,
                                                            StorageEvents& events) {
  std::unique_ptr<StorageThread> thread(new StorageThread(std::move(store), quota, events));
  const auto carried = thread->store_->carried();
  if (!carried) return tl::unexpected(carried.error());
  thread->carried_.held = *carried;
  StorageThread* raw = thread.get();
  auto waker = Waker::open(loop, [raw] { raw->deliver(); });
  if (!waker) return tl::unexpected(waker.error());
  thread->waker_ = std::move(*waker);
  thread->thread_ = std::thread([raw] { raw->run(); });
  return thread;
}

StorageThread::~StorageThread() {
  {
    std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  if (thread_.joinable()) thread_.join();
}

bool StorageThread::stop() {
  {
    std::lock_guard guard(mutex_);
    stopping_ = true;
    clean_ = true;
  }
  work_.notify_one();
  thread_.join();
  deliver();
  return clean_;
}

template <class Change>
void StorageThread::enqueue(Change change) {
  {
    std::lock_guard guard(mutex_);
    change(queue_);
    for (StoredCorrespondent& correspondent : correspondents_)
      queue_.correspondents.push_back(std::move(correspondent));
  }
  correspondents_.clear();
  work_.notify_one();
}

void StorageThread::store(StoredCorrespondent correspondent) {
  correspondents_.push_back(std::move(correspondent));
}

void StorageThread::store(StoredDelivery delivery) {
  enqueue([&](Queue& queue) { queue.deliveries.push_back(std::move(delivery)); });
}

void StorageThread::store(StoredDraft draft, std::uint64_t token) {
  enqueue([&](Queue& queue) {
    queue.drafts.push_back(std::move(draft));
    queue.draft_tokens.push_back(token);
  });
}

void StorageThread::drop_draft(std::uint64_t number) {
  enqueue([&](Queue& queue) { queue.dropped_drafts.push_back(number); });
}

void StorageThread::store(StoredPerson person) {
  enqueue([&](Queue& queue) { queue.people.push_back(std::move(person)); });
}

void StorageThread::flush() {
  if (!correspondents_.empty()) enqueue([](Queue&) {});
}

void StorageThread::store(EnvelopePtr envelope, EnvelopeContext context) {
  queued_bytes_ += envelope->encoded.size();
  Item item;
  if (const DirectMessagePtr& direct = context.direct) {
    item.item.direct =
        StoredDirect{direct->peer, direct->own, direct->number, direct->depth, direct->texts, direct->invite};
  }
  item.item.messages = context.messages;
  item.item.opened_late = context.opened_late;
  item.item.drafts = context.drafts;
  item.item.opened = context.opened;
  item.item.carried = context.carried;
  item.item.own = context.own && envelope->envelope.envelope_class == EnvelopeClass::kLog;
  item.item.envelope = std::move(envelope);
  item.context = std::move(context);
  enqueue([&](Queue& queue) { queue.items.push_back(std::move(item)); });
}

void StorageThread::store(Notice notice) {
  Item item;
  item.item.notice = std::move(notice);
  enqueue([&](Queue& queue) { queue.items.push_back(std::move(item)); });
}

void StorageThread::store(StoredPeer peer) {
  enqueue([&](Queue& queue) { queue.peers.push_back(std::move(peer)); });
}

void StorageThread::taken(const EnvelopeId& id) {
  enqueue([&](Queue& queue) { queue.taken.push_back(id); });
}

void StorageThread::set(std::string key, std::string value) {
  enqueue([&](Queue& queue) { queue.settings.emplace_back(std::move(key), std::move(value)); });
}

void StorageThread::ask(Query query, std::function<void()> done) {
  enqueue([&](Queue& queue) { queue.questions.push_back({std::move(query), std::move(done)}); });
}

/// Waits until there is work or housekeeping is due. True when there is work or the end has come.
bool StorageThread::wait_for_work(std::unique_lock<std::mutex>& lock) {
  const auto ready = [this] { return stopping_ || !queue_.empty(); };
  if (ready()) return true;
  auto until = quota_due_;
  if (unindexed_ > 0)
    until = std::min(until, unindexed_ > kIndexAfterRows ? SteadyClock::now() : written_at_ + kIndexAfter);
  if (!words_complete_) until = std::min(until, words_due());
  if (unsynced_) until = std::min(until, synced_at_ + limits::kFullSyncInterval);
  return work_.wait_until(lock, until, ready);
}

std::chrono::steady_clock::time_point StorageThread::words_due() const {
  const auto quiet = written_at_ + kIndexAfter;
  return wordless_ > kIndexAfterRows ? std::min(quiet, words_next_) : quiet;
}

void StorageThread::run() {
  synced_at_ = written_at_ = SteadyClock::now();
  quota_due_ = synced_at_ + kQuotaAfter;
  for (;;) {
    Queue queue;
    bool ending = false;
    {
      std::unique_lock lock(mutex_);
      wait_for_work(lock);
      std::swap(queue, queue_);
      ending = stopping_ && queue.empty();
    }
    if (queue.has_writes()) write(queue);
    if (!queue.questions.empty()) {
      Answer answer;
      for (Question& question : queue.questions) {
        question.query(*store_);
        answer.done.push_back(std::move(question.done));
      }
      post(std::move(answer));
    }
    const auto now = SteadyClock::now();
    const bool is_quiet = now >= written_at_ + kIndexAfter;
    if (unsynced_ && now >= synced_at_ + limits::kFullSyncInterval) {
      if (store_->sync()) unsynced_ = false;
      synced_at_ = now;
    }
    if (queue.empty() && unindexed_ > 0 &&
        (unindexed_ > kIndexAfterRows || now >= written_at_ + kIndexAfter)) {
      auto done = store_->index_some(is_quiet ? kIndexRowsAtOnce : kIndexRowsBetween);
      // An index that cannot be written now is written before the next read that needs it.
      if (!done || *done) unindexed_ = 0;
    }
    if (queue.empty() && !words_complete_ && now >= words_due()) {
      auto done = store_->index_words(is_quiet ? kWordRowsAtOnce : kWordRowsBetween);
      words_complete_ = !done || *done;
      if (words_complete_) wordless_ = 0;
      const auto ended = SteadyClock::now();
      words_next_ = ended + kWordsRest * (ended - now);
    }
    if (now >= quota_due_) drop_carried();
    if (ending) break;
  }
  std::lock_guard guard(mutex_);
  if (clean_) clean_ = state_ == "ok" && store_->close_clean().has_value();
}

/// A step; while there is more to drop, one follows after the other.
void StorageThread::drop_carried() {
  const auto began = SteadyClock::now();
  const auto dropped = store_->drop_carried(quota_, read_clock().wall_ms, kDroppedAtOnce);
  const bool is_done = !dropped || dropped->complete;
  if (!is_done) {
    dropped_ += dropped->dropped;
    if (!unsynced_) synced_at_ = began;
    unsynced_ = true;
  }
  carries_more_ = false;
  const auto ended = SteadyClock::now();
  quota_due_ = is_done ? ended + kQuotaInterval : ended + kQuotaRest * (ended - began);
  Answer answer;
  if (const auto held = store_->carried()) answer.carried = Carried{*held, dropped_};
  post(std::move(answer));
}

void StorageThread::write(Queue& queue) {
  StoreBatch batch;
  batch.now_ms = read_clock().wall_ms;
  batch.peers = queue.peers;
  batch.taken = queue.taken;
  batch.settings = queue.settings;
  batch.correspondents = queue.correspondents;
  batch.deliveries = queue.deliveries;
  batch.drafts = queue.drafts;
  batch.dropped_drafts = queue.dropped_drafts;
  batch.people = queue.people;
  // An answer that was given is not taken back, nor a line that was taken in.
  batch.full_sync = !queue.correspondents.empty() || !queue.drafts.empty() || !queue.dropped_drafts.empty() ||
                    !queue.people.empty();
  for (const Item& item : queue.items) {
    batch.items.push_back(item.item);
    // Nor a receipt: those who carried it may drop it, and its author looks after it no more.
    batch.full_sync = batch.full_sync || item.context.own || item.context.direct != nullptr;
    carries_more_ = carries_more_ || item.item.carried;
  }
  auto retry_after = std::chrono::milliseconds(kRetryFirst);
  for (;;) {
    auto result = store_->write(batch);
    if (result) {
      Answer answer;
      answer.committed = std::move(queue.items);
      answer.rows = std::move(result->rows);
      answer.forks = std::move(result->forks);
      for (std::size_t i = 0; i < queue.drafts.size(); ++i)
        answer.drafts.emplace_back(queue.drafts[i].number, queue.draft_tokens[i]);
      if (state_ != "ok") answer.state = state_ = "ok";
      written_at_ = SteadyClock::now();
      unindexed_ += answer.committed.size();
      wordless_ += answer.committed.size();
      words_complete_ = words_complete_ && answer.committed.empty();
      if (carries_more_) quota_due_ = std::min(quota_due_, written_at_ + kQuotaAfter);
      if (batch.full_sync) {
        unsynced_ = false;
        synced_at_ = written_at_;
      } else {
        if (!unsynced_) synced_at_ = written_at_;
        unsynced_ = true;
      }
      post(std::move(answer));
      return;
    }
    if (state_ != result.error().message) {
      Answer answer;
      answer.state = state_ = result.error().message;
      post(std::move(answer));
    }
    // Nothing is dropped while the disk refuses: the batch waits, and what comes meanwhile waits behind it.
    std::unique_lock lock(mutex_);
    if (work_.wait_for(lock, retry_after, [this] { return stopping_; })) {
      clean_ = false;
      return;
    }
    retry_after = std::min<std::chrono::milliseconds>(retry_after * 2, kRetryLast);
  }
}

void StorageThread::post(Answer answer) {
  bool first = false;
  {
    std::lock_guard guard(mutex_);
    first = answers_.empty();
    answers_.push_back(std::move(answer));
  }
  if (first) waker_->wake();
}

void StorageThread::deliver() {
  std::deque<Answer> answers;
  {
    std::lock_guard guard(mutex_);
    answers.swap(answers_);
  }
  for (Answer& answer : answers) {
    if (answer.carried) carried_ = *answer.carried;
    if (!answer.state.empty()) events_.on_storage_state(answer.state);
    for (const auto& [number, token] : answer.drafts) events_.on_draft_kept(number, token);
    for (std::size_t i = 0; i < answer.committed.size(); ++i) {
      Item& item = answer.committed[i];
      if (item.item.notice) {
        events_.on_notice_committed(*item.item.notice, answer.rows[i]);
        continue;
      }
      queued_bytes_ -= item.item.envelope->encoded.size();
      events_.on_committed(std::move(item.item.envelope), std::move(item.context), answer.rows[i]);
    }
    for (KeptFork& fork : answer.forks) events_.on_fork_kept(std::move(fork.envelope), fork.replaced);
    for (auto& done : answer.done) done();
  }
}

}  // namespace p2pmesh
