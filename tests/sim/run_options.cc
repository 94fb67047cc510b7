#include "run_options.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "option_uses.h"
#include "p2pmesh/base/planted.h"
#include "scenarios/scenario.h"

namespace p2pmesh::sim {
namespace {

template <class Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failure == std::errc() && end == text.data() + text.size() && !text.empty();
}

bool parse_sweep(std::string_view text, RunOptions& options) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  return parse_number(text.substr(0, colon), options.sweep_first) &&
         parse_number(text.substr(colon + 1), options.sweep_count) && options.sweep_count > 0;
}

bool is_planted_bug(std::string_view name) {
  const auto has_name = [&](const PlantedBugName& bug) { return bug.name == name; };
  return kHasPlantedBugs && std::any_of(kPlantedBugs.begin(), kPlantedBugs.end(), has_name);
}

bool set_option(RunOptions& options, std::string_view name, std::string_view value) {
  if (name == "--scenario") return options.scenario = value, find_scenario(options.scenario) != nullptr;
  if (name == "--nodes")
    return parse_number(value, options.nodes) && options.nodes >= 2 && options.nodes <= 100'000;
  if (name == "--seed") return parse_number(value, options.seed);
  if (name == "--messages") return parse_number(value, options.messages) && options.messages > 0;
  if (name == "--rate") return parse_number(value, options.rate) && options.rate > 0;
  if (name == "--authors")
    return options.random_authors = value == "random", value == "random" || value == "one";
  if (name == "--fail-percent")
    return parse_number(value, options.fail_percent) && options.fail_percent < 100;
  if (name == "--virtual-s") return parse_number(value, options.virtual_s) && options.virtual_s > 0;
  if (name == "--rounds") return parse_number(value, options.rounds) && options.rounds > 0;
  if (name == "--tuned") return options.tuned = value, value == "latency" || value == "cost";
  if (name == "--sweep") return parse_sweep(value, options);
  if (name == "--jobs") return parse_number(value, options.jobs) && options.jobs >= 1 && options.jobs <= 256;
  if (name == "--seed-wall-s") return parse_number(value, options.seed_wall_s) && options.seed_wall_s >= 1;
  if (name == "--bug") return options.bug = value, is_planted_bug(value);
  if (name == "--failures-file") return options.failures_file = value, !value.empty();
  return false;
}

}  // namespace

std::optional<RunOptions> parse_run_options(int count, const char* const* arguments, std::string& error) {
  RunOptions options;
  std::vector<std::string_view> given;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = arguments[i];
    given.push_back(name);
    if (name == "--json") {
      options.json = true;
    } else if (name == "--real-crypto") {
      options.real_crypto = true;
    } else if (name == "--silent") {
      options.silent = true;
    } else if (name == "--no-repair") {
      options.no_repair = true;
    } else if (name == "--cold") {
      options.cold = true;
    } else if (name == "--no-people") {
      options.no_people = true;
    } else if (name == "--liars-stay") {
      options.liars_stay = true;
    } else if (name == "--quiet") {
      options.progress = false;
    } else if (name == "--histogram") {
      options.histogram = true;
    } else if (name == "--fates") {
      options.fates = true;
    } else if (name == "--list-bugs" && kHasPlantedBugs) {
      options.list_bugs = true;
    } else if (name.substr(0, 2) != "--" || i + 1 >= count) {
      error = "unknown option or missing value: " + std::string(name);
      return std::nullopt;
    } else if (!set_option(options, name, arguments[i + 1])) {
      error = "cannot use " + std::string(name) + " " + arguments[i + 1];
      return std::nullopt;
    } else {
      ++i;
    }
  }
  if (!check_uses(options, given, error)) return std::nullopt;
  return options;
}

std::string RunOptions::command() const {
  std::string text =
      std::string(bug.empty() ? "build" : "build-bugs") + "/p2pmesh-sim --scenario " + scenario;
  if (!bug.empty()) text += " --bug " + bug;
  if (nodes != 0) text += " --nodes " + std::to_string(nodes);
  text += " --seed " + std::to_string(seed);
  if (messages != 0) text += " --messages " + std::to_string(messages);
  if (rate != 0) text += " --rate " + std::to_string(rate);
  if (random_authors) text += " --authors random";
  if (scenario == "failures") text += " --fail-percent " + std::to_string(fail_percent);
  if (silent) text += " --silent";
  if (no_repair) text += " --no-repair";
  if (cold) text += " --cold";
  if (real_crypto) text += " --real-crypto";
  if (no_people) text += " --no-people";
  if (liars_stay) text += " --liars-stay";
  if (virtual_s != 0) text += " --virtual-s " + std::to_string(virtual_s);
  if (rounds != 0) text += " --rounds " + std::to_string(rounds);
  if (scenario == "constrained_broadcast") text += " --tuned " + tuned;
  return text;
}

std::string usage() {
  std::string text =
      "p2pmesh-sim --scenario NAME [--nodes N] [--seed K] [--json] [--messages M] [--rate PER_SECOND]\n"
      "            [--authors one|random] [--fail-percent P] [--silent] [--no-repair] [--cold] [--rounds R]\n"
      "            [--tuned latency|cost] [--real-crypto] [--no-people] [--virtual-s S] [--quiet] "
      "[--histogram]\n"
      "            [--fates] [--liars-stay]\n"
      "p2pmesh-sim --scenario NAME --sweep FIRST:COUNT [--jobs N] [--failures-file FILE] [--seed-wall-s S]\n"
      "p2pmesh-sim --list-bugs | --scenario NAME --bug BUG: in a build with planted bugs\n"
      "The result is one JSON object, the last line of stdout, with --json or without it. Exit 1: a checker\n"
      "found a violation. In a sweep a seed that takes longer than S seconds (600) has failed.\n"
      "Scenarios:";
  for (const Scenario& scenario : scenarios()) text += std::string(" ") + scenario.name;
  return text + "\nSome alone take these options:\n" + describe_uses();
}

}  // namespace p2pmesh::sim
