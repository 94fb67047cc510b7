// The thread that touches the disk of a rendezvous. All that waits is one transaction; answers go out when it
// is through.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "p2pmesh/posix/event_loop.h"
#include "p2pmesh/rendezvous/outputs.h"
#include "p2pmesh/storage/rendezvous_store.h"

namespace p2pmesh {

/// Called on the loop thread.
class RendezvousStorageEvents {
 public:
  virtual ~RendezvousStorageEvents() = default;
  /// What they were to wait for is on the disk.
  virtual void on_kept(std::vector<RendezvousSend> then) = 0;
  virtual void on_asks_read(RendezvousLink link, std::vector<Bytes> asks) = 0;
  /// "ok", or what is wrong; told on every change.
  virtual void on_storage_state(const std::string& state) = 0;
};

/// What a store held, as a registry takes it.
RendezvousState to_state(RendezvousSnapshot snapshot);

/// Threads: made, used and destroyed on the loop's thread; owns the storage thread.
class RendezvousStorage {
 public:
  static Result<std::unique_ptr<RendezvousStorage>> start(std::unique_ptr<RendezvousStore> store,
                                                          EventLoop& loop, RendezvousStorageEvents& events);
  ~RendezvousStorage();
  RendezvousStorage(const RendezvousStorage&) = delete;
  RendezvousStorage& operator=(const RendezvousStorage&) = delete;

  void keep(RendezvousKeep keep);
  /// Behind everything that is to be kept before.
  void read(RendezvousHandOver wanted);
  /// Rows that wait for their commit.
  [[nodiscard]] std::size_t waiting() const { return waiting_; }
  /// Everything queued is written and the thread ends. False when the disk refused.
  bool stop();

 private:
  struct Queue {
    std::vector<RendezvousKeep> keeps;
    std::vector<RendezvousHandOver> reads;
    [[nodiscard]] bool empty() const { return keeps.empty() && reads.empty(); }
  };
  struct ReadAsks {
    RendezvousLink link = 0;
    std::vector<Bytes> asks;
  };
  struct Answer {
    std::size_t rows = 0;
    std::vector<RendezvousSend> then;
    std::vector<ReadAsks> read;
    std::string state;  ///< empty: unchanged
  };

  RendezvousStorage(std::unique_ptr<RendezvousStore> store, RendezvousStorageEvents& events)
      : store_(std::move(store)), events_(events) {}
  void run();
  /// False when the end has come and the disk still refuses.
  bool write(Queue& queue, Answer& answer);
  Result<void> try_write(const std::vector<RendezvousKeep>& keeps);
  void read_asks(const Queue& queue, Answer& answer);
  void post(Answer answer);
  void deliver();

  std::unique_ptr<RendezvousStore> store_;
  RendezvousStorageEvents& events_;
  std::unique_ptr<Waker> waker_;
  std::thread thread_;
  std::size_t waiting_ = 0;  // loop thread

  std::mutex mutex_;
  std::condition_variable work_;
  Queue queue_;                 // under mutex_
  std::deque<Answer> answers_;  // under mutex_
  bool stopping_ = false;       // under mutex_

  std::string state_ = "ok";  // storage thread, then after the join
};

}  // namespace p2pmesh
