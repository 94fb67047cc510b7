// The entries of a closed mesh, and what they come to: which invites are open, and who has come in. What it
// says depends on the set of entries and acts, and on whom this node began with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "moderation_log.h"
#include "p2pmesh/core/entries.h"
#include "p2pmesh/wire/entry_body.h"

namespace p2pmesh {

class EntryLog {
 public:
  /// `roots`: whom nobody needs to have let in: the founder, who let this node in, and itself, in this order.
  /// The acts outlive it.
  EntryLog(std::vector<MemberKey> roots, ModerationLog& acts) : roots_(std::move(roots)), acts_(acts) {}

  /// An entry whose ticket was checked. Of an author who has signed two for one place both count: who let
  /// somebody in cannot take that back. False when it is malformed, or more than are kept.
  bool add(const EnvelopePtr& sealed);
  /// What this author wrote before still counts here; others will not get it, so whom it let in needs
  /// somebody else who says so.
  void revoke(const MemberKey& author);
  void give_back(const MemberKey& author);
  /// A ban has come, or holds no more: what it refuses does not count.
  void judge_again() { is_judged_ = false; }
  /// An admission that is about to be written counts already.
  void promise(const MemberKey& member, const InviteKey& invite);
  /// As many are kept as may be, in all or of this author.
  [[nodiscard]] bool is_full(const MemberKey& author) const;

  [[nodiscard]] bool is_admitted(const MemberKey& member, WallMs now_ms);
  /// What this author writes is refused from now on.
  [[nodiscard]] bool is_banned(const MemberKey& member, WallMs now_ms);
  [[nodiscard]] bool is_revoked(const MemberKey& member) const { return revoked_.contains(member); }
  /// How it came in, when all who say so are revoked.
  [[nodiscard]] std::optional<EntryBody> lost_sponsor(const MemberKey& member) const;
  /// Who let this member in, and that one, up to one of the roots; the nearest first, at most kEntryChainMax.
  [[nodiscard]] std::vector<EnvelopePtr> chain_of(const MemberKey& member, WallMs now_ms);

  [[nodiscard]] InviteStanding standing_of(const InviteKey& invite, WallMs now_ms);
  /// The newest last.
  [[nodiscard]] std::vector<InviteView> invites(WallMs now_ms);
  /// Of this author, that are open.
  [[nodiscard]] std::size_t open_invites(const MemberKey& author, WallMs now_ms);
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    EnvelopePtr envelope;
    EntryBody body;
  };
  struct Invite {
    std::map<MemberKey, EnvelopeId> made_by;  // of one author the lowest id's
    std::set<MemberKey> cancelled_by;
  };
  [[nodiscard]] std::optional<EnvelopeId> made_by(const InviteKey& invite, const MemberKey& author) const;
  bool make_space(const MemberKey& author);
  void drop(const EnvelopeId& id);
  void judge(WallMs now_ms);
  void reach(const MemberKey& root, const std::map<MemberKey, std::vector<EnvelopeId>>& let_in);
  [[nodiscard]] InviteView view_of(const Entry& made, const Invite& invite, WallMs now_ms);

  std::vector<MemberKey> roots_;
  ModerationLog& acts_;
  std::map<EnvelopeId, Entry> entries_;
  std::map<MemberKey, std::size_t> by_author_;
  std::map<InviteKey, Invite> invites_;
  std::map<MemberKey, std::set<EnvelopeId>> of_member_;  // that say it was let in
  std::map<MemberKey, InviteKey> promised_;
  std::set<MemberKey> revoked_;
  bool is_judged_ = false;
  std::map<MemberKey, EnvelopeId> admitted_;          // and by which entry; zero: a root
  std::map<InviteKey, std::set<MemberKey>> used_by_;  // by entries that count, and promised ones
};

}  // namespace p2pmesh
