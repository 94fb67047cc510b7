// Bugs that are planted on purpose, one at a time, to see whether the simulator finds them. An ordinary build
// has none of them: there P2P_PLANTED() is a constant false.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

/// Each has a place where `P2P_PLANTED(Name)` stands, and breaks a promise that the simulator checks.
#define P2PMESH_PLANTED_BUGS_LIST(BUG)                                                      \
  /* What may come in. */                                                                   \
  BUG(SeenBeforeVerify, "a forged copy silences the real envelope")                         \
  BUG(GossipUnverified, "what comes by broadcast is not verified")                          \
  BUG(RepairUnverified, "what comes by repair is not verified")                             \
  /* What was accepted, what is held. */                                                    \
  BUG(IntervalForgotten, "a restart forgets the newest interval of each log")               \
  BUG(MissingOffByOne, "a single number missing at the end of a range is overlooked")       \
  BUG(RepairedNotHeld, "what came by repair is stored and not counted as held")             \
  BUG(ShownAgain, "an envelope that is stored already gets a row again")                    \
  BUG(ForkShowsFirst, "of two envelopes for one place the first is shown, not the lower")   \
  BUG(VersionTieWrong, "of two records of one version the greater id counts")               \
  /* The author. */                                                                         \
  BUG(EpochReused, "an unclean stop does not end the epoch")                                \
  BUG(EpochByClockAlone, "a new epoch need not be above the last one")                      \
  BUG(AcknowledgedBeforeCommit, "a send is acknowledged when it is written to the link")    \
  BUG(AcknowledgedBeforeSync, "the commit of an own envelope is not synced")                \
  BUG(OutboxForgotten, "a restart forgets what no neighbor has taken")                      \
  BUG(TakenBeforeCommit, "a neighbor says that it has taken what it has not committed")     \
  BUG(TakenToWrongNeighbor, "taken is told to some neighbor, not to the author")            \
  BUG(HeadsForgetOwn, "an envelope does not follow the author's own last one")              \
  /* Order. */                                                                              \
  BUG(AnnouncedBeforeCommit, "clients see an envelope before it is committed")              \
  BUG(ReleasedOutOfOrder, "what waited for an earlier one is released backwards")           \
  BUG(GapNeverShown, "no gap is marked as one")                                             \
  BUG(GapWithoutLoss, "a gap is marked where nothing is missing")                           \
  BUG(LateShownAsLive, "an earlier envelope that comes late is shown as a new one")         \
  BUG(HeldBackUnbounded, "any number of envelopes may wait for an earlier one")             \
  /* Broadcast. */                                                                          \
  BUG(PrunesEverything, "whoever brings a payload is pruned, the first as well")            \
  BUG(PruneNeverHeeded, "a link that was pruned stays eager")                               \
  BUG(IHaveNeverQueued, "a lazy neighbor is not told of a payload")                         \
  BUG(IHaveTimerNeverFires, "ihaves are gathered and not sent")                             \
  BUG(GraftNeverSent, "what an ihave told of and did not come is not asked for")            \
  BUG(MissingIdsUnbounded, "any number of ids may be announced as missing")                 \
  BUG(FlushForgetsPayloads, "payloads that waited to share a frame are dropped")            \
  /* Anti-entropy. */                                                                       \
  BUG(LogsNotInDigest, "the digest does not change with a log envelope")                    \
  BUG(RecordsNotInDigest, "the digest does not change with a member record")                \
  BUG(ForksNotInDigest, "the digest keeps the higher id of a fork")                         \
  BUG(ListingDropsLastPage, "the last page of a listing is empty")                          \
  BUG(WantsSkipNewest, "the newest number of a wanted range is not asked for")              \
  /* Membership. */                                                                         \
  BUG(JoinNotPassedOn, "the other neighbors do not hear of a newcomer")                     \
  BUG(WalkNeverEnds, "a forward join does not count its hops")                              \
  BUG(ViewOverBound, "a full active view takes further neighbors")                          \
  BUG(NeighborAlwaysGranted, "a full active view grants every request and evicts somebody") \
  BUG(PassiveViewUnbounded, "the passive view keeps whatever it hears of")                  \
  BUG(DisconnectUntold, "a neighbor that is given up is not told")                          \
  BUG(SilenceIgnored, "a silent link is never closed")                                      \
  BUG(HealNeverDials, "who is believed offline is not dialled")                             \
  /* Presence. */                                                                           \
  BUG(SuspicionNeverRefuted, "a suspected member that lives does not say so")               \
  BUG(OfflineNeverTold, "a suspicion that nobody refutes has no end")                       \
  /* People. */                                                                             \
  BUG(FloodedBeforeCommit, "an own envelope is flooded before it is on the disk")           \
  BUG(DraftNotDeleted, "a line that waited stays on the disk when it is sent")              \
  BUG(DraftsOvertaken, "a new line does not wait behind those that wait")                   \
  BUG(CancelNotStored, "a line that was taken back stays on the disk")                      \
  BUG(ReceiptBeforeCommit, "what came is told as delivered before it is committed")         \
  BUG(ReceiptForgotten, "what came is not told as delivered")                               \
  BUG(ReadUnasked, "what came is told as read")                                             \
  BUG(NumberReused, "a restart forgets the numbers of what was written")                    \
  BUG(DeclinedShown, "who was declined is shown")                                           \
  BUG(AcceptNotStored, "who was accepted is a stranger again after a restart")              \
  BUG(OpenedWhileHidden, "who is not to be seen opens what is for it")                      \
  BUG(WritesWhileHidden, "who is not to be seen writes")                                    \
  BUG(OpenedWhileBlocked, "what a blocked one writes is opened")                            \
  BUG(CarriesOwnMail, "what is for the member itself is dropped as what is carried")        \
  BUG(GoneCountsAsHad, "what a neighbor has dropped is not taken from others")              \
  BUG(GoneNeverAsked, "who is told that something is gone asks nobody else")                \
  BUG(NobodyVisited, "nobody goes to who has not got what was written to it")               \
  /* Names. */                                                                              \
  BUG(LateClaimWins, "of two claims to a name the later one holds it")                      \
  BUG(NameByArrival, "whoever is heard of first holds a name")                              \
  BUG(HeldNameSponsored, "a sponsor signs a name that another key holds, at depth 1")

