// Every bound on what a peer, a user or a disk can make grow, with the source of each number.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace p2pmesh::limits {

using namespace std::chrono_literals;

// Frames. Length prefix counts type and payload.
inline constexpr std::size_t kFrameBytesMaxBeforeWelcome = 4 * 1024;  // design.md, section 4
inline constexpr std::size_t kFrameBytesMax = 64 * 1024;              // design.md, section 4
inline constexpr std::size_t kFrameHeaderBytes = 5;                   // 4 length, 1 type

// Envelopes.
inline constexpr std::size_t kRoomBytesMax = 64;                       // a room is a short label; guess
inline constexpr std::size_t kSubjectBytesMax = 64;                    // fits a key and a word; guess
inline constexpr std::size_t kParentsMax = 8;                          // design.md, section 4
inline constexpr std::size_t kMessagesPerEnvelopeMax = 512;            // design.md, section 4
inline constexpr std::size_t kMessageBytesMax = 8 * 1024;              // design.md, section 4
inline constexpr std::size_t kEnvelopeBytesMax = kFrameBytesMax - 16;  // a frame's header and round beside it
inline constexpr std::size_t kTextBodyBytesMax = 60 * 1024;  // leaves room for header, parents, signature
inline constexpr std::uint64_t kDepthMax = 1ULL << 62;       // no sum of it overflows; beyond any honest use
inline constexpr std::uint64_t kDepthLeadMax = 1ULL << 20;   // design.md, section 4: order

// Direct messages.
inline constexpr std::size_t kDirectPadding = 256;         // issue "people": padded to 256-byte steps
inline constexpr std::size_t kDirectBytesMax = 60 * 1024;  // padded; leaves room for header and signature
inline constexpr std::size_t kStandingEpochsMax = 32;      // of a correspondent; one an unclean stop
inline constexpr std::size_t kStandingIntervalsMax = 32;   // of each of them; the newest when there are more
inline constexpr std::size_t kPrekeysMax = 3;              // issue "people": the current and two old ones
inline constexpr std::size_t kCorrespondentsMax = 500;     // people one member talks to: below its records
inline constexpr std::size_t kStrangersMax = 1024;         // who have asked and were not answered; guess
inline constexpr std::size_t kUnknownStrangersMax = 64;    // of them whose member record is not here
inline constexpr std::size_t kNumbersRememberedMax = 128;  // intervals of an epoch; 32 are told

// Names.
inline constexpr std::size_t kNameBytesMax = 64;    // design.md, section 4
inline constexpr std::size_t kNameColumnsMax = 32;  // design.md, section 4
inline constexpr std::size_t kAddressesMax = 8;     // design.md, section 4

// Revocations.
inline constexpr std::size_t kRevocationsMax = 4096;     // keys of a mesh that count no more; guess
inline constexpr std::size_t kRevocationRecordsMax = 4;  // of one key, by who has published it; guess

// Closed meshes.
inline constexpr std::size_t kEntriesMax = 65536;           // invites and admissions of a closed mesh; guess
inline constexpr std::size_t kEntriesPerAuthorMax = 16384;  // one who lets in a whole mesh of ten thousand
inline constexpr std::size_t kInvitesOpenMax = 256;         // of one author that are neither used up nor over
inline constexpr std::size_t kEntryChainMax = 6;            // shown in a hello, which must stay below 4 KiB
inline constexpr std::size_t kSealedFrameBytes = 40;        // a nonce and a tag beside a frame's payload

// Passphrases.
inline constexpr std::size_t kPassphraseBytesMax = 1024;           // a long sentence; guess
inline constexpr std::uint64_t kPassphrasePassesMax = 16;          // four times libsodium's costliest preset
inline constexpr std::uint64_t kPassphraseMemoryMax = 1ULL << 30;  // that of libsodium's costliest preset

