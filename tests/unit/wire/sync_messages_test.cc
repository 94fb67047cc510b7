#include <numeric>

#include "p2pmesh/wire/codec.h"
#include "p2pmesh/wire/messages.h"
#include "samples.h"

using namespace p2pmesh;
using namespace p2pmesh::test;

namespace {

constexpr std::uint64_t kHalf = 1ULL << 63;

HeldLog log_of(std::vector<std::pair<std::uint64_t, std::uint64_t>> intervals) {
  return {id_from<MemberKey>(1), 2, 3, 0xfedcba9876543210, std::move(intervals)};
}

SyncListing listing_of() {
  SyncListing listing;
  listing.session = 5;
  listing.last = true;
  listing.differing[3] = 0x81;
  listing.logs = {log_of({{1, 3}, {5, 5}, {9, kHalf - 1}}), log_of({})};
  listing.records = {{id_from<MemberKey>(2), 1, {7, 8}, 4, 5, id_from<EnvelopeId>(6), true},
                     {id_from<MemberKey>(3), 1, {}, 4, 5, id_from<EnvelopeId>(7), false}};
  listing.gone = {{id_from<MemberKey>(4), 5, 6, 7}};
  return listing;
}

SyncBranch branch_of(const std::vector<std::uint8_t>& numbers) {
  SyncBranch branch;
  branch.session = 5;
  for (const std::uint8_t number : numbers) {
    branch.buckets.push_back({number, {}});
    for (std::size_t i = 0; i < limits::kDigestLeaves; ++i)
      branch.buckets.back().leaves[i] = (number + i) * 0x0101010101010101ULL;
  }
  return branch;
}

bool is_taken(HeldLog log) {
  SyncListing listing;
  listing.logs.push_back(std::move(log));
  return decode_sync_listing(payload(listing)).has_value();
}

bool is_taken(const SyncRequest::Range& range) {
  SyncRequest request;
  request.ranges.push_back(range);
  return decode_sync_request(payload(request)).has_value();
}

}  // namespace

TEST_CASE("a digest comes back with all its buckets") {
  SyncDigest digest;
  digest.session = 0xfffffffe;
  digest.as_of_ms = 0x0102030405060708;
  for (std::size_t i = 0; i < digest.buckets.size(); ++i) digest.buckets[i] = i * 0x0101010101010101ULL;
  const auto got = decode_sync_digest(payload(digest));
  REQUIRE(got);
  CHECK(got->session == digest.session);
  CHECK(got->as_of_ms == digest.as_of_ms);
  CHECK(got->buckets == digest.buckets);
  CHECK(decode_sync_digest(payload(SyncDigest{}))->as_of_ms == kAsOfAll);
  CHECK(payload(digest).size() == 4 + 8 + 256 * 8);
  CHECK_FALSE(decode_sync_digest(Bytes(4 + 8 + 255 * 8)));
  CHECK_FALSE(decode_sync_digest(Bytes(4 + 8 + 257 * 8)));
  CHECK(encode_frame_of(digest)[4] == 12);
}

TEST_CASE("a branch comes back with the sums of its leaves") {
  const auto got = decode_sync_branch(payload(branch_of({0, 7, 255})));
  REQUIRE(got);
  CHECK(got->session == 5);
  REQUIRE(got->buckets.size() == 3);
  CHECK(got->buckets[1].number == 7);
  CHECK(got->buckets[1].leaves == branch_of({7}).buckets[0].leaves);
  CHECK(payload(branch_of({7})).size() == 4 + 2 + 1 + 16 * 8);
  CHECK(encode_frame_of(branch_of({7}))[4] == 25);
  check_canonical(payload(branch_of({3, 4})), decode_sync_branch, payload<SyncBranch>);
}

