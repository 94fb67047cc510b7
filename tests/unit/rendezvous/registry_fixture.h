// A registry, members that are told apart by number, and what the registry wanted done.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/rendezvous/registry.h"
#include "p2pmesh/wire/codec.h"
#include "p2pmesh/wire/messages.h"

#include <doctest/doctest.h>

namespace p2pmesh::test {

/// A signature is a hash over key and message: cheap, and forged by nobody here.
class HashSigner final : public Signer {
 public:
  explicit HashSigner(std::uint64_t number) { key_ = hash_tagged("key", Writer().u64(number).take()); }
  [[nodiscard]] const PublicKey& public_key() const override { return key_; }
  [[nodiscard]] Signature sign(ByteView message) const override { return make(key_, message); }
  static Signature make(ByteView key, ByteView message) {
    const auto hash = hash_tagged("signature", Writer().raw(key).raw(message).take());
    Signature signature{};
    std::copy(hash.begin(), hash.end(), signature.begin());
    return signature;
  }

 private:
  PublicKey key_;
};

class HashVerifier final : public Verifier {
 public:
  [[nodiscard]] bool verify(ByteView key, ByteView message, const Signature& signature) const override {
    return HashSigner::make(key, message) == signature;
  }
};

struct RegistryFixture {
  explicit RegistryFixture(const RendezvousSettings& wanted = generous()) : settings(wanted) { begin(); }

  /// Budgets that are in nobody's way.
  static RendezvousSettings generous() {
    RendezvousSettings settings;
    settings.names_per_hour = settings.registrations_per_second = settings.look_ups_per_second =
        settings.pages_per_second = settings.asks_per_second = settings.links_per_source = 1'000'000;
    return settings;
  }
  void begin() { registry = std::make_unique<RendezvousRegistry>(self, verifier, settings); }