// Links.
inline constexpr std::size_t kLinksMax = 64;  // full mesh of nine, joins and crossings beside it; guess
inline constexpr std::size_t kHalfOpenLinksMax = 64;      // issue "nobody gets in": half-open links in all
inline constexpr std::size_t kHalfOpenPerAddressMax = 8;  // the same
inline constexpr std::size_t kWaitingLinksMax = 192;      // accepted, not begun: a descriptor each; guess
inline constexpr auto kNextAddressDelay = 250ms;          // then the next address too; RFC 8305, section 5
inline constexpr std::size_t kRacingAddressesMax = 16;    // of one host, dialled side by side; guess
inline constexpr auto kReachInterval = 600s;              // of dial-backs, for each key
inline constexpr auto kReachPatience = 15s;       // then the next neighbor is asked; a dial ends after 5 s
inline constexpr std::size_t kReachDialsMax = 8;  // for others, at once; guess
inline constexpr std::size_t kReachAskersMax = 1024;  // remembered; further ones are not served
inline constexpr auto kHandshakeTimeout = 5s;         // "no answer (5 s)"
// An X25519 exchange, a signature and a check cost half a millisecond: an eighth of a core, and no more.
inline constexpr std::uint64_t kHandshakesPerSecond = 256;       // begun for those who knock
inline constexpr std::uint64_t kHandshakesBurst = 512;           // a large mesh that lost its power; guess
inline constexpr std::uint64_t kSourceHandshakesPerSecond = 32;  // of them from one address; guess
inline constexpr std::uint64_t kSourceHandshakesBurst = 128;     // 48 nodes of one address, crossing; guess
inline constexpr std::size_t kHandshakeSourcesMax = 2048;        // above those of kHandshakesBurst and 4 s
inline constexpr std::size_t kCertificateBytesMax = 4096;        // issue "nobody gets in"
inline constexpr std::size_t kTlsHelloBytesMax = 4096;           // ours has some 250
inline constexpr std::size_t kTlsRingBytes = 4608;  // each way: 4 KiB of records and what is around them
inline constexpr std::uint64_t kLateTlsMessagesMax = 16;  // key updates; nobody of ours sends one
inline constexpr std::size_t kSendQueueBytesSoft =
    4 * 1024 * 1024;  // above: live payloads dropped, repair brings them
inline constexpr std::size_t kSendQueueBytesMax = 16 * 1024 * 1024;  // above: the link is closed
// A frame that was begun may take this long, and a second more for each KiB of it that has come: a modem of
// 1990 is faster, and a link that is slower by far serves nobody.
inline constexpr auto kFramePatience = 30s;
inline constexpr std::uint64_t kFrameBytesPerSecondMin = 1024;
inline constexpr auto kFaultPauseMin = 1s;     // whose link was closed as faulty; doubled by each further one
inline constexpr auto kFaultPauseMax = 10min;  // its owner may have put in another release by then; guess
inline constexpr auto kFaultForgotten = 10min;        // after the pause, without another fault; guess
inline constexpr std::size_t kFaultyNodesMax = 1024;  // of whom that is known; 64 KiB
inline constexpr auto kUndisturbed =
    1500ms;  // a half-open link with progress; three satellite round trips; guess
inline constexpr auto kAdmitInterval = 50ms;      // between two looks at who waits to be let in
inline constexpr auto kAcceptPause = 200ms;       // out of descriptors: not spinning
inline constexpr auto kClosingTimeout = 2s;       // what was sent before a close; "quietly within 2 s"
inline constexpr auto kSilenceBeforeClose = 10s;  // a stalled machine may come back before that
inline constexpr auto kRedialBackoffMin = 250ms;
inline constexpr auto kRedialBackoffMax = 60s;
inline constexpr auto kLinkProven = 10s;        // a link that lived this long resets the back-off
inline constexpr auto kOwnEpochInterval = 10s;  // a copy of the profile elsewhere must not make a storm
inline constexpr auto kRefutationInterval = 1s;
inline constexpr auto kUnlinkedCheckFirst = 5s;  // a member shown online without a link is asked for
inline constexpr auto kUnlinkedCheckLast = 300s;
inline constexpr std::size_t kPeersMax = 4096;  // remembered addresses a mesh
// Of a full book one who tells of peers, or whoever comes from one network, fills an eighth: five liars
// beside three own dials leave more than a third. One network of peers a quarter, since a mesh may be of few
// sites.
inline constexpr std::size_t kPeersPerSourceMax = 512;
inline constexpr std::size_t kPeersPerNetworkMax = 1024;
inline constexpr std::size_t kPassiveSharesOfSource = 8;   // of a passive view, as of a book: an eighth
inline constexpr std::size_t kPassiveSharesOfNetwork = 4;  // likewise
inline constexpr std::size_t kPeersOfFileMax = 64;  // known at the next start; any one leads to all others
inline constexpr std::size_t kPeerFileBytesMax = 64 * 1024;
inline constexpr std::size_t kAnchorsMax = 3;  // own dials known after a restart; design.md: three of eight
inline constexpr auto kAnchorAge = 1min;       // that such a link has lived: the interval of rewiring
inline constexpr auto kAnchorsFirst = 2s;      // for their answers before others are dialled; guess

