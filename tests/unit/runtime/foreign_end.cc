#include "foreign_end.h"

#include <doctest/doctest.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace p2pmesh {
namespace {

/// A secret that belongs to another public key: a point of order one.
EVP_PKEY* make_small_order_key() {
  std::array<std::uint8_t, 32> identity{1};
  std::array<std::uint8_t, 32> secret{7};
  OSSL_PARAM_BLD* build = OSSL_PARAM_BLD_new();
  OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, identity.data(), identity.size());
  OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PRIV_KEY, secret.data(), secret.size());
  OSSL_PARAM* params = OSSL_PARAM_BLD_to_param(build);
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "ED25519", nullptr);
  EVP_PKEY* key = nullptr;
  REQUIRE(EVP_PKEY_fromdata_init(context) == 1);
  REQUIRE(EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) == 1);
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(build);
  return key;
}

EVP_PKEY* make_key(ForeignKey kind) {
  switch (kind) {
    case ForeignKey::kRsa:
      return EVP_RSA_gen(2048);
    case ForeignKey::kP256:
      return EVP_EC_gen("P-256");
    case ForeignKey::kSmallOrder:
      return make_small_order_key();
    case ForeignKey::kEd25519:
      break;
  }
  return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
}

X509* make_certificate(EVP_PKEY* key, std::size_t padding, bool is_edwards) {
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  if (padding > 0) {
    const std::string comment(padding, 'x');
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_netscape_comment, comment.c_str());
    REQUIRE(extension != nullptr);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  REQUIRE(X509_sign(certificate, key, is_edwards ? nullptr : EVP_sha256()) > 0);
  return certificate;
}

int select_any(SSL* /*channel*/, const unsigned char** chosen, unsigned char* size,
               const unsigned char* /*offered*/, unsigned int /*offered_size*/, void* text) {
  const auto& protocol = *static_cast<const std::string*>(text);
  *chosen = reinterpret_cast<const unsigned char*>(protocol.data());
  *size = static_cast<unsigned char>(protocol.size());
  return protocol.empty() ? SSL_TLSEXT_ERR_NOACK : SSL_TLSEXT_ERR_OK;
}

}  // namespace

struct ForeignEnd::State {
  ForeignTerms terms;
  std::size_t tickets = 0;
  std::shared_ptr<SSL_SESSION> session;
  bool has_offered_session = false;  // seen in the hello that went out
  bool has_offered_early = false;
  SSL_CTX* context = nullptr;
  SSL* channel = nullptr;
  BIO* in = nullptr;
  BIO* out = nullptr;
};

namespace {

constexpr std::uint8_t kClientHello = 1;
constexpr unsigned kPreSharedKey = 41;  // RFC 8446, 4.2
constexpr unsigned kEarlyData = 42;
constexpr std::uint32_t kEarlyBytesMax = 1024;

std::shared_ptr<SSL_SESSION> share(SSL_SESSION* session) {
  return {session, SSL_SESSION_free};
}

/// The secret of a session that never was.
std::shared_ptr<SSL_SESSION> make_up_session(SSL* channel) {
  const std::array<std::uint8_t, 32> secret{9};
  const std::array<std::uint8_t, 2> aes_128_sha256{0x13, 0x01};
  SSL_SESSION* session = SSL_SESSION_new();
  REQUIRE(SSL_SESSION_set1_master_key(session, secret.data(), secret.size()) == 1);
  REQUIRE(SSL_SESSION_set_cipher(session, SSL_CIPHER_find(channel, aes_128_sha256.data())) == 1);
  REQUIRE(SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1);
  return share(session);
}

/// In a ClientHello: version, random, session id, cipher suites, compressions, extensions.
bool has_extension(ByteView hello, unsigned wanted) {
  const auto number = [&](std::size_t at) { return unsigned{hello[at]} << 8 | hello[at + 1]; };
  std::size_t at = 4 + 2 + 32;
  at += 1U + hello[at];
  at += 2U + number(at);
  at += 1U + hello[at];
  for (at += 2; at + 4 <= hello.size(); at += 4 + number(at + 2))
    if (number(at) == wanted) return true;
  return false;
}

}  // namespace

/// What OpenSSL tells of a foreign end.
struct ForeignCallbacks {
  static ForeignEnd::State& state_of(SSL* channel) {
    return *static_cast<ForeignEnd::State*>(SSL_get_app_data(channel));
  }
  static int on_ticket(SSL* channel, SSL_SESSION* session) {
    ForeignEnd::State& state = state_of(channel);
    ++state.tickets;
    state.session = share(session);
    return 1;  // keeps it
  }
  static int on_psk_wanted(SSL* channel, const EVP_MD* /*hash*/, const unsigned char** id, std::size_t* size,
                           SSL_SESSION** session) {
    static constexpr std::string_view kTicket = "a ticket that was never given";
    const std::shared_ptr<SSL_SESSION> made_up = make_up_session(channel);
    SSL_SESSION_set_max_early_data(made_up.get(), kEarlyBytesMax);
    SSL_SESSION_up_ref(made_up.get());
    *session = made_up.get();
    *id = reinterpret_cast<const unsigned char*>(kTicket.data());
    *size = kTicket.size();
    return 1;
  }
  static void on_message(int is_sent, int /*version*/, int type, const void* bytes, std::size_t size, SSL*,
                         void* state) {
    const ByteView message(static_cast<const std::uint8_t*>(bytes), size);
    if (is_sent == 0 || type != SSL3_RT_HANDSHAKE || message[0] != kClientHello) return;
    auto* self = static_cast<ForeignEnd::State*>(state);
    self->has_offered_session = has_extension(message, kPreSharedKey);
    self->has_offered_early = has_extension(message, kEarlyData);
  }
};

