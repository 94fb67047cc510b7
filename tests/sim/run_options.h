// The command line of p2pmesh-sim.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace p2pmesh::sim {

struct RunOptions {
  std::string scenario = "broadcast";
  std::uint32_t nodes = 0;  ///< 0: the scenario's own
  std::uint64_t seed = 1;
  bool json = false;           ///< says nothing new: the object is always printed
  std::uint32_t messages = 0;  ///< 0: the scenario's own
  double rate = 0;             ///< broadcasts a virtual second; 0: the scenario's own
  bool random_authors = false;
  std::uint32_t fail_percent = 50;
  bool silent = false;     ///< failures: no resets, the machines are gone
  bool no_repair = false;  ///< failures: plain flooding, over before anybody notices who is gone
  bool cold = false;       ///< broadcast, flood: measured from the first message on, before there is a tree
  bool real_crypto = false;
  double virtual_s = 0;  ///< 0: the scenario's own
  std::uint32_t rounds =
      0;  ///< broadcast, flood: shuffles of a node in the run, on average; 0: as configured
  std::string tuned = "latency";  ///< constrained_broadcast
  bool progress = true;
  bool histogram = false;  ///< the latency histogram goes into the object
  bool fates = false;      ///< one line a message goes into the object
  bool no_people = false;  ///< chaos: nobody writes to anybody, nobody takes another's name
  bool liars_stay =
      false;        ///< chaos: silent ones and those that lie in digests, also when the faults have ended
  std::string bug;  ///< base/planted.h; empty: none
  bool list_bugs = false;

  // sweep

  std::uint64_t sweep_first = 0;
  std::uint64_t sweep_count = 0;  ///< 0: no sweep
  std::uint32_t jobs = 1;
  std::string failures_file = "sim-failures.txt";
  std::uint32_t seed_wall_s = 600;  ///< what takes longer is ended and has failed

  /// What a user types to run this again.
  [[nodiscard]] std::string command() const;
};

/// Nothing when the options are wrong; `error` says what.
std::optional<RunOptions> parse_run_options(int count, const char* const* arguments, std::string& error);

std::string usage();

}  // namespace p2pmesh::sim
