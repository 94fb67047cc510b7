// The configuration file of p2pmeshd: TOML, an unknown key is an error.
#include <toml++/toml.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <sstream>

#include "daemon_options.h"
#include "p2pmesh/posix/files.h"
#include "p2pmesh/text/safe_text.h"
#include "protocol_keys.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kConfigBytesMax = 1024 * 1024;
constexpr std::size_t kShownBytesMax = 40;  // of a wrong value in an error
constexpr std::int64_t kDayMs = 24LL * 60 * 60 * 1000;

/// A key of a table of whole numbers.
template <class Target>
struct NumberKey {
  std::string_view name;
  std::int64_t least;
  std::int64_t greatest;
  void (*set)(Target&, std::int64_t);
  std::uint64_t (*get)(const Target&);
  std::string_view unit;  ///< of what get() gives
};

constexpr std::uint64_t to_ms(Duration duration) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

/// A count that is told as it is set, and is at least one.
template <std::uint64_t RendezvousSettings::*kField>
constexpr NumberKey<RendezvousSettings> number_key(std::string_view name, std::int64_t greatest,
                                                   std::string_view unit = "") {
  return {name,
          1,
          greatest,
          [](RendezvousSettings& settings, std::int64_t value) {
            settings.*kField = static_cast<std::uint64_t>(value);
          },
          [](const RendezvousSettings& settings) { return settings.*kField; },
          unit};
}

// What a disk of today holds, and a year: older ones count from when they came.
constexpr NumberKey<CarryQuota> kCarryKeys[] = {
    {"author_envelopes", 0, 1'000'000'000,
     [](CarryQuota& quota, std::int64_t value) {
       quota.author_envelopes = static_cast<std::uint64_t>(value);
     },
     [](const CarryQuota& quota) { return quota.author_envelopes; }, ""},
    {"author_bytes", 0, 1LL << 44,
     [](CarryQuota& quota, std::int64_t value) { quota.author_bytes = static_cast<std::uint64_t>(value); },
     [](const CarryQuota& quota) { return quota.author_bytes; }, "bytes"},
    {"bytes", 0, 1LL << 44,
     [](CarryQuota& quota, std::int64_t value) { quota.bytes = static_cast<std::uint64_t>(value); },
     [](const CarryQuota& quota) { return quota.bytes; }, "bytes"},
    {"days", 0, 366,
     [](CarryQuota& quota, std::int64_t value) { quota.kept_ms = static_cast<WallMs>(value * kDayMs); },
     [](const CarryQuota& quota) { return quota.kept_ms; }, "ms"},
};

// One a second lets a small mesh form; a million is no bound. Beyond a link's silence patience is of no use
// but to who knows that his lines are slow.
constexpr NumberKey<LinkBounds> kLinkKeys[] = {
    {"handshakes_per_second", 1, 1'000'000,
     [](LinkBounds& bounds, std::int64_t value) {
       bounds.handshakes_per_second = static_cast<std::uint64_t>(value);
     },
     [](const LinkBounds& bounds) { return bounds.handshakes_per_second; }, "/s"},
    {"source_handshakes_per_second", 1, 1'000'000,
     [](LinkBounds& bounds, std::int64_t value) {
       bounds.source_handshakes_per_second = static_cast<std::uint64_t>(value);
     },
     [](const LinkBounds& bounds) { return bounds.source_handshakes_per_second; }, "/s"},
    {"frame_patience_ms", 1'000, 3'600'000,
     [](LinkBounds& bounds, std::int64_t value) { bounds.frame_patience = std::chrono::milliseconds(value); },
     [](const LinkBounds& bounds) { return to_ms(bounds.frame_patience); }, "ms"},
};

