#include "protocol_keys.h"

#include <doctest/doctest.h>

#include <fstream>
#include <set>

#include "daemon_options.h"
#include "temp_directory.h"

namespace p2pmesh {
namespace {

struct ConfigFile : TempDirectory {
  Result<DaemonConfig> read(const std::string& text) const {
    const std::string path = *this / "c.toml";
    std::ofstream(path) << text;
    return read_daemon_config(path);
  }
  Result<DaemonConfig> read_protocol(const std::string& lines) const {
    return read("[protocol]\n" + lines + "\n");
  }
  /// The message of the config error that these lines are.
  std::string fault_of(const std::string& lines) const {
    const auto config = read_protocol(lines);
    REQUIRE_FALSE(config);
    CHECK(config.error().status == ExitStatus::kConfig);
    CHECK(config.error().message.find("c.toml, line ") != std::string::npos);
    return config.error().message;
  }
};

std::vector<std::int64_t> values_of(const ProtocolParameters& parameters) {
  std::vector<std::int64_t> values;
  for (const ProtocolKey& key : protocol_keys()) values.push_back(key.get(parameters));
  return values;
}

std::string line_of(const ProtocolKey& key, std::int64_t value) {
  const bool is_switch = key.type == ProtocolKey::Type::kSwitch;
  return std::string(key.name) + " = " +
         (is_switch ? (value != 0 ? "true" : "false") : std::to_string(value));
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("every field of the parameters has one key, and no key two fields") {
  // As many names as fields, or this does not compile; then give the new field a key in protocol_keys.cc, a
  // row in p2pmeshd(8), and a name here.
  const ProtocolParameters defaults;
  const auto& [f01, f02, f03, f04, f05, f06, f07, f08, f09, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19,
               f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36] =
      defaults;
  CHECK(&f01 == &defaults.active_view_max);
  CHECK(&f36 == &defaults.branch_pays);
  REQUIRE(protocol_keys().size() == 36);
  std::set<std::string_view> names;
  const std::vector<std::int64_t> before = values_of(defaults);
  for (std::size_t i = 0; i < protocol_keys().size(); ++i) {
    const ProtocolKey& key = protocol_keys()[i];
    CAPTURE(std::string(key.name));
    names.insert(key.name);
    CHECK(find_protocol_key(key.name) == &key);
    for (const std::int64_t value : {key.least, key.greatest}) {
      ProtocolParameters changed;
      key.set(changed, value);
      std::vector<std::int64_t> wanted = before;
      wanted[i] = value;
      CHECK(values_of(changed) == wanted);
    }
  }
  CHECK(names.size() == protocol_keys().size());
  CHECK(find_protocol_key("heartbeat_full") == nullptr);
}

TEST_CASE("the defaults lie within their ranges and do not contradict each other") {
  const ProtocolParameters defaults;
  for (const ProtocolKey& key : protocol_keys()) {
    CAPTURE(std::string(key.name));
    CHECK(key.get(defaults) >= key.least);
    CHECK(key.get(defaults) <= key.greatest);
    CHECK(key.least < key.greatest);
  }
  CHECK_FALSE(find_contradiction(defaults));
}

TEST_CASE("a file sets every parameter, and what it does not name keeps its default") {
  ConfigFile file;
  ProtocolParameters wanted;
  std::string lines;
  for (const ProtocolKey& key : protocol_keys()) {
    const std::int64_t before = key.get(wanted);
    std::int64_t value = before < key.greatest ? before + 1 : before - 1;
    if (key.name == "active_view_max") value = 12;
    key.set(wanted, value);
    lines += line_of(key, value) + "\n";
  }
  REQUIRE_FALSE(find_contradiction(wanted));
  const auto all = file.read_protocol(lines);
  REQUIRE(all);
  CHECK(values_of(all->protocol) == values_of(wanted));
  CHECK(all->protocol.heartbeat_full == std::chrono::milliseconds(1001));

  const auto none = file.read("name = \"Alice\"\n");
  REQUIRE(none);
  CHECK(values_of(none->protocol) == values_of(ProtocolParameters{}));
  CHECK(file.read_protocol(""));
}

TEST_CASE("what the file says reaches the node's options") {
  ConfigFile file;
  const std::string path = file / "c.toml";
  std::ofstream(path)
      << "name = \"Alice\"\ndata_dir = \"/x\"\n[protocol]\nactive_view_max = 6\nplumtree = false\n";
  const char* words[] = {"p2pmeshd", "--config", path.c_str()};
  DaemonOptions options;
  REQUIRE(parse_daemon_options(3, words, options));
  CHECK(options.host.protocol.active_view_max == 6);
  CHECK_FALSE(options.host.protocol.plumtree);
}

TEST_CASE("a value out of its range is named with its key and the range") {
  ConfigFile file;
  for (const ProtocolKey& key : protocol_keys()) {
    if (key.type == ProtocolKey::Type::kSwitch) continue;
    CAPTURE(std::string(key.name));
    for (const std::int64_t value : {key.least - 1, key.greatest + 1, INT64_MAX, INT64_MIN}) {
      const std::string fault = file.fault_of(line_of(key, value));
      CHECK(contains(fault, "protocol." + std::string(key.name) + " = " + std::to_string(value) + ":"));
      CHECK(contains(fault, "from " + std::to_string(key.least) + " to " + std::to_string(key.greatest)));
    }
  }
}

TEST_CASE("a value of another type is named with its key and what it should be") {
  ConfigFile file;
  for (const ProtocolKey& key : protocol_keys()) {
    CAPTURE(std::string(key.name));
    const bool is_switch = key.type == ProtocolKey::Type::kSwitch;
    for (const std::string wrong : {"\"8\"", "8.0", "[ 8 ]", "{ a = 8 }", is_switch ? "1" : "true"}) {
      const std::string fault = file.fault_of(std::string(key.name) + " = " + wrong);
      CHECK(contains(fault, "protocol." + std::string(key.name) + " = "));
      CHECK(contains(fault, key.describe_range()));
    }
  }
  CHECK(contains(file.fault_of("plumtree = 0"), "= 0: it is true or false"));
  CHECK(contains(file.fault_of("shuffle_walk = \"" + std::string(5000, 'x') + "\""),
                 "xxx...: it is a whole number"));
  CHECK(file.fault_of("shuffle_walk = \"\\u001b\\u202e\"").find('\x1b') == std::string::npos);
}

TEST_CASE("an unknown key, a wrong place and a repeated key are errors") {
  ConfigFile file;
  CHECK(contains(file.fault_of("heartbeat_full = 1000"), "unknown key protocol.heartbeat_full;"));
  CHECK(contains(file.fault_of("Plumtree = true"), "unknown key protocol.Plumtree;"));
  for (const char* text : {"protocol = 5\n", "protocol = []\n", "active_view_max = 8\n", "[[protocol]]\n",
                           "[protocol]\nshuffle_walk = 5\nshuffle_walk = 6\n"}) {
    const auto config = file.read(text);
    REQUIRE_FALSE(config);
    CHECK(config.error().status == ExitStatus::kConfig);
  }
}

TEST_CASE("values that contradict each other are named both") {
  ConfigFile file;
  for (const auto& [lines, first, second] : std::vector<std::array<std::string, 3>>{
           {"active_view_max = 5\nown_dials_min = 3\nfull_mesh_below = 5", "own_dials_min is 3",
            "active_view_max 5 it is at most 2"},
           {"active_view_max = 5\nown_dials_min = 2", "full_mesh_below is 7",
            "active_view_max 5 it is at most 6"},
           {"active_walk = 2", "passive_walk is 3", "active_walk 2 it is at most 2"},
           {"shuffle_active = 28", "shuffle_passive is 4", "shuffle_active 28 it is at most 3"},
           {"heartbeat_full_ms = 2000", "heartbeat_full_ms is 2000",
            "silence_full_ms 3000 it is at most 1500"},
           {"silence_partial_ms = 3999", "heartbeat_partial_ms is 2000",
            "silence_partial_ms 3999 it is at most 1999"},
       }) {
    const std::string fault = file.fault_of(lines);
    CAPTURE(fault);
    CHECK(contains(fault, first));
    CHECK(contains(fault, second));
  }
  CHECK(file.read_protocol("active_view_max = 5\nown_dials_min = 2\nfull_mesh_below = 6"));
  CHECK(file.read_protocol("shuffle_active = 27"));
}

}  // namespace
}  // namespace p2pmesh
