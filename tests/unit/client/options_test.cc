#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "chat_options.h"
#include "ctl_options.h"
#include "node_start.h"
#include "start_choice.h"

namespace p2pmesh {
namespace {

const Environment kHome{"/home/alice", std::nullopt};

std::vector<const char*> with_program(const std::vector<std::string>& words) {
  std::vector<const char*> arguments{"program"};
  for (const std::string& word : words) arguments.push_back(word.c_str());
  return arguments;
}

Result<std::variant<ChatOptions, PrintOnly>> parse_chat(const std::vector<std::string>& words,
                                                        const Environment& environment = kHome) {
  const auto arguments = with_program(words);
  return parse_chat_options(static_cast<int>(arguments.size()), arguments.data(), environment);
}

ChatOptions chat(const std::vector<std::string>& words) {
  auto parsed = parse_chat(words);
  if (!parsed) FAIL(parsed.error().message);
  return std::get<ChatOptions>(*parsed);
}

Result<std::variant<CtlOptions, PrintOnly>> parse_ctl(const std::vector<std::string>& words) {
  const auto arguments = with_program(words);
  return parse_ctl_options(static_cast<int>(arguments.size()), arguments.data());
}

CtlOptions ctl(const std::vector<std::string>& words) {
  auto parsed = parse_ctl(words);
  if (!parsed) FAIL(parsed.error().message);
  return std::get<CtlOptions>(*parsed);
}

TEST_CASE("a name alone takes the default directory") {
  const ChatOptions options = chat({"Alice"});
  CHECK(options.name == "Alice");
  CHECK(options.data_dir == "/home/alice/.local/share/p2pmesh/416c696365");
  CHECK(options.host.empty());
  CHECK_FALSE(options.lists_history);
}

TEST_CASE("the default directory is that of the composed name, below the XDG data home") {
  const auto parsed = parse_chat({"Zoe\u0308"}, {"/home/zoe", "/data"});
  REQUIRE(parsed);
  CHECK(std::get<ChatOptions>(*parsed).data_dir == "/data/p2pmesh/5a6fc3ab");
  CHECK(std::get<ChatOptions>(*parse_chat({"A"}, {"/h", "relative"})).data_dir ==
        "/h/.local/share/p2pmesh/41");
}

TEST_CASE("every option is understood, before and after the name") {
  const ChatOptions options =
      chat({"--listen", "[::1]:0", "--history", "5", "Bob", "--data-dir", "d", "::1", "9750", "--plain"});
  CHECK(options.listen == "[::1]:0");
  CHECK(options.history == 5);
  CHECK(options.data_dir == "d");
  CHECK(options.plain);
  CHECK(options.join_target() == "[::1]:9750");
  CHECK(chat({"--history", "all", "Bob"}).lists_history);
  CHECK_FALSE(chat({"--history", "all", "Bob"}).history);
  CHECK(chat({"--new", "Bob"}).fresh);
  CHECK(chat({"Bob", "example.org", "1"}).join_target() == "example.org:1");
  CHECK(chat({"{}"}).name == "{}");
  CHECK(chat({"[a]"}).name == "[a]");
}

TEST_CASE("what is wrong with a command line is said with status 64") {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{},
                                             {""},
                                             {"--frobnicate", "Alice"},
                                             {"1a"},
                                             {"--", "-a"},
                                             {"Alice", "host"},
                                             {"Alice", "host", "1", "more"},
                                             {"Alice", "host", "0"},
                                             {"Alice", "host", "65536"},
                                             {"Alice", "host", "-1"},
                                             {"--", "Alice", "host", "-1"},
                                             {"Alice", "host", " 80"},
                                             {"Alice", "host", "0x50"},
                                             {"Alice", "host", ""},
                                             {"Alice", "", "80"},
                                             {"--history", "many", "Alice"},
                                             {"--history", "-1", "Alice"},
                                             {"--history", "10001", "Alice"},
                                             {"--history", "", "Alice"},
                                             {"--listen", "nonsense", "Alice"},
                                             {"--listen", "127.0.0.1", "Alice"},
                                             {"--listen", "127.0.0.1:99999", "Alice"},
                                             {"--listen", "", "Alice"},
                                             {"--data-dir", "", "Alice"},
                                             {"--new", "Alice", "host", "1"}}) {
    std::string line;
    for (const std::string& word : words) line += " '" + word + "'";
    CAPTURE(line);
    const auto parsed = parse_chat(words);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().status == ExitStatus::kUsage);
    CHECK_FALSE(parsed.error().message.empty());
  }
}

