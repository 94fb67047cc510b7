// The hello of a closed mesh: who has not shown what it takes is not let in and does not learn the secret,
// and who has shown it is let in.
#include <memory>

#include "author.h"
#include "fuzz_input.h"
#include "mesh_door.h"
#include "p2pmesh/core/handshake.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/wire/frame.h"

using namespace p2pmesh;

namespace {

constexpr WallMs kNowMs = 1'700'000'000'000;

/// The founder, a member whom it has let in, and a stranger; an invite that is open, and one of nobody's.
struct People {
  People() {
    init_crypto();
    for (std::uint8_t i = 0; i < 5; ++i) keys[i] = make_ed25519_signer(KeySeed{i, 1});
    mesh.grant.secret.fill(7);
    mesh.grant.founder = to_member(keys[0]->public_key());
    nonce = closed_mesh_nonce(mesh.grant.secret);
    id = hash_mesh(mesh.grant.founder, nonce);
    EntryBody body;
    body.invite = InviteKey{keys[3]->public_key()};
    made = write(body, 1);
    body.verb = EntryVerb::kAdmit;
    body.member = to_member(keys[1]->public_key());
    body.ticket = keys[3]->sign(invite_signing_bytes(body.invite, id, body.member));
    let_in = write(body, 2);
  }
  [[nodiscard]] EnvelopePtr write(const EntryBody& body, std::uint64_t seq) const {
    Envelope envelope;
    envelope.kind = static_cast<std::uint16_t>(Kind::kEntry);
    envelope.mesh = id;
    envelope.author = mesh.grant.founder;
    envelope.epoch = 1;
    envelope.wall_ms = kNowMs;
    envelope.seq = seq;
    envelope.depth = seq;
    if (seq > 1) envelope.prev = made->id;
    envelope.body = encode_entry_body(body);
    return seal_envelope(std::move(envelope), *keys[0]);
  }

  std::unique_ptr<Signer> keys[5];  // founder, member, stranger, open invite, nobody's invite
  ClosedMesh mesh;
  MeshNonce nonce{};
  MeshId id;
  EnvelopePtr made, let_in;
};

const People& people() {
  static const People all;
  return all;
}

/// The founder's node.
class Keeper final : public DoorKeeper {
 public:
  explicit Keeper(bool knows_the_member) : node_(options(), restored(knows_the_member), now_, out_) {}
  Node& node() override { return node_; }
  [[nodiscard]] WallMs wall_ms() const override { return now_.wall_ms; }
  void handle(const Input& input) override { node_.handle(input, now_, out_); }

 private:
  static NodeOptions options() {
    NodeOptions options;
    options.name = "Alice";
    options.member_signer = options.node_signer = people().keys[0].get();
    options.verifier = &ed25519_verifier();
    options.founder_nonce = people().nonce;
    options.mesh = people().id;
    options.roots = {people().mesh.grant.founder};
    return options;
  }
  static RestoredState restored(bool knows_the_member) {
    RestoredState state;
    state.entries = {people().made};
    if (knows_the_member) state.entries.push_back(people().let_in);
    return state;
  }

