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
  SSL_CTX* context = nullptr;
  SSL* channel = nullptr;
  BIO* in = nullptr;
  BIO* out = nullptr;
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
  terms.dials ? SSL_set_connect_state(state.channel) : SSL_set_accept_state(state.channel);
}

ForeignEnd::~ForeignEnd() {
  SSL_free(state_->channel);
  SSL_CTX_free(state_->context);
}

void ForeignEnd::turn() {
  std::array<std::uint8_t, 4096> plain;
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
