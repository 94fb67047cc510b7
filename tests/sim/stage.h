// One run: a world with its checkers and metrics, and what most scenarios do with them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "checkers.h"
#include "end_checks.h"
#include "metrics.h"
#include "report.h"
#include "run_options.h"
#include "world.h"

namespace p2pmesh::sim {

/// Above, the roster is shared, and in the scenarios about broadcasts alone commits take no time; the output
/// says so.
inline constexpr std::uint32_t kManyNodes = 1999;

class Stage {
 public:
  Stage(const RunOptions& options, const WorldOptions& world_options);
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  /// What the command line says of every world.
  static WorldOptions world_options(const RunOptions& options);

  [[nodiscard]] World& world() { return world_; }
  [[nodiscard]] Checkers& checkers() { return checkers_; }
  [[nodiscard]] Metrics& metrics() { return metrics_; }

  /// `count` members come one after another, each through an earlier one, within about `within`; then waits
  /// until all are linked and settled. Up to kManyNodes; above, members that know each other
  /// (World::start_members).
  void gather(std::uint32_t count, SimTime within);
  /// Texts from one author (node 0) or random ones, evenly spaced, while the world runs.
  void broadcast(std::uint32_t messages, double rate, bool random_authors);
  /// Waits until everything of `checks` holds, at most `bound`; what does not hold then is a violation.
  void come_to_rest(SimTime bound, const EndCheckOptions& checks);
  /// As above, but what does not hold is only reported.
  [[nodiscard]] bool is_at_rest(const EndCheckOptions& checks);

  /// What else has to hold at rest; asked when the rest does.
  void add_end_check(std::function<std::vector<Violation>()> check) { more_.push_back(std::move(check)); }

  /// Before what they look at is gone.
  void clear_end_checks() { more_.clear(); }

  /// Notes that something which the scenario itself demands did not hold.
  void demand(bool holds, const char* check, std::string expected, std::string found);

  Report report();

 private:
  [[nodiscard]] EndReport look_at_end(const EndCheckOptions& checks);
  /// Of links known at one end only since `since` those that stay so until the world has run for long enough.
  void check_symmetry(std::set<std::pair<std::uint32_t, LinkId>> one_sided, SimTime since);

  RunOptions options_;
  std::chrono::steady_clock::time_point begun_;
  World world_;
  Checkers checkers_;
  Metrics metrics_;
  std::uint32_t unconverged_ = 0;
  std::vector<std::function<std::vector<Violation>()>> more_;
};

}  // namespace p2pmesh::sim