// Membership and broadcast; core/parameters.h has what can be tuned.
inline constexpr std::size_t kShufflePeersMax = 32;    // four times what a shuffle holds by default
inline constexpr std::size_t kShuffleRoutesMax = 256;  // ways back that are remembered; 10 s of a busy node's
inline constexpr std::size_t kDialsMax = 32;           // under way at once
inline constexpr std::size_t kCandidatesMax = 32;  // links up that are not yet neighbors, of each direction
inline constexpr auto kCandidateTimeout = 5s;      // to ask, or to answer; as the handshake's
inline constexpr std::size_t kSuspectsMax = 64;    // members in one suspicion; 3 KiB
inline constexpr std::size_t kAskedMembersMax = 4096;  // whether they live; above, old questions are dropped
inline constexpr std::size_t kGrantsMax = 1024;        // names promised to newcomers, each for 30 s; guess
inline constexpr std::size_t kAnnouncersMax = 8;       // of one missing id: as many as an active view has
inline constexpr std::size_t kContestedMax = 1024;     // duplicates that are weighed together
inline constexpr std::size_t kPrunedAuthorsMax = 256;  // of a link; a full mesh has nine members online
inline constexpr std::size_t kMissingIdsMax = 4096;    // announced by ihave, not come yet
inline constexpr std::size_t kMissingPerLinkMax = 1024;       // of them first announced by one neighbor
inline constexpr std::size_t kGraftAnswerBytesMax = 1 << 20;  // a frame; the rest comes by anti-entropy
inline constexpr std::size_t kRecentMax = 4096;          // broadcast lately: to answer grafts, to know ihaves
inline constexpr std::size_t kRecentBytesMax = 4 << 20;  // of their payloads
inline constexpr std::size_t kRecentRepairedMax =
    1024;                                        // ids that came by repair: an ihave of them is no news
inline constexpr auto kRecentKept = 15s;         // above the ihave interval and several graft timeouts
inline constexpr std::size_t kYoungMax = 65536;  // items that a digest may leave out
inline constexpr auto kYoungKept = 15s;          // above any broadcast's lifetime

