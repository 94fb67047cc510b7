#include "daemon_options.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "daemon_log.h"
#include "ready_line.h"
#include "temp_directory.h"

namespace p2pmesh {
namespace {

struct Directory : TempDirectory {
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(*this / name) << text;
    return *this / name;
  }
};

Result<DaemonOptions> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "p2pmeshd");
  DaemonOptions options;
  auto parsed = parse_daemon_options(static_cast<int>(words.size()), words.data(), options);
  if (!parsed) return tl::unexpected(parsed.error());
  return options;
}

ExitStatus status_of(const std::vector<const char*>& words) {
  auto options = parse(words);
  return options ? ExitStatus::kOk : options.error().status;
}

TEST_CASE("EveryOptionIsReadAndJoinMayBeRepeated") {
  const auto options = parse({"--name", "Alice", "--data-dir", "/x", "--listen", "[::1]:7", "--join",
                              "host:1", "--join", "[::1]:2", "--new", "--log-file", "/l", "--log-level",
                              "debug", "--leave-with-last-screen", "--ready-fd", "3"});
  REQUIRE(options);
  CHECK(options->host.name == "Alice");
  CHECK(options->host.data_dir == "/x");
  REQUIRE(options->host.listen);
  CHECK(options->host.listen->format() == "[::1]:7");
  REQUIRE(options->host.joins.size() == 2);
  CHECK(options->host.joins[0].host == "host");
  CHECK(options->host.joins[1].host == "::1");
  CHECK(options->host.joins[1].port == 2);
  CHECK(options->host.open_new);
  CHECK(options->host.leaves_with_last_screen);
  CHECK(options->log_file == "/l");
  CHECK(options->log_level == "debug");
  CHECK(options->ready_fd == 3);
}

TEST_CASE("WhatIsWrongOnTheCommandLineIsAUsageError") {
  CHECK(status_of({"--name", "Alice", "--data-dir", "/x"}) == ExitStatus::kOk);
  for (const auto& words : std::vector<std::vector<const char*>>{
           {},
           {"--name", ""},
           {"--name", "two words", "--data-dir", "/x"},
           {"--name", "Alice", "--data-dir", ""},
           {"--name", "Alice", "--data-dir", "/x", "--listen", "nonsense"},
           {"--name", "Alice", "--data-dir", "/x", "--listen", "127.0.0.1:65536"},
           {"--name", "Alice", "--data-dir", "/x", "--join", "host"},
           {"--name", "Alice", "--data-dir", "/x", "--join", "host:0"},
           {"--name", "Alice", "--data-dir", "/x", "--log-level", "loud"},
           {"--name", "Alice", "--data-dir", "/x", "--unknown"},
           {"--name", "Alice", "--data-dir", "/x", "stray"},
       }) {
    CHECK(status_of(words) == ExitStatus::kUsage);
  }
}

TEST_CASE("TheReadyDescriptorIsKnownEvenWhenTheRestIsWrong") {
  const char* words[] = {"p2pmeshd",   "--ready-fd", "5",        "--name",  "Alice",
                         "--data-dir", "/x",         "--listen", "nonsense"};
  DaemonOptions options;
  CHECK_FALSE(parse_daemon_options(9, words, options));
  CHECK(options.ready_fd == 5);
}

TEST_CASE("TheCommandLineWinsOverTheFile") {
  Directory directory;
  const std::string file = directory.write("c.toml",
                                           "name = \"Alice\"\nlisten = \"127.0.0.1:7\"\njoin = "
                                           "[\"a:1\"]\ndata_dir = \"/y\"\nlog_level = \"warn\"\n");
  const auto from_file = parse({"--config", file.c_str()});
  REQUIRE(from_file);
  CHECK(from_file->host.name == "Alice");
  CHECK(from_file->host.data_dir == "/y");
  CHECK(from_file->host.joins.size() == 1);
  CHECK(from_file->log_level == "warn");
  CHECK_FALSE(from_file->host.exact_name);
  CHECK(parse({"--config", file.c_str(), "--exact-name"})->host.exact_name);
  const std::string exact = directory.write("exact.toml", "name = \"Alice\"\nexact_name = true\n");
  CHECK(parse({"--config", exact.c_str(), "--data-dir", "/x"})->host.exact_name);
  CHECK_FALSE(from_file->host.port_mapping);
  CHECK(parse({"--config", file.c_str(), "--port-mapping"})->host.port_mapping);
  const std::string mapped = directory.write("mapped.toml", "name = \"Alice\"\nport_mapping = true\n");
  CHECK(parse({"--config", mapped.c_str(), "--data-dir", "/x"})->host.port_mapping);
  const auto both =
      parse({"--config", file.c_str(), "--name", "Bob", "--join", "b:2", "--log-level", "error"});
  REQUIRE(both);
  CHECK(both->host.name == "Bob");
  REQUIRE(both->host.joins.size() == 1);
  CHECK(both->host.joins[0].host == "b");
  CHECK(both->log_level == "error");
  CHECK(both->log_level_given);
}

