// The one thread that touches the disk. What waits is one transaction; answers come back on the loop.
// On the way of a frame: after the core's Store output, before Committed.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "p2pmesh/core/inputs.h"
#include "p2pmesh/posix/event_loop.h"
#include "p2pmesh/storage/mesh_store.h"

namespace p2pmesh {

/// Called on the loop thread.
class StorageEvents {
 public:
  virtual ~StorageEvents() = default;
  virtual void on_committed(EnvelopePtr envelope, EnvelopeContext context, std::uint64_t row) = 0;
  /// It is on the disk.
  virtual void on_draft_kept(std::uint64_t number, std::uint64_t token) = 0;
  virtual void on_notice_committed(const Notice& notice, std::uint64_t row) = 0;
  /// `replaced`: see core/inputs.h.
  virtual void on_fork_kept(EnvelopePtr envelope, const EnvelopeId& replaced) = 0;
  /// "ok", or what is wrong; told on every change.
  virtual void on_storage_state(const std::string& state) = 0;
};

/// Threads: made, used and destroyed on the loop's thread; owns the storage thread.
class StorageThread {
 public:
  using Query = std::function<void(MeshStore&)>;

  static Result<std::unique_ptr<StorageThread>> start(std::unique_ptr<MeshStore> store,
                                                      const CarryQuota& quota, EventLoop& loop,
                                                      StorageEvents& events);
  /// Waits for what is queued unless the disk refuses it. Does not mark a clean stop: see stop().
  ~StorageThread();
  StorageThread(const StorageThread&) = delete;
  StorageThread& operator=(const StorageThread&) = delete;

  void store(EnvelopePtr envelope, EnvelopeContext context);
  void store(Notice notice);
  void store(StoredPeer peer);
  void taken(const EnvelopeId& id);
  /// Goes into the transaction of what is stored next, or that of flush().
  void store(StoredCorrespondent correspondent);
  void store(StoredDelivery delivery);
  void flush();
  /// A line that waits; `token` comes back when it is on the disk.
  void store(StoredDraft draft, std::uint64_t token);
  void drop_draft(std::uint64_t number);
  void store(StoredPerson person);
  void set(std::string key, std::string value);

  /// Runs `query` on the storage thread behind everything queued before, then `done` on the loop.
  void ask(Query query, std::function<void()> done);

  /// Bytes of envelopes that wait for their commit; the caller takes nothing more in above
  /// kStoreQueueBytesMax.
  [[nodiscard]] std::size_t queued_bytes() const { return queued_bytes_; }

  /// Of direct messages between others; `dropped` since the start.
  struct Carried {
    CarriedSum held;
    std::uint64_t dropped = 0;
  };
  [[nodiscard]] const Carried& carried() const { return carried_; }

  /// Everything queued is written, the store is marked as cleanly stopped, the thread ends. False when the
  /// disk refused.
  bool stop();

 private:
  struct Item {
    StoreItem item;
    EnvelopeContext context;
  };
  struct Question {
    Query query;
    std::function<void()> done;
  };
  struct Queue {
    std::vector<Item> items;
    std::vector<StoredPeer> peers;
    std::vector<EnvelopeId> taken;
    std::vector<StoredCorrespondent> correspondents;
    std::vector<StoredDelivery> deliveries;
    std::vector<StoredDraft> drafts;
    std::vector<std::uint64_t> draft_tokens;  // one a draft
    std::vector<std::uint64_t> dropped_drafts;
    std::vector<StoredPerson> people;
    std::vector<std::pair<std::string, std::string>> settings;
    std::vector<Question> questions;
    [[nodiscard]] bool has_writes() const {
      return !items.empty() || !peers.empty() || !taken.empty() || !correspondents.empty() ||
             !deliveries.empty() || !drafts.empty() || !dropped_drafts.empty() || !people.empty() ||
             !settings.empty();
    }
    [[nodiscard]] bool empty() const { return !has_writes() && questions.empty(); }
  };
  /// What the storage thread hands back, in order.
  struct Answer {
    std::vector<Item> committed;
    std::vector<std::uint64_t> rows;
    std::vector<KeptFork> forks;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> drafts;  ///< number and token
    std::vector<std::function<void()>> done;
    std::optional<Carried> carried;  ///< nothing: unchanged
    std::string state;               ///< empty: unchanged
  };

  StorageThread(std::unique_ptr<MeshStore> store, const CarryQuota& quota, StorageEvents& events)
      : store_(std::move(store)), quota_(quota), events_(events) {}
  template <class Change>
  void enqueue(Change change);
  void run();
  void write(Queue& queue);
  void post(Answer answer);
  void deliver();
  bool wait_for_work(std::unique_lock<std::mutex>& lock);
  void drop_carried();
  /// When the next step of the index of words is to be done.
  [[nodiscard]] std::chrono::steady_clock::time_point words_due() const;

  std::unique_ptr<MeshStore> store_;
  const CarryQuota quota_;
  StorageEvents& events_;
  std::unique_ptr<Waker> waker_;
  std::thread thread_;
  std::size_t queued_bytes_ = 0;                     // loop thread
  std::vector<StoredCorrespondent> correspondents_;  // loop thread
  Carried carried_;                                  // loop thread

  std::mutex mutex_;
  std::condition_variable work_;
  Queue queue_;                 // under mutex_
  std::deque<Answer> answers_;  // under mutex_
  bool stopping_ = false;       // under mutex_
  bool clean_ = false;          // under mutex_, then read after the join

  // Storage thread alone.
  std::string state_ = "ok";
  bool unsynced_ = false;
  std::uint64_t unindexed_ = 0;
  bool words_complete_ = false;  // the last run may have left something
  std::uint64_t wordless_ = 0;   // rows committed since the index of words was complete
  std::chrono::steady_clock::time_point words_next_{};  // while it is busy
  std::chrono::steady_clock::time_point synced_at_{};
  std::chrono::steady_clock::time_point quota_due_{};
  bool carries_more_ = true;  // than when the quota was last looked at
  std::uint64_t dropped_ = 0;
  std::chrono::steady_clock::time_point written_at_{};
};

}  // namespace p2pmesh