// Wide enough for a test on one machine, and for one of a day's leases.
using Rendezvous = RendezvousSettings;
constexpr std::int64_t kRateMax = 1'000'000;
constexpr NumberKey<Rendezvous> kRendezvousKeys[] = {
    {"lease_s", 1, 86'400,
     [](Rendezvous& settings, std::int64_t value) { settings.lease = std::chrono::seconds(value); },
     [](const Rendezvous& settings) { return to_ms(settings.lease); }, "ms"},
    {"grace_ms", 0, 60'000,
     [](Rendezvous& settings, std::int64_t value) { settings.grace = std::chrono::milliseconds(value); },
     [](const Rendezvous& settings) { return to_ms(settings.grace); }, "ms"},
    number_key<&Rendezvous::members_max>("members_max", 10'000'000),
    number_key<&Rendezvous::links_per_source>("links_per_source", 1'000'000),
    number_key<&Rendezvous::names_per_hour>("names_per_hour", 1'000'000'000),
    number_key<&Rendezvous::registrations_per_second>("registrations_per_second", kRateMax, "/s"),
    number_key<&Rendezvous::look_ups_per_second>("look_ups_per_second", kRateMax, "/s"),
    number_key<&Rendezvous::pages_per_second>("pages_per_second", kRateMax, "/s"),
    number_key<&Rendezvous::asks_per_second>("asks_per_second", kRateMax, "/s"),
};

tl::unexpected<Error> config_error(const std::string& path, const toml::source_region& where,
                                   const std::string& what) {
  return fail(ExitStatus::kConfig, "configuration file " + path + ", line " +
                                       std::to_string(where.begin.line) + ": " + format_safe_line(what));
}

bool take_string(const toml::node& node, std::optional<std::string>& into) {
  const auto value = node.value_exact<std::string>();
  if (value) into = *value;
  return value.has_value();
}

bool take_switch(const toml::node& node, std::optional<bool>& into) {
  const auto value = node.value_exact<bool>();
  if (value) into = *value;
  return value.has_value();
}

bool take_strings(const toml::node& node, std::optional<std::vector<std::string>>& into) {
  const toml::array* array = node.as_array();
  if (array == nullptr) return false;
  into.emplace();
  for (const toml::node& element : *array) {
    std::optional<std::string> text;
    if (!take_string(element, text)) return false;
    into->push_back(*text);
  }
  return true;
}

/// A value as it may stand in the file.
std::string shown(const toml::node& node) {
  std::ostringstream out;
  node.visit([&](const auto& value) { out << value; });
  std::string text = out.str();
  if (text.size() > kShownBytesMax) {
    text.resize(kShownBytesMax);
    text += "...";
  }
  return text;
}

/// Nothing when the value is of another type or out of the key's range.
std::optional<std::int64_t> read_value(const toml::node& node, const ProtocolKey& key) {
  if (key.type == ProtocolKey::Type::kSwitch) {
    const auto value = node.value_exact<bool>();
    return value ? std::optional<std::int64_t>(*value ? 1 : 0) : std::nullopt;
  }
  const auto value = node.value_exact<std::int64_t>();
  if (!value || *value < key.least || *value > key.greatest) return std::nullopt;
  return value;
}

Result<void> read_protocol(const std::string& path, const toml::node& node, ProtocolParameters& parameters) {
  const toml::table* table = node.as_table();
  if (table == nullptr) return config_error(path, node.source(), "protocol must be a table, as [protocol]");
  for (const auto& [name, value_node] : *table) {
    const ProtocolKey* key = find_protocol_key(name.str());
    if (key == nullptr) {
      return config_error(path, name.source(),
                          "unknown key protocol." + std::string(name.str()) + "; p2pmeshd(8) lists the keys");
    }
    const auto value = read_value(value_node, *key);
    if (!value) {
      return config_error(
          path, value_node.source(),
          "protocol." + std::string(key->name) + " = " + shown(value_node) + ": it " + key->describe_range());
    }
    key->set(parameters, *value);
  }
  if (const auto contradiction = find_contradiction(parameters)) {
    return config_error(path, node.source(), *contradiction);
  }
  return {};
}

template <class Target, std::size_t kCount>
Result<void> read_numbers(const std::string& path, const std::string& table_name, const toml::node& node,
                          const NumberKey<Target> (&keys)[kCount], Target& target) {
  const toml::table* table = node.as_table();
  if (table == nullptr)
    return config_error(path, node.source(), table_name + " must be a table, as [" + table_name + "]");
  for (const auto& [name, value_node] : *table) {
    const auto* key = std::find_if(std::begin(keys), std::end(keys),
                                   [&, &name = name](const auto& one) { return one.name == name.str(); });
    if (key == std::end(keys)) {
      return config_error(
          path, name.source(),
          "unknown key " + table_name + "." + std::string(name.str()) + "; p2pmeshd(8) lists the keys");
    }
    const auto value = value_node.template value_exact<std::int64_t>();
    if (!value || *value < key->least || *value > key->greatest) {
      return config_error(path, value_node.source(),
                          table_name + "." + std::string(key->name) + " = " + shown(value_node) +
                              ": it is a whole number from " + std::to_string(key->least) + " to " +
                              std::to_string(key->greatest));
    }
    key->set(target, *value);
  }
  return {};
}

template <class Target, std::size_t kCount>
void append_settings(std::vector<HostSetting>& settings, const std::string& table_name,
                     const NumberKey<Target> (&keys)[kCount], const Target& target) {
  for (const NumberKey<Target>& key : keys)
    settings.push_back({table_name + "." + std::string(key.name), key.get(target), std::string(key.unit)});
}

}  // namespace

