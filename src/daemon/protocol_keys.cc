#include "protocol_keys.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <type_traits>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

using std::chrono::milliseconds;

struct Range {
  std::int64_t least = 0;
  std::int64_t greatest = 0;
};

constexpr std::int64_t to_ms(Duration duration) {
  return std::chrono::duration_cast<milliseconds>(duration).count();
}

// The ranges, each with its source. They keep a node from harming itself and its neighbors; what is good
// within them is for the simulator to show.

constexpr auto kHalfOfLinks =
    static_cast<std::int64_t>(limits::kLinksMax / 2);  // the others: candidates and merges
constexpr Range kActiveView{2, kHalfOfLinks};          // 2: a ring holds together
constexpr Range kFullMeshBelow{0, kHalfOfLinks + 1};   // one more than an active view
constexpr Range kOwnDials{0, kHalfOfLinks / 2};        // every link has one dialler
constexpr Range kPassiveView{1, limits::kPeersMax};    // as addresses are remembered
constexpr Range kWalk{1, 16};         // log2 of kMembersMax: beyond, the place is as random as it gets
constexpr Range kPassiveWalk{0, 16};  // within the active walk
constexpr Range kShuffled{0, limits::kShufflePeersMax - 1};  // the sender is in every shuffle
constexpr Range kMergeLinks{0, kHalfOfLinks};                // with a full view still within kLinksMax
constexpr Range kMergeTime{1'000, 3'600'000};                // a heartbeat to an hour; guess
constexpr Range kRepeated{100, 3'600'000};                   // ten a second to one an hour; guess
// Two heartbeats must fit before a silent link is closed.
constexpr Range kHeartbeat{100, to_ms(limits::kSilenceBeforeClose) / 2};
constexpr Range kSilence{200,
                         to_ms(limits::kSilenceBeforeClose)};  // two heartbeats to the closing of the link
constexpr Range kSuspicion{100, 60'000};                       // a round trip to a minute; guess
constexpr Range kGather{0, 5'000};                             // a silence; guess
// What was broadcast is kept for kRecentKept: an ihave, a graft and its repetition must fit into it.
constexpr std::int64_t kThirdOfKept = to_ms(limits::kRecentKept) / 3;
constexpr Range kIHave{0, kThirdOfKept};
constexpr Range kGraft{0, kThirdOfKept};
constexpr Range kGraftRetry{10, kThirdOfKept};  // 10: a round trip nearby
constexpr Range kRound{0, UINT16_MAX};          // rounds saturate there
constexpr Range kOptimisation{0, 3'600'000};    // whenever there is one, to one an hour; guess
constexpr Range kPayloadWindow{0, 1'000};       // paid at each hop, and all within kSyncQuiet; guess
constexpr Range kTakenGather{0, 60'000};        // so long is a message shown as pending; guess

template <auto kField>
std::int64_t get_field(const ProtocolParameters& parameters) {
  if constexpr (std::is_same_v<decltype(kField), Duration ProtocolParameters::*>) {
    return to_ms(parameters.*kField);
  } else {
    return static_cast<std::int64_t>(parameters.*kField);
  }
}

template <auto kField>
void set_field(ProtocolParameters& parameters, std::int64_t value) {
  if constexpr (std::is_same_v<decltype(kField), Duration ProtocolParameters::*>) {
    parameters.*kField = milliseconds(value);
  } else if constexpr (std::is_same_v<decltype(kField), bool ProtocolParameters::*>) {
    parameters.*kField = value != 0;
  } else {
    parameters.*kField = static_cast<std::remove_cvref_t<decltype(parameters.*kField)>>(value);
  }
}

template <auto kField>
constexpr ProtocolKey key_of(std::string_view name, Range range) {
  const bool is_duration = std::is_same_v<decltype(kField), Duration ProtocolParameters::*>;
  const auto type = is_duration ? ProtocolKey::Type::kMilliseconds : ProtocolKey::Type::kNumber;
  return {name, type, range.least, range.greatest, get_field<kField>, set_field<kField>};
}

template <bool ProtocolParameters::*kField>
constexpr ProtocolKey switch_of(std::string_view name) {
  return {name, ProtocolKey::Type::kSwitch, 0, 1, get_field<kField>, set_field<kField>};
}

using P = ProtocolParameters;

constexpr std::array kKeys = {
    key_of<&P::active_view_max>("active_view_max", kActiveView),
    key_of<&P::full_mesh_below>("full_mesh_below", kFullMeshBelow),
    key_of<&P::own_dials_min>("own_dials_min", kOwnDials),
    key_of<&P::passive_view_max>("passive_view_max", kPassiveView),
    key_of<&P::active_walk>("active_walk", kWalk),
    key_of<&P::passive_walk>("passive_walk", kPassiveWalk),
    key_of<&P::shuffle_active>("shuffle_active", kShuffled),
    key_of<&P::shuffle_passive>("shuffle_passive", kShuffled),
    key_of<&P::shuffle_walk>("shuffle_walk", kWalk),
    key_of<&P::shuffle_interval>("shuffle_interval_ms", kRepeated),
    key_of<&P::merge_links>("merge_links", kMergeLinks),
    key_of<&P::merge_time>("merge_time_ms", kMergeTime),
    key_of<&P::heal_interval>("heal_interval_ms", kRepeated),
    key_of<&P::probe_interval>("probe_interval_ms", kRepeated),
    key_of<&P::rewire_interval>("rewire_interval_ms", kRepeated),
    key_of<&P::heartbeat_full>("heartbeat_full_ms", kHeartbeat),
    key_of<&P::heartbeat_partial>("heartbeat_partial_ms", kHeartbeat),
    key_of<&P::silence_full>("silence_full_ms", kSilence),
    key_of<&P::silence_partial>("silence_partial_ms", kSilence),
    key_of<&P::suspicion_full>("suspicion_full_ms", kSuspicion),
    key_of<&P::suspicion_partial>("suspicion_partial_ms", kSuspicion),
    key_of<&P::suspicion_gather>("suspicion_gather_ms", kGather),
    switch_of<&P::plumtree>("plumtree"),
    switch_of<&P::shared_tree>("shared_tree"),
    key_of<&P::ihave_interval>("ihave_interval_ms", kIHave),
    key_of<&P::ihave_interval_full>("ihave_interval_full_ms", kIHave),
    key_of<&P::graft_timeout>("graft_timeout_ms", kGraft),
    key_of<&P::graft_retry>("graft_retry_ms", kGraftRetry),
    key_of<&P::prune_gather>("prune_gather_ms", kPayloadWindow),
    key_of<&P::optimisation_hops>("optimisation_hops", kRound),
    key_of<&P::optimisation_interval>("optimisation_interval_ms", kOptimisation),
    key_of<&P::payload_window>("payload_window_ms", kPayloadWindow),
    key_of<&P::taken_gather>("taken_gather_ms", kTakenGather),
    switch_of<&P::anti_entropy>("anti_entropy"),
    key_of<&P::sync_interval>("sync_interval_ms", kRepeated),
    key_of<&P::branch_pays>("branch_pays", kRound),
};

/// A key, its value, and the greatest that another key leaves it.
std::optional<std::string> above(std::string_view name, std::int64_t value, std::int64_t greatest,
                                 const std::string& because) {
  if (value <= greatest) return std::nullopt;
  return "protocol." + std::string(name) + " is " + std::to_string(value) + "; with " + because +
         " it is at most " + std::to_string(greatest);
}

std::optional<std::string> beats_too_slowly(std::string_view beat, std::int64_t every,
                                            std::string_view silence, std::int64_t until) {
  return above(beat, every, until / 2, std::string(silence) + " " + std::to_string(until));
}

}  // namespace

std::string ProtocolKey::describe_range() const {
  if (type == Type::kSwitch) return "is true or false";
  return std::string("is a whole number") + (type == Type::kMilliseconds ? " of milliseconds" : "") +
         " from " + std::to_string(least) + " to " + std::to_string(greatest);
}

std::span<const ProtocolKey> protocol_keys() {
  return kKeys;
}

const ProtocolKey* find_protocol_key(std::string_view name) {
  const auto found =
      std::find_if(kKeys.begin(), kKeys.end(), [&](const ProtocolKey& key) { return key.name == name; });
  return found == kKeys.end() ? nullptr : &*found;
}

std::optional<std::string> find_contradiction(const ProtocolParameters& parameters) {
  const auto value = [&](std::string_view name) { return find_protocol_key(name)->get(parameters); };
  const std::int64_t view = value("active_view_max");
  const std::string with_view = "active_view_max " + std::to_string(view);
  // Else a mesh would be full and partial at once.
  if (auto fault = above("full_mesh_below", value("full_mesh_below"), view + 1, with_view)) return fault;
  // Else nobody would have room for all the others' dials.
  if (auto fault = above("own_dials_min", value("own_dials_min"), view / 2, with_view)) return fault;
  if (auto fault = above("passive_walk", value("passive_walk"), value("active_walk"),
                         "active_walk " + std::to_string(value("active_walk"))))
    return fault;
  if (auto fault = above("shuffle_passive", value("shuffle_passive"),
                         static_cast<std::int64_t>(limits::kShufflePeersMax) - 1 - value("shuffle_active"),
                         "shuffle_active " + std::to_string(value("shuffle_active"))))
    return fault;
  if (auto fault = beats_too_slowly("heartbeat_full_ms", value("heartbeat_full_ms"), "silence_full_ms",
                                    value("silence_full_ms")))
    return fault;
  return beats_too_slowly("heartbeat_partial_ms", value("heartbeat_partial_ms"), "silence_partial_ms",
                          value("silence_partial_ms"));
}

}  // namespace p2pmesh