  Now now_{Instant(std::chrono::seconds(1000)), kNowMs};
  Outputs out_;
  Node node_;
};

/// What a dialler shows, and what that is worth.
struct Shown {
  HelloProof proof;
  bool is_member = false;
  bool has_entry = false;
  bool has_invite = false;
};

/// What is changed of a part is not changed back by what is changed of the whole: the top bit is the part's.
constexpr std::uint8_t kOfPart = 0x80;

Bytes changed(Bytes bytes, FuzzInput& input, std::uint8_t by) {
  bytes[input.below(bytes.size())] ^= by;
  return bytes;
}

Shown shown_from(FuzzInput& input, const Doorstep& at) {
  Shown shown;
  const std::uint8_t choices = input.byte();
  if ((choices & 3) != 0) {
    shown.proof.member = prove_member(people().mesh.grant.secret, at, true);
    shown.is_member = (choices & 3) != 3;
    if (!shown.is_member) (*shown.proof.member)[input.below(32)] ^= kOfPart;
  }
  for (int i = choices >> 2 & 3; i > 0; --i) {
    const std::uint8_t kind = input.byte() % 4;
    if (kind == 0) {
      const ByteView raw = input.take(input.below(600));
      shown.proof.chain.emplace_back(raw.begin(), raw.end());
    } else {
      shown.proof.chain.push_back(kind == 1 ? changed(people().let_in->encoded, input, kOfPart)
                                            : people().let_in->encoded);
    }
  }
  // A whole chain or none.
  shown.has_entry = shown.proof.chain.size() == 1 && shown.proof.chain[0] == people().let_in->encoded;
  if (const int kind = choices >> 4 & 3; kind != 0) {
    shown.proof.invite = prove_invite(*people().keys[kind == 2 ? 4 : 3], at);
    shown.has_invite = kind != 3;
    if (!shown.has_invite) shown.proof.invite->signature[input.below(64)] ^= kOfPart;
  }
  return shown;
}

void feed(Handshake& handshake, ByteView bytes, FuzzInput& input, Bytes& out) {
  FrameDecoder decoder;
  while (!bytes.empty()) {
    const std::size_t piece = input.empty() ? bytes.size() : std::min(bytes.size(), 1 + input.below(300));
    decoder.push(bytes.first(piece));
    bytes = bytes.subspan(piece);
    while (const auto frame = decoder.next()) handshake.on_frame(frame->type, frame->payload, out);
  }
}

void knock(FuzzInput& input) {
  const std::uint8_t choices = input.byte();
  const bool by_member = choices & 1;
  const bool is_known = choices & 2;
  const bool is_changed = choices & 4;
  Keeper keeper(is_known);
  MemberDoor door(keeper, people().mesh, ed25519_verifier());
  HandshakeTerms terms;
  terms.node_signer = people().keys[0].get();
  terms.verifier = &ed25519_verifier();
  terms.mesh = people().id;
  terms.door = &door;
  terms.channel.fill(5);
  Handshake acceptor(terms);

  Hello hello;
  hello.node = to_node(people().keys[by_member ? 1 : 2]->public_key());
  hello.nonce.fill(9);
  hello.wanted_mesh = people().id;
  const Shown shown = shown_from(input, {people().id, terms.channel, hello.nonce, hello.node});
  hello.proof = shown.proof;
  Bytes frame = encode_frame_of(hello);
  const bool fits = decode_hello(ByteView(frame).subspan(limits::kFrameHeaderBytes)).has_value() &&
                    frame.size() <= limits::kFrameBytesMaxBeforeWelcome;
  if (is_changed)
    frame = changed(std::move(frame), input, static_cast<std::uint8_t>(1 + input.below(kOfPart - 1)));
  Bytes out;
  feed(acceptor, frame, input, out);

  const bool is_admitted = by_member && (is_known || (shown.is_member && shown.has_entry));
  const bool has_open =
      shown.has_invite && shown.proof.invite->key == InviteKey{people().keys[3]->public_key()};
  const bool may = (shown.is_member && is_admitted) || (shown.has_invite && (is_admitted || has_open));
  std::optional<Welcome> welcome;
  if (out.size() > limits::kFrameHeaderBytes && out[4] == static_cast<std::uint8_t>(FrameType::kWelcome))
    welcome = decode_welcome(ByteView(out).subspan(limits::kFrameHeaderBytes));
  demand(!welcome || may);
  demand(welcome || !may || !fits || is_changed);
  demand(!welcome || !welcome->proof.grant || shown.has_invite);
  const MeshSecret& secret = people().mesh.grant.secret;
  const bool tells = std::search(out.begin(), out.end(), secret.begin(), secret.end()) != out.end();
  demand(!tells || (welcome && welcome->proof.grant));
  demand(!acceptor.done());
}

/// Who dials with an invite gets whatever it gets.
void be_answered(FuzzInput& input) {
  const People& all = people();
  InviteDoor door(all.id, InviteSecret{1}, ed25519_verifier());
  HandshakeTerms terms;
  terms.dialler = true;
  terms.node_signer = all.keys[2].get();
  terms.verifier = &ed25519_verifier();
  terms.mesh = all.id;
  terms.door = &door;
  Handshake dialler(terms);
  demand(!dialler.start().empty());
  Bytes out;
  while (!input.empty()) {
    const std::uint8_t type = input.byte() % 4;
    const Bytes frame = encode_frame(static_cast<FrameType>(type), input.take(input.below(1000)));
    feed(dialler, frame, input, out);
  }
  demand(!dialler.done() && !door.gained());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  if (input.byte() % 4 == 0)
    be_answered(input);
  else
    knock(input);
  return 0;
}
