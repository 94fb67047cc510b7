// A discovery server that lies. It says its port, then takes a lie a line, and answers "ok"; until the first
// one it is honest. Without a disk: what it took is gone with it.
//   --record FILE    every payload that members send it, as it comes out of the channel
//
//   honest           everything as it is
//   hide             nobody is known
//   mute             look-ups and pages are not answered
//   forged           registrations with one bit changed
//   renamed          somebody else, given out under the name that was asked for
//   another NAME     the registration of that one, whoever was asked for
//   oldest           the first registration that a member ever made
//   moved PORT       everybody was seen at that port of 127.0.0.1
//   twice            each answer twice, and one more to a question that nobody asked
//   deny REASON N    registrations and requests are denied for this reason, with that value
//   lost             requests are said to be delivered, and are dropped
//   stolen           requests are handed over under the key of another member
//   garbage          requests are handed over with one bit of what is sealed changed
//   again N          each request is handed over so often
//   pages            lists without an end
//   say TYPE HEX     a frame of this type to everybody, now
#include <poll.h>
#include <unistd.h>

#include <deque>
#include <fstream>
#include <map>
#include <sstream>

#include "commands.h"
#include "link_server.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/posix/socket.h"
#include "p2pmesh/text/name.h"
#include "p2pmesh/wire/rendezvous_messages.h"
#include "tls_context.h"