TEST_CASE("without HOME only a named directory will do") {
  const auto refused = parse_chat({"Alice"}, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().status == ExitStatus::kConfig);
  CHECK(parse_chat({"--data-dir", "/d", "Alice"}, {}));
}

TEST_CASE("help and version need nothing else") {
  CHECK(std::get<PrintOnly>(*parse_chat({"--help"}, {}))
            .text.find("p2pchat [OPTIONS] NAME [HOST PORT | LINK]") != std::string::npos);
  CHECK(std::get<PrintOnly>(*parse_chat({"--version"}, {})).text.starts_with("p2pchat 0."));
  CHECK(std::get<PrintOnly>(*parse_ctl({"--help"})).text.find("shutdown") != std::string::npos);
}

TEST_CASE("a private node is started with what the user gave") {
  ChatOptions options = chat({"--listen", "127.0.0.1:0", "Bob", "::1", "9750"});
  const auto argv = node_command("/x/p2pmeshd", options, "/data/b", 3);
  CHECK(argv == std::vector<std::string>{"/x/p2pmeshd", "--name", "Bob", "--data-dir", "/data/b",
                                         "--leave-with-last-screen", "--ready-fd", "3", "--log-file",
                                         "/data/b/p2pmeshd.log", "--listen", "127.0.0.1:0", "--join",
                                         "[::1]:9750"});
  CHECK(node_command("p", chat({"--new", "Bob"}), "/d", 3).back() == "--new");
  CHECK(node_command("p", chat({"--port-mapping", "Bob"}), "/d", 3).back() == "--port-mapping");
  CHECK(node_command("p", chat({"--exact-name", "Bob"}), "/d", 3).back() == "--exact-name");
}

TEST_CASE("check takes a place, and needs no node") {
  CHECK(ctl({"lan", "--json"}).verb == Verb::kLan);
  const CtlOptions options = ctl({"check", "[::1]", "9750", "--json"});
  CHECK(options.verb == Verb::kCheck);
  CHECK(options.host == "::1");
  CHECK(options.port == 9750);
  CHECK(options.json);
  CHECK(ctl({"switch", "abc"}).verb == Verb::kSwitch);
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"check"}, {"check", "h"}, {"check", "h", "0"}, {"check", "h", "x"}, {"check", "h", "1", "2"}})
    CHECK(parse_ctl(words).error().status == ExitStatus::kUsage);
}

TEST_CASE("passphrases come from files, and never from an argument") {
  CHECK(chat({"--passphrase-file", "/p", "Bob"}).passphrase_file == "/p");
  CHECK(parse_chat({"--passphrase-file", "", "Bob"}).error().status == ExitStatus::kUsage);
  CHECK(parse_chat({"--passphrase", "x", "Bob"}).error().status == ExitStatus::kUsage);
  const CtlOptions options =
      ctl({"passphrase", "--passphrase-file", "/old", "--new-passphrase-file", "/new"});
  CHECK(options.verb == Verb::kPassphrase);
  CHECK(options.passphrase_file == "/old");
  CHECK(options.new_passphrase_file == "/new");
  CHECK_FALSE(options.removes_passphrase);
  CHECK(ctl({"passphrase", "--remove"}).removes_passphrase);
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"passphrase", "secret"},
                                             {"passphrase", "--remove", "--new-passphrase-file", "f"},
                                             {"passphrase", "--passphrase-file", ""},
                                             {"passphrase", "--new-passphrase-file", ""},
                                             {"status", "--passphrase-file", "f"}})
    CHECK(parse_ctl(words).error().status == ExitStatus::kUsage);
}