TEST_CASE("a branch has 1 to 256 buckets, in ascending order") {
  CHECK_FALSE(decode_sync_branch(payload(branch_of({}))));
  CHECK_FALSE(decode_sync_branch(payload(branch_of({7, 7}))));
  CHECK_FALSE(decode_sync_branch(payload(branch_of({8, 7}))));
  std::vector<std::uint8_t> all(256);
  std::iota(all.begin(), all.end(), std::uint8_t{0});
  CHECK(decode_sync_branch(payload(branch_of(all))));
  CHECK(encode_frame_of(branch_of(all)).size() - 4 <= limits::kFrameBytesMax);
  all.push_back(255);
  CHECK_FALSE(decode_sync_branch(payload(branch_of(all))));
  CHECK_FALSE(decode_sync_branch(Writer().u32(1).u16(0xffff).raw(Bytes(129)).bytes()));
}

TEST_CASE("a descend comes back and has one encoding") {
  const SyncDescend descend{6, {{0, 0x8001}, {7, 1}, {255, 0xffff}}};
  const auto got = decode_sync_descend(payload(descend));
  REQUIRE(got);
  CHECK(got->session == 6);
  REQUIRE(got->buckets.size() == 3);
  CHECK(got->buckets[0].number == 0);
  CHECK(got->buckets[0].leaves == 0x8001);
  CHECK(got->buckets[2].number == 255);
  CHECK(got->buckets[2].leaves == 0xffff);
  CHECK(encode_frame_of(descend)[4] == 26);
  check_canonical(payload(descend), decode_sync_descend, payload<SyncDescend>);
}

TEST_CASE("a descend names buckets once, in ascending order, each with a leaf") {
  CHECK(decode_sync_descend(payload(SyncDescend{1, {}})));
  CHECK_FALSE(decode_sync_descend(payload(SyncDescend{1, {{7, 0}}})));
  CHECK_FALSE(decode_sync_descend(payload(SyncDescend{1, {{7, 1}, {7, 2}}})));
  CHECK_FALSE(decode_sync_descend(payload(SyncDescend{1, {{8, 1}, {7, 1}}})));
  SyncDescend all{1, {}};
  for (unsigned i = 0; i < 256; ++i) all.buckets.push_back({static_cast<std::uint8_t>(i), 1});
  CHECK(decode_sync_descend(payload(all)));
  all.buckets.push_back({255, 1});
  CHECK_FALSE(decode_sync_descend(payload(all)));
  CHECK_FALSE(decode_sync_descend(Writer().u32(1).u16(0xffff).raw(Bytes(3)).bytes()));
}

TEST_CASE("a listing comes back with logs and records") {
  const SyncListing listing = listing_of();
  const auto got = decode_sync_listing(payload(listing));
  REQUIRE(got);
  CHECK(got->session == 5);
  CHECK(got->last);
  CHECK(got->differing == listing.differing);
  REQUIRE(got->logs.size() == 2);
  CHECK(got->logs[0].author == listing.logs[0].author);
  CHECK(got->logs[0].epoch == 2);
  CHECK(got->logs[0].newest_wall_ms == 3);
  CHECK(got->logs[0].ids_digest == 0xfedcba9876543210);
  CHECK(got->logs[0].intervals == listing.logs[0].intervals);
  REQUIRE(got->records.size() == 2);
  CHECK(got->records[0].subject == Bytes{7, 8});
  CHECK(got->records[0].version == 5);
  CHECK(got->records[0].id == listing.records[0].id);
  CHECK(got->records[0].offline);
  CHECK_FALSE(got->records[1].offline);
  CHECK(encode_frame_of(listing)[4] == 13);
}

TEST_CASE("a listing has one encoding") {
  check_canonical(payload(listing_of()), decode_sync_listing, payload<SyncListing>);
}

TEST_CASE("intervals begin at 1, ascend, do not touch and stay below 2^63") {
  CHECK(is_taken(log_of({{1, 1}, {3, 4}})));
  CHECK(is_taken(log_of({{kHalf - 1, kHalf - 1}})));
  CHECK_FALSE(is_taken(log_of({{0, 1}})));
  CHECK_FALSE(is_taken(log_of({{2, 1}})));
  CHECK_FALSE(is_taken(log_of({{1, 2}, {3, 4}})));
  CHECK_FALSE(is_taken(log_of({{1, 2}, {2, 4}})));
  CHECK_FALSE(is_taken(log_of({{5, 6}, {1, 2}})));
  CHECK_FALSE(is_taken(log_of({{1, kHalf}})));
  CHECK_FALSE(is_taken(log_of({{1, UINT64_MAX}})));
  CHECK_FALSE(is_taken(log_of({{1, UINT64_MAX}, {1, 2}})));
}

