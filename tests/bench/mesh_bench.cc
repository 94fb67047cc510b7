// Whole meshes of real daemons on loopback: how fast lines reach every node, how soon, at what cost.
// usage: mesh_bench [--nodes 8] [--messages 20000] [--bytes 100] [--rate 100] [--latency-messages 400]
// [--runs 5]
//        [--authors one|all] [--daemon PATH]
// Prints one JSON line a run. A delivery is one message stored by a node other than its author's and
// announced to a subscriber of that node's control socket. The clients are this one process, whose time is in
// the wall clock.
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "p2pmesh/posix/local_socket.h"
#include "p2pmesh/posix/process.h"
#include "p2pmesh/posix/stream_io.h"

namespace p2pmesh {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

struct Options {
  std::size_t nodes = 8;
  std::size_t messages = 20000;
  std::size_t bytes = 100;
  std::size_t rate = 100;
  std::size_t latency_messages = 400;
  std::size_t runs = 5;
  bool all_authors = false;
  std::string daemon;
};

/// Daemons of the run under way: they end with this program, however it ends.
std::vector<ChildProcess*>& running() {
  static std::vector<ChildProcess*> children;
  return children;
}

[[noreturn]] void die(const std::string& why) {
  for (ChildProcess* child : running()) child->terminate();
  std::fprintf(stderr, "mesh_bench: %s\n", why.c_str());
  std::exit(1);
}

/// One daemon with one control connection.
struct Rig {
  std::unique_ptr<ChildProcess> process;
  std::string directory;
  UniqueFd socket;
  std::string out;
  std::string in;
  std::size_t got = 0;

