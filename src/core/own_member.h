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
#include "room_heads.h"
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
  [[nodiscard]] const std::string& claimed_name() const { return claim_ ? claim_->name : options_.name; }
  /// NodeOptions::exact_name: a sponsor says that another key holds the name.
  [[nodiscard]] bool is_refused() const { return is_refused_; }
  /// With a claim, or after waiting for a sponsor for too long: texts may be written.
  [[nodiscard]] bool may_write(Instant now) const {
    return has_claim() || (now >= write_anyway_at_ && !is_refused_);
  }

  /// Asks the next neighbor in turn to sponsor the claim, unless one is asked already or was a moment ago.
  /// A first claim names the heads of its welcome, a later one those that it has when it is asked.
  void ask_sponsor(const Links& links, Turn& turn);
  /// True when a claim was made: publish.
  bool on_reply(const Link& link, const SponsorReply& reply, Turn& turn);
  /// Begins to claim another name; the old one goes on until that is done. True as for on_reply().
  bool change_name(const ChangeName& wish, const Roster& roster, const Links& links, Turn& turn);
  /// A version of the own record is durable.
  void on_committed(const Envelope& record, Turn& turn);
  void on_link_down(LinkId link);
  /// Gives up on a silent one and asks the next.
  void on_wake(const Links& links, Turn& turn);
  [[nodiscard]] std::optional<Instant> next_deadline(const Links& links) const;

  /// Answers a newcomer, or a member that wants another name: signs unless another key holds the name.
  SponsorReply sponsor(const Link& link, const SponsorRequest& request, const Roster& roster,
                       const RoomHeads& heads, const Now& now);

  /// What a peer's end of a connection tells of our addresses. True when the list changed.
  bool on_observed(const LinkUp& up);
  /// Where a router sends on to this node; nothing: no longer. True when the list changed.
  bool set_outside(const std::optional<NetAddress>& outside);
  [[nodiscard]] const std::vector<NetAddress>& addresses() const { return addresses_; }

  void set_prekey(const AgreementKey& prekey) { prekey_ = prekey; }
  /// The next version of the record. Needs a claim.
  EnvelopePtr write_record(bool online, WallMs since_ms, WallMs wall_ms);

 private:
  /// Another name that is wanted.
  struct Wish {
    std::uint64_t token = 0;
    std::string name;
    Instant until;
    bool is_claimed = false;                                        // the claim is made
    std::optional<std::pair<std::uint64_t, std::uint64_t>> record;  // epoch and version that first say so
  };
  [[nodiscard]] bool wants_sponsor() const {
    return has_claim() ? wish_ && !wish_->is_claimed : !is_refused_;
  }
  [[nodiscard]] std::optional<NameClaim> read_claim(const SponsorReply& reply, const std::string& name) const;
  void answer_wish(NameVerdict verdict, Turn& turn);
  bool add_address(NetAddress address);
  [[nodiscard]] bool is_of_router(NetAddress address) const;

  const NodeOptions& options_;
  Author& author_;
  MemberKey key_;
  NodeKey node_;
  bool quiet_ = false;
  std::uint64_t version_ = 0;
  AgreementKey prekey_{};
  std::optional<NameClaim> claim_;
  std::optional<Wish> wish_;
  bool is_refused_ = false;
  LinkId asked_ = 0;
  LinkId last_asked_ = 0;
  Instant ask_again_at_{};
  Instant asked_at_{};
  Instant write_anyway_at_{};
  std::vector<NetAddress> addresses_;
  std::optional<NetAddress> outside_;       // then the first of them
  std::map<NetAddress, NodeKey> observed_;  // seen once, by whom: counts when a second one says so
  std::map<std::string, std::pair<MemberKey, Instant>> granted_;  // names signed for lately
};

}  // namespace p2pmesh