TEST_CASE("WhatIsCarriedForOthersIsSetInTheFile") {
  Directory directory;
  const std::string file =
      directory.write("c.toml",
                      "name = \"Alice\"\ndata_dir = \"/y\"\n[carry]\nauthor_envelopes = 7\n"
                      "author_bytes = 8\nbytes = 9\ndays = 2\n");
  const auto options = parse({"--config", file.c_str()});
  REQUIRE(options);
  CHECK(options->host.carry.author_envelopes == 7);
  CHECK(options->host.carry.author_bytes == 8);
  CHECK(options->host.carry.bytes == 9);
  CHECK(options->host.carry.kept_ms == 2ULL * 24 * 60 * 60 * 1000);
  const std::string none = directory.write("none.toml", "name = \"Alice\"\ndata_dir = \"/y\"\n");
  CHECK(parse({"--config", none.c_str()})->host.carry.kept_ms == limits::kCarriedMs);
}

TEST_CASE("ADiscoveryServerHasAnAddressADirectoryAndNoMember") {
  auto options = parse({"--serve-rendezvous", "[::1]:0", "--data-dir", "/x"});
  REQUIRE(options);
  REQUIRE(options->rendezvous);
  CHECK(options->rendezvous->format() == "[::1]:0");
  CHECK(options->host.data_dir == "/x");
  options = parse({"--data-dir", "/x", "--serve-rendezvous"});
  REQUIRE(options);
  CHECK(options->rendezvous->format() == "127.0.0.1:7070");
  CHECK_FALSE(parse({"--name", "Alice", "--data-dir", "/x"})->rendezvous);
  for (const auto& words : std::vector<std::vector<const char*>>{{"--name", "Alice"},
                                                                 {"--join", "127.0.0.1:1"},
                                                                 {"--listen", "127.0.0.1:1"},
                                                                 {"--invite", "x"},
                                                                 {"--new"},
                                                                 {"--private"},
                                                                 {"--exact-name"},
                                                                 {"--lan"},
                                                                 {"--undiscoverable"},
                                                                 {"--port-mapping"},
                                                                 {"--leave-with-last-screen"},
                                                                 {"--passphrase-fd", "3"},
                                                                 {"--change-passphrase"}}) {
    std::vector<const char*> all = {"--serve-rendezvous", "127.0.0.1:0", "--data-dir", "/x"};
    all.insert(all.end(), words.begin(), words.end());
    const auto refused = parse(all);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().status == ExitStatus::kUsage);
    CHECK(refused.error().message.find(words[0]) != std::string::npos);
  }
  CHECK(status_of({"--serve-rendezvous", "localhost:1"}) == ExitStatus::kUsage);
}

TEST_CASE("TheBoundsOfADiscoveryServerAreSetInTheFile") {
  const Directory directory;
  const std::string path =
      directory.write("c.toml",
                      "data_dir = \"/y\"\nlog_level = \"debug\"\n[links]\nhandshakes_per_second = 7\n"
                      "[rendezvous]\nlease_s = 9\ngrace_ms = 0\nmembers_max = 11\nasks_per_second = 3\n");
  const auto options = parse({"--config", path.c_str(), "--serve-rendezvous"});
  REQUIRE(options);
  CHECK(options->host.data_dir == "/y");
  CHECK(options->log_level == "debug");
  CHECK(options->host.links.handshakes_per_second == 7);
  CHECK(options->rendezvous_settings.lease == std::chrono::seconds(9));
  CHECK(options->rendezvous_settings.grace == Duration{});
  CHECK(options->rendezvous_settings.members_max == 11);
  CHECK(options->rendezvous_settings.asks_per_second == 3);
  CHECK(options->rendezvous_settings.names_per_hour == limits::kRendezvousNamesPerHour);
  for (const char* text : {"name = \"Alice\"\n", "join = [\"127.0.0.1:1\"]\n", "[rendezvous]\nlease_s = 0\n",
                           "[rendezvous]\nlease = 3\n", "rendezvous = 3\n"}) {
    const std::string wrong = directory.write("w.toml", text);
    CHECK(status_of({"--config", wrong.c_str(), "--serve-rendezvous", "--data-dir", "/x"}) ==
          ExitStatus::kConfig);
  }
}