ForeignEnd::ForeignEnd(const ForeignTerms& terms) : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.terms = terms;
  state.context = SSL_CTX_new(TLS_method());
  SSL_CTX_set_security_level(state.context, 0);
  SSL_CTX_set_max_proto_version(state.context, terms.is_tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);
  SSL_CTX_set_num_tickets(state.context, terms.tickets);
  if (terms.shows_certificate) {
    EVP_PKEY* key = make_key(terms.key);
    const bool is_edwards = terms.key == ForeignKey::kEd25519 || terms.key == ForeignKey::kSmallOrder;
    X509* certificate = make_certificate(key, terms.certificate_padding, is_edwards);
    REQUIRE(SSL_CTX_use_certificate(state.context, certificate) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey(state.context, key) == 1);
    for (int more = 1; more < terms.certificates; ++more) {
      X509* second = make_certificate(key, 0, is_edwards);
      REQUIRE(SSL_CTX_add_extra_chain_cert(state.context, second) == 1);  // takes it over
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  if (terms.dials) {
    const std::string offered = static_cast<char>(terms.protocol.size()) + terms.protocol;
    if (!terms.protocol.empty())
      SSL_CTX_set_alpn_protos(state.context, reinterpret_cast<const unsigned char*>(offered.data()),
                              static_cast<unsigned>(offered.size()));
  } else {
    SSL_CTX_set_alpn_select_cb(state.context, select_any, &state.terms.protocol);
    SSL_CTX_set_verify(state.context, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
    // Without it a client is not asked again when it comes back.
    SSL_CTX_set_session_id_context(state.context, reinterpret_cast<const unsigned char*>("x"), 1);
  }
  state.channel = SSL_new(state.context);
  state.in = BIO_new(BIO_s_mem());
  state.out = BIO_new(BIO_s_mem());
  SSL_set_bio(state.channel, state.in, state.out);
  SSL_set_app_data(state.channel, &state);
  SSL_set_msg_callback(state.channel, ForeignCallbacks::on_message);
  SSL_set_msg_callback_arg(state.channel, &state);
  SSL_CTX_set_session_cache_mode(state.context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(state.context, ForeignCallbacks::on_ticket);
  if (terms.session)
    REQUIRE(SSL_set_session(state.channel, terms.session.get()) == 1);
  else if (terms.resumes)
    SSL_set_psk_use_session_callback(state.channel, ForeignCallbacks::on_psk_wanted);
  terms.dials ? SSL_set_connect_state(state.channel) : SSL_set_accept_state(state.channel);
}

ForeignEnd::~ForeignEnd() {
  // As one that has ended well: the session of another is never offered again.
  SSL_set_shutdown(state_->channel, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(state_->channel);
  SSL_CTX_free(state_->context);
}

void ForeignEnd::turn() {
  std::array<std::uint8_t, 4096> plain;
  std::string& early = state_->terms.early;
  std::size_t written = 0;
  if (!early.empty()) SSL_write_early_data(state_->channel, early.data(), early.size(), &written);
  early.clear();
  if (SSL_is_init_finished(state_->channel) == 0) SSL_do_handshake(state_->channel);
  while (SSL_read(state_->channel, plain.data(), plain.size()) > 0) {
  }
}

void ForeignEnd::say(std::string_view text) {
  REQUIRE(SSL_write(state_->channel, text.data(), static_cast<int>(text.size())) > 0);
}

void ForeignEnd::update_keys() {
  SSL_key_update(state_->channel, SSL_KEY_UPDATE_REQUESTED);
  SSL_do_handshake(state_->channel);
}

bool ForeignEnd::is_established() const {
  return SSL_is_init_finished(state_->channel) == 1;
}

std::size_t ForeignEnd::tickets() const {
  return state_->tickets;
}

std::shared_ptr<SSL_SESSION> ForeignEnd::session() const {
  return state_->session;
}

bool ForeignEnd::has_offered_session() const {
  return state_->has_offered_session;
}

bool ForeignEnd::has_resumed() const {
  return SSL_session_reused(state_->channel) == 1;
}

bool ForeignEnd::has_offered_early() const {
  return state_->has_offered_early;
}

bool ForeignEnd::was_early_taken() const {
  return SSL_get_early_data_status(state_->channel) == SSL_EARLY_DATA_ACCEPTED;
}

void ForeignEnd::received(std::size_t bytes) {
  BIO_write(state_->in, inbox_.data(), static_cast<int>(bytes));
}

bool ForeignEnd::carry_to(TlsStream& other) {
  const std::span<std::uint8_t> space = other.receive_space();
  if (space.empty()) return false;
  const int size = BIO_read(state_->out, space.data(), static_cast<int>(space.size()));
  if (size <= 0) return false;
  other.received(static_cast<std::size_t>(size));
  return true;
}

}  // namespace p2pmesh
