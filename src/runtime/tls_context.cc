#include "tls_context.h"

#include <algorithm>
#include <cstring>
#include <ctime>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

// Length-prefixed, as ALPN has it.
constexpr std::array<std::uint8_t, 10> kProtocols{9, 'p', '2', 'p', 'm', 'e', 's', 'h', '/', '1'};

template <typename T, void (*kFree)(T*)>
struct Free {
  void operator()(T* object) const { kFree(object); }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509, X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Free<SSL_CTX, SSL_CTX_free>>;

Certificate make_certificate(EVP_PKEY* key) {
  Certificate certificate(X509_new());
  if (!certificate) return nullptr;
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  // Nobody looks at the dates; other tools may, when they print it.
  const bool is_dated =
      ASN1_TIME_set_string(X509_getm_notBefore(certificate.get()), "19700101000000Z") == 1 &&
      ASN1_TIME_set_string(X509_getm_notAfter(certificate.get()), "99991231235959Z") == 1;
  X509_NAME* name = X509_get_subject_name(certificate.get());
  const bool is_named =
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("p2pmesh"),
                                 -1, -1, 0) == 1 &&
      X509_set_issuer_name(certificate.get(), name) == 1;
  if (!is_dated || !is_named || X509_set_pubkey(certificate.get(), key) != 1 ||
      X509_sign(certificate.get(), key, nullptr) == 0)
    return nullptr;
  return certificate;
}

std::optional<PublicKey> key_of(X509* certificate) {
  const int bytes = i2d_X509(certificate, nullptr);
  if (bytes <= 0 || static_cast<std::size_t>(bytes) > limits::kCertificateBytesMax) return std::nullopt;
  EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (key == nullptr || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519) return std::nullopt;
  PublicKey raw{};
  std::size_t size = raw.size();
  if (EVP_PKEY_get_raw_public_key(key, raw.data(), &size) != 1 || size != raw.size()) return std::nullopt;
  return is_signing_key(raw) ? std::optional(raw) : std::nullopt;
}

/// The raw key of the only certificate that came; nothing: what came is not what a node shows.
std::optional<PublicKey> key_of_chain(X509_STORE_CTX* store) {
  const STACK_OF(X509)* chain = X509_STORE_CTX_get0_untrusted(store);
  X509* certificate = X509_STORE_CTX_get0_cert(store);
  if (certificate == nullptr || (chain != nullptr && sk_X509_num(chain) != 1)) return std::nullopt;
  return key_of(certificate);
}

/// The whole verdict on what the far end shows: OpenSSL's own building of chains is not asked.
int on_certificate(X509_STORE_CTX* store, void* /*unused*/) {
  auto* channel = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* slot =
      channel == nullptr ? nullptr : static_cast<std::optional<PublicKey>*>(SSL_get_app_data(channel));
  const std::optional<PublicKey> key = key_of_chain(store);
  if (slot == nullptr || !key) {
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return 0;
  }
  *slot = key;
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return 1;
}

int on_protocols(SSL* /*channel*/, const unsigned char** chosen, unsigned char* chosen_size,
                 const unsigned char* offered, unsigned int offered_size, void* /*unused*/) {
  for (unsigned int at = 0; at < offered_size; at += 1U + offered[at]) {
    const bool is_ours = offered_size - at >= kProtocols.size() &&
                         std::equal(kProtocols.begin(), kProtocols.end(), offered + at);
    if (!is_ours) continue;
    *chosen = kProtocols.data() + 1;
    *chosen_size = kProtocols[0];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool set_up(SSL_CTX* context, EVP_PKEY* key, X509* certificate) {
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_clear_options(context, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_early_data(context, 0);
  SSL_CTX_set_recv_max_early_data(context, 0);
  // The message that holds the certificate has some bytes more.
  SSL_CTX_set_max_cert_list(context, static_cast<long>(limits::kCertificateBytesMax + 64));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(context, on_certificate, nullptr);
  SSL_CTX_set_alpn_select_cb(context, on_protocols, nullptr);
  return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_num_tickets(context, 0) == 1 && SSL_CTX_set1_sigalgs_list(context, "ed25519") == 1 &&
         SSL_CTX_set1_groups_list(context, "X25519") == 1 &&
         SSL_CTX_set_alpn_protos(context, kProtocols.data(), kProtocols.size()) == 0 &&
         SSL_CTX_use_certificate(context, certificate) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1;
}

}  // namespace

std::optional<PublicKey> key_of_certificate(ByteView der) {
  const unsigned char* at = der.data();
  const Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  return certificate ? key_of(certificate.get()) : std::nullopt;
}

Result<std::unique_ptr<TlsContext>> TlsContext::make(const KeySeed& node_seed) {
  const Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, node_seed.data(), node_seed.size()));
  const Certificate certificate = key ? make_certificate(key.get()) : nullptr;
  Context context(SSL_CTX_new(TLS_method()));
  if (!certificate || !context || !set_up(context.get(), key.get(), certificate.get())) {
    const char* reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return fail(ExitStatus::kInternal, std::string("links cannot be encrypted: OpenSSL says: ") +
                                           (reason == nullptr ? "nothing" : reason) +
                                           "; is its configuration (openssl.cnf) in order?");
  }
  return std::unique_ptr<TlsContext>(new TlsContext(context.release()));
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

ssl_st* TlsContext::make_channel(bool dialler, std::optional<PublicKey>* slot) const {
  SSL* channel = SSL_new(context_);
  if (channel == nullptr) return nullptr;
  SSL_set_app_data(channel, slot);
  dialler ? SSL_set_connect_state(channel) : SSL_set_accept_state(channel);
  return channel;
}

}  // namespace p2pmesh