namespace p2pmesh::meeting {
namespace {

using namespace std::chrono_literals;

class Quiet final : public LogSink {
 public:
  void log(LogLevel, std::string_view) override {}
};

struct Known {
  Registration registration;
  LinkId link = 0;
  Bytes oldest;
};

class Liar final : public LinkEvents {
 public:
  /// An empty name: nothing is recorded.
  explicit Liar(const std::string& record) {
    record_.setstate(std::ios::failbit);
    if (!record.empty()) record_.open(record, std::ios::binary), record_.clear();
  }
  bool open() {
    const KeySeed seed = draw_seed();
    signer_ = make_ed25519_signer(seed);
    auto tls = TlsContext::make(seed);
    auto loop = EventLoop::open();
    auto listener = listen_tcp(SocketAddress::loopback(0));
    const auto bound = listener ? local_address(listener->get()) : tl::unexpected<Error>(listener.error());
    if (!tls || !loop || !bound) return false;
    tls_ = std::move(*tls);
    loop_ = std::move(*loop);
    links_ = std::make_unique<LinkServer>(*loop_, *tls_, *signer_, ed25519_verifier(), *this, log_);
    loop_->run_once(Duration{});
    port_ = bound->port();
    return links_->listen(std::move(*listener)).has_value();
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

  void run() {
    const auto added = loop_->add(STDIN_FILENO, kReadable, [this](Ready) { read_lies(); });
    while (added && !ended_) {
      loop_->run_until(links_->next_deadline());
      links_->check_deadlines();
      links_->flush();
    }
  }

  MeshTerms local_terms(const std::optional<MeshId>& wanted) const override {
    MeshTerms terms;
    if (wanted == kRendezvousMesh) terms.mesh = kRendezvousMesh;
    terms.refusal = RefuseReason::kRendezvous;
    return terms;
  }
  bool on_link_up(const LinkUp& up, const MeshId&, std::uint64_t) override {
    up_.push_back(up.link);
    return true;
  }
  void on_link_down(LinkId link, bool) override { std::erase(up_, link); }
  void on_link_progress(LinkId) override {}
  bool is_welcome(const NodeKey&) const override { return true; }
  void on_dial_failed(const MeshId&, const NodeKey&, const NetAddress&) override {}
  void on_join_failed(std::uint64_t, const Error&) override {}
  bool on_frame(LinkId link, const FrameView& frame) override {
    if (record_) {
      record_.put(static_cast<char>(frame.type)) << as_text(frame.payload);
      record_.flush();
    }
    switch (static_cast<FrameType>(frame.type)) {
      case FrameType::kRegister:
        on_register(link, *decode_register(frame.payload));
        break;
      case FrameType::kLookUp:
        on_look_up(link, *decode_look_up(frame.payload));
        break;
      case FrameType::kAsk:
        on_ask(link, *decode_ask_frame(frame.payload));
        break;
      case FrameType::kListPeople:
        on_list(link, decode_list_people(frame.payload)->ticket);
        break;
      case FrameType::kListMeshes:
        if (lie_ != "mute")
          send(link, encode_frame_of(Meshes{decode_list_meshes(frame.payload)->ticket, true, {}}));
        break;
      default:
        break;
    }
    return true;
  }

 private:
  void send(LinkId link, const Bytes& frame) {
    links_->send({link, std::make_shared<const Bytes>(frame), FrameClass::kControl});
  }
  [[nodiscard]] NodeKey self() const { return to_node(signer_->public_key()); }

  void read_lies() {
    char buffer[4096];
    const auto got = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (got <= 0) {
      ended_ = true;
      return;
    }
    typed_.append(buffer, static_cast<std::size_t>(got));
    for (std::size_t end = typed_.find('\n'); end != std::string::npos; end = typed_.find('\n')) {
      std::istringstream line(typed_.substr(0, end));
      typed_.erase(0, end + 1);
      std::string verb;
      line >> verb;
      if (verb == "say") {
        say(line);
      } else {
        lie_ = verb;
        line >> what_ >> value_;
      }
      attacks::say("ok");
    }
  }

  void say(std::istringstream& line) {
    unsigned type = 0;
    std::string hex;
    line >> type >> hex;
    const auto payload = parse_hex(hex);
    for (LinkId link : up_)
      send(link, encode_frame(static_cast<FrameType>(type), payload ? *payload : Bytes()));
  }

  void on_register(LinkId link, const Register& message) {
    if (lie_ == "deny") {
      return send(link,
                  encode_frame_of(Denied{message.ticket, static_cast<DenyReason>(std::stoi(what_)), value_}));
    }
    Known& known = known_[message.registration.member];
    if (known.oldest.empty()) known.oldest = encode_registration(message.registration);
    known.registration = message.registration;
    known.link = link;
    send(link, encode_frame_of(Registered{message.ticket, 3, std::nullopt}));
    deliver(message.registration.member);
  }

  [[nodiscard]] const Known* find(const LookUp& question) const {
    for (const auto& [member, known] : known_) {
      if (question.member ? member == *question.member
                          : name_key(known.registration.name) == name_key(question.name))
        return &known;
    }
    return nullptr;
  }

  [[nodiscard]] const Known* named(const std::string& name) const {
    LookUp question;
    question.name = name;
    return find(question);
  }

  [[nodiscard]] const Known* somebody_else(const Known* than) const {
    for (const auto& [member, known] : known_) {
      if (&known != than) return &known;
    }
    return nullptr;
  }

  void on_look_up(LinkId link, const LookUp& question) {
    if (lie_ == "mute") return;
    const Known* known = lie_ == "hide" ? nullptr : lie_ == "another" ? named(what_) : find(question);
    if (lie_ == "renamed") known = somebody_else(known);
    Found found;
    found.ticket = question.ticket;
    found.known = known != nullptr;
    if (known != nullptr) {
      found.online = true;
      found.seen_ms = known->registration.version;
      Registration told = known->registration;
      if (lie_ == "renamed") told.name = question.name;
      if (lie_ == "forged") told.signature[0] ^= 1;
      found.registration = lie_ == "oldest" ? known->oldest : encode_registration(told);
      if (lie_ == "moved") {
        found.observed = told.addresses.front();
        found.observed->port = static_cast<std::uint16_t>(std::stoul(what_));
      }
    }
    send(link, encode_frame_of(found));
    if (lie_ != "twice") return;
    send(link, encode_frame_of(found));
    found.ticket += 1000;
    send(link, encode_frame_of(found));
  }

  void on_list(LinkId link, RendezvousTicket ticket) {
    if (lie_ == "mute") return;
    People page;
    page.ticket = ticket;
    page.last = lie_ != "pages";
    for (const auto& [member, known] : known_)
      page.people.push_back({member, known.registration.name, true, known.registration.version});
    send(link, encode_frame_of(page));
  }

  void on_ask(LinkId link, const AskFrame& message) {
    if (lie_ == "deny") {
      return send(link,
                  encode_frame_of(Denied{message.ticket, static_cast<DenyReason>(std::stoi(what_)), value_}));
    }
    const Bytes signed_bytes = ask_signing_bytes(self(), message.ask);
    const AskId id{hash_tagged(kAskIdTag, signed_bytes)};
    const bool is_lost = lie_ == "lost";
    send(link, encode_frame_of(AskState{message.ticket, id,
                                        is_lost ? AskState::State::kDelivered : AskState::State::kWaiting}));
    if (is_lost) return;
    asks_[message.ask.recipient].push_back(message.ask);
    deliver(message.ask.recipient);
  }

  void deliver(const MemberKey& recipient) {
    const auto known = known_.find(recipient);
    if (known == known_.end()) return;
    std::deque<Ask> waiting;
    waiting.swap(asks_[recipient]);
    for (Ask& ask : waiting) {
      if (lie_ == "stolen")
        ask.asker = known_.rbegin()->first == ask.asker ? known_.begin()->first : known_.rbegin()->first;
      if (lie_ == "garbage") ask.sealed.back() ^= 1;
      const std::size_t times = lie_ == "again" ? std::stoul(what_) : 1;
      for (std::size_t i = 0; i < times; ++i) send(known->second.link, encode_frame_of(AskDelivery{ask}));
    }
  }

  Quiet log_;
  std::ofstream record_;
  std::unique_ptr<Signer> signer_;
  std::unique_ptr<TlsContext> tls_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<LinkServer> links_;
  std::uint16_t port_ = 0;
  std::vector<LinkId> up_;
  std::map<MemberKey, Known> known_;
  std::map<MemberKey, std::deque<Ask>> asks_;
  std::string typed_;
  std::string lie_ = "honest";
  std::string what_;
  std::uint64_t value_ = 0;
  bool ended_ = false;
};

}  // namespace

int lie(const attacks::AttackOptions& options) {
  Liar liar(options.has("record") ? options.text("record") : "");
  if (!liar.open()) return 71;
  attacks::say("port " + std::to_string(liar.port()));
  liar.run();
  return 0;
}

}  // namespace p2pmesh::meeting
