// One link, told line by line what to say; answers one line a command.
//   --key N     the node's key, by number (1)
//   --source N  where it comes from (0)
//   --any 1     takes a member for a rendezvous, too
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include "commands.h"
#include "member_link.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/posix/clock.h"
#include "p2pmesh/posix/socket_address.h"
#include "p2pmesh/wire/messages.h"

namespace p2pmesh::meeting {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;

constexpr auto kPatience = 10s;

std::string join(const Words& words) {
  std::string joined;
  for (const std::string& word : words) joined += (joined.empty() ? "" : ",") + word;
  return joined;
}

std::string words(AskState::State state) {
  return state == AskState::State::kWaiting ? "waiting" : "delivered";
}

template <class Message>
Message need(const std::optional<Message>& message) {
  if (message) return *message;
  std::cerr << "malformed answer\n";
  std::exit(76);
}

class Talker {
 public:
  Talker(MemberLink& link, std::uint64_t number) : link_(link) {
    be(number, "Nobody");
    link_.set_on_frame([this](const FrameView& frame) { on_frame(frame); });
  }

  std::string run(const Words& line) {
    const std::string& verb = line[0];
    const auto word = [&](std::size_t i) { return i < line.size() ? line[i] : std::string(); };
    const auto wait = [&] { return Clock::now() + std::chrono::milliseconds(std::stoul(word(1))); };
    if (verb == "member") return be(std::stoull(word(1)), word(2));
    if (verb == "register") return register_with(Words(line.begin() + 1, line.end()));
    if (verb == "again") return ask(registered_ticket_, registered_);
    if (verb == "withdraw") return withdraw();
    if (verb == "look") return look(std::nullopt, word(1));
    if (verb == "look-key") return look(MemberKey::from_hex(word(1)), "");
    if (verb == "people") return people(word(1) == "online");
    if (verb == "meshes") return meshes();
    if (verb == "watch") return watch(word(1));
    if (verb == "hold") return holds_ = true, "held";
    if (verb == "release") return release();
    if (verb == "changes") return until(wait(), changes_);
    if (verb == "ask") return make_ask(word(1), word(2));
    if (verb == "asks") return ask_of(ListAsks{link_.next_ticket(), key()});
    if (verb == "back") return ask_of(TakeBack{link_.next_ticket(), *AskId::from_hex(word(1))});
    if (verb == "requests") return until(wait(), requests_);
    if (verb == "take") return take();
    if (verb == "states") return until(wait(), states_);
    if (verb == "ping") return ping();
    if (verb == "raw") return raw(std::stoul(word(1)), word(2));
    if (verb == "ended") return wait_for_end(wait()) ? "ended" : "still up";
    return "no such command";
  }

 private:
  [[nodiscard]] MemberKey key() const { return to_member(signer_->public_key()); }

  std::string be(std::uint64_t number, const std::string& name) {
    signer_ = make_ed25519_signer(numbered_seed(number));
    name_ = name;
    return "member " + key().hex();
  }

  void on_frame(const FrameView& frame) {
    if (awaited_ && ticket_of(frame) == awaited_) {
      answer_ = FrameView{frame.type, {}};
      payload_.assign(frame.payload.begin(), frame.payload.end());
      return;
    }
    switch (static_cast<FrameType>(frame.type)) {
      case FrameType::kChanges:
        return on_changes(need(decode_changes(frame.payload)));
      case FrameType::kAskDelivery:
        return on_delivery(need(decode_ask_delivery(frame.payload)).ask);
      case FrameType::kAskState: {
        const auto state = need(decode_ask_state(frame.payload));
        states_.push_back(state.id.hex() + ":" + words(state.state));
        return;
      }
      case FrameType::kPong:
        pong_ = true;
        return;
      default:
        return;
    }
  }

  void on_changes(const Changes& changes) {
    static constexpr const char* kWhat[] = {"offline", "online", "moved"};
    if (changes.missed) changes_.push_back("missed");
    for (const Change& change : changes.changes)
      changes_.push_back(std::string(kWhat[static_cast<std::size_t>(change.what)]) + ":" + change.name);
    seen_ = changes.position;
    if (!holds_) (void)link_.send(encode_frame_of(ChangesSeen{seen_}), Clock::now() + kPatience);
  }

  std::string release() {
    holds_ = false;
    return link_.send(encode_frame_of(ChangesSeen{seen_}), Clock::now() + kPatience) ? "released" : "gone";
  }

  void on_delivery(const Ask& ask) {
    const Bytes bytes = ask_signing_bytes(link_.server(), ask);
    const bool is_good = ed25519_verifier().verify(ask.asker.view(), bytes, ask.signature);
    requests_.push_back((is_good ? "" : "forged:") + std::string(as_text(ask.sealed)));
    untaken_.push_back(AskId{hash_tagged(kAskIdTag, bytes)});
  }

