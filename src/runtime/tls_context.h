// What all TLS channels of a node share: its key, its certificate, and what is demanded of the far end.
#pragma once

#include <memory>
#include <optional>

#include "p2pmesh/base/result.h"
#include "p2pmesh/crypto/signature.h"

struct ssl_ctx_st;
struct ssl_st;

namespace p2pmesh {

/// The key in a certificate (DER), if a node may show it: at most 4096 bytes, Ed25519, a key that can sign.
std::optional<PublicKey> key_of_certificate(ByteView der);

/// TLS 1.3 alone, both ends with one self-signed Ed25519 certificate, ALPN "p2pmesh/1"; no tickets, no
/// resumption, no early data. The identity is the certificate's raw key: dates, names and the certificate's
/// own signature mean nothing (a clock may be wrong, and the handshake itself proves the key).
/// Threads: the loop's.
class TlsContext {
 public:
  /// The certificate is made anew each time; nothing of it is kept. Errors: kInternal when OpenSSL cannot.
  static Result<std::unique_ptr<TlsContext>> make(const KeySeed& node_seed);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  /// A channel's end; the caller frees it. `slot`: where the far end's key is put once its certificate has
  /// been accepted; it outlives the channel.
  [[nodiscard]] ssl_st* make_channel(bool dialler, std::optional<PublicKey>* slot) const;

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* context_;
};

}  // namespace p2pmesh
