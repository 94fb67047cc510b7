// An end of a TLS channel made with OpenSSL by somebody else: what it shows and offers can be chosen.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "p2pmesh/base/bytes.h"
#include "tls_stream.h"

struct ssl_session_st;

namespace p2pmesh {

enum class ForeignKey : std::uint8_t { kEd25519, kRsa, kP256, kSmallOrder };

/// By default what a node would do.
struct ForeignTerms {
  bool dials = true;
  bool shows_certificate = true;
  ForeignKey key = ForeignKey::kEd25519;
  int certificates = 1;
  std::size_t certificate_padding = 0;
  bool is_tls12 = false;
  std::string protocol = "p2pmesh/1";
  unsigned tickets = 0;
  /// As if it had been here before: offers to resume this session, or one that it makes up.
  bool resumes = false;
  std::shared_ptr<ssl_session_st> session;
  std::string early;  ///< said before the handshake is through
};

class ForeignEnd {
 public:
  explicit ForeignEnd(const ForeignTerms& terms);
  ~ForeignEnd();
  ForeignEnd(const ForeignEnd&) = delete;
  ForeignEnd& operator=(const ForeignEnd&) = delete;

  /// Goes on with the handshake, and reads.
  void turn();
  void say(std::string_view text);
  void update_keys();
  [[nodiscard]] bool is_established() const;
  /// How many tickets it was given, and the session of the last.
  [[nodiscard]] std::size_t tickets() const;
  [[nodiscard]] std::shared_ptr<ssl_session_st> session() const;
  [[nodiscard]] bool has_offered_session() const;
  [[nodiscard]] bool has_resumed() const;
  [[nodiscard]] bool has_offered_early() const;
  [[nodiscard]] bool was_early_taken() const;
  std::span<std::uint8_t> receive_space() { return inbox_; }
  void received(std::size_t bytes);
  /// True when something was carried.
  bool carry_to(TlsStream& other);

 private:
  friend struct ForeignCallbacks;
  struct State;
  std::unique_ptr<State> state_;
  std::array<std::uint8_t, 4096> inbox_{};
};

}  // namespace p2pmesh
