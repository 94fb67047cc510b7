// A channel without sockets: two of our ends, and ends of others that are not what a node has to be.
#include "tls_stream.h"

#include <doctest/doctest.h>

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "foreign_end.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/base/random.h"

namespace p2pmesh {
namespace {

KeySeed seed_of(std::uint8_t fill) {
  KeySeed seed;
  seed.fill(fill);
  return seed;
}

/// What one end has to send goes to the other, at most `piece` bytes at a time.
template <class To>
bool carry(TlsStream& from, To& to, std::size_t piece) {
  const ByteView sealed = from.to_send();
  const auto space = to.receive_space();
  const std::size_t size = std::min({sealed.size(), space.size(), piece});
  std::copy_n(sealed.begin(), size, space.begin());
  if (size == 0) return false;
  from.sent(size);
  to.received(size);
  return true;
}

/// Two ends of ours.
struct Ends {
  Ends() {
    init_crypto();
    one_context = std::move(*TlsContext::make(seed_of(1)));
    other_context = std::move(*TlsContext::make(seed_of(2)));
    one.emplace(*one_context, true);
    other.emplace(*other_context, false);
  }
  /// Carries to and fro until nothing moves; what arrives is appended.
  void run(std::size_t piece = SIZE_MAX) {
    for (bool moves = true; moves;) {
      moves = false;
      read(*one, at_one);
      moves |= carry(*one, *other, piece);
      read(*other, at_other);
      moves |= carry(*other, *one, piece);
    }
  }
  void read(TlsStream& end, Bytes& into) {
    std::array<std::uint8_t, 5000> plain;
    TlsResult result;
    while ((result = end.read(plain)).status == TlsStatus::kOk)
      into.insert(into.end(), plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(result.bytes));
    (&end == &*one ? one_status : other_status) = result.status;
  }