TEST_CASE("TheBoundsOfLinksAreSetInTheFileAndEveryNumberIsListed") {
  Directory directory;
  const std::string file = directory.write("c.toml",
                                           "name = \"Alice\"\ndata_dir = \"/y\"\n[links]\n"
                                           "handshakes_per_second = 7\nframe_patience_ms = 8000\n");
  const auto options = parse({"--config", file.c_str()});
  REQUIRE(options);
  CHECK(options->host.links.handshakes_per_second == 7);
  CHECK(options->host.links.source_handshakes_per_second == limits::kSourceHandshakesPerSecond);
  CHECK(options->host.links.frame_patience == std::chrono::seconds(8));
  const auto value = [&](std::string_view key) -> std::uint64_t {
    for (const HostSetting& setting : options->host.settings) {
      if (setting.key == key) return setting.value;
    }
    return UINT64_MAX;
  };
  CHECK(value("links.handshakes_per_second") == 7);
  CHECK(value("links.frame_patience_ms") == 8000);
  CHECK(value("carry.days") == limits::kCarriedMs);
  CHECK(value("protocol.active_view_max") == ProtocolParameters{}.active_view_max);
}

TEST_CASE("TheLocalNetworkIsOffUntilItIsAskedFor") {
  Directory directory;
  const auto plain = parse({"--name", "A", "--data-dir", "/x"});
  REQUIRE(plain);
  CHECK_FALSE(plain->host.lan);
  CHECK_FALSE(plain->host.lan_join);
  const auto given = parse({"--name", "A", "--data-dir", "/x", "--lan", "--lan-join"});
  REQUIRE(given);
  CHECK(given->host.lan);
  CHECK(given->host.lan_join == "");
  CHECK(parse({"--name", "A", "--data-dir", "/x", "--lan", "--lan-join", "5815114c"})->host.lan_join ==
        "5815114c");
  CHECK(parse({"--name", "A", "--data-dir", "/x", "--lan", "--find", "Bob"})->host.find == "Bob");
  const std::string file =
      directory.write("c.toml", "name = \"A\"\nlan = true\nlan_interfaces = [\"wg0\"]\n");
  const auto configured = parse({"--config", file.c_str(), "--data-dir", "/x"});
  REQUIRE(configured);
  CHECK(configured->host.lan);
  CHECK(configured->host.lan_interfaces == std::vector<std::string>{"wg0"});
  for (const auto& words : std::vector<std::vector<const char*>>{{"--lan-join"},
                                                                 {"--lan", "--lan-join", "xyz"},
                                                                 {"--lan", "--lan-join", "--new"},
                                                                 {"--lan", "--lan-join", "--find", "Bob"},
                                                                 {"--lan", "--lan-join", "--join", "a:1"}}) {
    std::vector<const char*> all = {"--name", "A", "--data-dir", "/x"};
    all.insert(all.end(), words.begin(), words.end());
    CHECK(status_of(all) == ExitStatus::kUsage);
  }
}

TEST_CASE("AFaultInTheFileIsAConfigErrorThatNamesTheFile") {
  Directory directory;
  for (const char* text : {"nonsense",
                           "unknown = 1\n",
                           "name = 7\n",
                           "join = \"a:1\"\n",
                           "join = [1]\n",
                           "name = \"A\"\nlisten = \"nowhere\"\n",
                           "name = \"two words\"\n",
                           "log_level = \"loud\"\n",
                           "[carry]\ndays = 367\n",
                           "[carry]\nbytes = -1\n",
                           "[carry]\nbytes = \"1\"\n",
                           "[carry]\nauthor_bytes = 1.5\n",
                           "[carry]\nhours = 3\n",
                           "[links]\nhandshakes_per_second = 0\n",
                           "[links]\nframe_patience = 3\n",
                           "links = 3\n",
                           "carry = 3\n",
                           "exact_name = 1\n",
                           "port_mapping = \"yes\"\n",
                           "lan = 1\n",
                           "lan_interfaces = \"wg0\"\n",
                           "name = \"A\"\njoin = [\"a:0\"]\n",
                           "name = \"\xff\"\n"}) {
    const std::string file = directory.write("c.toml", text);
    const auto options = parse({"--config", file.c_str(), "--data-dir", "/x"});
    REQUIRE_FALSE(options);
    CHECK(options.error().status == ExitStatus::kConfig);
    CHECK(options.error().message.find("c.toml") != std::string::npos);
  }
  CHECK(status_of({"--config", "/nowhere/c.toml"}) == ExitStatus::kConfig);
}

