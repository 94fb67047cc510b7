// Acts of anybody, as honest nodes never write them: what a moderation log says depends on which there are,
// and not on their order, as long as there are not too many.
#include <algorithm>
#include <random>

#include "fuzz_input.h"
#include "moderation_fixture.h"
#include "p2pmesh/crypto/signature.h"

using namespace p2pmesh;
using test::ModeratedMesh;

namespace {

constexpr std::size_t kEnvelopesMax = 64;  // below all caps

char name_from(FuzzInput& input) {
  return "FABCR"[input.below(5)];
}

std::string room_from(FuzzInput& input) {
  constexpr const char* kRooms[] = {"", "#dev", "#ops", "#lobby"};
  return kRooms[input.below(4)];
}

Bytes act_from(FuzzInput& input, const std::vector<EnvelopePtr>& before, const MeshNonce& nonce) {
  ActBody body;
  body.verb = static_cast<ActVerb>(1 + input.below(10));
  if (has_subject(body.verb)) body.subject = ModeratedMesh::member(name_from(input));
  const std::uint8_t parts = input.byte();
  if (body.verb == ActVerb::kBan || body.verb == ActVerb::kSilence) body.end_ms = (parts & 3) * 100;
  if ((parts & 4) != 0) body.proof = nonce;
  if (body.verb == ActVerb::kBan || body.verb == ActVerb::kSilence || body.verb == ActVerb::kUnmod) {
    for (std::uint64_t epoch = 2; epoch >= 1; --epoch) {
      if ((parts & 8 * epoch) != 0) body.cut.epochs.emplace_back(epoch, input.below(16));
    }
  }
  for (std::size_t i = 0; i < (parts >> 5) && !before.empty(); ++i)
    body.seen.push_back(before[input.below(before.size())]->id);
  std::sort(body.seen.begin(), body.seen.end());
  body.seen.erase(std::unique(body.seen.begin(), body.seen.end()), body.seen.end());
  body.reason = std::to_string(input.byte());  // whose ids are lower is luck
  return encode_act_body(body);
}

EnvelopePtr envelope_from(FuzzInput& input, const std::vector<EnvelopePtr>& before,
                          const ModeratedMesh& mesh) {
  auto sealed = std::make_shared<SealedEnvelope>();
  Envelope& envelope = sealed->envelope;
  const std::uint8_t what = input.byte();
  envelope.kind = static_cast<std::uint16_t>(what % 8 == 0 ? Kind::kText : Kind::kAct);
  envelope.mesh = mesh.mesh;
  envelope.author = ModeratedMesh::member(name_from(input));
  envelope.room = room_from(input);
  envelope.epoch = 1 + input.below(2);
  envelope.seq = 1 + input.below(16);
  envelope.wall_ms = input.below(512);
  envelope.depth = 1 + input.below(24);
  if (what % 8 == 1) {
    const ByteView body = input.take(input.below(100));
    envelope.body.assign(body.begin(), body.end());
  } else if (what % 8 != 0) {
    envelope.body = act_from(input, before, mesh.nonce);
  }
  sealed->id = hash_envelope(encode_unsigned(envelope));
  return sealed;
}

void add(ModerationLog& log, const EnvelopePtr& envelope) {
  if (is_act(envelope->envelope)) log.add(*envelope);
}

/// What no member is shown is asked too.
void ask_the_rest(ModerationLog& log, const std::vector<EnvelopePtr>& envelopes) {
  for (const char* room : {"", "#dev", "#lobby"}) {
    const auto heads = log.heads(room);
    demand(std::is_sorted(heads.begin(), heads.end()));
    for (const EnvelopeId& id : heads) demand(log.find(id) != nullptr);
    if (const Act* topic = log.topic_act(room)) demand(log.find(topic->id) == topic);
    for (const char name : {'F', 'A', 'R'}) {
      const HeldRestriction* held = log.restriction_on(ModeratedMesh::member(name), room, 1000);
      if (held != nullptr) demand(held->restriction.room.empty() || held->restriction.room == room);
    }
  }
  for (const EnvelopePtr& envelope : envelopes) {
    const Act* act = log.find(envelope->id);
    if (act != nullptr && act->body.verb == ActVerb::kMod) demand(log.weight(*act) != Rank::kRoomModerator);
  }
  for (const auto& [member, restrictions] : log.take_changes())
    demand(log.refused_of(member) == restrictions);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool is_ready = init_crypto();
  demand(is_ready);
  FuzzInput input(data, size);
  const ModeratedMesh mesh(0);
  const std::uint8_t luck = input.byte();
  // Of whom no act counts any more: told at some time to the one, at once to the other.
  const std::optional<MemberKey> revoked =
      luck % 4 == 0 ? std::optional(ModeratedMesh::member("ABCR"[luck / 4 % 4])) : std::nullopt;
  std::vector<EnvelopePtr> envelopes;
  while (!input.empty() && envelopes.size() < kEnvelopesMax)
    envelopes.push_back(envelope_from(input, envelopes, mesh));

  ModerationLog one(mesh.mesh), other(mesh.mesh);
  for (std::size_t i = 0; i < envelopes.size(); ++i) {
    if (revoked && i == luck % envelopes.size()) one.revoke(*revoked, {});
    add(one, envelopes[i]);
    if (i % 4 == luck % 4) ask_the_rest(one, envelopes);
  }
  if (revoked) {
    one.revoke(*revoked, {});
    other.revoke(*revoked, {});
  }
  std::vector<EnvelopePtr> shuffled = envelopes;
  std::shuffle(shuffled.begin(), shuffled.end(), std::minstd_rand(luck));
  for (const EnvelopePtr& envelope : shuffled) add(other, envelope);
  demand(one.size() == other.size());
  demand(ModeratedMesh::describe(one, envelopes) == ModeratedMesh::describe(other, envelopes));
  ask_the_rest(other, envelopes);

  // And nothing is left of what was taken out.
  for (const EnvelopePtr& envelope : envelopes) one.remove(envelope->id);
  demand(one.size() == 0);
  ModeratedMesh::describe(one, envelopes);
  return 0;
}