// Control frames of one link. A stalled node finds 10 s of them at once, and then the link is closed anyway:
// a burst is above that. 20 broadcasts a second, and 200 of each author, are announced in 1 to 5 frames a
// second.
inline constexpr std::uint64_t kIHaveIdsPerSecond = 16'384;  // four times what is announced at once
inline constexpr std::uint64_t kIHaveIdsBurst = 65'536;      // sixteen times
inline constexpr std::uint64_t kGraftIdsPerSecond = 4096;    // all that can be missing, once a second
inline constexpr std::uint64_t kGraftIdsBurst = 8192;
inline constexpr std::uint64_t kGraftAnswerBytesPerSecond = 4 << 20;  // as kRecentBytesMax
inline constexpr std::uint64_t kGraftAnswerBytesBurst = 8 << 20;
inline constexpr std::uint64_t kPrunesPerSecond = 4096;  // one a duplicate, until the first has arrived
inline constexpr std::uint64_t kPrunesBurst = 16'384;
inline constexpr std::uint64_t kForwardJoinsPerSecond = 256;  // as kHandshakesPerSecond: of one contact
inline constexpr std::uint64_t kForwardJoinsBurst = 4096;     // 1,000 at once, four times
inline constexpr std::uint64_t kShufflesPerSecond = 64;       // six hops of one in 10 s each: one every few s
inline constexpr std::uint64_t kShufflesBurst = 1024;
inline constexpr std::uint64_t kSyncDigestsPerSecond = 64;  // one a session; a session a round trip or more
inline constexpr std::uint64_t kSyncDigestsBurst = 512;
inline constexpr std::uint64_t kSyncRequestsPerSecond = 1024;  // one a round trip; 256 ranges in each
inline constexpr std::uint64_t kSyncRequestsBurst = 8192;
inline constexpr std::uint64_t kSyncAnswersPerSecond = 4096;  // of a request one a log at most: 256
inline constexpr std::uint64_t kSyncAnswersBurst = 32'768;
inline constexpr std::uint64_t kPingsPerSecond = 64;  // kTellRepaired and heartbeats: four a second
inline constexpr std::uint64_t kPingsBurst = 512;
inline constexpr std::uint64_t kSponsoringsPerSecond = 16;  // a signature each; one a link and name; guess
inline constexpr std::uint64_t kSponsoringsBurst = 128;
// A neighbor may take all that this node ever wrote, as fast as it checks signatures: 20,000 a second.
inline constexpr std::uint64_t kTakenIdsPerSecond = 65'536;
inline constexpr std::uint64_t kTakenIdsBurst = 262'144;
inline constexpr std::uint64_t kAskingsPerSecond = 16;  // joins, neighbor requests, replies, closes: one each
inline constexpr std::uint64_t kAskingsBurst = 128;
inline constexpr std::uint64_t kFarOverBursts = 4;  // spent at once: the link is closed as faulty; guess
inline constexpr std::size_t kRepairAnswersMax = kLinksMax;  // begun: one a link
inline constexpr std::size_t kRepairReadsMax = 16;           // of them read from the store at once: 16 MiB

// Budgets; design.md, section 4.
inline constexpr std::uint64_t kAuthorEnvelopesPerSecond = 200;
inline constexpr std::uint64_t kAuthorEnvelopesBurst = 1000;
inline constexpr std::uint64_t kAuthorBytesPerSecond = 16 * 1024 * 1024;
inline constexpr std::uint64_t kRepairBytesPerSecond = 32 * 1024 * 1024;  // a link

// Seen table.
inline constexpr std::size_t kSeenEntriesMax = 1 << 20;  // about 64 MiB full; a day of a busy room
inline constexpr auto kSeenExpiry = 10min;               // far above any flood's lifetime; guess

// Core bookkeeping.
inline constexpr std::size_t kAuthorsMax = 65536;           // members and strangers whose envelopes are held
inline constexpr std::size_t kEpochsPerAuthorMax = 4096;    // one an unclean stop
inline constexpr std::size_t kIntervalsPerEpochMax = 4096;  // gaps of one author and epoch
inline constexpr std::size_t kRecordsPerAuthorMax = 512;    // a standing for each correspondent; guess
inline constexpr std::size_t kMembersMax = 65536;           // six times the goal of ten thousand
inline constexpr std::size_t kRoomsMax = 1024;
inline constexpr std::size_t kHeadsPerRoomMax = 64;
inline constexpr std::size_t kHeadAuthorsMax = 64;  // of a room, the deepest, whose depth is followed
inline constexpr std::size_t kTakersCountedMax =
    4096;  // own envelopes of which it is told how many have them
inline constexpr std::size_t kMissingParentsMax = 4096;
inline constexpr std::size_t kHeldBackMax = 1024;         // envelopes waiting for their `prev`
inline constexpr auto kHeldBackTimeout = 1s;              // design.md, section 4: order
inline constexpr std::size_t kUnsentMessagesMax = 65536;  // typed, not yet in an envelope
inline constexpr std::size_t kUnsentBytesMax = 64 * 1024 * 1024;
inline constexpr std::size_t kDraftsMax = 20'000;  // lines that wait on the disk until they may be sent
inline constexpr std::size_t kDraftBytesMax = 16 * 1024 * 1024;
inline constexpr std::size_t kDirectSecretsMax = 4096;  // kept; then they are worked out again: 0.2 ms each
inline constexpr std::size_t kUnopenedSearchedMax = 4096;  // rows at once, so that other work goes on
inline constexpr std::size_t kPeopleMax = 10'000;          // of whom something is noted
inline constexpr std::size_t kPlacesMax = 1000;            // noted for names that nobody has yet; guess
inline constexpr std::size_t kLooksMax = 64;               // for somebody at an address, under way; guess
inline constexpr std::size_t kHostBytesMax = 255;          // of a domain name
inline constexpr std::size_t kMeshesMax = 32;              // at once; each has a thread for its disk

