"""The manual pages are clean under mandoc -T lint; each program's options, keys and commands are in its page, and the
bounds that a page names are those of the code."""

import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import mesh
from test_limits import constants

PAGES = ["p2pchat.1", "p2pmeshctl.1", "p2pmeshd.8", "p2pmesh-control.7", "p2pmesh-protocol.7", "p2pmesh-security.7"]
UNITS_MS = {"std::chrono::seconds": 1000, "std::chrono::milliseconds": 1, "Duration": 0.001}
# What stands for each {} in p2pmesh-security.7, and what it is in base/limits.h.
SECURITY_BOUNDS = {
    "one of more than {} bytes, with a key": ["kCertificateBytesMax"],
    "two rings of {} bytes": ["kTlsRingBytes"],
    "A ClientHello has at most {} bytes": ["kTlsHelloBytesMax"],
    "More than {} handshake messages after": ["kLateTlsMessagesMax"],
    "{} entries, {} of one author; {} open invites of one author; a hello of at most {} bytes with at most {}":
        ["kEntriesMax", "kEntriesPerAuthorMax", "kInvitesOpenMax", "kFrameBytesMaxBeforeWelcome", "kEntryChainMax"],
    "A chain longer than {} needs": ["kEntryChainMax"],
    "{} half-open links, {} of one address": ["kHalfOpenLinksMax", "kHalfOpenPerAddressMax"],
    "{} that wait, {} for everything up to": ["kWaitingLinksMax", "kHandshakeTimeout"],
    "{} handshakes a second after the first {}, and {} of one address after the first {}.":
        ["kHandshakesPerSecond", "kHandshakesBurst", "kSourceHandshakesPerSecond", "kSourceHandshakesBurst"],
    "{} after the first fault, twice as long after each further one, {} at most; forgotten {} after":
        ["kFaultPauseMin", "kFaultPauseMax", "kFaultForgotten"],
    "{} keys are remembered": ["kFaultyNodesMax"],
    "A frame has {}, and one more": ["kFramePatience"],
    "A length above {} before the welcome, or {} after it": ["kFrameBytesMaxBeforeWelcome", "kFrameBytesMax"],
    "one frame is waited for, {} bytes and {} more": ["kFrameBytesMax", "kSealedFrameBytes"],
    "{} envelopes a second of one author, burst {}, {} a second":
        ["kAuthorEnvelopesPerSecond", "kAuthorEnvelopesBurst", "kAuthorBytesPerSecond"],
    "Who does not read gets {} waiting": ["kSendQueueBytesSoft"],
    "a link that is silent for {} ends": ["kSilenceBeforeClose"],
    "{} envelopes in one answer of repair": ["kSyncAnswerEnvelopesMax"],
    "{} members, {} authors with a log": ["kMembersMax", "kAuthorsMax"],
    "of one author {} such records, {} epochs, and {} gaps":
        ["kRecordsPerAuthorMax", "kEpochsPerAuthorMax", "kIntervalsPerEpochMax"],
    "Who makes {} keys in an open mesh fills": ["kMembersMax"],
    "{} such anchors on the disk": ["kAnchorsMax"],
    "{} nodes, {} told by one source and {} in one network": ["kPeersMax", "kPeersPerSourceMax", "kPeersPerNetworkMax"],
    "One mapping of {}, which": ["kMappingLease"],
    "a look every {}, a request at most every {}, and every {} where nobody does it; {} descriptions":
        ["kMappingCheck", "kMappingSoonest", "kMappingRetryLast", "kRoutersMax"],
    "A second and at once: {} and {} announced ids, {} and {} ids asked for, {} and {} in answer to these":
        ["kIHaveIdsPerSecond", "kIHaveIdsBurst", "kGraftIdsPerSecond", "kGraftIdsBurst", "kGraftAnswerBytesPerSecond",
         "kGraftAnswerBytesBurst"],
    "{} and {} prunes, {} and {} newcomers, {} and {} shuffles, {} and {} digests":
        ["kPrunesPerSecond", "kPrunesBurst", "kForwardJoinsPerSecond", "kForwardJoinsBurst", "kShufflesPerSecond",
         "kShufflesBurst", "kSyncDigestsPerSecond", "kSyncDigestsBurst"],
    "{} and {} requests for repair, {} and {} frames of its answers, {} and {} heartbeats, {} and {} names to sponsor":
        ["kSyncRequestsPerSecond", "kSyncRequestsBurst", "kSyncAnswersPerSecond", "kSyncAnswersBurst",
         "kPingsPerSecond", "kPingsBurst", "kSponsoringsPerSecond", "kSponsoringsBurst"],
    "{} ids are waited for that one neighbor announced, {} in all": ["kMissingPerLinkMax", "kMissingIdsMax"],
    "One answer of repair a link, {} in all, {} of them": ["kRepairAnswersMax", "kRepairReadsMax"],
    "{} ranges that are told to be gone, an eighth of them of one author, {} in": ["kGoneKnownMax", "kGoneAtOnceMax"],
    "A name has 1 to {} columns and at most {} bytes": ["kNameColumnsMax", "kNameBytesMax"],
    "{} contacts, of each the last {} names": ["kCorrespondentsMax", "kNamesOfContactMax"],
    "A message has at most {} bytes, an envelope {} messages, a topic {} bytes and the reason of an act {}.":
        ["kMessageBytesMax", "kMessagesPerEnvelopeMax", "kTopicBytesMax", "kActReasonBytesMax"],
    "how long it is in steps of {} bytes": ["kDirectPadding"],
    "Of an envelope {} are sealed": ["kDirectBytesMax"],
    "{} prekeys; {} correspondents; {} strangers who have asked, {} of them":
        ["kPrekeysMax", "kCorrespondentsMax", "kStrangersMax", "kUnknownStrangersMax"],
    "The keys of {} private rooms, and {} invitations": ["kPrivateRoomsMax", "kInvitationsMax"],
    "{} direct envelopes of one author are carried, {} of one and {} of all, for {}.":
        ["kCarriedEnvelopesPerAuthor", "kCarriedBytesPerAuthor", "kCarriedBytes", "kCarriedMs"],
    "a link to it is ended after {}, in which it is told, and for {} another":
        ["kBannedLinkKept", "kBannedLinkPause"],
    "In memory {} acts are kept: {} by the founder and the moderators of the mesh, {} by those of rooms, of which {}":
        ["kActsMax", "kActsOfMeshMax", "kActsOfRoomsMax", "kActsPerRoomMax"],
    "the acts of that room anew, up to {} a turn": ["kActsPerRoomMax"],
    "when there are more than {} acts of rooms or {} rooms": ["kActsOfRoomsMax", "kRestrictingRoomsMax"],
    "A ban lists {} epochs": ["kCutEpochsMax"],
    "{} acts of the founder": ["kActsPerAuthorMax"],
    "Passphrases have 1 to {} bytes": ["kPassphraseBytesMax"],
    "more than {} passes or {} is refused": ["kPassphrasePassesMax", "kPassphraseMemoryMax"],
    "{} clients; a line of {}, nested {} deep, with an id of {} bytes; {} that wait":
        ["kControlClientsMax", "kControlLineBytesMax", "kControlDepthMax", "kControlIdBytesMax",
         "kControlQueueBytesMax"],
    "{} messages on a page": ["kControlPageMax"],
    "{} lines and {} that wait to become envelopes; {} lines and {} that wait as drafts":
        ["kUnsentMessagesMax", "kUnsentBytesMax", "kDraftsMax", "kDraftBytesMax"],
    "{} keys a mesh and node, of each {} records; {} records of one publisher":
        ["kRevocationsMax", "kRevocationRecordsMax", "kRecordsPerAuthorMax"],
    "Somebody who makes {} keys that are lower": ["kRevocationsMax"],
    "{} members and {} of their registrations; {} new names an hour and {} links of one address":
        ["kRendezvousMembersMax", "kRendezvousBytesMax", "kRendezvousNamesPerHour", "kRendezvousLinksPerSource"],
    "of one link: {} and {} registrations, {} and {} look-ups, {} and {} pages of lists, {} and {} requests, {} and {} of":
        ["kRegistrationsPerSecond", "kRegistrationsBurst", "kRendezvousLookUpsPerSecond", "kRendezvousLookUpsBurst",
         "kRendezvousPagesPerSecond", "kRendezvousPagesBurst", "kAsksPerSecond", "kAsksBurst",
         "kRendezvousOthersPerSecond", "kRendezvousOthersBurst"],
    "{} requests of one asker, {} for one recipient, {} in all, of {} bytes each, kept for {}.":
        ["kAsksPerAsker", "kAsksPerRecipient", "kAsksMax", "kAskBytesMax", "kAskKeptMs"],
    "{} keys are watched by one link, and {} changes remembered for all; {} frames of them":
        ["kRendezvousWatchedMax", "kRendezvousChangesMax", "kRendezvousChangesAhead"],
    "a link without a word for {} is closed too": ["kRendezvousSilence"],
    "{} rows wait for the disk; beyond": ["kRendezvousWritesMax"],
    "Of nodes that are not known {} beacons a second are checked, after the first {}, and {} of one address, after the first {}":
        ["kBeaconsPerSecond", "kBeaconsBurst", "kSourceBeaconsPerSecond", "kSourceBeaconsBurst"],
    "Of one that is known {} a second, after the first {}.": ["kNodeBeaconsPerSecond", "kNodeBeaconsBurst"],
    "{} are read at once and then none for": ["kBeaconsReadMax"],
    "{} nodes are remembered, {} of one address": ["kHeardMax", "kHeardPerSourceMax"],
    "At most {} are dialled at once, and one that does not answer after {}, then twice as long, up to {}.":
        ["kLanDialsMax", "kLanDialBackoffMin", "kLanDialBackoffMax"],
}
# As constants() has them: bytes and milliseconds.
UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "second": 1000, "minute": 60_000, "day": 86_400_000}
UNKNOWN_NAME = 64  # what p2pmeshd ends with that has read its configuration and lacks a name


