#include "sweep.h"

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "scenarios/scenario.h"

namespace p2pmesh::sim {
namespace {

constexpr std::uint64_t kSeedsPerWorker = 16;  // forking costs little; a crash costs the seeds behind it

struct Result {
  std::uint64_t seed = 0;
  std::uint32_t violations = 0;
  double core_s = 0;  // whatever else the machine does meanwhile
};

RunOptions one_seed(const RunOptions& options, std::uint64_t seed) {
  RunOptions one = options;
  one.seed = seed;
  one.sweep_count = 0;
  one.progress = false;
  return one;
}

[[noreturn]] void work(const RunOptions& options, std::uint64_t first, std::uint64_t end, int out) {
  std::signal(SIGALRM, SIG_DFL);
  for (std::uint64_t seed = first; seed < end; ++seed) {
    const RunOptions one = one_seed(options, seed);
    const std::clock_t begun = std::clock();
    alarm(options.seed_wall_s);  // a world that does not end, ends here
    const Report report = find_scenario(one.scenario)->run(one);
    alarm(0);
    if (!report.violations.empty()) std::fputs(describe_violations(report, one).c_str(), stderr);
    const Result result{seed, static_cast<std::uint32_t>(report.violations.size()),
                        static_cast<double>(std::clock() - begun) / CLOCKS_PER_SEC};
    if (write(out, &result, sizeof result) != static_cast<ssize_t>(sizeof result)) _exit(74);
  }
  _exit(0);
}

std::set<std::string> lines_of(const std::string& path) {
  std::set<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.insert(line);
  return lines;
}

struct Worker {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
  int results = -1;
};

class Sweep {
 public:
  explicit Sweep(const RunOptions& options) : options_(options), next_(options.sweep_first) {}

  int run() {
    failures_.open(options_.failures_file, std::ios::app);
    if (!failures_) return give_up("cannot write to " + options_.failures_file);
    const std::uint64_t end = options_.sweep_first + options_.sweep_count;
    while (next_ < end || !workers_.empty()) {
      while (next_ < end && workers_.size() < options_.jobs) {
        const std::uint64_t stop = std::min(end, next_ + kSeedsPerWorker);
        if (!start(next_, stop)) return give_up("cannot start a worker");
        next_ = stop;
      }
      if (!collect(end)) return give_up("cannot go on with the workers");
    }
    if (options_.progress) std::fprintf(stderr, "\n");
    return report();
  }

 private:
  static int give_up(const std::string& why) {
    std::fprintf(stderr, "p2pmesh-sim: %s\n", why.c_str());
    return 74;
  }

  [[nodiscard]] std::string why_it_ended(int status) const {
    if (!WIFSIGNALED(status)) return "ended early";
    if (WTERMSIG(status) == SIGALRM)
      return "no end within " + std::to_string(options_.seed_wall_s) + " s of wall time";
    return "died of signal " + std::to_string(WTERMSIG(status));
  }

  bool start(std::uint64_t first, std::uint64_t end) {
    int pipe_ends[2];
    if (pipe(pipe_ends) != 0) return false;
    std::fflush(stdout);
    const pid_t child = fork();
    if (child < 0) return false;
    if (child == 0) {
      close(pipe_ends[0]);
      work(options_, first, end, pipe_ends[1]);
    }
    close(pipe_ends[1]);
    workers_[child] = {first, end, pipe_ends[0]};
    return true;
  }

  /// Waits for one worker. One that ended early died at the first seed without a result; the rest is begun
  /// anew.
  bool collect(std::uint64_t) {
    int status = 0;
    const pid_t child = wait(&status);
    if (child < 0) return false;
    const Worker worker = workers_[child];
    workers_.erase(child);
    std::uint64_t next = worker.first;
    Result result;
    while (read(worker.results, &result, sizeof result) == static_cast<ssize_t>(sizeof result)) {
      ++done_;
      core_s_ += result.core_s;
      if (result.core_s > slowest_s_) {
        slowest_s_ = result.core_s;
        slowest_ = result.seed;
      }
      if (result.violations > 0) failed_[result.seed] = std::to_string(result.violations) + " violations";
      next = result.seed + 1;
    }
    close(worker.results);
    if (next < worker.end) {
      failed_[next] = why_it_ended(status);
      ++done_;
      if (next + 1 < worker.end && !start(next + 1, worker.end)) return false;
    }
    if (options_.progress)
      std::fprintf(stderr, "\r%llu of %llu seeds, %zu failed ", static_cast<unsigned long long>(done_),
                   static_cast<unsigned long long>(options_.sweep_count), failed_.size());
    return true;
  }

  int report() {
    const std::set<std::string> known = lines_of(options_.failures_file);
    for (const auto& [seed, why] : failed_) {
      const std::string command = one_seed(options_, seed).command();
      std::printf("FAILED seed %llu: %s\n  %s --json\n", static_cast<unsigned long long>(seed), why.c_str(),
                  command.c_str());
      const std::string line = command + " --json  # " + why;
      if (!known.contains(line)) failures_ << line << '\n';
    }
    std::printf(
        "{\"scenario\": \"%s\", \"first_seed\": %llu, \"seeds\": %llu, \"failed\": %zu, "
        "\"mean_s\": %.4f, \"max_s\": %.4f, \"slowest_seed\": %llu}\n",
        options_.scenario.c_str(), static_cast<unsigned long long>(options_.sweep_first),
        static_cast<unsigned long long>(done_), failed_.size(),
        done_ == 0 ? 0 : core_s_ / static_cast<double>(done_), slowest_s_,
        static_cast<unsigned long long>(slowest_));
    if (!failures_.flush()) return give_up("cannot write to " + options_.failures_file);
    return failed_.empty() ? 0 : 1;
  }

  RunOptions options_;
  std::ofstream failures_;
  std::uint64_t next_;
  std::map<pid_t, Worker> workers_;
  std::map<std::uint64_t, std::string> failed_;
  std::uint64_t done_ = 0;
  double core_s_ = 0;
  double slowest_s_ = 0;
  std::uint64_t slowest_ = 0;
};

}  // namespace

int run_sweep(const RunOptions& options) {
  return Sweep(options).run();
}

}  // namespace p2pmesh::sim