TEST_CASE("counts beyond the end of a listing are refused") {
  Writer logs;
  logs.u32(1).u8(1).raw(Bytes(32)).u16(0xffff);
  CHECK_FALSE(decode_sync_listing(logs.bytes()));
  Writer intervals;
  intervals.u32(1).u8(1).raw(Bytes(32)).u16(1).raw(Bytes(56)).u16(0xffff).raw(Bytes(16)).u16(0);
  CHECK_FALSE(decode_sync_listing(intervals.bytes()));
}

TEST_CASE("subjects of 64 bytes pass and of 65 do not") {
  SyncListing listing = listing_of();
  SyncRequest request;
  request.records = {{id_from<MemberKey>(1), 1, Bytes(limits::kSubjectBytesMax, 1)}};
  listing.records[0].subject.assign(limits::kSubjectBytesMax, 1);
  CHECK(decode_sync_listing(payload(listing)));
  CHECK(decode_sync_request(payload(request)));
  listing.records[0].subject.push_back(1);
  request.records[0].subject.push_back(1);
  CHECK_FALSE(decode_sync_listing(payload(listing)));
  CHECK_FALSE(decode_sync_request(payload(request)));
}

TEST_CASE("a request comes back and has one encoding") {
  SyncRequest request;
  request.session = 9;
  request.ranges = {{id_from<MemberKey>(1), 2, 3, 4}, {id_from<MemberKey>(1), 2, 1, 1}};
  request.records = {{id_from<MemberKey>(5), 1, {}}, {id_from<MemberKey>(5), 1, {1, 2}}};
  const auto got = decode_sync_request(payload(request));
  REQUIRE(got);
  CHECK(got->session == 9);
  REQUIRE(got->ranges.size() == 2);
  CHECK(got->ranges[0].first == 3);
  CHECK(got->ranges[0].last == 4);
  REQUIRE(got->records.size() == 2);
  CHECK(got->records[1].subject == Bytes{1, 2});
  check_canonical(payload(request), decode_sync_request, payload<SyncRequest>);
  CHECK(encode_frame_of(request)[4] == 14);
}

TEST_CASE("a range is not empty and stays within 1 and 2^63 - 1") {
  const auto author = id_from<MemberKey>(1);
  CHECK(is_taken(SyncRequest::Range{author, 1, 1, kHalf - 1}));
  CHECK_FALSE(is_taken(SyncRequest::Range{author, 1, 0, 1}));
  CHECK_FALSE(is_taken(SyncRequest::Range{author, 1, 2, 1}));
  CHECK_FALSE(is_taken(SyncRequest::Range{author, 1, 1, kHalf}));
}

TEST_CASE("256 ranges and 256 records pass and one more does not") {
  SyncRequest request;
  request.ranges.assign(limits::kSyncRangesMax, {id_from<MemberKey>(1), 1, 1, 1});
  request.records.assign(limits::kSyncRangesMax, {id_from<MemberKey>(1), 1, {}});
  CHECK(decode_sync_request(payload(request)));
  CHECK(encode_frame_of(request).size() - 4 <= limits::kFrameBytesMax);
  SyncRequest more = request;
  more.ranges.push_back(more.ranges.back());
  CHECK_FALSE(decode_sync_request(payload(more)));
  more = request;
  more.records.push_back(more.records.back());
  CHECK_FALSE(decode_sync_request(payload(more)));
}

