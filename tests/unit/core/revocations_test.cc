// Which revocations are kept, and how far what a revoked key has signed counts: by their set alone.
#include "revocations.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "p2pmesh/base/limits.h"

namespace p2pmesh::test {
namespace {

MemberKey numbered(std::uint32_t number) {
  MemberKey key;
  for (std::size_t i = 0; i < 4; ++i) key.bytes[i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return key;
}

struct Published {
  EnvelopePtr record;
  Revocation revocation;
};

Published publish(const MemberKey& key, const MemberKey& author, LogCut cut, std::mt19937& random) {
  Published published;
  published.revocation.key = key;
  published.revocation.cut = std::move(cut);
  auto record = std::make_shared<SealedEnvelope>();
  record->envelope.envelope_class = EnvelopeClass::kRecord;
  record->envelope.kind = static_cast<std::uint16_t>(Kind::kRevocation);
  record->envelope.author = author;
  record->envelope.subject = revocation_subject(published.revocation);
  record->envelope.body = encode_revocation(published.revocation);
  for (std::size_t i = 0; i < 8; ++i) record->id.bytes[i] = static_cast<std::uint8_t>(random());
  published.record = std::move(record);
  return published;
}

/// What is kept of them, given in this order.
std::pair<std::set<EnvelopeId>, std::map<MemberKey, LogCut>> kept_of(const std::vector<Published>& all,
                                                                     const MemberKey& founder) {
  Revocations revocations;
  revocations.note_founder(founder);
  std::set<EnvelopeId> ids;
  for (const Published& one : all) {
    if (!revocations.keeps(*one.record, one.revocation)) continue;
    ids.insert(one.record->id);
    for (const EnvelopePtr& gone : revocations.add(one.record, one.revocation)) ids.erase(gone->id);
  }
  std::map<MemberKey, LogCut> cuts;
  for (const MemberKey& key : revocations.keys()) cuts[key] = *revocations.cut_of(key);
  CHECK(revocations.size() <= limits::kRevocationsMax);
  return {ids, cuts};
}

TEST_CASE("TheSameRevocationsAreKeptInEveryOrder") {
  std::mt19937 random(11);
  const MemberKey founder = numbered(7);
  std::vector<Published> all;
  const auto some_cut = [&] {
    LogCut cut;
    for (std::uint64_t epoch = 3; epoch >= 1; --epoch) {
      if (random() % 3 != 0) cut.epochs.emplace_back(epoch, 1 + random() % 9);
    }
    return cut;
  };
  for (std::uint32_t i = 0; i < limits::kRevocationsMax + 200; ++i)
    all.push_back(
        publish(numbered(static_cast<std::uint32_t>(random())), numbered(1 + i % 20), some_cut(), random));
  // Some by many, and the greatest keys of all by the founder.
  for (std::uint32_t i = 0; i < 100; ++i) {
    for (std::uint32_t author = 100; author < 110; ++author)
      all.push_back(publish(all[i].revocation.key, numbered(author), some_cut(), random));
    all.push_back(publish(numbered(0xffffff00 + i), founder, some_cut(), random));
  }
  const auto expected = kept_of(all, founder);
  CHECK(expected.second.size() == limits::kRevocationsMax);
  for (std::uint32_t i = 0; i < 100; ++i) CHECK(expected.second.contains(numbered(0xffffff00 + i)));
  for (int order = 0; order < 10; ++order) {
    std::shuffle(all.begin(), all.end(), random);
    CHECK((kept_of(all, founder) == expected));
  }
}

TEST_CASE("WhatIsBeyondTheCutOfAnyPublisherIsRefused") {
  std::mt19937 random(12);
  Revocations revocations;
  const auto add = [&](std::uint32_t author, LogCut cut) {
    const Published one = publish(numbered(1), numbered(author), std::move(cut), random);
    if (revocations.keeps(*one.record, one.revocation)) revocations.add(one.record, one.revocation);
  };
  add(2, {{{9, 1000}, {5, 10}}});
  CHECK_FALSE(revocations.cut_of(numbered(1))->is_beyond(9, 1000));
  add(3, {{{5, 20}, {4, 3}}});
  CHECK(*revocations.cut_of(numbered(1)) == LogCut{{{5, 10}}});
  // Where more are published than are kept, nothing of the key counts.
  for (std::uint32_t author = 10; author < 30; ++author) add(author, {{{9, 2000}, {5, 2000}, {4, 2000}}});
  CHECK(*revocations.cut_of(numbered(1)) == LogCut{});
}

TEST_CASE("NobodyPutsAWiderCutInThePlaceOfANarrowOne") {
  std::mt19937 random(13);
  const Published narrow = publish(numbered(1), numbered(2), {{{5, 10}}}, random);
  std::vector<Published> all{narrow};
  for (std::uint32_t author = 10; author < 14; ++author) {
    all.push_back(publish(numbered(1), numbered(author), {{{5, 9}}}, random));
    all.push_back(publish(numbered(1), numbered(author), {{{9, UINT64_MAX}, {5, UINT64_MAX}}}, random));
  }
  for (int order = 0; order < 10; ++order) {
    std::shuffle(all.begin(), all.end(), random);
    CHECK(kept_of(all, numbered(7)).second.at(numbered(1)) == LogCut{});
  }
  // Nor with cuts of fewer epochs; but what the founder has published holds whoever publishes others.
  const Published by_founder = publish(numbered(1), numbered(7), {{{8, 3}, {5, 10}, {4, 1}}}, random);
  std::vector<Published> others{by_founder};
  for (std::uint32_t author = 10; author < 20; ++author)
    others.push_back(publish(numbered(1), numbered(author), {{{9, UINT64_MAX - author}}}, random));
  for (int order = 0; order < 10; ++order) {
    std::shuffle(others.begin(), others.end(), random);
    const LogCut cut = kept_of(others, numbered(7)).second.at(numbered(1));
    CHECK(cut.is_beyond(9, 1));
    CHECK(cut.is_beyond(5, 11));
  }
  // What is about the key alone says nothing of a cut.
  CHECK(revocation_subject({numbered(1), {}, {}}).size() == MemberKey::kSize);
  CHECK(narrow.record->envelope.subject.size() == 2 * MemberKey::kSize);
  CHECK(narrow.record->envelope.subject != all.back().record->envelope.subject);
}

}  // namespace
}  // namespace p2pmesh::test
