#include "p2pmesh/wire/entry_body.h"

#include <doctest/doctest.h>

#include "canonical.h"

namespace p2pmesh::test {
namespace {

EntryBody invite() {
  EntryBody body;
  body.invite = id_from<InviteKey>(1);
  body.uses = 3;
  body.end_ms = 1795269600000;
  return body;
}

EntryBody admission() {
  EntryBody body;
  body.verb = EntryVerb::kAdmit;
  body.invite = id_from<InviteKey>(1);
  body.member = id_from<MemberKey>(2);
  body.ticket.fill(7);
  return body;
}

TEST_CASE("AnEntryHasOneEncoding") {
  EntryBody cancel;
  cancel.verb = EntryVerb::kCancel;
  cancel.invite = id_from<InviteKey>(1);
  for (const EntryBody& body : {invite(), cancel, admission()}) {
    check_canonical(encode_entry_body(body), decode_entry_body, encode_entry_body);
    CHECK(decode_entry_body(encode_entry_body(body)) == body);
  }
}

TEST_CASE("AnEntryHasNoFieldThatItsVerbHasNot") {
  const auto is_taken = [](EntryBody body, const auto& change) {
    change(body);
    return decode_entry_body(encode_entry_body(body)).has_value();
  };
  CHECK(is_taken(invite(), [](EntryBody&) {}));
  CHECK_FALSE(is_taken(invite(), [](EntryBody& body) { body.invite = {}; }));
  CHECK_FALSE(is_taken(invite(), [](EntryBody& body) { body.member = id_from<MemberKey>(2); }));
  CHECK_FALSE(is_taken(invite(), [](EntryBody& body) { body.end_ms = 1ULL << 63; }));
  CHECK_FALSE(is_taken(invite(), [](EntryBody& body) { body.verb = EntryVerb::kCancel; }));
  CHECK_FALSE(is_taken(invite(), [](EntryBody& body) { body.verb = static_cast<EntryVerb>(4); }));
  CHECK_FALSE(is_taken(invite(), [](EntryBody& body) { body.verb = static_cast<EntryVerb>(0); }));
  CHECK_FALSE(is_taken(admission(), [](EntryBody& body) { body.member = {}; }));
  CHECK_FALSE(is_taken(admission(), [](EntryBody& body) { body.uses = 1; }));
  CHECK_FALSE(is_taken(invite(), [](EntryBody& body) { body.ticket[0] = 1; }));
}

}  // namespace
}  // namespace p2pmesh::test