  /// Sends, and says what comes back under that ticket.
  std::string ask(RendezvousTicket ticket, const Bytes& frame) {
    awaited_ = ticket;
    answer_.reset();
    const auto deadline = Clock::now() + kPatience;
    if (!link_.send(frame, deadline)) return "gone";
    while (!answer_) {
      if (!link_.turn(50ms)) return "gone";
      if (Clock::now() > deadline) return "no answer";
    }
    awaited_.reset();
    return describe_answer();
  }
  template <class Message>
  std::string ask_of(const Message& message) {
    return ask(message.ticket, encode_frame_of(message));
  }

  std::string describe_answer() {
    switch (static_cast<FrameType>(answer_->type)) {
      case FrameType::kRegistered: {
        const auto reply = need(decode_registered(payload_));
        return "registered " + std::to_string(reply.lease_s) + " " + words_of(reply.observed);
      }
      case FrameType::kDenied: {
        const auto reply = need(decode_denied(payload_));
        return "denied " + std::to_string(static_cast<int>(reply.reason)) + " " + std::to_string(reply.value);
      }
      case FrameType::kDone:
        return "done";
      case FrameType::kFound:
        return describe_found(need(decode_found(payload_)));
      case FrameType::kAskState: {
        const auto state = need(decode_ask_state(payload_));
        return "state " + state.id.hex() + " " + words(state.state);
      }
      case FrameType::kAsks: {
        Words listed;
        for (const AskEntry& entry : need(decode_asks(payload_)).asks)
          listed.push_back(entry.id.hex() + ":" + words(entry.state));
        return "asks " + join(listed);
      }
      default:
        return "answered";
    }
  }

  static std::string words_of(const std::optional<NetAddress>& address) {
    if (!address) return "-";
    const auto socket =
        SocketAddress::from_ip(ByteView(address->ip).first(address->v6 ? 16 : 4), address->port);
    return socket->format();
  }

  std::string describe_found(const Found& found) const {
    if (!found.known) return "unknown";
    const auto registration = need(decode_registration(found.registration));
    const bool is_good = ed25519_verifier().verify(registration.member.view(),
                                                   registration_signing_bytes(link_.server(), registration),
                                                   registration.signature);
    return std::string(is_good ? "found " : "forged ") + registration.name + " " + registration.member.hex() +
           " " + (found.online ? "online" : "offline") + " " + std::to_string(found.seen_ms) + " " +
           words_of(found.observed) + " " + std::to_string(registration.version);
  }

  std::string register_with(const Words& settings) {
    Registration registration = describe(*signer_, link_.node(), name_);
    bool is_forged = false;
    for (const std::string& setting : settings) {
      const std::string value = setting.substr(std::min(setting.size(), setting.find('=') + 1));
      if (setting == "hidden") registration.discoverable = false;
      if (setting == "forged") is_forged = true;
      if (setting.starts_with("version=")) registration.version = std::stoull(value);
      if (setting.starts_with("valid="))
        registration.valid_until_ms = read_clock().wall_ms + std::stoull(value);
      if (setting.starts_with("expired="))
        registration.valid_until_ms = read_clock().wall_ms - std::stoull(value);
      if (setting.starts_with("port="))
        registration.addresses[0].port = static_cast<std::uint16_t>(std::stoul(value));
      if (setting.starts_with("mesh=")) registration.meshes.push_back(read_mesh(value));
      if (setting.starts_with("node=")) registration.node = *NodeKey::from_hex(value);
    }
    std::sort(registration.meshes.begin(), registration.meshes.end(),
              [](const OpenMesh& one, const OpenMesh& other) { return one.mesh < other.mesh; });
    sign(registration, *signer_, link_.server());
    if (is_forged) registration.signature[7] ^= 1;
    const Register message{link_.next_ticket(), registration};
    registered_ = encode_frame_of(message);
    registered_ticket_ = message.ticket;
    return ask(message.ticket, registered_);
  }

  /// TEXT:COUNT:LABEL, the id made of the text.
  static OpenMesh read_mesh(const std::string& value) {
    std::istringstream in(value);
    std::string text, count, label;
    std::getline(in, text, ':');
    std::getline(in, count, ':');
    std::getline(in, label);
    return {MeshId{hash_tagged("rendezvous test mesh", as_bytes(text))},
            static_cast<std::uint32_t>(std::stoul(count)), label};
  }

  std::string withdraw() {
    Withdraw message{link_.next_ticket(), key(), next_version(), {}};
    message.signature = signer_->sign(withdrawal_signing_bytes(link_.server(), message));
    return ask_of(message);
  }

  std::string look(const std::optional<MemberKey>& member, const std::string& name) {
    return ask_of(LookUp{link_.next_ticket(), member, name});
  }