std::vector<HostSetting> list_settings(const DaemonConfig& config) {
  std::vector<HostSetting> settings;
  append_settings(settings, "carry", kCarryKeys, config.carry);
  append_settings(settings, "links", kLinkKeys, config.links);
  append_settings(settings, "rendezvous", kRendezvousKeys, config.rendezvous);
  for (const ProtocolKey& key : protocol_keys()) {
    settings.push_back({"protocol." + std::string(key.name),
                        static_cast<std::uint64_t>(key.get(config.protocol)),
                        key.type == ProtocolKey::Type::kMilliseconds ? "ms" : ""});
  }
  return settings;
}

Result<DaemonConfig> read_daemon_config(const std::string& path) {
  auto content = read_file(path, kConfigBytesMax);
  if (!content)
    return fail(ExitStatus::kConfig, "configuration file " + path + ": " + content.error().message);
  if (!*content)
    return fail(ExitStatus::kConfig, "there is no configuration file " + path + "; check --config");
  toml::table table;
  try {
    table = toml::parse(as_text(**content), path);
  } catch (const toml::parse_error& error) {
    return config_error(path, error.source(), std::string(error.description()));
  }
  DaemonConfig config;
  for (const auto& [key, node] : table) {
    const std::string_view name = key.str();
    bool fits = true;
    if (name == "name")
      fits = take_string(node, config.name);
    else if (name == "exact_name")
      fits = take_switch(node, config.exact_name);
    else if (name == "port_mapping")
      fits = take_switch(node, config.port_mapping);
    else if (name == "listen")
      fits = take_string(node, config.listen);
    else if (name == "join")
      fits = take_strings(node, config.join);
    else if (name == "known_only")
      fits = take_switch(node, config.known_only);
    else if (name == "lan")
      fits = take_switch(node, config.lan);
    else if (name == "lan_interfaces")
      fits = take_strings(node, config.lan_interfaces);
    else if (name == "data_dir")
      fits = take_string(node, config.data_dir);
    else if (name == "log_level")
      fits = take_string(node, config.log_level);
    else if (name == "carry") {
      if (auto read = read_numbers(path, "carry", node, kCarryKeys, config.carry); !read)
        return tl::unexpected(read.error());
    } else if (name == "links") {
      if (auto read = read_numbers(path, "links", node, kLinkKeys, config.links); !read)
        return tl::unexpected(read.error());
    } else if (name == "rendezvous" && node.is_array()) {
      fits = take_strings(node, config.rendezvous_places);
    } else if (name == "rendezvous") {
      if (auto read = read_numbers(path, "rendezvous", node, kRendezvousKeys, config.rendezvous); !read)
        return tl::unexpected(read.error());
    } else if (name == "protocol") {
      if (auto read = read_protocol(path, node, config.protocol); !read) return tl::unexpected(read.error());
    } else
      return config_error(path, key.source(),
                          "unknown key " + std::string(name) + "; p2pmeshd(8) lists the keys");
    if (!fits) {
      return config_error(
          path, node.source(),
          std::string(name) +
              (name == "join" || name == "rendezvous" || name == "lan_interfaces"
                   ? " must be an array of strings"
               : name == "exact_name" || name == "known_only" || name == "port_mapping" || name == "lan"
                   ? " must be true or false"
                   : " must be a string"));
    }
  }
  if (config.log_level && !is_log_level(*config.log_level)) {
    return fail(ExitStatus::kConfig, "configuration file " + path + ": log_level " +
                                         format_safe_line(*config.log_level) +
                                         " is none of trace, debug, info, warn, error, off");
  }
  return config;
}

}  // namespace p2pmesh