TEST_CASE("TheReadyLineTellsOnceAndOnOneLine") {
  auto pipe = make_pipe();
  REQUIRE(pipe);
  ReadyLine ready(pipe->write_end.release());
  ready.tell(Error{ExitStatus::kUnavailable, "two\nlines"});
  ready.tell_ready();
  char buffer[100];
  const auto count = ::read(pipe->read_end.get(), buffer, sizeof buffer);
  REQUIRE(count > 0);
  CHECK(std::string(buffer, static_cast<std::size_t>(count)) == "error 69 two\\nlines\n");
  CHECK(::read(pipe->read_end.get(), buffer, sizeof buffer) == 0);
}

TEST_CASE("TheLogKeepsToItsLevelAndChangesIt") {
  Directory directory;
  const std::string path = directory.path() + "/log";
  auto log = DaemonLog::open(path, "warn");
  REQUIRE(log);
  (*log)->log(LogLevel::kInfo, "unheard");
  (*log)->log(LogLevel::kError, "heard");
  (*log)->set_level("debug");
  (*log)->log(LogLevel::kDebug, "now heard too");
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  CHECK(text.find("unheard") == std::string::npos);
  CHECK(text.find("error heard") != std::string::npos);
  CHECK(text.find("now heard too") != std::string::npos);
  CHECK_FALSE(DaemonLog::open("/dev/null/log", "info"));
}

TEST_CASE("APassphraseComesFromAFileOrADescriptorAndAChangeNeedsNoName") {
  CHECK(parse({"--name", "A", "--data-dir", "/x", "--passphrase-file", "/p"})->passphrase_file == "/p");
  CHECK(parse({"--name", "A", "--data-dir", "/x", "--passphrase-fd", "4"})->passphrase_fd == 4);
  CHECK(status_of({"--name", "A", "--passphrase-fd", "4", "--passphrase-file", "/p"}) == ExitStatus::kUsage);
  CHECK(status_of({"--name", "A", "--passphrase-fd", "-1"}) == ExitStatus::kUsage);
  CHECK(status_of({"--name", "A", "--passphrase-file", ""}) == ExitStatus::kUsage);
  CHECK(status_of({"--name", "A", "--passphrase", "secret"}) == ExitStatus::kUsage);
  CHECK(status_of({"--name", "A", "--new-passphrase-fd", "4"}) == ExitStatus::kUsage);
  CHECK(status_of({"--change-passphrase"}) == ExitStatus::kUsage);
  const auto change = parse({"--change-passphrase", "--data-dir", "/x", "--new-passphrase-fd", "5"});
  REQUIRE(change);
  CHECK(change->changes_passphrase);
  CHECK(change->host.data_dir == "/x");
  CHECK(change->new_passphrase_fd == 5);
}

TEST_CASE("ACheckNeedsAPlaceAndNoName") {
  const auto options = parse({"--check", "[::1]:9750", "--json"});
  REQUIRE(options);
  REQUIRE(options->check);
  CHECK(options->check->host == "::1");
  CHECK(options->check->port == 9750);
  CHECK(options->json);
  CHECK(parse({"--check=-x:1"})->check->host == "-x");
  CHECK_FALSE(parse({"--name", "A", "--data-dir", "/x"})->check);
  for (const char* place : {"", "h", "h:0", "h:65536", ":1"})
    CHECK(status_of({"--check", place}) == ExitStatus::kUsage);
  CHECK(status_of({"--name", "A", "--data-dir", "/x", "--json"}) == ExitStatus::kUsage);
}

}  // namespace
}  // namespace p2pmesh