  std::string people(bool online_only) {
    Words listed;
    ListPeople message{0, online_only, std::nullopt};
    for (;;) {
      message.ticket = link_.next_ticket();
      const std::string said = ask_of(message);
      if (said != "answered") return said;
      const auto page = need(decode_people(payload_));
      for (const PersonEntry& person : page.people)
        listed.push_back(person.name + ":" + (person.online ? "online" : "offline"));
      if (page.last) return "people " + join(listed);
      message.after = page.people.back().member;
    }
  }

  std::string meshes() {
    Words listed;
    ListMeshes message;
    for (;;) {
      message.ticket = link_.next_ticket();
      const std::string said = ask_of(message);
      if (said != "answered") return said;
      const auto page = need(decode_meshes(payload_));
      for (const MeshEntry& entry : page.meshes) {
        std::string names;
        for (const std::string& name : entry.names) names += (names.empty() ? "" : "+") + name;
        listed.push_back(entry.label + ":" + std::to_string(entry.online) + ":" +
                         std::to_string(entry.registered) + ":" + names);
      }
      if (page.last) return "meshes " + join(listed);
      message.after = page.meshes.back().mesh;
    }
  }

  std::string watch(const std::string& what) {
    Watch message{link_.next_ticket(), Watch::What::kNothing, {}};
    if (what == "all") message.what = Watch::What::kEverybody;
    if (what != "all" && what != "none") {
      message.what = Watch::What::kSome;
      message.members = {*MemberKey::from_hex(what)};
    }
    return ask_of(message);
  }

  std::string make_ask(const std::string& recipient, const std::string& text) {
    AskFrame message{link_.next_ticket(), {key(), *MemberKey::from_hex(recipient), 1, {}, {}}};
    message.ask.sealed.assign(text.begin(), text.end());
    message.ask.signature = signer_->sign(ask_signing_bytes(link_.server(), message.ask));
    return ask_of(message);
  }

  std::string take() {
    if (untaken_.empty()) return "nothing";
    const AsksTaken message{link_.next_ticket(), untaken_};
    untaken_.clear();
    return ask_of(message);
  }

  std::string ping() {
    pong_ = false;
    Ping ping;
    ping.token = 7;
    if (!link_.send(encode_ping(ping), Clock::now() + kPatience)) return "gone";
    const auto deadline = Clock::now() + kPatience;
    while (!pong_ && Clock::now() < deadline) {
      if (!link_.turn(50ms)) return "gone";
    }
    return pong_ ? "pong" : "no answer";
  }

  std::string raw(unsigned long type, const std::string& hex) {
    const auto payload = parse_hex(hex);
    const Bytes frame = encode_frame(static_cast<FrameType>(type), payload ? *payload : Bytes());
    return link_.send(frame, Clock::now() + kPatience) ? "sent" : "gone";
  }

  bool wait_for_end(Clock::time_point deadline) {
    while (Clock::now() < deadline) {
      if (!link_.turn(20ms)) return true;
    }
    return false;
  }

  /// What has come of a kind, at once or when something does.
  std::string until(Clock::time_point deadline, Words& come) {
    while (come.empty() && Clock::now() < deadline) {
      if (!link_.turn(20ms)) return "gone";
    }
    // What came with it.
    (void)link_.turn(20ms);
    std::string said = come.empty() ? "nothing" : join(come);
    come.clear();
    return said;
  }

  MemberLink& link_;
  std::unique_ptr<Signer> signer_;
  std::string name_;
  Bytes registered_;
  RendezvousTicket registered_ticket_ = 0;
  std::optional<RendezvousTicket> awaited_;
  std::optional<FrameView> answer_;
  Bytes payload_;
  Words changes_;
  Words requests_;
  Words states_;
  std::vector<AskId> untaken_;
  std::uint64_t seen_ = 0;
  bool holds_ = false;
  bool pong_ = false;
};

}  // namespace

int talk(const attacks::AttackOptions& options) {
  const std::uint64_t number = options.number("key", 1);
  const HostileKey key = attacks::make_hostile_key(numbered_seed(number));
  MemberLink link(key, attacks::AttackOptions::source(options.number("source", 0)),
                  options.targets().front());
  if (options.has("any")) link.take_anything();
  if (!link.enter(Clock::now() + kPatience)) {
    attacks::say("refused " + std::to_string(static_cast<int>(link.fault())));
    return 69;
  }
  attacks::say("up " + link.server().hex());
  Talker talker(link, number);
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream in(line);
    Words said;
    for (std::string word; in >> word;) said.push_back(word);
    if (said.empty()) continue;
    (void)link.turn(0ms);
    attacks::say(talker.run(said));
  }
  return 0;
}

}  // namespace p2pmesh::meeting
