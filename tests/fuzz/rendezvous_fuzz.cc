// What reaches a discovery server: every payload has one encoding, and a registry takes whatever frames come,
// from whatever links, at whatever times.
#include <map>

#include "fuzz_input.h"
#include "p2pmesh/rendezvous/registry.h"
#include "p2pmesh/wire/rendezvous_messages.h"
#include "p2pmesh/wire/stranger_request.h"

using namespace p2pmesh;

namespace {

/// Nobody here can sign: what would be signed is let through, by the input's will.
class Credulous final : public Verifier {
 public:
  explicit Credulous(bool believes) : believes_(believes) {}
  [[nodiscard]] bool verify(ByteView, ByteView, const Signature&) const override { return believes_; }

 private:
  bool believes_;
};

template <class Message>
void check_again(const std::optional<Message>& message, ByteView payload) {
  if (!message) return;
  const Bytes again = encode_frame_of(*message);
  demand(std::equal(again.begin() + limits::kFrameHeaderBytes, again.end(), payload.begin(), payload.end()));
}

/// What is sealed in an ask, were it opened.
void check_stranger(ByteView plain) {
  const auto request = decode_stranger_request(plain);
  if (!request) return;
  const Bytes again = encode_stranger_request(*request);
  demand(std::equal(again.begin(), again.end(), plain.begin(), plain.end()));
}

void check_payload(std::uint8_t type, ByteView payload) {
  switch (static_cast<FrameType>(type)) {
    case FrameType::kRegister:
      return check_again(decode_register(payload), payload);
    case FrameType::kWithdraw:
      return check_again(decode_withdraw(payload), payload);
    case FrameType::kRegistered:
      return check_again(decode_registered(payload), payload);
    case FrameType::kDenied:
      return check_again(decode_denied(payload), payload);
    case FrameType::kDone:
      return check_again(decode_done(payload), payload);
    case FrameType::kLookUp:
      return check_again(decode_look_up(payload), payload);
    case FrameType::kFound:
      return check_again(decode_found(payload), payload);
    case FrameType::kListPeople:
      return check_again(decode_list_people(payload), payload);
    case FrameType::kPeople:
      return check_again(decode_people(payload), payload);
    case FrameType::kListMeshes:
      return check_again(decode_list_meshes(payload), payload);
    case FrameType::kMeshes:
      return check_again(decode_meshes(payload), payload);
    case FrameType::kWatch:
      return check_again(decode_watch(payload), payload);
    case FrameType::kChanges:
      return check_again(decode_changes(payload), payload);
    case FrameType::kChangesSeen:
      return check_again(decode_changes_seen(payload), payload);
    case FrameType::kAsk:
      check_stranger(payload);
      return check_again(decode_ask_frame(payload), payload);
    case FrameType::kAskState:
      return check_again(decode_ask_state(payload), payload);
    case FrameType::kAskDelivery:
      return check_again(decode_ask_delivery(payload), payload);
    case FrameType::kAsksTaken:
      return check_again(decode_asks_taken(payload), payload);
    case FrameType::kListAsks:
      return check_again(decode_list_asks(payload), payload);
    case FrameType::kAsks:
      return check_again(decode_asks(payload), payload);
    case FrameType::kTakeBack:
      return check_again(decode_take_back(payload), payload);
    default:
      return;
  }
}

constexpr std::size_t kLinks = 4;

/// What it sends is well-formed.
void check_outputs(const RendezvousOutputs& outputs) {
  const auto check_frame = [](const SharedBytes& frame) {
    demand(frame->size() <= limits::kFrameBytesMax);
    check_payload((*frame)[4], ByteView(*frame).subspan(limits::kFrameHeaderBytes));
  };
  for (const RendezvousOutput& output : outputs) {
    if (const auto* send = std::get_if<RendezvousSend>(&output)) check_frame(send->frame);
    if (const auto* keep = std::get_if<RendezvousKeep>(&output)) {
      for (const RendezvousSend& then : keep->then) check_frame(then.frame);
    }
  }
}

/// A registration that would be taken but for what the input changes of it.
Bytes make_registration(FuzzInput& input, const NodeKey& node, std::uint64_t version, WallMs now_ms) {
  Register message;
  Registration& made = message.registration;
  made.name = std::string(1, static_cast<char>('a' + input.byte() % 6));
  made.member.bytes[0] = input.byte() % 6;
  made.node = node;
  made.discoverable = input.byte() % 4 != 0;
  made.version = version;
  made.valid_until_ms = now_ms + 1000;
  for (std::uint8_t i = 0, count = input.byte() % 3; i < count; ++i) {
    OpenMesh open;
    open.mesh.bytes[0] = static_cast<std::uint8_t>(10 * i + input.byte() % 9);
    made.meshes.push_back(open);
  }
  return encode_frame_of(message);
}

Bytes make_ask(FuzzInput& input) {
  AskFrame message;
  message.ask.asker.bytes[0] = input.byte() % 6;
  message.ask.recipient.bytes[0] = input.byte() % 6;
  message.ask.made_ms = input.byte();
  return encode_frame_of(message);
}

void run(FuzzInput& input) {
  const Credulous verifier(input.byte() % 8 != 0);
  RendezvousSettings settings;
  settings.links_per_source = 2;
  RendezvousRegistry registry(NodeKey{}, verifier, settings);
  Now now{Instant{} + std::chrono::hours(1), 1'700'000'000'000};
  std::map<RendezvousLink, NodeKey> up;
  std::uint64_t version = 1;
  while (!input.empty()) {
    RendezvousOutputs outputs;
    const RendezvousLink link = 1 + input.byte() % kLinks;
    NodeKey node;
    node.bytes[0] = static_cast<std::uint8_t>(link);
    const auto receive = [&](std::uint8_t type, ByteView payload) {
      if (!up.contains(link) || registry.on_frame(link, {type, payload}, now, outputs)) return;
      registry.on_link_down(link, now);
      up.erase(link);
    };
    switch (input.byte() % 7) {
      case 0: {
        NetAddress remote;
        remote.ip[0] = input.byte() % 2;
        if (!up.contains(link) && registry.on_link_up(link, node, remote, now)) up.emplace(link, node);
        break;
      }
      case 1:
        registry.on_link_down(link, now);
        up.erase(link);
        break;
      case 2: {
        const std::chrono::milliseconds passed(std::uint64_t{input.byte()} << (input.byte() % 26));
        now.monotonic += passed;
        now.wall_ms += static_cast<WallMs>(passed.count());
        break;
      }
      case 3: {
        const Bytes frame = make_registration(input, node, ++version, now.wall_ms);
        receive(frame[4], ByteView(frame).subspan(limits::kFrameHeaderBytes));
        break;
      }
      case 4: {
        const Bytes frame = make_ask(input);
        receive(frame[4], ByteView(frame).subspan(limits::kFrameHeaderBytes));
        break;
      }
      default: {
        const std::uint8_t type = input.byte();
        const ByteView payload = input.take(input.below(2048));
        check_payload(type, payload);
        receive(type, payload);
      }
    }
    for (const RendezvousLink silent : registry.end_turn(now, outputs)) {
      registry.on_link_down(silent, now);
      up.erase(silent);
    }
    check_outputs(outputs);
    registry.set_writes_waiting(0);
    const RendezvousStatus status = registry.status();
    demand(status.links == up.size() && status.online <= status.registered && status.registered <= 6);
    demand(status.watchers <= status.links);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  if (input.byte() % 2 == 0) {
    const std::uint8_t type = input.byte();
    check_payload(type, input.rest());
  } else {
    run(input);
  }
  return 0;
}