  static MemberKey key(std::uint64_t number) { return to_member(HashSigner(number).public_key()); }
  /// The link of that number is from the node and the address of that number.
  static NodeKey node(RendezvousLink link) { return to_node(HashSigner(link).public_key()); }
  static NetAddress address(std::uint64_t number) {
    NetAddress address;
    address.ip = {10, 0, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
    address.port = 4000;
    return address;
  }
  void open(RendezvousLink link) { REQUIRE(registry->on_link_up(link, node(link), address(link), now)); }

  Registration registration(std::uint64_t number, RendezvousLink link, const std::string& name) {
    Registration made;
    made.name = name;
    made.member = key(number);
    made.node = node(link);
    made.addresses = {address(99)};
    made.version = ++version;
    made.valid_until_ms = now.wall_ms + 1000;
    return made;
  }
  static std::string name_of(std::uint64_t number) { return "m" + std::to_string(number); }
  void sign(Registration& made, std::uint64_t number) const {
    made.signature = HashSigner(number).sign(registration_signing_bytes(self, made));
  }

  /// What it answers; in words for the usual ones.
  std::string put(Registration made, std::uint64_t number, RendezvousLink link) {
    sign(made, number);
    return say(link, Register{ticket, made});
  }
  std::string put(std::uint64_t number, RendezvousLink link, const std::string& name = "") {
    return put(registration(number, link, name.empty() ? name_of(number) : name), number, link);
  }
  template <class Message>
  std::string say(RendezvousLink link, const Message& message) {
    const Bytes frame = encode_frame_of(message);
    return raw(link, frame[4], ByteView(frame).subspan(limits::kFrameHeaderBytes));
  }
  std::string raw(RendezvousLink link, std::uint8_t type, ByteView payload) {
    RendezvousOutputs outputs;
    const bool is_fine = registry->on_frame(link, {type, payload}, now, outputs);
    take(outputs);
    if (!is_fine) {
      registry->on_link_down(link, now);
      return "fault";
    }
    const auto found = answers.find(link);
    return found == answers.end() ? "" : words(found->second.back());
  }
  /// Ends the turn; which links are to be closed.
  std::vector<RendezvousLink> turn() {
    RendezvousOutputs outputs;
    auto silent = registry->end_turn(now, outputs);
    take(outputs);
    return silent;
  }
  void pass(Duration time) {
    now.monotonic += time;
    now.wall_ms += static_cast<WallMs>(time.count() / 1000);
  }

  void take(const RendezvousOutputs& outputs) {
    for (const RendezvousOutput& output : outputs) {
      if (const auto* send = std::get_if<RendezvousSend>(&output)) {
        answers[send->link].push_back(*send->frame);
      } else if (const auto* keep = std::get_if<RendezvousKeep>(&output)) {
        writes.insert(writes.end(), keep->writes.begin(), keep->writes.end());
        for (const RendezvousWrite& row : keep->writes) store(row);
        for (const RendezvousSend& then : keep->then) answers[then.link].push_back(*then.frame);
      } else if (const auto* hand_over = std::get_if<RendezvousHandOver>(&output)) {
        for (const std::uint64_t number : hand_over->numbers) handed[hand_over->link].push_back(number);
      }
    }
  }

  /// What a disk would hold, as far as a restart needs it.
  void store(const RendezvousWrite& row) {
    if (const auto* member = std::get_if<KeptMember>(&row)) members[member->member] = *member;
    if (const auto* seen = std::get_if<KeptSighting>(&row)) {
      members[seen->member].version = seen->version;
      members[seen->member].seen_ms = seen->seen_ms;
    }
    if (const auto* gone = std::get_if<DroppedMember>(&row)) members.erase(gone->member);
    if (const auto* name = std::get_if<KeptName>(&row)) names[name->key] = *name;
    if (const auto* gone = std::get_if<DroppedName>(&row)) names.erase(gone->key);
    if (const auto* ask = std::get_if<KeptAsk>(&row)) asks[ask->number] = *ask;
    if (const auto* done = std::get_if<DeliveredAsk>(&row)) asks[done->number].delivered = true;
    if (const auto* gone = std::get_if<DroppedAsk>(&row)) asks.erase(gone->number);
  }
  void restart() {
    RendezvousState state;
    for (const auto& [member, kept] : members) state.members.push_back(kept);
    for (const auto& [name, kept] : names) state.names.push_back(kept);
    for (const auto& [number, kept] : asks) state.asks.push_back(kept);
    begin();
    registry->restore(std::move(state), now);
    answers.clear();
    handed.clear();
  }

  static ByteView payload(const Bytes& frame) { return ByteView(frame).subspan(limits::kFrameHeaderBytes); }
  static std::string words(const Bytes& frame) {
    static constexpr const char* kReasons[] = {"",         "name held",      "stale",     "expired",
                                               "over",     "full",           "malformed", "not registered",
                                               "bad name", "unknown request"};
    static constexpr const char* kWhat[] = {"offline", "online", "moved"};
    switch (static_cast<FrameType>(frame[4])) {
      case FrameType::kRegistered:
        return "registered";
      case FrameType::kDenied:
        return kReasons[static_cast<std::size_t>(decode_denied(payload(frame))->reason)];
      case FrameType::kDone:
        return "done";
      case FrameType::kFound: {
        const auto found = decode_found(payload(frame));
        return !found->known ? "unknown" : found->online ? "online" : "offline";
      }
      case FrameType::kAskState:
        return decode_ask_state(payload(frame))->state == AskState::State::kWaiting ? "waiting" : "delivered";
      case FrameType::kPeople: {
        std::string said = "people";
        const auto page = decode_people(payload(frame));
        for (const auto& person : page->people) said += " " + person.name;
        return said;
      }
      case FrameType::kMeshes: {
        std::string said = "meshes";
        const auto page = decode_meshes(payload(frame));
        for (const auto& entry : page->meshes) said += " " + entry.label + std::to_string(entry.registered);
        return said;
      }
      case FrameType::kChanges: {
        const auto changes = decode_changes(payload(frame));
        std::string said = changes->missed ? "missed" : "";
        for (const auto& change : changes->changes)
          said += std::string(said.empty() ? "" : " ") + kWhat[static_cast<std::size_t>(change.what)] + ":" +
                  change.name;
        return said;
      }
      case FrameType::kAsks:
        return "asks " + std::to_string(decode_asks(payload(frame))->asks.size());
      case FrameType::kPong:
        return "pong";
      default:
        return "?";
    }
  }
  std::string last(RendezvousLink link) {
    const auto found = answers.find(link);
    return found == answers.end() ? "" : words(found->second.back());
  }
  std::string look(RendezvousLink link, const std::string& name) {
    return say(link, LookUp{ticket, std::nullopt, name});
  }
  std::uint64_t denied_value(RendezvousLink link) {
    return decode_denied(payload(answers[link].back()))->value;
  }
  std::uint64_t count(const std::string& name) const {
    for (const auto& [counted, value] : registry->counters()) {
      if (counted == name) return value;
    }
    return UINT64_MAX;
  }

  RendezvousSettings settings;
  HashVerifier verifier;
  NodeKey self = to_node(HashSigner(1'000'000).public_key());
  std::unique_ptr<RendezvousRegistry> registry;
  Now now{Instant{} + std::chrono::hours(1), 1'700'000'000'000};
  std::uint64_t version = 100;
  RendezvousTicket ticket = 1;
  std::map<RendezvousLink, std::vector<Bytes>> answers;
  std::map<RendezvousLink, std::vector<std::uint64_t>> handed;
  std::vector<RendezvousWrite> writes;
  std::map<MemberKey, KeptMember> members;
  std::map<std::string, KeptName> names;
  std::map<std::uint64_t, KeptAsk> asks;
};

}  // namespace p2pmesh::test