def page_text(page):
    """A page as it is read, without overstruck bold and underline."""
    text = subprocess.run(
        ["mandoc", "-T", "ascii", page], cwd=mesh.SOURCE_DIR / "man", capture_output=True, text=True, check=True).stdout
    return re.sub(".\b", "", text)


def fields_of_parameters():
    """Key and default of each field of the struct ProtocolParameters, both as they stand in a configuration file."""
    header = (mesh.SOURCE_DIR / "include/p2pmesh/core/parameters.h").read_text()
    struct = re.search(r"struct ProtocolParameters \{\n(.*?)\n\};", header, re.DOTALL).group(1)
    fields = {}
    for type_, name, value in re.findall(r"^  ([\w:]+) (\w+) = ([^;]+);", struct, re.MULTILINE):
        if type_ == "Duration":
            unit, count = re.fullmatch(r"([\w:]+)\((\d+)\)", value).groups()
            fields[f"{name}_ms"] = str(int(int(count) * UNITS_MS[unit]))
        else:
            fields[name] = value
    return fields


class Manuals(unittest.TestCase):
    def setUp(self):
        if not shutil.which("mandoc"):
            self.skipTest("mandoc is not installed")

    def test_all_pages_are_there_and_clean(self):
        directory = mesh.SOURCE_DIR / "man"
        pages = sorted(path.name for path in directory.glob("*.[1-8]"))
        self.assertEqual(sorted(set(PAGES) - set(pages)), [], "missing")
        for page in pages:
            with self.subTest(page=page):
                # From within the directory, so that pages which name each other are found.
                done = subprocess.run(["mandoc", "-T", "lint", page], cwd=directory, capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_every_option_is_in_its_page(self):
        for program, section in (("p2pchat", 1), ("p2pmeshctl", 1), ("p2pmeshd", 8)):
            with self.subTest(program=program):
                usage = subprocess.run([mesh.program(program), "--help"], capture_output=True, text=True)
                self.assertEqual((usage.returncode, usage.stderr), (0, ""))
                page = page_text(f"{program}.{section}")
                options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", usage.stdout))
                self.assertIn("--help", options)
                self.assertEqual([option for option in sorted(options) if option not in page], [])

    def test_page_and_help_name_the_same_commands(self):
        with tempfile.TemporaryDirectory() as directory:
            done = subprocess.run(
                [mesh.program("p2pchat"), "--listen", mesh.ANY_PORT, "--data-dir", f"{directory}/Alice", "Alice"],
                input="/help\n", capture_output=True, text=True, timeout=mesh.stretched(20), cwd=directory,
                env={"HOME": directory, "PATH": "/usr/bin:/bin"})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        usages = re.findall(r"^>INFO: ((?:/\w|:).*?)  ", done.stdout, re.MULTILINE)
        page = (mesh.SOURCE_DIR / "man/p2pchat.1").read_text()
        typed = page[page.index(".Ss What is typed"):page.index(".Ss Rooms")]
        items = [line for line in typed.splitlines() if line.startswith(".It Ic ")]

        def names(lines):
            return sorted({name for line in lines for name in re.findall(r"(?<!\S)(/\w+|:\w)", line)})

        self.assertGreater(len(usages), 5)
        self.assertEqual(names(items), names(usages))

    def rows(self, section, next_section):
        page = page_text("p2pmeshd.8")
        part = page[page.index(f"\n   {section}\n"):page.index(f"\n   {next_section}\n") if next_section else None]
        return re.findall(r"^ +(\w+) = (\w+) \((\w+) (?:to|or) (\w+)\)$", part, re.MULTILINE)

    def test_page_and_program_name_the_same_quotas(self):
        rows = self.rows("Carry", "Links")
        self.assertEqual([key for key, _, _, _ in rows], ["author_envelopes", "author_bytes", "bytes", "days"])
        limits = (mesh.SOURCE_DIR / "include/p2pmesh/base/limits.h").read_text()
        self.assertIn("kCarriedEnvelopesPerAuthor = 50'000;", limits)
        self.assertIn("kCarriedBytesPerAuthor = 256ULL << 20;", limits)
        self.assertIn("kCarriedBytes = 1ULL << 30;", limits)
        self.assertIn("kCarriedMs = 90ULL * 24", limits)
        self.assertEqual([int(default) for _, default, _, _ in rows], [50_000, 256 << 20, 1 << 30, 90])
        self.check_ranges(rows, "carry")

    def test_page_and_program_name_the_same_bounds_of_links(self):
        rows = self.rows("Links", "Rendezvous")
        limits = (mesh.SOURCE_DIR / "include/p2pmesh/base/limits.h").read_text()
        self.assertEqual([(key, int(default)) for key, default, _, _ in rows],
                         [("handshakes_per_second", 256), ("source_handshakes_per_second", 32),
                          ("frame_patience_ms", 30_000)])
        self.assertIn("kHandshakesPerSecond = 256;", limits)
        self.assertIn("kSourceHandshakesPerSecond = 32;", limits)
        self.assertIn("kFramePatience = 30s;", limits)
        self.check_ranges(rows, "links")

    def test_page_and_program_name_the_same_bounds_of_a_discovery_server(self):
        rows = self.rows("Rendezvous", "Protocol")
        limits = constants()
        self.assertEqual(
            {key: int(default) for key, default, _, _ in rows},
            {"lease_s": limits["kRendezvousLease"] // 1000, "grace_ms": limits["kRendezvousGrace"],
             "members_max": limits["kRendezvousMembersMax"], "links_per_source": limits["kRendezvousLinksPerSource"],
             "names_per_hour": limits["kRendezvousNamesPerHour"],
             "registrations_per_second": limits["kRegistrationsPerSecond"],
             "look_ups_per_second": limits["kRendezvousLookUpsPerSecond"],
             "pages_per_second": limits["kRendezvousPagesPerSecond"], "asks_per_second": limits["kAsksPerSecond"]})
        self.check_ranges(rows, "rendezvous")

    def test_the_bounds_of_the_security_page_are_those_of_the_code(self):
        limits = constants()
        page = re.sub(r"- (?=[a-z])", "-", " ".join(page_text("p2pmesh-security.7").split()))
        number = r"(\d[\d,]*)(?: ({})s?\b)?".format("|".join(unit for unit in UNITS if unit))
        for phrase, names in SECURITY_BOUNDS.items():
            with self.subTest(phrase=phrase):
                pattern = r"(?<![\w,])" + re.escape(phrase).replace(r"\{\}", number)
                found = re.findall(pattern, page)
                self.assertEqual(len(found), 1, "it stands there once")
                values = zip(found[0][::2], found[0][1::2])
                named = [int(digits.replace(",", "")) * UNITS[unit] for digits, unit in values]
                self.assertEqual(dict(zip(names, named, strict=True)), {name: limits[name] for name in names})

    def check_ranges(self, rows, table):
        for key, default, least, greatest in rows:
            with self.subTest(key=key):
                self.assertEqual(self.read_config({key: default}, table).returncode, UNKNOWN_NAME)
                for value in (int(least) - 1, int(greatest) + 1):
                    self.assert_refused(key, str(value), f"it is a whole number from {least} to {greatest}", table)

    def test_page_and_struct_and_program_name_the_same_parameters(self):
        rows = self.rows("Protocol", None)
        fields = fields_of_parameters()
        self.assertGreater(len(fields), 20)
        self.assertEqual({key: default for key, default, _, _ in rows}, fields, "page and struct")
        self.assertEqual([key for key, _, _, _ in rows], list(fields), "in the same order")
        for key, default, least, greatest in rows:
            with self.subTest(key=key):
                self.assertEqual(self.read_config({key: default}).returncode, UNKNOWN_NAME)
                if least == "true":
                    self.assertEqual((greatest, self.read_config({key: "false"}).returncode), ("false", UNKNOWN_NAME))
                    self.assert_refused(key, "1", "it is true or false")
                    continue
                unit = " of milliseconds" if key.endswith("_ms") else ""
                for value in (int(least) - 1, int(greatest) + 1):
                    self.assert_refused(key, str(value), f"it is a whole number{unit} from {least} to {greatest}")
        self.assertEqual(self.read_config(fields).returncode, UNKNOWN_NAME)

    @staticmethod
    def read_config(values, table="protocol"):
        """Starts p2pmeshd with this table and without a name."""
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "mesh.toml")
            path.write_text(f"[{table}]\n" + "".join(f"{key} = {value}\n" for key, value in values.items()))
            return subprocess.run(
                [mesh.program("p2pmeshd"), "--config", path], capture_output=True, text=True, timeout=mesh.stretched(10))

    def assert_refused(self, key, value, what, table="protocol"):
        done = self.read_config({key: value}, table)
        self.assertEqual(done.returncode, 78)
        self.assertIn(f"line 2: {table}.{key} = {value}: {what}\n", done.stderr)


if __name__ == "__main__":
    mesh.main()