// Anti-entropy.
inline constexpr std::size_t kDigestBuckets = 256;
inline constexpr std::size_t kDigestLeaves = 16;  // of a bucket: two or three authors each of ten thousand
inline constexpr std::size_t kSyncPageBytes = 16 * 1024;  // a listing page
inline constexpr std::size_t kSyncRangesMax = 256;        // ranges in one request
inline constexpr std::size_t kSyncAnswerBytesMax = 1024 * 1024;
inline constexpr std::size_t kSyncAnswerEnvelopesMax = 1024;
inline constexpr auto kSyncQuiet = 3s;        // "without the last seconds"; above a broadcast's lifetime
inline constexpr auto kTellRepaired = 300ms;  // a repair in several parts is told of a few times
inline constexpr std::size_t kSyncWantsMax = 65536;  // ranges and records that a session remembers
inline constexpr auto kSyncSessionMax = 60s;         // what is left is asked for in the next one
// While others talk. Each takes some 0.2 ms of processor time: in all a sixth of a core, at once 13 ms.
inline constexpr std::uint64_t kRepairAtOnce = 64;
inline constexpr std::uint64_t kRepairPeakPerSecond = 800;
inline constexpr auto kSyncTimeout = 15s;  // a session without progress is dropped

// Direct messages between others, as far as the configuration does not say otherwise.
inline constexpr std::uint64_t kCarriedEnvelopesPerAuthor = 50'000;  // twice what may wait as drafts; guess
inline constexpr std::uint64_t kCarriedBytesPerAuthor = 256ULL << 20;
inline constexpr std::uint64_t kCarriedBytes = 1ULL << 30;                // of all authors; guess
inline constexpr std::uint64_t kCarriedMs = 90ULL * 24 * 60 * 60 * 1000;  // design.md: as a mailbox is kept
inline constexpr std::size_t kGonePerFrameMax = 512;                      // a listing page of them
inline constexpr std::uint64_t kGoneRangeMax = 256;                       // numbers asked for in one range
inline constexpr std::size_t kGoneAtOnceMax = 4096;                       // ranges in one answer; guess
inline constexpr std::size_t kGoneKnownMax = 65'536;  // ranges of what was dropped before it came; guess

// Storage and control.
inline constexpr std::size_t kStoreQueueBytesMax = 64 * 1024 * 1024;
inline constexpr auto kFullSyncInterval = 1s;  // design.md, section 4: durability
inline constexpr std::size_t kControlClientsMax = 64;
inline constexpr std::size_t kControlRequestsMax = 8192;  // on their way a client; more wait in its socket
inline constexpr std::size_t kControlReadsMax = 2;  // of a client at once: an answer may be megabytes long
inline constexpr std::size_t kControlLineBytesMax =
    256 * 1024;  // 8 KiB text, every byte escaped as \uXXXX, and more
inline constexpr std::size_t kControlQueueBytesMax = 8 * 1024 * 1024;  // above: one gap event
inline constexpr std::size_t kControlPageMax = 1000;                   // message.list
inline constexpr std::size_t kControlIdBytesMax = 128;  // a request's id, kept until its reply; guess
inline constexpr std::size_t kControlDepthMax = 16;     // nesting of a line; the protocol needs 4
inline constexpr std::size_t kControlReplyBytesMax =
    64 * 1024 * 1024;  // a page of 1,000 messages, all escaped

// Rooms as a profile sees them.
inline constexpr std::size_t kRoomsJoinedMax = 64;      // more than anybody follows; guess
inline constexpr std::size_t kRoomsListedMax = 1024;    // as kRoomsMax: those whose heads are known
inline constexpr std::size_t kUnreadRowsMax = 256;      // a room, told apart by row; 4 MiB in all
inline constexpr std::size_t kUnreadDirectsMax = 4096;  // a correspondent; 16 MiB in all
inline constexpr std::size_t kHistoryLinesMax = 1000;   // a block of /history, printed in one piece