namespace p2pmesh {

enum class PlantedBug : std::uint8_t {
  kNone,
#define P2PMESH_PLANTED_BUG(name, what) k##name,
  P2PMESH_PLANTED_BUGS_LIST(P2PMESH_PLANTED_BUG)
#undef P2PMESH_PLANTED_BUG
};

struct PlantedBugName {
  PlantedBug bug;
  std::string_view name;
  std::string_view what;
};
#define P2PMESH_PLANTED_BUG(name, what) PlantedBugName{PlantedBug::k##name, #name, what},
inline constexpr std::array kPlantedBugs = {P2PMESH_PLANTED_BUGS_LIST(P2PMESH_PLANTED_BUG)};
#undef P2PMESH_PLANTED_BUG

}  // namespace p2pmesh

#ifdef P2PMESH_PLANTED_BUGS

namespace p2pmesh {

inline constexpr bool kHasPlantedBugs = true;
/// The one bug of this process. Set before anything else runs, never changed after.
inline PlantedBug planted_bug = PlantedBug::kNone;

}  // namespace p2pmesh

#define P2P_PLANTED(name) (::p2pmesh::planted_bug == ::p2pmesh::PlantedBug::k##name)

#else

namespace p2pmesh {

inline constexpr bool kHasPlantedBugs = false;

}  // namespace p2pmesh

#define P2P_PLANTED(name) (static_cast<void>(::p2pmesh::PlantedBug::k##name), false)

#endif
