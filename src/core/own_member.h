// The local member's own record: the claim to its name, its sponsor, its addresses, and each new version.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "author.h"
#include "links.h"
#include "p2pmesh/core/node.h"
#include "roster.h"
#include "turn.h"

namespace p2pmesh {

class OwnMember {
 public:
  OwnMember(const NodeOptions& options, Author& author);

  [[nodiscard]] const MemberKey& key() const { return key_; }
  [[nodiscard]] const NodeKey& node() const { return node_; }

  /// Makes no claim while the member is not to be seen.
  void set_quiet(bool quiet) { quiet_ = quiet; }

  /// The record of an earlier run: its claim goes on, its version is never used again.
  void restore(const Envelope& record, const NameClaim& claim);
  /// The next record must be newer than this one.
  void outdo(std::uint64_t epoch, std::uint64_t version);

  [[nodiscard]] bool has_claim() const { return claim_.has_value(); }
  /// With a claim, or after waiting for a sponsor for too long: texts may be written.
  [[nodiscard]] bool may_write(Instant now) const { return has_claim() || now >= write_anyway_at_; }

  /// Asks the next neighbor in turn to sponsor the claim, unless one is asked already or was a moment ago.
  /// The claim names the heads of its welcome.
  void ask_sponsor(const Links& links, Turn& turn);
  /// True when a claim was made: publish.
  bool on_reply(const Link& link, const SponsorReply& reply, Instant now);
  void on_link_down(LinkId link);
  /// Gives up on a silent one and asks the next.
  void on_wake(const Links& links, Turn& turn);
  [[nodiscard]] std::optional<Instant> next_deadline(const Links& links) const;

  /// Answers a newcomer: signs unless another key holds the name.
  SponsorReply sponsor(const Link& link, const SponsorRequest& request, const Roster& roster, const Now& now);

  /// What a peer's end of a connection tells of our addresses. True when the list changed.
  bool on_observed(const LinkUp& up);
  [[nodiscard]] const std::vector<NetAddress>& addresses() const { return addresses_; }

  void set_prekey(const AgreementKey& prekey) { prekey_ = prekey; }
  /// The next version of the record. Needs a claim.
  EnvelopePtr write_record(bool online, WallMs since_ms, WallMs wall_ms);

 private:
  bool add_address(NetAddress address);

  const NodeOptions& options_;
  Author& author_;
  MemberKey key_;
  NodeKey node_;
  bool quiet_ = false;
  std::uint64_t version_ = 0;
  AgreementKey prekey_{};
  std::optional<NameClaim> claim_;
  LinkId asked_ = 0;
  LinkId last_asked_ = 0;
  Instant ask_again_at_{};
  std::vector<EnvelopeId> asked_heads_;
  Instant asked_at_{};
  Instant write_anyway_at_{};
  std::vector<NetAddress> addresses_;
  std::map<NetAddress, NodeKey> observed_;  // seen once, by whom: counts when a second one says so
  std::map<std::string, std::pair<MemberKey, Instant>> granted_;  // names signed for lately
};

}  // namespace p2pmesh