TEST_CASE("a revocation goes to a file or not, and comes from one") {
  CHECK(ctl({"revocation"}).file.empty());
  CHECK(ctl({"revocation", "--out", "/r"}).file == "/r");
  CHECK(ctl({"revoke", "/r"}).file == "/r");
  CHECK(ctl({"revoke", "/r"}).verb == Verb::kRevoke);
  for (const auto& words : std::vector<std::vector<std::string>>{{"revoke"},
                                                                 {"revoke", ""},
                                                                 {"revocation", "--out", ""},
                                                                 {"revocation", "x"},
                                                                 {"revoke", "a", "b"}})
    CHECK(parse_ctl(words).error().status == ExitStatus::kUsage);
}

TEST_CASE("who names no mesh looks around on the local network") {
  const auto command = [](const std::vector<std::string>& words) {
    return node_command("p2pmeshd", chat(words), "/d", 3);
  };
  const auto has = [](const std::vector<std::string>& argv, const char* word) {
    return std::find(argv.begin(), argv.end(), word) != argv.end();
  };
  CHECK_FALSE(has(command({"Bob"}), "--lan"));
  CHECK(has(command({"--lan", "Bob"}), "--lan-join"));
  ChatOptions chosen = chat({"--lan", "Bob"});
  chosen.lan_mesh = "5815114c";
  CHECK(has(node_command("p2pmeshd", chosen, "/d", 3), "5815114c"));
  for (const auto& words : std::vector<std::vector<std::string>>{{"--lan", "Bob", "host", "1"},
                                                                 {"--lan", "--find", "Alice", "Bob"},
                                                                 {"--lan", "--new", "Bob"},
                                                                 {"--lan", "--private", "Bob"},
                                                                 {"--lan", "--mesh", "Alice", "Bob"}}) {
    CHECK(has(command(words), "--lan"));
    CHECK_FALSE(has(command(words), "--lan-join"));
  }
}

TEST_CASE("one of several meshes is chosen by its number") {
  CHECK(number_choices("several:\n  Al\x1b\n  Dora\nChoose one.", 2) == "several:\n 1  Al\\x1b\n 2  Dora");
  CHECK(parse_choice("1", 2) == 1);
  CHECK(parse_choice("2", 2) == 2);
  for (const char* wrong : {"", "0", "3", "-1", "x", "1x", "99999999999999999999"})
    CHECK(parse_choice(wrong, 2) == 0);
}

TEST_CASE("what a starting node says is understood or refused") {
  CHECK(parse_ready_word("ready\n")->is_ready);
  const auto error = parse_ready_word("error 68 No such host: x.\\nTry another.\n");
  REQUIRE(error);
  CHECK_FALSE(error->is_ready);
  CHECK(error->error.status == ExitStatus::kUnknownHost);
  CHECK(error->error.message == "No such host: x.\nTry another.");
  CHECK_FALSE(error->is_locked);
  const auto locked = parse_ready_word("locked 77 wrong\n");
  REQUIRE(locked);
  CHECK(locked->is_locked);
  CHECK(locked->error.status == ExitStatus::kNoPermission);
  CHECK(locked->choices.empty());
  const auto several = parse_ready_word("choose 64 5815114c,00ff00ff several:\\n  Alice\\n  Dora\n");
  REQUIRE(several);
  CHECK(several->choices == std::vector<std::string>{"5815114c", "00ff00ff"});
  CHECK(several->error.status == ExitStatus::kUsage);
  CHECK(several->error.message == "several:\n  Alice\n  Dora");
  for (const char* word : {"", "\n", "ready", "error\n", "error x y\n", "error 0 y\n", "error 256 y\n",
                           "error -1 y\n", "hello\n"}) {
    CAPTURE(word);
    CHECK_FALSE(parse_ready_word(word));
  }
}