// Topics, private rooms, invitations.
inline constexpr std::size_t kTopicBytesMax = 512;             // issue "rooms"; a line or two
inline constexpr std::size_t kRoomPadding = 256;               // issue "rooms": padded to 256-byte steps
inline constexpr std::size_t kRoomSealedBytesMax = 60 * 1024;  // padded; leaves room for header and signature
inline constexpr std::size_t kPrivateRoomsMax = 64;            // keys of a profile; as many as can be joined
inline constexpr std::size_t kInvitationsMax = 64;             // not answered; guess
inline constexpr std::size_t kOpenedAtOnceMax = 256;     // envelopes opened before others get their turn
inline constexpr std::size_t kOpenedBytesMax = 1 << 20;  // and their bytes; 20 ms

// Moderation.
inline constexpr std::size_t kActReasonBytesMax = 256;  // a line; guess
inline constexpr std::size_t kActSeenMax = 8;           // as kParentsMax
inline constexpr std::size_t kCutEpochsMax = 256;       // of one member; one an unclean stop, newest first
inline constexpr std::size_t kActsPerAuthorMax = 1024;  // that weigh; the earliest in its log
inline constexpr std::size_t kActsUnrankedMax = 128;    // in a room, of who has no rank in the mesh; guess
inline constexpr std::size_t kRoomClaimsMax = 16;       // to have opened a room; the first in its transcript
inline constexpr std::size_t kActsPerRoomMax = 512;     // of members without a rank in the mesh; 11 ms
inline constexpr std::size_t kActsOfRoomsMax = 8192;    // likewise, of all rooms
inline constexpr std::size_t kRestrictingRoomsMax = 512;  // in which those have banned or silenced; guess
inline constexpr std::size_t kActsOfMeshMax = 12'288;     // of its founder and moderators; 176 each of 64
inline constexpr std::size_t kRestrictionsMax = 64;       // of a member in a room; the longest; guess
inline constexpr std::size_t kModeratorsMax = 64;         // of a room, or of the mesh; guess
inline constexpr std::size_t kActsMax = 24'576;           // known in memory, 4096 without weight; 24 MiB
inline constexpr auto kBannedLinkPause = 10min;           // before it is told once more; guess
inline constexpr auto kBannedLinkKept = 5s;               // for its node to hear of the ban
inline constexpr auto kHideAgain = 10s;                   // after the store could not hide; guess

// Members as a node tells of them.
inline constexpr auto kPresenceWindow = 30s;              // issue "presence"
inline constexpr std::size_t kPresenceWindowsMax = 4096;  // members who came or went within it; 1 MiB
inline constexpr std::size_t kNamesOfContactMax = 4;      // by which one was known; guess

// The rendezvous. Rates are of one link; a node that registers has one or a few members.
inline constexpr std::size_t kRendezvousMembersMax = 100'000;     // ten times the goal
inline constexpr std::size_t kRendezvousBytesMax = 128ULL << 20;  // of registrations; 1.3 KiB each of so many
inline constexpr std::size_t kRendezvousNamesPerMember = 4;       // the one in use and former ones; guess
inline constexpr auto kRendezvousLease = 5min;  // issue "finding each other"; refreshed at a third
inline constexpr auto kRendezvousGrace = 5s;    // after the link's end: a link that is dialled again; guess
inline constexpr std::uint64_t kRendezvousNameKeptMs =
    90ULL * 24 * 60 * 60 * 1000;                                             // design.md: as a name in a mesh