  std::unique_ptr<TlsContext> one_context, other_context;
  std::optional<TlsStream> one, other;
  TlsStatus one_status{}, other_status{};
  Bytes at_one, at_other;
};

TEST_CASE("BothEndsOfAChannelKnowEachOthersKeyAndTheSameBinding") {
  for (const std::size_t piece : {SIZE_MAX, std::size_t{1}, std::size_t{7}}) {
    Ends ends;
    ends.run(piece);
    REQUIRE(ends.one->is_established());
    REQUIRE(ends.other->is_established());
    CHECK(ends.one->peer() == make_ed25519_signer(seed_of(2))->public_key());
    CHECK(ends.other->peer() == make_ed25519_signer(seed_of(1))->public_key());
    CHECK(ends.one->binding() == ends.other->binding());
    Ends again;
    again.run();
    CHECK(again.one->binding() != ends.one->binding());
  }
}

TEST_CASE("WhatIsSealedComesOutWholeInOrderAndIsNotReadableBetween") {
  Ends ends;
  ends.run();
  Random random(5);
  Bytes all(300'000);
  for (std::uint8_t& byte : all)
    byte = static_cast<std::uint8_t>(random.below(4) == 0 ? random.below(256) : 'x');
  std::size_t at = 0;
  bool was_readable = false;
  const std::string plain_run(32, 'x');
  while (at < all.size()) {
    const std::size_t size = std::min({ends.one->write_space(), all.size() - at, 1 + random.below(20'000)});
    if (size > 0) REQUIRE(ends.one->write(ByteView(all).subspan(at, size)));
    at += size;
    was_readable |= as_text(ends.one->to_send()).find(plain_run) != std::string_view::npos;
    ends.run(1 + random.below(9000));
  }
  CHECK(ends.at_other == all);
  CHECK_FALSE(was_readable);
}

TEST_CASE("WhatIsToBeSentNeverOutgrowsItsRing") {
  Ends ends;
  ends.run();
  const Bytes much(64 * 1024, 'x');
  std::size_t written = 0;
  while (const std::size_t space = ends.one->write_space()) {
    REQUIRE(ends.one->write(ByteView(much).first(space)));
    written += space;
  }
  CHECK(written <= limits::kTlsRingBytes);
  CHECK(written > limits::kTlsRingBytes - 512);
  ends.run();
  CHECK(ends.at_other.size() == written);
}

TEST_CASE("TheEndThatSaysNothingMoreIsHeardAsTheEnd") {
  Ends ends;
  ends.run();
  REQUIRE(ends.one->write(as_bytes("last words")));
  ends.one->close();
  ends.run();
  CHECK(as_text(ends.at_other) == "last words");
  CHECK(ends.other_status == TlsStatus::kClosed);
}

TEST_CASE("AFlippedBitBreaksTheChannel") {
  for (const std::size_t bit : {std::size_t{0}, std::size_t{41}, std::size_t{80}, std::size_t{160}}) {
    Ends ends;
    ends.run();
    REQUIRE(ends.one->write(as_bytes("nothing that may be changed")));
    const ByteView sealed = ends.one->to_send();
    Bytes changed(sealed.begin(), sealed.end());
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1 << bit % 8));
    std::copy(changed.begin(), changed.end(), ends.other->receive_space().begin());
    ends.other->received(changed.size());
    ends.read(*ends.other, ends.at_other);
    CHECK(ends.at_other.empty());
    CHECK(ends.other_status == TlsStatus::kFailed);
    CHECK_FALSE(ends.other->fault().empty());
  }
}

/// How an end of ours takes an end of others.
struct Meeting {
  explicit Meeting(const ForeignTerms& terms) {
    init_crypto();
    context = std::move(*TlsContext::make(seed_of(1)));
    meet(terms);
  }
  /// Another one comes to the same end of ours.
  void meet(const ForeignTerms& terms) {
    foreign.emplace(terms);
    ours.emplace(*context, !terms.dials);
    run();
  }
  void run() {
    std::array<std::uint8_t, 5000> plain;
    for (bool moves = true; moves;) {
      foreign->turn();
      moves = foreign->carry_to(*ours);
      while (ours->read(plain).status == TlsStatus::kOk) ++reads;
      moves |= carry(*ours, *foreign, SIZE_MAX);
    }
  }
  std::unique_ptr<TlsContext> context;
  std::optional<ForeignEnd> foreign;
  std::optional<TlsStream> ours;
  std::size_t reads = 0;
};

TEST_CASE("WhoIsNotWhatANodeHasToBeIsRefusedByBothKindsOfEnds") {
  const std::vector<std::pair<std::string, ForeignTerms>> others = [] {
    std::vector<std::pair<std::string, ForeignTerms>> all;
    const auto add = [&](const char* name, auto change) {
      ForeignTerms terms;
      change(terms);
      all.emplace_back(name, terms);
    };
    add("no certificate", [](ForeignTerms& terms) { terms.shows_certificate = false; });
    add("RSA", [](ForeignTerms& terms) { terms.key = ForeignKey::kRsa; });
    add("P-256", [](ForeignTerms& terms) { terms.key = ForeignKey::kP256; });
    add("small order", [](ForeignTerms& terms) { terms.key = ForeignKey::kSmallOrder; });
    add("two certificates", [](ForeignTerms& terms) { terms.certificates = 2; });
    add("a certificate of 20 KiB", [](ForeignTerms& terms) { terms.certificate_padding = 20'000; });
    add("a certificate of 5 KiB", [](ForeignTerms& terms) { terms.certificate_padding = 5'000; });
    add("TLS 1.2", [](ForeignTerms& terms) { terms.is_tls12 = true; });
    add("another application", [](ForeignTerms& terms) { terms.protocol = "http/1.1"; });
    add("another version of ours", [](ForeignTerms& terms) { terms.protocol = "p2pmesh/2"; });
    add("no application", [](ForeignTerms& terms) { terms.protocol.clear(); });
    return all;
  }();
  for (const auto& other : others) {
    const std::string& name = other.first;
    ForeignTerms terms = other.second;
    for (const bool dials : {true, false}) {
      terms.dials = dials;
      // A server that shows nothing cannot even begin; one without ALPN is what "no application" is.
      if (!dials && !terms.shows_certificate) continue;
      CAPTURE(name);
      CAPTURE(dials);
      const Meeting meeting(terms);
      CHECK_FALSE(meeting.ours->is_established());
      // The certificate itself is refused, not what is signed with its key.
      if (terms.key == ForeignKey::kSmallOrder || terms.certificates > 1)
        CHECK(meeting.ours->fault() == "certificate verify failed");
      CHECK_FALSE(meeting.ours->fault().empty());
      CHECK(meeting.reads == 0);
    }
  }
}

TEST_CASE("AForeignEndThatDoesAllThatIsAskedIsTaken") {
  for (const bool dials : {true, false}) {
    ForeignTerms terms;
    terms.dials = dials;
    const Meeting meeting(terms);
    CHECK(meeting.ours->is_established());
    CHECK(meeting.ours->fault() == "");
  }
}

TEST_CASE("ACertificateOfThreeKibibytesIsStillTaken") {
  ForeignTerms terms;
  terms.certificate_padding = 3'000;
  CHECK(Meeting(terms).ours->is_established());
}

TEST_CASE("AFloodOfKeyUpdatesEndsTheChannelAndAFewDoNot") {
  Meeting meeting(ForeignTerms{});
  REQUIRE(meeting.ours->is_established());
  for (int i = 0; i < 5; ++i) {
    meeting.foreign->update_keys();
    meeting.run();
  }
  CHECK(meeting.ours->fault() == "");
  meeting.foreign->say("still here");
  meeting.run();
  CHECK(meeting.reads == 1);
  for (int i = 0; i < 1000 && meeting.ours->fault().empty(); ++i) {
    meeting.foreign->update_keys();
    meeting.run();
  }
  CHECK(meeting.ours->fault() == "too many key updates");
  CHECK(meeting.ours->to_send().size() <= limits::kTlsRingBytes);
}

TEST_CASE("AServerThatOffersTicketsIsNotRemembered") {
  ForeignTerms terms;
  terms.dials = false;
  terms.tickets = 4;
  Meeting meeting(terms);
  CHECK(meeting.ours->is_established());
  CHECK(meeting.ours->fault() == "");
}

TEST_CASE("WhoDialsIsGivenNoTicket") {
  Meeting meeting(ForeignTerms{});
  REQUIRE(meeting.ours->is_established());
  REQUIRE(meeting.ours->write(as_bytes("what comes behind any ticket")));
  meeting.run();
  CHECK(meeting.foreign->is_established());
  CHECK(meeting.foreign->tickets() == 0);
}

TEST_CASE("WhoOffersToResumeASessionHasToShowItsCertificateAgain") {
  // The same end of ours, so that it would know a session of its own again.
  Meeting meeting(ForeignTerms{});
  REQUIRE(meeting.ours->is_established());
  ForeignTerms terms;
  terms.resumes = true;
  terms.session = meeting.foreign->session();
  meeting.meet(terms);
  CHECK(meeting.foreign->has_offered_session());
  CHECK_FALSE(meeting.foreign->has_resumed());
  CHECK(meeting.ours->is_established());
  // Who has no certificate to show does not get in by a session.
  terms.shows_certificate = false;
  meeting.meet(terms);
  CHECK(meeting.foreign->has_offered_session());
  CHECK_FALSE(meeting.ours->is_established());
}

TEST_CASE("WhatIsSaidBeforeTheHandshakeIsThroughIsNotHeard") {
  Meeting meeting(ForeignTerms{});
  ForeignTerms terms;
  terms.resumes = true;
  terms.session = meeting.foreign->session();
  terms.early = "early words";
  meeting.meet(terms);
  CHECK(meeting.foreign->has_offered_early());
  CHECK_FALSE(meeting.ours->is_established());
  CHECK(meeting.ours->fault() == "too much early data");
  CHECK_FALSE(meeting.foreign->was_early_taken());
  CHECK(meeting.reads == 0);
}

TEST_CASE("OnlyWhoSaysAWholeClientHelloFirstGetsAChannel") {
  const Bytes hello{22, 3, 1, 2, 0, 1, 0, 1, 0xFC};
  for (std::size_t size = 0; size <= hello.size(); ++size)
    CHECK(look_for_hello(ByteView(hello).first(size), size) == TlsHello::kPart);
  CHECK(look_for_hello(hello, 5 + 0x1FF) == TlsHello::kPart);
  CHECK(look_for_hello(hello, 5 + 0x200) == TlsHello::kWhole);
  CHECK(look_for_hello(as_bytes("GET / HTT"), 100) == TlsHello::kNone);
  CHECK(look_for_hello(as_bytes("SSH-2.0-O"), 100) == TlsHello::kNone);
  for (std::size_t at = 0; at < hello.size(); ++at) {
    Bytes other = hello;
    other[at] ^= 0x80;
    CHECK(look_for_hello(other, 100'000) == TlsHello::kNone);
  }
  // A message that is announced longer than its record.
  CHECK(look_for_hello(Bytes{22, 3, 1, 0, 4, 1, 1, 0xFF, 0xFF}, 100) == TlsHello::kNone);
  CHECK(look_for_hello(Bytes{22, 3, 1, 0, 1, 1}, 100) == TlsHello::kPart);
}

TEST_CASE("OneKeyUpdateMoreThanTheBoundEndsTheChannel") {
  Meeting meeting(ForeignTerms{});
  REQUIRE(meeting.ours->is_established());
  for (std::uint64_t i = 0; i < limits::kLateTlsMessagesMax; ++i) {
    meeting.foreign->update_keys();
    meeting.run();
  }
  CHECK(meeting.ours->fault() == "");
  meeting.foreign->say("still here");
  meeting.run();
  CHECK(meeting.reads == 1);
  meeting.foreign->update_keys();
  meeting.run();
  CHECK(meeting.ours->fault() == "too many key updates");
}

TEST_CASE("AClientHelloMayBeAsLongAsTheBoundAndNoLonger") {
  const auto hello_of = [](std::size_t size) {
    const std::size_t message = size - 4;
    return Bytes{22,
                 3,
                 1,
                 static_cast<std::uint8_t>(size >> 8),
                 static_cast<std::uint8_t>(size),
                 1,
                 0,
                 static_cast<std::uint8_t>(message >> 8),
                 static_cast<std::uint8_t>(message)};
  };
  CHECK(look_for_hello(hello_of(limits::kTlsHelloBytesMax), 100) == TlsHello::kPart);
  CHECK(look_for_hello(hello_of(limits::kTlsHelloBytesMax), 5 + limits::kTlsHelloBytesMax) ==
        TlsHello::kWhole);
  CHECK(look_for_hello(hello_of(limits::kTlsHelloBytesMax + 1), 100) == TlsHello::kNone);
  CHECK(look_for_hello(hello_of(limits::kTlsHelloBytesMax + 1), 100'000) == TlsHello::kNone);
}

/// Ed25519, with a comment that makes it so many bytes long.
Bytes certificate_of(std::size_t comment_bytes) {
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  X509* certificate = X509_new();
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  const std::string comment(comment_bytes, 'x');
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_netscape_comment, comment.c_str());
  X509_add_ext(certificate, extension, -1);
  REQUIRE(X509_sign(certificate, key, nullptr) > 0);
  Bytes der(static_cast<std::size_t>(i2d_X509(certificate, nullptr)));
  unsigned char* at = der.data();
  i2d_X509(certificate, &at);
  X509_EXTENSION_free(extension);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return der;
}

TEST_CASE("ACertificateMayBeAsLongAsTheBoundAndNoLonger") {
  init_crypto();
  constexpr std::size_t kComment = 3500;
  const std::size_t around = certificate_of(kComment).size() - kComment;
  const Bytes longest = certificate_of(limits::kCertificateBytesMax - around);
  REQUIRE(longest.size() == limits::kCertificateBytesMax);
  CHECK(key_of_certificate(longest));
  const Bytes longer = certificate_of(limits::kCertificateBytesMax - around + 1);
  REQUIRE(longer.size() == limits::kCertificateBytesMax + 1);
  CHECK_FALSE(key_of_certificate(longer));
}

}  // namespace
}  // namespace p2pmesh