TEST_CASE("WhatIsGoneIsToldInAscendingOrderAndNeverNothing") {
  SyncGone gone;
  gone.session = 7;
  gone.author = id_from<MemberKey>(3);
  gone.epoch = 9;
  gone.items = {{1, 4, 0x1122334455667788}, {5, 5, 2}};
  const Bytes bytes = payload(gone);
  const auto got = decode_sync_gone(bytes);
  REQUIRE(got);
  CHECK(got->session == 7);
  CHECK(got->author == gone.author);
  CHECK(got->epoch == 9);
  REQUIRE(got->items.size() == 2);
  CHECK(got->items[0].first == 1);
  CHECK(got->items[0].last == 4);
  CHECK(got->items[0].ids_digest == 0x1122334455667788);
  CHECK(got->items[1].first == 5);
  check_canonical(bytes, decode_sync_gone, payload<SyncGone>);
  CHECK(encode_frame_of(gone)[4] == 27);
  const auto is_refused = [&](std::vector<SyncGone::Item> items) {
    gone.items = std::move(items);
    return !decode_sync_gone(payload(gone)).has_value();
  };
  CHECK(is_refused({}));
  CHECK(is_refused({{0, 1, 1}}));
  CHECK(is_refused({{3, 2, 1}}));
  CHECK(is_refused({{2, 4, 1}, {4, 5, 1}}));
  CHECK(is_refused({{2, 4, 1}, {1, 1, 1}}));
  CHECK(is_refused({{1, kHalf, 1}}));
  std::vector<SyncGone::Item> many;
  for (std::uint64_t seq = 1; seq <= limits::kGonePerFrameMax; ++seq) many.push_back({seq, seq, seq});
  CHECK_FALSE(is_refused(many));
  many.push_back({limits::kGonePerFrameMax + 1, limits::kGonePerFrameMax + 1, 1});
  CHECK(is_refused(many));
}

TEST_CASE("the end of an answer comes back") {
  const auto got = decode_sync_done(payload(SyncDone{7, 8, true}));
  REQUIRE(got);
  CHECK(got->session == 7);
  CHECK(got->envelopes == 8);
  CHECK(got->complete);
  check_canonical(payload(SyncDone{7, 8, false}), decode_sync_done, payload<SyncDone>);
  CHECK(encode_frame_of(SyncDone{})[4] == 15);
}

TEST_CASE("suspicions come back in their order") {
  const SuspectBody body{{{id_from<MemberKey>(4), 5, UINT64_MAX}, {id_from<MemberKey>(1), 2, 3}}};
  const auto got = decode_suspect_body(encode_suspect_body(body));
  REQUIRE(got);
  REQUIRE(got->items.size() == 2);
  CHECK(got->items[0].member == id_from<MemberKey>(4));
  CHECK(got->items[0].epoch == 5);
  CHECK(got->items[0].version == UINT64_MAX);
  CHECK(got->items[1].member == id_from<MemberKey>(1));
  check_canonical(encode_suspect_body(body), decode_suspect_body, encode_suspect_body);
}

TEST_CASE("a suspicion names 1 to 64 members") {
  const auto of = [](std::size_t count) {
    SuspectBody body;
    body.items.resize(count);
    return decode_suspect_body(encode_suspect_body(body));
  };
  CHECK_FALSE(of(0));
  CHECK(of(1));
  CHECK(of(limits::kSuspectsMax)->items.size() == limits::kSuspectsMax);
  CHECK_FALSE(of(limits::kSuspectsMax + 1));
  CHECK_FALSE(decode_suspect_body(Bytes{}));
  CHECK_FALSE(decode_suspect_body(Writer().u8(255).raw(Bytes(48)).take()));
}

TEST_CASE("a record tells offline with a byte of 0 or 1") {
  SyncListing listing;
  listing.records = {{id_from<MemberKey>(2), 1, {}, 4, 5, id_from<EnvelopeId>(6), true}};
  Bytes bytes = payload(listing);
  Bytes::value_type& flag = bytes[bytes.size() - 3];  // before the number of ranges that are gone
  REQUIRE(flag == 1);
  flag = 2;
  CHECK_FALSE(decode_sync_listing(bytes));
}