inline constexpr std::uint64_t kRendezvousAheadMs = 24ULL * 60 * 60 * 1000;  // a registration's validity
inline constexpr std::size_t kRendezvousQuestionsMax = 1024;  // of one node, without an answer; guess
inline constexpr std::size_t kRendezvousListedMax = 1000;  // people, and meshes, that a user is shown; guess
inline constexpr std::size_t kRendezvousUsedMax = 8;       // servers that one node is registered at; guess
inline constexpr std::size_t kRendezvousMeshesPerMember = 16;  // guess
inline constexpr std::size_t kRendezvousLabelBytesMax = 64;    // as a name
inline constexpr std::size_t kRegistrationBytesMax = 2048;     // one with 8 addresses and 16 meshes has 1981
inline constexpr std::size_t kRendezvousMeshesMax = 65536;     // of those online; further ones are not listed
inline constexpr std::size_t kRendezvousMeshNamesMax = 3;      // told of one mesh
inline constexpr std::size_t kRendezvousPageMax = 100;         // people or meshes
inline constexpr std::size_t kRendezvousWatchedMax = 1000;     // keys of one link
inline constexpr std::size_t kRendezvousChangesMax = 16'384;   // remembered; who is behind lists again; 2 MiB
inline constexpr std::size_t kRendezvousChangesPerFrame = 500;  // 52 KiB
inline constexpr std::size_t kRendezvousChangesAhead = 8;       // frames that a watcher has not said it saw
inline constexpr std::size_t kRendezvousScannedMax = 1024;      // changes looked through at once for one link
inline constexpr std::size_t kRendezvousLinksPerSource = 256;   // a campus behind one address; guess
inline constexpr std::size_t kRendezvousSourcesMax = 65536;     // addresses whose new names are counted
inline constexpr std::uint64_t kRendezvousNamesPerHour = 64;    // new ones, of one address
inline constexpr auto kRendezvousSilence = 10min;               // a link without a word; two leases
inline constexpr std::size_t kRendezvousWritesMax = 16'384;   // that wait for the disk; then nothing is taken
inline constexpr std::uint64_t kRegistrationsPerSecond = 20;  // a check of a signature each
inline constexpr std::uint64_t kRegistrationsBurst = 100;
inline constexpr std::uint64_t kRendezvousLookUpsPerSecond = 200;
inline constexpr std::uint64_t kRendezvousLookUpsBurst = 400;
inline constexpr std::uint64_t kRendezvousPagesPerSecond = 20;
inline constexpr std::uint64_t kRendezvousPagesBurst = 40;
inline constexpr std::uint64_t kAsksPerSecond = 5;
inline constexpr std::uint64_t kAsksBurst = 20;
inline constexpr std::uint64_t kRendezvousOthersPerSecond = 100;  // what answers to frames from here; guess
inline constexpr std::uint64_t kRendezvousOthersBurst = 1000;
inline constexpr std::uint64_t kRendezvousFarOver = 10;  // times the rate and burst: the link is closed
inline constexpr std::size_t kAskBytesMax = 4096;        // sealed
inline constexpr std::size_t kAsksPerAsker = 100;
inline constexpr std::size_t kAsksPerRecipient = 1000;
inline constexpr std::size_t kAsksMax = 100'000;
inline constexpr std::uint64_t kAskKeptMs = 30ULL * 24 * 60 * 60 * 1000;
inline constexpr std::size_t kAsksAhead = 16;           // handed over and not yet taken: 64 KiB
inline constexpr std::size_t kAsksTakenMax = 64;        // in one frame
inline constexpr std::size_t kStrangerMeshesMax = 256;  // conversations with people of no mesh of ours; guess
inline constexpr std::size_t kStrangersAskingMax = 64;  // of them, requests that nobody has answered
inline constexpr std::size_t kStrangerFramesMax = 8;    // of a link that brings a request: it needs two
inline constexpr auto kStrangerLinkTime = 10s;          // then it is closed; as long as a handshake twice

// Who comes while --known-only holds it at the door.
inline constexpr std::size_t kCallersHeldMax = 64;                // until a server has answered; guess
inline constexpr std::size_t kCallerHeldBytesMax = 256ULL << 10;  // what one says meanwhile; guess
inline constexpr std::size_t kCallersKnownMax = 16'384;           // keys of those that were known; 0.5 MiB

