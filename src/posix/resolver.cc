#include "p2pmesh/posix/resolver.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {

// What a lookup thread and the resolver hold together; the last of them frees it.
struct Resolver::Shared {
  struct Done {
    std::uint64_t ticket;
    Result<std::vector<SocketAddress>> result;
  };

  explicit Shared(HostLookup host_lookup) : lookup(std::move(host_lookup)) {}

  void finish(std::uint64_t ticket, Result<std::vector<SocketAddress>> result, bool by_thread) {
    const std::lock_guard lock(mutex);
    if (by_thread) --running;
    if (waker == nullptr) return;
    done.push_back({ticket, std::move(result)});
    waker->wake();
  }

  const HostLookup lookup;
  std::mutex mutex;        // guards all below
  Waker* waker = nullptr;  // null once the resolver is gone
  std::size_t running = 0;
  std::vector<Done> done;
};

namespace {

std::string quoted(const std::string& host) {
  std::string out = "\"";
  for (char c : host.substr(0, 100)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return out + (host.size() > 100 ? "...\"" : "\"");
}

struct Job {
  std::function<void()> run;
};

void* run_job(void* raw) {
  const std::unique_ptr<Job> job(static_cast<Job*>(raw));
  job->run();
  return nullptr;
}

// False when the system gives no further thread. Its thread takes no signals: those are the loop's.
bool start_thread(std::function<void()> run) {
  auto job = std::make_unique<Job>(Job{std::move(run)});
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  const bool started = ::pthread_create(&thread, nullptr, run_job, job.get()) == 0;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!started) return false;
  (void)job.release();
  ::pthread_detach(thread);
  return true;
}

}  // namespace

Result<std::vector<SocketAddress>> look_up_host(const std::string& host, std::uint16_t port) {
  const auto unknown = [&](const std::string& why) {
    return fail(ExitStatus::kUnknownHost, "The host " + quoted(host) + " is unknown: " + why +
                                              ". Check the name, or type its numeric address.");
  };
  if (host.empty() || host.find('\0') != std::string::npos) return unknown("this cannot be a host's name");
  // RFC 6761: never a question for a name server; and a machine may have no hosts file.
  if (host == "localhost") {
    const auto v6 = SocketAddress::from_host("::1", port);
    return std::vector<SocketAddress>{SocketAddress::loopback(port), *v6};
  }
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &list); error != 0)
    return unknown(::gai_strerror(error));
  std::vector<SocketAddress> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    const auto address = SocketAddress::from_system(entry->ai_addr);
    if (!address) continue;
    const SocketAddress whole = address->with_port(port);
    if (std::find(addresses.begin(), addresses.end(), whole) == addresses.end()) addresses.push_back(whole);
  }
  ::freeaddrinfo(list);
  if (addresses.empty()) return unknown("it has no address");
  return addresses;
}

Result<std::unique_ptr<Resolver>> Resolver::open(EventLoop& loop, HostLookup lookup) {
  std::unique_ptr<Resolver> resolver(new Resolver(std::move(lookup)));
  auto waker = Waker::open(loop, [raw = resolver.get()] { raw->deliver(); });
  if (!waker) return tl::unexpected<Error>(waker.error());
  resolver->waker_ = std::move(*waker);
  resolver->shared_->waker = resolver->waker_.get();
  return resolver;
}

Resolver::Resolver(HostLookup lookup) : shared_(std::make_shared<Shared>(std::move(lookup))) {}

Resolver::~Resolver() {
  const std::lock_guard lock(shared_->mutex);
  shared_->waker = nullptr;
  shared_->done.clear();
}

void Resolver::resolve(const std::string& host, std::uint16_t port, Callback callback) {
  const std::uint64_t ticket = next_ticket_++;
  callbacks_.emplace_back(ticket, std::move(callback));
  if (const auto numeric = SocketAddress::from_host(host, port)) {
    shared_->finish(ticket, std::vector{*numeric}, false);
  } else if (waiting_.size() >= limits::kLookupsWaitingMax) {
    shared_->finish(
        ticket, fail(ExitStatus::kTryAgain, "Too many host names wait to be looked up. Try again."), false);
  } else {
    waiting_.push_back({ticket, host, port});
    start_waiting();
  }
}

std::size_t Resolver::pending() const {
  return callbacks_.size();
}

void Resolver::start_waiting() {
  while (!waiting_.empty()) {
    {
      const std::lock_guard lock(shared_->mutex);
      if (shared_->running >= limits::kLookupsMax) return;
      ++shared_->running;
    }
    const Waiting next = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    const bool started = start_thread([shared = shared_, next] {
      shared->finish(next.ticket, shared->lookup(next.host, next.port), true);
    });
    if (!started) {
      shared_->finish(next.ticket,
                      fail(ExitStatus::kTryAgain, "No thread is left to look up a host name. Try again."),
                      true);
    }
  }
}

void Resolver::deliver() {
  const auto shared = shared_;  // a callback may destroy this resolver
  std::vector<Shared::Done> done;
  {
    const std::lock_guard lock(shared->mutex);
    done.swap(shared->done);
  }
  start_waiting();
  for (auto& [ticket, result] : done) {
    {
      const std::lock_guard lock(shared->mutex);
      if (shared->waker == nullptr) return;
    }
    const auto found = std::find_if(callbacks_.begin(), callbacks_.end(),
                                    [t = ticket](const auto& entry) { return entry.first == t; });
    if (found == callbacks_.end()) continue;
    const Callback callback = std::move(found->second);
    callbacks_.erase(found);
    callback(std::move(result));
  }
}

}  // namespace p2pmesh