  void write_some_out() {
    while (!out.empty()) {
      const IoResult result = write_some(socket.get(), as_bytes(out));
      if (result.status != IoStatus::kOk) return;
      out.erase(0, result.bytes);
    }
  }
  /// Reads what is there and calls `take` with each line.
  template <class Take>
  void read_lines(Take take) {
    static char buffer[1 << 18];
    for (int i = 0; i < 4; ++i) {
      const IoResult result =
          read_some(socket.get(), {reinterpret_cast<std::uint8_t*>(buffer), sizeof buffer});
      if (result.status == IoStatus::kWouldBlock) break;
      if (result.status != IoStatus::kOk) die("a node ended in " + directory);
      in.append(buffer, result.bytes);
      if (result.bytes < sizeof buffer) break;
    }
    std::size_t start = 0;
    for (std::size_t end; (end = in.find('\n', start)) != std::string::npos; start = end + 1) {
      take(std::string_view(in).substr(start, end - start));
    }
    in.erase(0, start);
  }
  json call(const std::string& method, const json& params = json::object()) {
    out += json{{"jsonrpc", "2.0"}, {"id", "call"}, {"method", method}, {"params", params}}.dump() + "\n";
    const auto deadline = Clock::now() + std::chrono::seconds(20);
    json answer;
    while (answer.is_null()) {
      if (Clock::now() > deadline) die("no answer to " + method);
      write_some_out();
      pollfd ready{socket.get(), POLLIN, 0};
      ::poll(&ready, 1, 100);
      read_lines([&](std::string_view line) {
        if (line.find("\"id\":\"call\"") != std::string_view::npos) answer = json::parse(line);
      });
    }
    if (!answer.contains("result")) die(method + ": " + answer.dump());
    return answer["result"];
  }
};

double cpu_seconds(std::int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::size_t at = text.rfind(')');
  if (at == std::string::npos) return 0;
  long user = 0;
  long system = 0;
  std::sscanf(text.c_str() + at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user, &system);
  return static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double peak_mb(std::int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("VmHWM:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  }
  return 0;
}

std::unique_ptr<Rig> start(const Options& options, const std::string& base, std::size_t index,
                           std::uint64_t port) {
  auto rig = std::make_unique<Rig>();
  rig->directory = base + "/" + std::to_string(index);
  SpawnOptions spawn;
  spawn.argv = {options.daemon, "--name",       "Node" + std::to_string(index),
                "--data-dir",   rig->directory, "--listen",
                "127.0.0.1:0",  "--log-level",  "error"};
  if (port != 0) {
    spawn.argv.push_back("--join");
    spawn.argv.push_back("127.0.0.1:" + std::to_string(port));
  }
  auto child = ChildProcess::spawn(spawn);
  if (!child) die(child.error().message);
  rig->process = std::make_unique<ChildProcess>(std::move(*child));
  running().push_back(rig->process.get());
  const auto deadline = Clock::now() + std::chrono::seconds(10);
  for (;;) {
    auto socket = connect_local(rig->directory + "/control.sock");
    if (socket) {
      rig->socket = std::move(*socket);
      return rig;
    }
    if (Clock::now() > deadline) die("node " + std::to_string(index) + ": " + socket.error().message);
    ::poll(nullptr, 0, 5);
  }
}

/// "~P", a phase letter, 8 hex digits of number, 16 of clock, padding.
std::string payload(const Options& options, char phase, std::size_t number) {
  char head[64];
  const auto now = static_cast<unsigned long long>(Clock::now().time_since_epoch().count());
  std::snprintf(head, sizeof head, "~P%c%08zx%016llx", phase, number, now);
  std::string text = head;
  text.resize(std::max(options.bytes, text.size()), 'x');
  return text;
}

void append_send(Rig& rig, const std::string& text) {
  rig.out += R"({"jsonrpc":"2.0","method":"message.send","params":{"text":")" + text + "\"}}\n";
}

class Run {
 public:
  Run(const Options& options, std::string base) : options_(options), base_(std::move(base)) {}

  json measure() {
    form();
    for (auto& rig : rigs_) rig->call("events.subscribe");
    const double cpu_before = cpu();
    const json payloads_before = payloads();
    const double seconds = pour();
    const double cpu_used = cpu() - cpu_before;
    const double sent = payloads()["sent"].get<double>() - payloads_before["sent"].get<double>();
    std::vector<double> latencies = trickle();
    std::sort(latencies.begin(), latencies.end());
    const auto percentile = [&](double part) {
      const auto at = static_cast<std::size_t>(part * static_cast<double>(latencies.size()));
      return latencies.empty() ? 0.0 : latencies[std::min(latencies.size() - 1, at)];
    };
    double peak = 0;
    for (auto& rig : rigs_) peak = std::max(peak, peak_mb(rig->process->pid()));
    const auto messages = static_cast<double>(options_.messages);
    const double deliveries = messages * static_cast<double>(options_.nodes - 1);
    return {{"bench", "mesh"},
            {"nodes", options_.nodes},
            {"authors", options_.all_authors ? options_.nodes : 1},
            {"messages", options_.messages},
            {"bytes", options_.bytes},
            {"seconds", seconds},
            {"deliveries_per_s", std::lround(deliveries / seconds)},
            {"p50_us", std::lround(percentile(0.5))},
            {"p99_us", std::lround(percentile(0.99))},
            {"latency_samples", latencies.size()},
            {"cpu_ms_per_1000_deliveries", cpu_used * 1e6 / deliveries},
            {"subscriber_gaps", gaps_},
            {"rss_mb_max", peak},
            {"payloads_per_message", sent / messages}};
  }

  ~Run() {
    running().clear();
    for (auto& rig : rigs_) rig->process->terminate();
    for (auto& rig : rigs_) {
      if (!rig->process->wait(3000)) rig->process->terminate(true);
      rig->process->wait(3000);
    }
  }

 private:
  void form() {
    std::uint64_t port = 0;
    for (std::size_t i = 0; i < options_.nodes; ++i) {
      rigs_.push_back(start(options_, base_, i, port));
      if (i == 0) port = rigs_[0]->call("status")["port"].get<std::uint64_t>();
    }
    const auto deadline = Clock::now() + std::chrono::seconds(20);
    for (auto& rig : rigs_) {
      for (;;) {
        const json status = rig->call("status");
        if (status["neighbors"] == options_.nodes - 1 && status["online"] == options_.nodes) break;
        if (Clock::now() > deadline) die("the mesh did not form: " + status.dump());
        ::poll(nullptr, 0, 20);
      }
    }
  }

  double cpu() const {
    double total = 0;
    for (const auto& rig : rigs_) total += cpu_seconds(rig->process->pid());
    return total;
  }

  json payloads() {
    double sent = 0;
    for (auto& rig : rigs_) sent += rig->call("status")["counters"]["payloads_sent"].get<double>();
    return {{"sent", sent}};
  }

  /// One poll over all nodes; `take` gets the node's number and each line.
  template <class Take>
  void pump(int timeout_ms, Take take) {
    std::vector<pollfd> ready;
    for (auto& rig : rigs_) {
      ready.push_back({rig->socket.get(), static_cast<short>(POLLIN | (rig->out.empty() ? 0 : POLLOUT)), 0});
    }
    ::poll(ready.data(), ready.size(), timeout_ms);
    for (std::size_t i = 0; i < rigs_.size(); ++i) {
      if ((ready[i].revents & POLLOUT) != 0) rigs_[i]->write_some_out();
      if ((ready[i].revents & ~POLLOUT) != 0)
        rigs_[i]->read_lines([&](std::string_view line) { take(i, line); });
    }
  }

  double pour() {
    for (auto& rig : rigs_) rig->got = 0;
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < options_.messages; ++i) {
      append_send(*rigs_[options_.all_authors ? i % rigs_.size() : 0], payload(options_, 'T', i));
    }
    const auto deadline = begin + std::chrono::seconds(120);
    const auto complete = [&] {
      return std::all_of(rigs_.begin(), rigs_.end(),
                         [&](const auto& rig) { return rig->got >= options_.messages; });
    };
    while (!complete()) {
      if (Clock::now() > deadline) die("not delivered within 120 s");
      pump(1000, [&](std::size_t node, std::string_view line) {
        if (line.find("~PT") != std::string_view::npos) {
          ++rigs_[node]->got;
        } else if (line.find("\"type\":\"gap\"") != std::string_view::npos) {
          // We read too slowly for this node's queue: go on where it says.
          ++gaps_;
          const json after = json::parse(line)["params"]["resume_after"];
          rigs_[node]->out += json{{"jsonrpc", "2.0"},
                                   {"id", "again"},
                                   {"method", "events.subscribe"},
                                   {"params", {{"after", after}}}}
                                  .dump() +
                              "\n";
        }
      });
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    for (const auto& rig : rigs_) {
      if (rig->got != options_.messages) die("a message was announced twice");
    }
    return seconds;
  }

  std::vector<double> trickle() {
    std::vector<double> latencies;
    const std::size_t expected = options_.latency_messages * (rigs_.size() - 1);
    const auto take = [&](std::size_t node, std::string_view line) {
      const std::size_t at = line.find("~PL");
      if (at == std::string_view::npos || node == 0) return;
      const std::string stamp(line.substr(at + 11, 16));
      const auto sent = static_cast<std::int64_t>(std::strtoull(stamp.c_str(), nullptr, 16));
      latencies.push_back(static_cast<double>(Clock::now().time_since_epoch().count() - sent) / 1000);
    };
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < options_.latency_messages; ++i) {
      const auto due = begin + std::chrono::microseconds(i * 1000000 / options_.rate);
      for (auto now = Clock::now(); now < due; now = Clock::now()) {
        pump(static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(due - now).count()),
             take);
      }
      append_send(*rigs_[0], payload(options_, 'L', i));
      rigs_[0]->write_some_out();
    }
    const auto deadline = Clock::now() + std::chrono::seconds(10);
    while (latencies.size() < expected && Clock::now() < deadline) pump(100, take);
    if (latencies.size() != expected) die("of the latency messages some did not arrive");
    return latencies;
  }