TEST_CASE("verbs and their options are understood in any order") {
  CHECK(ctl({"nick", "Rob"}).verb == Verb::kNick);
  CHECK(ctl({"nick", "Rob"}).peer == "Rob");
  CHECK(ctl({"status"}).verb == Verb::kStatus);
  CHECK(ctl({"--json", "peers"}).json);
  CHECK(ctl({"members", "--json", "--name", "Alice"}).name == "Alice");
  CHECK(ctl({"--data-dir", "/d", "shutdown"}).verb == Verb::kShutdown);
  CHECK(ctl({"limits", "--json"}).verb == Verb::kLimits);
  const CtlOptions send = ctl({"send", "--room", "#Dev", "[a,b]"});
  CHECK(send.text == "[a,b]");
  CHECK(send.room == "#dev");
  CHECK_FALSE(send.reads_input);
  CHECK(ctl({"send", "-"}).reads_input);
  CHECK(ctl({"send", "--", "-x"}).text == "-x");
  CHECK(ctl({"history", "-n", "7"}).count == 7);
  const CtlOptions search = ctl({"search", "Café", "--room", "#Dev", "noir", "--from", "Bob", "--since",
                                 "2026-11-20", "--until", "2026-11-20T14:05", "--limit", "7", "--json"});
  CHECK(search.search.words == "Café noir");
  CHECK(search.search.room == "#dev");
  CHECK(search.search.from == "Bob");
  CHECK(search.search.since_ms == 1795132800000);
  CHECK(search.search.until_ms == 1795183500000);
  CHECK(search.count == 7);
  CHECK(search.json);
  const CtlOptions bare = ctl({"search", "--", "-x", "\"", "*"});
  CHECK(bare.search.words == "-x \" *");
  CHECK_FALSE((bare.search.room || bare.search.from || bare.search.since_ms || bare.search.until_ms));
  CHECK(ctl({"search", "status", "send"}).search.words == "status send");
  CHECK(ctl({"send", "shutdown"}).text == "shutdown");
  const CtlOptions tail = ctl({"tail", "--after", "12.3", "-n", "1"});
  CHECK(tail.after == control::Cursor{12, 3});
  CHECK(ctl({"export", "--format", "json"}).format == ExportFormat::kJson);
  CHECK(ctl({"--json", "export"}).format == ExportFormat::kJson);
  CHECK(ctl({"--json", "export", "--format", "text"}).format == ExportFormat::kText);
  CHECK(ctl({"export"}).room == "#lobby");
  CHECK(ctl({"export"}).peer.empty());
  const CtlOptions exported = ctl({"export", "--with", "Bob", "--since", "2026-11-20", "--format", "csv"});
  CHECK(exported.peer == "Bob");
  CHECK(exported.since_ms == 1795132800000);
  CHECK(exported.format == ExportFormat::kCsv);
  CHECK(ctl({"search", "--with", "Bob", "x"}).search.with == "Bob");
}

TEST_CASE("a topic is asked for without a text, and cleared with a dash") {
  CHECK_FALSE(ctl({"topic"}).sets_topic);
  CHECK(ctl({"topic"}).room == "#lobby");
  CHECK(ctl({"topic", "--room", "#Dev", "of work"}).text == "of work");
  CHECK(ctl({"topic", "--room", "#Dev", "of work"}).room == "#dev");
  CHECK(ctl({"topic", "-"}).sets_topic);
  CHECK(ctl({"topic", "-"}).text.empty());
  CHECK(parse_ctl({"topic", "\xff"}).error().status == ExitStatus::kDamagedInput);
  CHECK(parse_ctl({"topic", std::string(513, 'x')}).error().status == ExitStatus::kDamagedInput);
}

