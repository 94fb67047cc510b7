// A node among neighbors that have joined and send whatever they like: envelopes of members that it knows,
// frames of every type that fit what it holds or do not, and bytes. It goes on, sends what it would take
// itself, and wakes no oftener than it has to.
#include "company.h"
#include "p2pmesh/wire/member_body.h"
#include "p2pmesh/wire/revocation.h"
#include "revocations.h"

using namespace p2pmesh;

namespace {

using namespace std::chrono_literals;

constexpr int kStepsMax = 80;

/// A number that is as often a small one.
std::uint64_t number_from(FuzzInput& input) {
  const std::uint8_t kind = input.byte();
  if (kind < 200) return kind % 16;
  std::uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number = number << 8 | input.byte();
  return number;
}

std::uint32_t neighbor_from(FuzzInput& input) {
  return 1 + input.byte() % kNeighbors;
}

/// Seldom the node itself.
std::uint32_t member_from(FuzzInput& input, const Company& company) {
  const std::uint8_t which = input.byte();
  return which == 255 ? 0 : 1 + which % company.members;
}

EnvelopeId id_from(FuzzInput& input, const Company& company) {
  const std::uint8_t which = input.byte();
  if (which < 224) return company.known[which % company.known.size()]->id;
  return EnvelopeId{key_of(which).bytes};
}

std::vector<EnvelopeId> ids_from(FuzzInput& input, const Company& company) {
  std::vector<EnvelopeId> ids;
  for (std::size_t i = input.below(8); i > 0; --i) ids.push_back(id_from(input, company));
  return ids;
}

PeerEntry peer_from(FuzzInput& input) {
  const std::uint32_t number = input.byte();
  return {Company::node_key(number), {Company::address_of(number)}};
}

std::uint32_t session_from(FuzzInput& input, const Company& company) {
  return input.byte() % 16 == 0 ? static_cast<std::uint32_t>(number_from(input)) : company.session;
}

// What members write.

/// The next of the author's log, one that skips some, or one more for a place that is taken.
Envelope place_from(FuzzInput& input, Company& company, std::uint32_t by, Kind kind) {
  Envelope place = company.next(by, kind);
  const std::uint8_t choices = input.byte();
  if ((choices & 3) == 1) place.seq += 1 + input.byte() % 4;
  if ((choices & 3) == 2) place.seq = 1 + input.byte() % place.seq;
  if ((choices & 12) == 4) place.depth = 1 + number_from(input) % (1ULL << 40);
  if ((choices & 48) == 16) place.wall_ms += number_from(input);
  if ((choices & 48) == 32) place.wall_ms -= number_from(input) % 1'000'000;
  if ((choices & 64) != 0) place.room = kRooms[1];
  if ((choices & 128) != 0 && input.byte() % 8 == 0) place.epoch = 1 + number_from(input);
  if (place.seq == 1) place.prev = {};
  return place;
}

Bytes act_body_from(FuzzInput& input, Company& company) {
  ActBody body;
  body.verb = static_cast<ActVerb>(1 + input.byte() % 10);
  if (has_subject(body.verb)) body.subject = company.key(member_from(input, company));
  if (body.verb == ActVerb::kBan || body.verb == ActVerb::kSilence) {
    if (input.byte() % 2 == 0) body.end_ms = company.now.wall_ms + 1000 * input.byte();
  }
  if (body.verb == ActVerb::kBan || body.verb == ActVerb::kSilence || body.verb == ActVerb::kUnmod)
    body.cut.epochs = {{1, input.byte() % 8}};
  if (input.byte() % 2 == 0) body.seen = {id_from(input, company)};
  return encode_act_body(body);
}

EnvelopePtr log_from(FuzzInput& input, Company& company) {
  constexpr Kind kKinds[] = {Kind::kText, Kind::kText,       Kind::kText,   Kind::kTopic, Kind::kAct,
                             Kind::kAct,  Kind::kSealedRoom, Kind::kDirect, Kind::kEntry, Kind{99}};
  const std::uint32_t by = member_from(input, company);
  const Kind kind = kKinds[input.byte() % std::size(kKinds)];
  Envelope place = place_from(input, company, by, kind);
  const std::string said = "said " + std::to_string(input.byte());
  if (kind == Kind::kText) {
    place.body = encode_text_body({said, said});
  } else if (kind == Kind::kTopic) {
    place.body.assign(said.begin(), said.end());
  } else if (kind == Kind::kAct) {
    if (input.byte() % 2 == 0) place.room.clear();
    place.body = act_body_from(input, company);
  } else {
    const ByteView body = input.take(input.below(120));
    place.body.assign(body.begin(), body.end());
  }
  return company.write(by, std::move(place));
}

EnvelopePtr member_record_from(FuzzInput& input, Company& company) {
  const std::uint32_t by = member_from(input, company);
  if (by == 0) return company.member_record(1, number_from(input), false);
  const auto earlier = company.member_record(by, 1 + number_from(input), input.byte() % 2 == 0);
  if (earlier == nullptr) return nullptr;
  Envelope envelope = earlier->envelope;
  auto body = decode_member_body(envelope.body);
  if (!body) return earlier;
  const std::uint8_t choices = input.byte();
  if ((choices & 1) != 0) body->claim.name = "Member" + std::to_string(input.byte() % company.members);
  if ((choices & 2) != 0) body->claim.depth = number_from(input);
  if ((choices & 4) != 0) body->claim.proof = ClaimProof::kNone;
  if ((choices & 8) != 0) body->addresses = {Company::address_of(input.byte())};
  if ((choices & 16) != 0) body->node = Company::node_key(input.byte() % 12);
  if ((choices & 32) != 0) envelope.epoch = 1 + number_from(input);
  envelope.body = encode_member_body(*body);
  return Company::seal(std::move(envelope));
}

EnvelopePtr record_from(FuzzInput& input, Company& company) {
  Envelope envelope;
  envelope.envelope_class = EnvelopeClass::kRecord;
  envelope.mesh = company.mesh;
  envelope.author = company.key(member_from(input, company));
  envelope.epoch = 1 + number_from(input);
  envelope.version = 1 + number_from(input);
  envelope.wall_ms = company.now.wall_ms;
  if (input.byte() % 4 == 0) {
    Revocation revocation;
    revocation.key = company.key(1 + input.byte() % company.members);
    revocation.cut.epochs = {{1, input.byte() % 8}};
    envelope.kind = static_cast<std::uint16_t>(Kind::kRevocation);
    envelope.subject = revocation_subject(revocation);
    envelope.body = encode_revocation(revocation);
  } else {
    envelope.kind = static_cast<std::uint16_t>(input.byte() % 2 == 0 ? Kind::kStanding : Kind{200});
    envelope.subject.assign(input.byte() % 40, 1);
    const ByteView body = input.take(input.below(80));
    envelope.body.assign(body.begin(), body.end());
  }
  return Company::seal(std::move(envelope));
}

EnvelopePtr passing_from(FuzzInput& input, Company& company) {
  Envelope envelope;
  envelope.envelope_class = EnvelopeClass::kPassing;
  envelope.kind = static_cast<std::uint16_t>(Kind::kSuspect);
  envelope.mesh = company.mesh;
  envelope.author = company.key(member_from(input, company));
  envelope.epoch = 1;
  envelope.wall_ms = company.now.wall_ms + input.byte();
  SuspectBody body;
  for (std::size_t i = 1 + input.byte() % 3; i > 0; --i)
    body.items.push_back(
        {company.key(member_from(input, company)), 1 + number_from(input), 1 + number_from(input)});
  envelope.body = encode_suspect_body(body);
  if (input.byte() % 8 == 0) envelope.kind = static_cast<std::uint16_t>(Kind::kDirectNotice);
  return Company::seal(std::move(envelope));
}

EnvelopePtr raw_envelope_from(FuzzInput& input) {
  const ByteView bytes = input.take(input.below(2000));
  auto envelope = decode_envelope(bytes);
  return envelope ? Company::seal(*std::move(envelope)) : nullptr;
}

void write_envelope(FuzzInput& input, Company& company) {
  const std::uint8_t choices = input.byte();
  const std::uint32_t neighbor = neighbor_from(input);
  const std::uint8_t what = choices % 8;
  const EnvelopePtr envelope = what < 4    ? log_from(input, company)
                               : what == 4 ? member_record_from(input, company)
                               : what == 5 ? record_from(input, company)
                               : what == 6 ? passing_from(input, company)
                                           : raw_envelope_from(input);
  company.receive(neighbor, envelope, (choices & 8) == 0, choices >> 4);
}

void say_again(FuzzInput& input, Company& company) {
  const auto& envelope = company.known[input.byte() % company.known.size()];
  company.receive(neighbor_from(input), envelope, input.byte() % 2 == 0, input.byte());
}

// What neighbors say.

Bytes broadcast_frame(FuzzInput& input, Company& company) {
  const std::uint8_t what = input.byte() % 4;
  if (what == 0) {
    IHave said;
    for (const EnvelopeId& id : ids_from(input, company)) said.items.push_back({id, input.byte()});
    return encode_frame_of(said);
  }
  if (what == 1) return encode_frame_of(Graft{ids_from(input, company)});
  if (what == 2) return encode_frame_of(Taken{ids_from(input, company)});
  Prune prune;
  if (input.byte() % 2 == 0) prune.author = company.key(member_from(input, company));
  return encode_frame_of(prune);
}

Bytes heartbeat_frame(FuzzInput& input, const Company& company) {
  if (input.byte() % 4 == 0) return encode_pong(number_from(input));
  Ping ping = company.pinged;  // it holds what the node held then
  const std::uint8_t choices = input.byte();
  ping.token = choices & 1;
  if ((choices & 2) != 0) ping.root ^= number_from(input);
  if ((choices & 4) != 0) ping.as_of_ms = kAsOfAll;
  ping.repaired = (choices & 8) != 0;
  if ((choices & 16) != 0)
    ping.place = TreePlace{static_cast<std::uint16_t>(number_from(input)),
                           static_cast<std::uint16_t>(number_from(input) % kTreeDistanceMax), input.byte(),
                           (choices & 32) != 0};
  return encode_ping(ping);
}

Bytes membership_frame(FuzzInput& input) {
  const std::uint8_t what = input.byte() % 5;
  if (what == 0)
    return encode_frame_of(ForwardJoin{peer_from(input), static_cast<std::uint8_t>(input.byte() % 8)});
  if (what == 1)
    return encode_frame_of(
        NeighborRequest{static_cast<NeighborPriority>(input.byte() % 6), kAsOfAll, number_from(input)});
  if (what == 2) return encode_frame_of(NeighborReply{input.byte() % 2 == 0});
  std::vector<PeerEntry> peers;
  for (std::size_t i = input.byte() % 6; i > 0; --i) peers.push_back(peer_from(input));
  const NodeKey origin = Company::node_key(input.byte() % 12);
  const auto id = static_cast<std::uint32_t>(number_from(input));
  if (what == 3) return encode_frame_of(ShuffleReply{origin, id, std::move(peers)});
  return encode_frame_of(Shuffle{origin, id, static_cast<std::uint8_t>(input.byte() % 8), std::move(peers)});
}

Bytes sponsor_frame(FuzzInput& input, const Company& company) {
  const std::string name =
      input.byte() % 2 == 0 ? "Zoe" : "Member" + std::to_string(input.byte() % company.members);
  const std::uint32_t number = 1 + input.byte() % 12;
  if (input.byte() % 2 == 0)
    return encode_frame_of(SponsorRequest{key_of(number), name, {id_from(input, company)}});
  SponsorReply reply;
  reply.verdict = static_cast<SponsorVerdict>(input.byte() % 3);
  reply.sponsor = key_of(number);
  reply.depth = number_from(input);
  reply.heads = {id_from(input, company)};
  return encode_frame_of(reply);
}

Bytes listing_frame(FuzzInput& input, Company& company) {
  SyncListing said;
  said.session = session_from(input, company);
  said.last = input.byte() % 4 != 0;
  said.differing.fill(input.byte() % 4 == 0 ? input.byte() : 0xFF);
  for (std::size_t i = input.byte() % 5; i > 0; --i) {
    HeldLog log{company.key(member_from(input, company)), 1, company.now.wall_ms, number_from(input), {}};
    const std::uint64_t first = 1 + number_from(input) % 64;
    log.intervals = {{first, first + input.byte() % 16}};
    said.logs.push_back(std::move(log));
  }
  for (std::size_t i = input.byte() % 4; i > 0; --i) {
    HeldRecord record;
    record.author = company.key(member_from(input, company));
    record.kind = static_cast<std::uint16_t>(Kind::kMember);
    record.epoch = 1;
    record.version = number_from(input);
    record.id = id_from(input, company);
    record.offline = input.byte() % 2 == 0;
    said.records.push_back(std::move(record));
  }
  for (std::size_t i = input.byte() % 2; i > 0; --i)
    said.gone.push_back({company.key(member_from(input, company)), 1, 1 + number_from(input) % 64, 80});
  return encode_frame_of(said);
}

/// Some, ascending.
std::vector<std::uint8_t> buckets_from(FuzzInput& input) {
  std::vector<std::uint8_t> buckets{input.byte()};
  while (buckets.size() < 4 && input.byte() % 2 == 0 && buckets.back() < 200)
    buckets.push_back(static_cast<std::uint8_t>(buckets.back() + 1 + input.byte() % 50));
  return buckets;
}

Bytes repair_frame(FuzzInput& input, Company& company) {
  const std::uint8_t what = input.byte() % 7;
  const std::uint32_t session = session_from(input, company);
  if (what == 0) {
    SyncDigest said{session, kAsOfAll, {}};
    for (auto& bucket : said.buckets) bucket = input.byte() % 2 == 0 ? 0 : number_from(input);
    return encode_frame_of(said);
  }
  if (what == 1) {
    SyncBranch said{session, {}};
    for (const std::uint8_t bucket : buckets_from(input))
      said.buckets.push_back({bucket, {number_from(input)}});
    return encode_frame_of(said);
  }
  if (what == 2) {
    SyncDescend said{session, {}};
    for (const std::uint8_t bucket : buckets_from(input))
      said.buckets.push_back({bucket, static_cast<std::uint16_t>(1 + input.byte())});
    return encode_frame_of(said);
  }
  if (what == 3) return listing_frame(input, company);
  if (what == 4) {
    SyncRequest said{session, {}, {}};
    for (std::size_t i = input.byte() % 4; i > 0; --i) {
      const std::uint64_t first = 1 + number_from(input) % 64;
      said.ranges.push_back({company.key(member_from(input, company)), 1, first, first + input.byte() % 64});
    }
    for (std::size_t i = input.byte() % 3; i > 0; --i)
      said.records.push_back({company.key(member_from(input, company)), 1, {}});
    return encode_frame_of(said);
  }
  if (what == 5) {
    const std::uint64_t first = 1 + number_from(input) % 64;
    return encode_frame_of(SyncGone{session,
                                    company.key(member_from(input, company)),
                                    1,
                                    {{first, first + input.byte() % 16, number_from(input)}}});
  }
  return encode_frame_of(SyncDone{session, input.byte(), input.byte() % 2 == 0});
}

void say(FuzzInput& input, Company& company) {
  const std::uint32_t neighbor = neighbor_from(input);
  const std::uint8_t what = input.byte() % 8;
  if (what == 0) return company.say(neighbor, broadcast_frame(input, company));
  if (what == 1) return company.say(neighbor, heartbeat_frame(input, company));
  if (what == 2) return company.say(neighbor, membership_frame(input));
  if (what == 3) return company.say(neighbor, sponsor_frame(input, company));
  if (what == 4)
    return company.say(neighbor, encode_frame_of(Close{static_cast<CloseReason>(1 + input.byte() % 4)}));
  if (what < 7) {
    const bool is_answer = input.byte() % 4 != 0;
    return company.say(is_answer ? company.compared_with : neighbor, repair_frame(input, company));
  }
  const auto type = static_cast<FrameType>(input.byte());
  company.handle(FrameReceived{company.links[neighbor], type, input.take(input.below(2000))});
}

// What happens at home.

void act_at_home(FuzzInput& input, Company& company) {
  Node& node = company.node();
  const std::string room = kRooms[input.byte() % std::size(kRooms)];
  const std::string said = "own " + std::to_string(input.byte());
  const std::uint8_t what = input.byte() % 6;
  const bool may_speak = !node.restriction_on(company.key(0), room, company.now.wall_ms);
  if (what < 2 && node.can_take_text() && may_speak) company.handle(SendText{1, room, said});
  if (what == 2 && node.can_take_text() && may_speak) company.handle(SetTopic{1, room, said});
  if (what == 3) company.handle(ChangeName{1, "Alice" + std::to_string(input.byte())});
  if (what == 4) company.handle(SetDiscoverable{input.byte() % 4 != 0});
  if (what < 5) return;
  WriteAct act;
  act.token = 1;
  act.verb = static_cast<ActVerb>(2 + input.byte() % 7);
  act.room = input.byte() % 2 == 0 ? room : std::string();
  act.subject = company.key(1 + input.byte() % company.members);
  if (node.check_act(act) == ActVerdict::kAllowed) company.handle(act);
}

void answer_dial(FuzzInput& input, Company& company) {
  if (company.dials.empty()) return;
  const Dial dial = company.dials.front();
  company.dials.pop_front();
  for (std::uint32_t number = 1; number <= company.members; ++number) {
    if (Company::node_key(number) != dial.node || input.byte() % 2 == 0) continue;
    return company.bring_up(number, true);
  }
  company.handle(DialFailed{dial.node, dial.address});
}

void step(FuzzInput& input, Company& company) {
  const std::uint8_t what = input.byte() % 16;
  if (what < 5) return write_envelope(input, company);
  if (what == 5) return say_again(input, company);
  if (what < 11) return say(input, company);
  if (what == 11) return act_at_home(input, company);
  if (what == 12) return answer_dial(input, company);
  if (what == 13) return company.bring_up(neighbor_from(input), false);
  if (what == 14) {
    company.store_waits = input.byte() % 4 == 0;
    return;
  }
  const std::uint8_t span = input.byte();
  company.pass(span < 192 ? Duration(10ms * span) : Duration(250ms * (span - 184)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  Company company(input.byte() % 2 == 0 ? kMembersFew : kMembersMany);
  for (int i = 0; i < kStepsMax && !input.empty(); ++i) {
    step(input, company);
    company.end_turn();
  }
  company.store_waits = false;
  company.pass(1s);
  demand(!company.node().members().empty() && company.node().links().size() <= limits::kLinksMax);
  return 0;
}