// The beacon on the local network.
inline constexpr std::size_t kBeaconBytesMax = 1200;  // fits every MTU, headers included
inline constexpr std::size_t kBeaconMeshesMax = 6;    // open ones that are told; guess
inline constexpr std::size_t kBeaconTagsMax = 16;     // of further ones; guess
inline constexpr auto kBeaconInterval = 3s;           // back within 10 s, though two are lost
inline constexpr auto kHeardKept = 15s;               // five beacons
inline constexpr auto kBeaconClock = 5min;      // a clock that is further off has to be heard twice; guess
inline constexpr std::size_t kHeardMax = 1024;  // nodes, those silent for less than kBeaconClock included
inline constexpr std::size_t kHeardPerSourceMax = 32;  // of one address: nodes of one machine; guess
inline constexpr std::size_t kHeardPlacesMax = 4;  // of a node: interfaces by which it is heard, each family
// A check of a signature costs 60 us: 6 in 100 of a core, and as much again of those who are known already.
inline constexpr std::uint64_t kBeaconsPerSecond = 1000;  // of nodes that are not known
inline constexpr std::uint64_t kBeaconsBurst = 1000;      // likewise
inline constexpr std::uint64_t kSourceBeaconsPerSecond =
    4;  // of them from one address; 254 of those are as many
inline constexpr std::uint64_t kSourceBeaconsBurst = 64;   // 32 nodes of one machine, started together
inline constexpr std::uint64_t kNodeBeaconsPerSecond = 4;  // of a node that is known, by each way
inline constexpr std::uint64_t kNodeBeaconsBurst = 16;
inline constexpr std::size_t kBeaconSourcesMax = 1024;  // addresses that are told apart; others count as one
inline constexpr std::size_t kBeaconsReadMax = 256;     // at once, of each family
inline constexpr auto kBeaconReadPause = 10ms;          // then: 25,600 a second are read of each
inline constexpr std::size_t kLanInterfacesMax = 16;    // announced on: below Linux's 20 groups of a socket
inline constexpr std::size_t kLanDialsMax = 8;          // of those who were heard, at once; guess
inline constexpr auto kLanDialBackoffMin = 2s;          // of one node; doubled until
inline constexpr auto kLanDialBackoffMax = 60s;

// Looking up host names.
inline constexpr std::size_t kLookupsMax = 8;  // threads at once; one a name typed or configured; guess
inline constexpr std::size_t kLookupsWaitingMax = 64;  // further ones that wait; guess

// Port mapping.
inline constexpr auto kMappingLease = 3600s;    // RFC 6886, 3.3, takes twice that; an hour after a crash
inline constexpr auto kMappingCheck = 30s;      // between two looks whether the router still holds it; guess
inline constexpr auto kMappingWatch = 5s;       // likewise, which router and address this machine has; guess
inline constexpr auto kMappingSoonest = 10s;    // between two requests, whatever calls for one; guess
inline constexpr auto kMappingRetryFirst = 5s;  // when no router did it; doubled each time
inline constexpr auto kMappingRetryLast = 10min;    // issue "routers and odd networks"
inline constexpr auto kMappingPatience = 60s;       // a router that hangs: then the status says so; guess
inline constexpr auto kRouterPatience = 4s;         // an answer by NAT-PMP: four tries of RFC 6886, 3.1
inline constexpr auto kRouterSearch = 1s;           // answers to one UPnP search; guess
inline constexpr std::size_t kRoutersMax = 4;       // UPnP devices at the gateway that are asked; guess
inline constexpr std::size_t kMappingPortsMax = 4;  // outside ports tried, when others hold them; guess

// Storage's own bookkeeping.
inline constexpr std::size_t kForksPerPositionMax = 4;   // the lowest ids; one is proof enough; guess
inline constexpr std::size_t kForksPerAuthorMax = 1024;  // further ones prove nothing new; guess
inline constexpr std::size_t kUnindexedRowsMax =
    65536;  // about 12 MiB of memory, a quarter of a second to index

// Search.
inline constexpr std::size_t kSearchWordBytesMax = 64;     // of a word, folded: no real word is longer; guess
inline constexpr std::size_t kSearchQueryBytesMax = 1024;  // what somebody types or pastes; guess
inline constexpr std::size_t kSearchedAtOnceMax =
    5000;  // candidates read before others get their turn; 50 ms
inline constexpr std::size_t kSearchStepBytesMax = 64 * 1024;  // of envelopes indexed before others; 20 ms
inline constexpr std::size_t kSearchPageBytesMax = 1 << 20;    // of text in one page, as of message.list

}  // namespace p2pmesh::limits
