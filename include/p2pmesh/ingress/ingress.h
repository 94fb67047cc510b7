// The one door for envelopes. On the way of a frame: after the decoder, before the core.
// Probe the seen table, verify the signature, commit: in that order, so that a forged copy never
// silences the real one.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/crypto/signature.h"
#include "p2pmesh/dedup/seen_table.h"
#include "p2pmesh/wire/envelope.h"

namespace p2pmesh {

/// How an envelope came: live floods are charged to their author, repair to the link it came over.
enum class Path : std::uint8_t { kLive, kRepair };

enum class Verdict : std::uint8_t {
  kFresh,         ///< verified and committed to the seen table
  kDuplicate,     ///< seen before; the payload is dropped
  kMalformed,     ///< the sender is at fault
  kOtherMesh,     ///< the sender is at fault
  kBadSignature,  ///< the sender is at fault, never the claimed author
  kOverBudget,    ///< not marked as seen: it comes later by repair
};

struct Admission {
  Verdict verdict = Verdict::kMalformed;
  EnvelopeId id;         ///< kFresh, kDuplicate, kOverBudget, kBadSignature
  EnvelopePtr envelope;  ///< kFresh
};

struct IngressCounters {
  std::uint64_t fresh = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t malformed = 0;
  std::uint64_t other_mesh = 0;
  std::uint64_t bad_signatures = 0;
  std::uint64_t over_budget = 0;
};

/// Token bucket of one author's live envelopes; limits.h has the rates. Who has emptied it gets a few at once
/// from then on: a dozen together cost everybody a fraction of what a dozen one by one do.
class AuthorBudget {
 public:
  explicit AuthorBudget(Instant now);
  [[nodiscard]] bool has_room(std::size_t bytes, Instant now);
  void charge(std::size_t bytes);
  [[nodiscard]] bool is_full(Instant now) const;

 private:
  [[nodiscard]] double envelopes_at(Instant now) const;
  double envelopes_;
  double bytes_;
  Instant refilled_;
  bool is_empty_ = false;
};

/// Threads: one; the seen table behind it may be shared.
class Ingress {
 public:
  Ingress(const MeshId& mesh, SeenTable& seen, const Verifier& verifier)
      : mesh_(mesh), seen_(seen), verifier_(verifier) {}

  /// Judges one encoded envelope. Never fails for more than that one envelope.
  Admission admit(ByteView encoded, Path path, const Now& now);

  /// An envelope sent from here: its copies that come back are duplicates.
  void mark_seen(const EnvelopeId& id, WallMs wall_ms, Instant now) { seen_.insert(id, wall_ms, now); }

  /// An envelope that could not be kept after all: a later copy is to be taken in.
  void forget(const SealedEnvelope& lost) { seen_.erase(lost.id, lost.envelope.wall_ms); }

  [[nodiscard]] const IngressCounters& counters() const { return counters_; }
  /// How many authors' budgets are kept, at most limits::kAuthorsMax.
  [[nodiscard]] std::size_t budgets() const { return budgets_.size(); }

 private:
  AuthorBudget& budget_of(const MemberKey& author, Instant now);

  MeshId mesh_;
  SeenTable& seen_;
  const Verifier& verifier_;
  std::unordered_map<MemberKey, AuthorBudget> budgets_;
  IngressCounters counters_;
};

}  // namespace p2pmesh
