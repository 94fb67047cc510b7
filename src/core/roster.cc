#include "roster.h"

#include <algorithm>
#include <tuple>

#include "p2pmesh/base/check.h"
#include "p2pmesh/base/planted.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/text/name.h"

namespace p2pmesh {
namespace {

/// Of two claims to one name the better one holds it: backed before not, lower depth, smaller id.
bool holds_over(const MemberFacts& a, const MemberFacts& b) {
  if (P2P_PLANTED(LateClaimWins)) return a.claim_depth > b.claim_depth;
  return std::make_tuple(!a.claim_backed, a.claim_depth, a.claim_id) <
         std::make_tuple(!b.claim_backed, b.claim_depth, b.claim_id);
}

std::string suffix_of(const MemberKey& key) {
  return "~" + key.hex().substr(0, 4);
}

std::string shown_name_of(const MemberRow& row) {
  if (row.facts->name_hash == 0) return suffix_of(row.key());
  return row.holds_name ? row.facts->name : row.facts->name + suffix_of(row.key());
}

RecordVersion version_of(const MemberFacts& facts) {
  return {facts.epoch, facts.version, facts.record};
}

std::size_t bucket_of(const MemberKey& member) {
  return HeldDigest::bucket_of(member);
}
/// So that a search reads the rows alone; the keys themselves lie elsewhere.
std::uint64_t key_order_of(const MemberKey& member) {
  std::uint64_t order = 0;
  for (std::size_t i = 1; i <= 8; ++i) order = order << 8 | member.bytes[i];
  return order;
}
std::size_t name_bucket_of(std::uint64_t hash) {
  return hash >> 56;
}

/// What the belief that a member is gone adds to the digest: neighbors that believe different things compare.
std::uint64_t offline_share(const MemberFacts& facts) {
  return (id_digest(facts.record) ^ 0x6f66666c696e6521ULL) * 0x9e3779b97f4a7c15ULL;
}

}  // namespace

std::size_t Roster::position_of(const MemberKey& member) const {
  const auto& rows = rows_.at(bucket_of(member));
  const std::uint64_t order = key_order_of(member);
  const auto place =
      std::lower_bound(rows.begin(), rows.end(), member, [order](const MemberRow& row, const MemberKey& key) {
        return row.key_order != order ? row.key_order < order : row.key() < key;
      });
  return static_cast<std::size_t>(place - rows.begin());
}

const MemberRow* Roster::find(const MemberKey& member) const {
  const auto& rows = rows_.at(bucket_of(member));
  const std::size_t position = position_of(member);
  return position < rows.size() && rows[position].key() == member ? &rows[position] : nullptr;
}

MemberRow* Roster::edit(const MemberKey& member) {
  const std::size_t position = position_of(member);
  auto& rows = rows_.edit(bucket_of(member));
  return position < rows.size() && rows[position].key() == member ? &rows[position] : nullptr;
}

void Roster::count(const MemberRow& row, bool in) {
  if (!row.facts->well_formed) return;
  const auto add = [in](std::size_t& counter) { in ? ++counter : --counter; };
  add(counts_.members);
  if (row.presence == Presence::kOnline) add(counts_.online);
  if (row.presence == Presence::kOffline) add(counts_.offline);
  if (row.presence == Presence::kUnknown && row.facts->online) add(counts_.unknown);
}

void Roster::index_node(const MemberFacts& facts, bool in) {
  if (!facts.other_node) return;
  if (in) {
    by_other_node_[*facts.other_node].insert(facts.key);
    return;
  }
  auto found = by_other_node_.find(*facts.other_node);
  if (found == by_other_node_.end()) return;
  found->second.erase(facts.key);
  if (found->second.empty()) by_other_node_.erase(found);
}

bool Roster::can_accept(const MemberKey& member) const {
  return row_count_ < limits::kMembersMax || find(member) != nullptr;
}

AcceptResult Roster::accept(const SealedEnvelope& record, std::vector<Rename>& renames) {
  const Envelope& envelope = record.envelope;
  const MemberRow* known = find(envelope.author);
  const RecordVersion version{envelope.epoch, envelope.version, record.id};
  if (known != nullptr && !version.is_newer_than(version_of(*known->facts))) return AcceptResult::kAlready;
  if (known == nullptr && row_count_ >= limits::kMembersMax) return AcceptResult::kTooMany;
  MemberFactsPtr facts =
      read_member_facts(record, mesh_, verifier_, known != nullptr ? known->facts.get() : nullptr);
  MemberFactsPtr before;
  MemberRow* row = nullptr;
  std::string shown_before;
  if (known == nullptr) {
    MemberRow fresh;
    fresh.facts = facts;
    fresh.key_order = key_order_of(envelope.author);
    ++row_count_;
    row = &rows_.insert(bucket_of(envelope.author), position_of(envelope.author), std::move(fresh));
  } else {
    row = edit(envelope.author);
    before = row->facts;
    shown_before = shown_name_of(*row);
    if (row->presence == Presence::kOffline) {
      digest_.restore(envelope.author, offline_share(*before) ^ offline_share(*facts));
    }
    count(*row, false);
    index_node(*before, false);
    row->facts = facts;
  }
  count(*row, true);
  index_node(*facts, true);

  const bool same_name =
      before && before->claim_id == facts->claim_id && before->name_hash == facts->name_hash;
  if (same_name) return AcceptResult::kNew;
  row->holds_name = false;
  if (before && before->name_hash != 0) {
    drop_name(*before);
    if (before->name_hash != facts->name_hash) settle_name(before->name_hash, before->name, nullptr, renames);
  }
  add_name(*facts, &facts->key, renames);
  const std::string shown = shown_name(envelope.author);
  if (before && before->well_formed && shown != shown_before)
    renames.push_back({envelope.author, shown_before, shown});
  return AcceptResult::kNew;
}

void Roster::add_name(const MemberFacts& facts, const MemberKey* newcomer, std::vector<Rename>& renames) {
  if (facts.name_hash == 0) return;
  const NameRow added{facts.name_hash, facts.key};
  const auto& names = names_.at(name_bucket_of(added.hash));
  const auto place = std::lower_bound(names.begin(), names.end(), added);
  names_.insert(name_bucket_of(added.hash), static_cast<std::size_t>(place - names.begin()), added);
  settle_name(facts.name_hash, facts.name, newcomer, renames);
}

void Roster::drop_name(const MemberFacts& facts) {
  const NameRow gone{facts.name_hash, facts.key};
  auto& names = names_.edit(name_bucket_of(gone.hash));
  const auto place = std::lower_bound(names.begin(), names.end(), gone);
  if (place != names.end() && *place == gone) names.erase(place);
}

void Roster::revoke(const MemberKey& member, const Now& now, std::vector<Rename>& renames) {
  if (const MemberRow* known = find(member); known == nullptr || known->revoked) return;
  set_presence(member, Presence::kLeft, now);
  MemberRow* row = edit(member);
  digest_.toggle(member, share_of(*row), 0, now.monotonic);
  row->revoked = true;
  row->suspicion = 0;
  row->holds_name = false;
  const MemberFactsPtr facts = row->facts;
  index_node(*facts, false);
  if (facts->name_hash == 0) return;
  drop_name(*facts);
  settle_name(facts->name_hash, facts->name, nullptr, renames);
}

void Roster::give_back(const MemberKey& member, Instant now, std::vector<Rename>& renames) {
  if (const MemberRow* known = find(member); known == nullptr || !known->revoked) return;
  MemberRow* row = edit(member);
  row->revoked = false;
  digest_.toggle(member, share_of(*row), 0, now);
  const MemberFactsPtr facts = row->facts;
  index_node(*facts, true);
  add_name(*facts, nullptr, renames);
}

void Roster::hold(const SealedEnvelope& record, Instant now) {
  const MemberRow* known = find(record.envelope.author);
  // An older version that commits late is on the disk no more.
  if (known == nullptr || known->facts->record != record.id) return;
  const std::uint64_t share = id_digest(record.id);
  if (known->held_share == share || known->revoked) return;
  MemberRow* row = edit(record.envelope.author);
  if (!P2P_PLANTED(RecordsNotInDigest))
    digest_.toggle(record.envelope.author, row->held_share ^ share, record.envelope.wall_ms, now);
  row->held_share = share;
}

void Roster::restore(const SealedEnvelope& record) {
  std::vector<Rename> renames;
  if (accept(record, renames) != AcceptResult::kNew) return;
  MemberRow* row = edit(record.envelope.author);
  digest_.restore(record.envelope.author, row->held_share ^ id_digest(record.id));
  row->held_share = id_digest(record.id);
}

void Roster::set_presence(const MemberKey& member, Presence presence, const Now& now) {
  const MemberRow* known = find(member);
  if (known == nullptr || known->presence == presence || known->revoked) return;
  MemberRow* row = edit(member);
  if ((row->presence == Presence::kOffline) != (presence == Presence::kOffline)) {
    digest_.toggle(member, offline_share(*row->facts), now.wall_ms, now.monotonic);
  }
  count(*row, false);
  row->presence = presence;
  if (presence == Presence::kOffline) row->offline_since_ms = now.wall_ms;
  count(*row, true);
}

void Roster::set_suspicion(const MemberKey& member, std::uint32_t number) {
  const MemberRow* known = find(member);
  if (known != nullptr && known->suspicion != number) edit(member)->suspicion = number;
}

std::vector<MemberKey> Roster::hosted_by(const NodeKey& node) const {
  std::vector<MemberKey> hosted;
  const MemberRow* same = find(MemberKey{node.bytes});
  if (same != nullptr && same->facts->well_formed && !same->facts->other_node && !same->revoked)
    hosted.push_back(same->key());
  auto others = by_other_node_.find(node);
  if (others != by_other_node_.end())
    hosted.insert(hosted.end(), others->second.begin(), others->second.end());
  return hosted;
}

const MemberRow* Roster::first_online() const {
  for (std::size_t bucket = 0; bucket < Rows::kBuckets; ++bucket) {
    for (const MemberRow& row : rows_.at(bucket)) {
      if (row.presence == Presence::kOnline) return &row;
    }
  }
  return nullptr;
}

/// Who claims a name: equal hashes are compared once more as names, since a hash can be sought for.
std::vector<MemberKey> Roster::claimants(std::uint64_t hash, const std::string& name) const {
  std::vector<MemberKey> keys;
  const auto& names = names_.at(name_bucket_of(hash));
  auto row = std::lower_bound(names.begin(), names.end(), NameRow{hash, MemberKey{}});
  for (; row != names.end() && row->hash == hash; ++row) keys.push_back(row->member);
  if (keys.size() <= 1) return keys;
  const std::string wanted = name_key(name);
  std::erase_if(keys, [&](const MemberKey& key) { return name_key(find(key)->facts->name) != wanted; });
  return keys;
}

/// Finds the holder of a name and the shown names of all who claim it.
void Roster::settle_name(std::uint64_t hash, const std::string& name, const MemberKey* newcomer,
                         std::vector<Rename>& renames) {
  const std::vector<MemberKey> keys = claimants(hash, name);
  const MemberFacts* holder = nullptr;
  for (const MemberKey& key : keys) {
    const MemberFacts& facts = *find(key)->facts;
    if (P2P_PLANTED(NameByArrival) && find(key)->holds_name) {
      holder = &facts;
      break;
    }
    if (holder == nullptr || holds_over(facts, *holder)) holder = &facts;
  }
  for (const MemberKey& key : keys) {
    const bool holds = key == holder->key;
    if (find(key)->holds_name == holds) continue;
    MemberRow* row = edit(key);
    const std::string before = shown_name_of(*row);
    row->holds_name = holds;
    if (newcomer == nullptr || key != *newcomer) renames.push_back({key, before, shown_name_of(*row)});
  }
}

bool Roster::is_held_by_another(const std::string& name, const MemberKey& member) const {
  const std::uint64_t hash = hash_tagged_64("name", as_bytes(name_key(name))) | 1;
  for (const MemberKey& key : claimants(hash, name)) {
    if (key != member && name_key(find(key)->facts->name) == name_key(name)) return true;
  }
  return false;
}

std::string Roster::shown_name(const MemberKey& member) const {
  const MemberRow* row = find(member);
  return row == nullptr || !row->facts->well_formed ? suffix_of(member) : shown_name_of(*row);
}

HeldRecord Roster::held_record_of(const MemberRow& row) {
  HeldRecord record;
  record.author = row.key();
  record.kind = static_cast<std::uint16_t>(Kind::kMember);
  record.epoch = row.facts->epoch;
  record.version = row.facts->version;
  record.id = row.facts->record;
  record.offline = row.presence == Presence::kOffline;
  return record;
}

std::uint64_t Roster::share_of(const MemberRow& row) {
  if (row.revoked) return 0;
  return row.presence == Presence::kOffline ? row.held_share ^ offline_share(*row.facts) : row.held_share;
}

void Roster::adopt(const Tables& tables) {
  P2P_CHECK(counts_.members == 0);
  rows_ = tables.rows;
  names_ = tables.names;
  by_other_node_ = tables.by_other_node;
  counts_ = tables.counts;
  row_count_ = tables.row_count;
  for_each([&](const MemberRow& row) { digest_.restore(row.key(), share_of(row)); });
}

}  // namespace p2pmesh
