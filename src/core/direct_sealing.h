// Seals what the local member writes to one other member, and opens what others have written to it. Neither
// the recipient nor the text can be told from outside: see p2pmesh-protocol(7), DIRECT MESSAGES.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "p2pmesh/core/node.h"
#include "p2pmesh/crypto/sealing.h"
#include "p2pmesh/wire/direct_body.h"
#include "p2pmesh/wire/envelope.h"

namespace p2pmesh {

class DirectSealing {
 public:
  /// Without `options.agreement` nothing is sealed and nothing opens.
  explicit DirectSealing(const NodeOptions& options);

  [[nodiscard]] bool is_on() const { return options_.agreement != nullptr; }
  /// What others seal to; zeros without one.
  [[nodiscard]] AgreementKey prekey() const;
  /// The newest; of the others the newest kPrekeysMax - 1 still open what was sealed to them.
  void add(const Prekey& prekey);

  /// A key that is one; anybody may publish anything as its prekey.
  [[nodiscard]] bool can_seal_to(const AgreementKey& prekey) const;
  /// The body of a direct envelope at this place of the author's log; nothing when a key is none.
  [[nodiscard]] std::optional<Bytes> seal(const DirectContent& content, const AgreementKey& to,
                                          const Envelope& place) const;

  enum class Verdict : std::uint8_t {
    kNotForUs,
    kOpened,
    kDamaged,  ///< the tag is ours, and what is inside is not what its author would have sealed
  };
  struct Opened {
    Verdict verdict = Verdict::kNotForUs;
    DirectContent content;
  };
  /// An envelope of another author, or one of our own: its author's copy opens that.
  [[nodiscard]] Opened open(const Envelope& envelope);

  /// Whether it could be: written by us, or with a tag of ours. Opens nothing.
  [[nodiscard]] bool is_for_us(const Envelope& envelope);

  /// The subject of the records in which `author` tells `recipient` how it stands to it, one of which is us.
  [[nodiscard]] std::optional<Bytes> standing_subject(const MemberKey& author, const MemberKey& recipient);
  [[nodiscard]] std::optional<Bytes> seal_standing(const StandingBody& body, const MemberKey& to,
                                                   const Envelope& place);
  /// `other`: whom we share it with, its author or the one to whom we wrote it.
  [[nodiscard]] std::optional<StandingBody> open_standing(const Envelope& envelope, const MemberKey& other);

 private:
  struct Secrets {
    std::optional<SharedSecret> identity;              // of both members' own keys
    std::vector<std::optional<SharedSecret>> prekeys;  // of theirs and each of ours
  };
  const Secrets& secrets_of(const MemberKey& other);
  [[nodiscard]] std::optional<std::size_t> find_prekey(const Envelope& envelope, const SealedBody& body);
  [[nodiscard]] std::optional<SharedSecret> find_key(const Envelope& envelope, const SealedBody& body);
  [[nodiscard]] SharedSecret copy_key(const AgreementKey& ephemeral) const;
  static SharedSecret standing_key(const SharedSecret& shared, const Envelope& place);

  const NodeOptions& options_;
  MemberKey self_;
  std::vector<Prekey> prekeys_;  // the newest first
  std::map<MemberKey, Secrets> secrets_;
};

}  // namespace p2pmesh