TEST_CASE("a room is joined with or without a key, and one is invited to a room") {
  CHECK(ctl({"join", "#Board"}).room == "#board");
  CHECK(ctl({"join", "#Board"}).key_file.empty());
  CHECK(ctl({"join", "#board~1a2b3c4d", "--key-file", "k"}).key_file == "k");
  CHECK(ctl({"invite", "Bob", "--room", "#board"}).peer == "Bob");
  CHECK_FALSE(parse_ctl({"join"}));
  CHECK_FALSE(parse_ctl({"join", "#board", "--key-file", ""}));
  CHECK_FALSE(parse_ctl({"join", "#board~public", "--key-file", "k"}));
  CHECK_FALSE(parse_ctl({"invite", "Bob"}));
  CHECK_FALSE(parse_ctl({"invite", "--room", "#board"}));
}

TEST_CASE("places are read as a host and a port") {
  const CtlOptions added = ctl({"add", "Bob", "[::1]", "9750"});
  CHECK(added.peer == "Bob");
  CHECK(added.host == "::1");
  CHECK(added.port == 9750);
  CHECK(ctl({"connect", "localhost", "1"}).host == "localhost");
  CHECK(ctl({"alias", "Bob", "-"}).text == "-");
  CHECK(ctl({"forget", "Bob"}).peer == "Bob");
  CHECK(ctl({"members", "--at", "::1"}).at == "::1");
  for (const char* port : {"0", "65536", "x", "", "1 2", "-1"})
    CHECK_FALSE(parse_ctl({"connect", "h", port}));
  CHECK_FALSE(parse_ctl({"add", "Bob", "h"}));
  CHECK_FALSE(parse_ctl({"alias", "Bob"}));
}

TEST_CASE("a wrong call of p2pmeshctl is refused") {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{},
                                             {"frob"},
                                             {"--frob", "status"},
                                             {"status", "more"},
                                             {"status", "peers"},
                                             {"send"},
                                             {"send", ""},
                                             {"send", "a", "b"},
                                             {"send", "--room", "dev", "a"},
                                             {"history", "-n", "0"},
                                             {"history", "-n", "x"},
                                             {"tail", "--after", "1"},
                                             {"search"},
                                             {"search", ""},
                                             {"search", "\"*^"},
                                             {"search", "\xff"},
                                             {"search", "a", "--limit", "0"},
                                             {"search", "a", "--since", "yesterday"},
                                             {"search", "a", "--until", "2026-02-30"},
                                             {"search", "a", "--room", "dev"},
                                             {"search", "a", "--room", "#dev", "--with", "Bob"},
                                             {"export", "--room", "#dev", "--with", "Bob"},
                                             {"export", "--with", ""},
                                             {"export", "--since", "yesterday"},
                                             {"export", "--format", "xml"},
                                             {"search", "a", "--after", "1.0"},
                                             {"search", std::string(1025, 'a')},
                                             {"history", "--from", "Bob"},
                                             {"export", "--format", "xml"},
                                             {"--name", "A", "--data-dir", "/d", "status"},
                                             {"--name", "1", "status"},
                                             {"--data-dir", "", "status"},
                                             {"status", "--room", "#a"}}) {
    std::string line;
    for (const std::string& word : words) line += " '" + word + "'";
    CAPTURE(line);
    const auto parsed = parse_ctl(words);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().status == ExitStatus::kUsage);
  }
  CHECK(parse_ctl({"send", "\xff"}).error().status == ExitStatus::kDamagedInput);
  CHECK(parse_ctl({"send", std::string(8193, 'x')}).error().status == ExitStatus::kDamagedInput);
  CHECK(parse_ctl({"send", std::string(8192, 'x')}));
}

}  // namespace
}  // namespace p2pmesh