  Options options_;
  std::string base_;
  std::vector<std::unique_ptr<Rig>> rigs_;
  std::size_t gaps_ = 0;  // times a node told us that we read too slowly
};

int run(int argc, char** argv) {
  Options options;
  const auto beside = executable_directory();
  if (beside) options.daemon = *beside + "/../../p2pmeshd";
  for (int i = 1; i < argc; i += 2) {
    const std::string key = argv[i];
    if (i + 1 >= argc) die("an option needs a value: " + key);
    const std::string value = argv[i + 1];
    const auto number = static_cast<std::size_t>(std::strtoull(value.c_str(), nullptr, 10));
    if (key == "--nodes")
      options.nodes = number;
    else if (key == "--messages")
      options.messages = number;
    else if (key == "--bytes")
      options.bytes = number;
    else if (key == "--rate")
      options.rate = number;
    else if (key == "--latency-messages")
      options.latency_messages = number;
    else if (key == "--runs")
      options.runs = number;
    else if (key == "--authors")
      options.all_authors = value == "all";
    else if (key == "--daemon")
      options.daemon = value;
    else
      die("unknown option " + key);
  }
  if (options.nodes < 2 || options.rate == 0 || options.messages == 0)
    die("at least 2 nodes, 1 message, 1 a second");
  for (std::size_t i = 0; i < options.runs; ++i) {
    std::string base = (std::filesystem::temp_directory_path() / "mesh_bench.XXXXXX").string();
    if (::mkdtemp(base.data()) == nullptr) die("no temporary directory");
    {
      Run one(options, base);
      std::printf("%s\n", one.measure().dump().c_str());
      std::fflush(stdout);
    }
    std::filesystem::remove_all(base);
  }
  return 0;
}

}  // namespace
}  // namespace p2pmesh

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  return p2pmesh::run(argc, argv);
}
