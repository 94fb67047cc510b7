// Entries of a closed mesh by anybody: who is in and which invites are open depends on which entries and acts
// there are, and not on their order.
#include <algorithm>
#include <random>
#include <sstream>

#include "entry_log.h"
#include "fuzz_input.h"
#include "moderation_fixture.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/signature.h"

using namespace p2pmesh;
using test::ModeratedMesh;

namespace {

constexpr std::size_t kEnvelopesMax = 64;  // below all caps
constexpr std::string_view kNames = "FABCDX";
constexpr WallMs kNow = 250;

MemberKey member_from(FuzzInput& input) {
  return ModeratedMesh::member(kNames[input.below(kNames.size())]);
}

InviteKey invite_of(std::size_t number) {
  InviteKey key;
  key.bytes.fill(static_cast<std::uint8_t>(number));
  return key;
}

Bytes entry_from(FuzzInput& input) {
  EntryBody body;
  body.verb = static_cast<EntryVerb>(1 + input.below(3));
  body.invite = invite_of(1 + input.below(4));
  if (body.verb == EntryVerb::kInvite) {
    body.uses = static_cast<std::uint32_t>(input.below(4));
    body.end_ms = input.below(4) * 100;
  }
  if (body.verb == EntryVerb::kAdmit) body.member = member_from(input);
  return encode_entry_body(body);
}

Bytes ban_from(FuzzInput& input, const MeshNonce& nonce) {
  ActBody body;
  body.verb = input.below(4) == 0 ? ActVerb::kUnban : ActVerb::kBan;
  body.subject = member_from(input);
  body.proof = nonce;
  if (body.verb == ActVerb::kBan) body.cut.epochs = {{1, input.below(64)}};
  return encode_act_body(body);
}

EnvelopePtr envelope_from(FuzzInput& input, std::uint64_t seq, const ModeratedMesh& mesh) {
  auto sealed = std::make_shared<SealedEnvelope>();
  Envelope& envelope = sealed->envelope;
  const std::uint8_t what = input.byte();
  envelope.kind = static_cast<std::uint16_t>(what % 8 == 0 ? Kind::kAct : Kind::kEntry);
  envelope.mesh = mesh.mesh;
  envelope.author = what % 8 == 0 ? ModeratedMesh::member('F') : member_from(input);
  envelope.epoch = 1;
  envelope.seq = seq;
  envelope.depth = seq;
  envelope.wall_ms = input.byte();
  if (what % 8 == 0) {
    envelope.body = ban_from(input, mesh.nonce);
  } else if (what % 8 == 1) {
    const ByteView body = input.take(input.below(100));
    envelope.body.assign(body.begin(), body.end());
  } else {
    envelope.body = entry_from(input);
  }
  sealed->id = hash_envelope(encode_unsigned(envelope));
  return sealed;
}

struct Side {
  explicit Side(const ModeratedMesh& mesh) : acts(mesh.mesh), log({ModeratedMesh::member('F')}, acts) {
    acts.note_founder(ModeratedMesh::member('F'));
  }
  void add(const EnvelopePtr& envelope) {
    if (is_entry(envelope->envelope)) {
      log.add(envelope);
    } else {
      acts.add(*envelope);
      log.judge_again();
    }
  }
  /// Each one in a chain was let in by the next.
  void check_chain(const MemberKey& member) {
    const std::vector<EnvelopePtr> chain = log.chain_of(member, kNow);
    demand(chain.size() <= limits::kEntryChainMax);
    demand(chain.empty() || log.is_admitted(member, kNow));
    MemberKey at = member;
    for (const EnvelopePtr& entry : chain) {
      const auto body = decode_entry_body(entry->envelope.body);
      demand(body && body->verb == EntryVerb::kAdmit && body->member == at);
      at = entry->envelope.author;
    }
  }
  std::string describe() {
    std::ostringstream text;
    for (const char name : kNames) {
      const MemberKey member = ModeratedMesh::member(name);
      const auto lost = log.lost_sponsor(member);
      text << name << log.is_admitted(member, kNow) << log.open_invites(member, kNow)
           << (lost ? lost->invite.hex() : "") << '\n';
      check_chain(member);
    }
    for (std::size_t number = 1; number <= 4; ++number)
      text << static_cast<int>(log.standing_of(invite_of(number), kNow)) << '\n';
    for (const InviteView& view : log.invites(kNow))
      text << view.key.hex() << view.by.hex() << view.uses << view.used << view.end_ms
           << static_cast<int>(view.standing) << '\n';
    return text.str();
  }

  ModerationLog acts;
  EntryLog log;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool is_ready = init_crypto();
  demand(is_ready);
  FuzzInput input(data, size);
  const ModeratedMesh mesh(0);
  const std::uint8_t luck = input.byte();
  std::vector<EnvelopePtr> envelopes;
  while (!input.empty() && envelopes.size() < kEnvelopesMax)
    envelopes.push_back(envelope_from(input, envelopes.size() + 1, mesh));

  Side one(mesh), other(mesh);
  const MemberKey revoked = ModeratedMesh::member("ABCD"[luck / 4 % 4]);
  for (std::size_t i = 0; i < envelopes.size(); ++i) {
    if (luck % 4 == 0 && i == luck % envelopes.size()) one.log.revoke(revoked);
    one.add(envelopes[i]);
    if (i % 4 == luck % 4) one.describe();
  }
  if (luck % 4 == 0) {
    one.log.revoke(revoked);
    other.log.revoke(revoked);
  }
  std::vector<EnvelopePtr> shuffled = envelopes;
  std::shuffle(shuffled.begin(), shuffled.end(), std::minstd_rand(luck));
  for (const EnvelopePtr& envelope : shuffled) other.add(envelope);
  demand(one.log.size() == other.log.size());
  demand(one.describe() == other.describe());
  return 0;
}
