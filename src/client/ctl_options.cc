#include "ctl_options.h"

#include <CLI/CLI.hpp>

#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "clock_text.h"
#include "invite_words.h"
#include "key_file.h"
#include "moderation_words.h"
#include "p2pmesh/base/invite_link.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/rendezvous_place.h"
#include "p2pmesh/text/name.h"
#include "p2pmesh/text/safe_text.h"
#include "place_words.h"
#include "search_line.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kCountMax = 1000000000;  // -n

constexpr const char* kHelp =
    "Usage: p2pmeshctl [--name NAME | --data-dir DIR] [--mesh MESH] [--json] VERB ...\n"
    "Ask a running node, or tell it something. Without --name and --data-dir: the only one\n"
    "that runs below the XDG data home. MESH: which of its meshes, as meshes lists them.\n"
    "\n"
    "  status                              the node in figures\n"
    "  peers                               its live links\n"
    "  meshes                              those that the node is in\n"
    "  enter HOST PORT | LINK | NAME       joins another mesh, beside the others\n"
    "  open [--private]                    opens another mesh, beside the others\n"
    "  rendezvous [HOST[:PORT]]            the discovery servers; goes to one more\n"
    "  people                              who and what those servers tell of\n"
    "  lan                                 the meshes that are heard on the local network\n"
    "  switch | leave MESH                 which one is current; leaves one for good\n"
    "  limits                              every bound of the node, and how far it is used\n"
    "  members [--at ADDRESS]              everybody in the mesh, or who is or was there\n"
    "  rooms                               joined or not, unread, messages\n"
    "  send [--room R | --to NAME] TEXT|-  a message, or each line of the input as one\n"
    "  history [--room R | --with NAME] [-n N]  the newest messages (100)\n"
    "  search [--room R | --with NAME] [--from NAME] [--since T] [--until T] [--limit N]\n"
    "         WORD ...                     messages with all these words, the newest first (100)\n"
    "  join ROOM [--key-file F]            joins a room, or the private one of the key in F\n"
    "  invite NAME --room R                gives the key of a private room to a member\n"
    "  invite [--uses N|any] [--expires T|never] [--address HOST:PORT] [--qr]\n"
    "                                      a link by which others come into the closed mesh (one, 7d)\n"
    "  invites                             those that were made, and how often they were used\n"
    "  uninvite KEY                        cancels an own one\n"
    "  topic [--room R] [TEXT|-]           what a room is about; sets or clears it\n"
    "  moderate ACT [NAME] [--room R | --whole-mesh] [--for TIME] [--reason TEXT]\n"
    "                                      ACT: mod, unmod, kick, ban, unban, silence, unsilence,\n"
    "                                      lock or unlock; TIME: 30m, 2h or 7d\n"
    "  mods [--room R | --whole-mesh]      who keeps order, and who is banned or silenced\n"
    "  contacts                            those you talk to, and those who want to\n"
    "  ask | accept | decline NAME         ask to talk; answer somebody who asked\n"
    "  nick NAME                           another name for the member\n"
    "  add NAME HOST PORT                  notes where somebody is, and looks who is there\n"
    "  connect HOST PORT                   finds out who is there\n"
    "  alias NAME NICK|-                   another name for a member, here alone\n"
    "  forget NAME                         drops a contact and what is noted of it\n"
    "  tail [--after CURSOR] [-n N]        events as they come, N of them\n"
    "  pending                             what no neighbor has taken yet\n"
    "  cancel N | all                      takes back what waits\n"
    "  discover | receipts on|off          being seen; telling what was read\n"
    "  ignore | unignore | block | unblock NAME   whom not to hear\n"
    "  export [--room R | --with NAME] [--since T] [--format text|json|csv] [--without-ignored]\n"
    "                                      all messages of a room, or exchanged with a member\n"
    "  shutdown                            the node leaves and ends\n"
    "  revocation [--out FILE]             a statement to keep apart, in case the key is lost\n"
    "  revoke FILE                         publishes it: no node takes anything from that key any more\n"
    "  passphrase [--remove] [--passphrase-file F] [--new-passphrase-file F]\n"
    "                                      what the key is locked by; needs no running node\n"
    "  check HOST PORT                     what works there, step by step; needs no running node\n"
    "\n"
    "  --json  one JSON value (tail: one a line)   --help   --version\n";

tl::unexpected<Error> usage(const std::string& sentence) {
  return fail(ExitStatus::kUsage, sentence + " Type p2pmeshctl --help for the usage.");
}

Result<std::size_t> parse_count(const std::string& option, const std::string& text) {
  std::size_t count = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  if (text.empty() || error != std::errc{} || stop != end || count == 0 || count > kCountMax) {
    return usage(option + " takes a number from 1 on, not \"" + text + "\".");
  }
  return count;
}

Result<std::optional<WallMs>> parse_time(const std::string& option, const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto time = parse_utc(text);
  if (time) return time;
  return usage(option + " takes a time in UTC like 2026-11-20 or 2026-11-20T14:05, not \"" + text + "\".");
}

Result<void> check_text(const std::string& text) {
  if (text.empty()) return usage("The text is empty.");
  if (!is_well_formed(text))
    return fail(ExitStatus::kDamagedInput, "The text is not UTF-8; it was not sent.");
  if (text.size() > limits::kMessageBytesMax) {
    return fail(ExitStatus::kDamagedInput,
                "The text has " + std::to_string(text.size()) + " bytes, more than " +
                    std::to_string(limits::kMessageBytesMax) + "; it was not sent.");
  }
  return {};
}

Result<void> check_topic(const std::string& text) {
  if (!is_well_formed(text))
    return fail(ExitStatus::kDamagedInput, "The topic is not UTF-8; it was not set.");
  if (text.size() <= limits::kTopicBytesMax) return {};
  return fail(ExitStatus::kDamagedInput, "The topic has " + std::to_string(text.size()) +
                                             " bytes, more than " + std::to_string(limits::kTopicBytesMax) +
                                             "; it was not set.");
}

/// What was typed of an act, checked.
Result<void> fill_act(CtlOptions& options, const std::string& span) {
  control::ModerateRequest& act = options.act;
  if (!control::is_moderation_verb(act.verb)) return usage("moderate does not know \"" + act.verb + "\".");
  const bool has_member = act.verb != "lock" && act.verb != "unlock";
  if (has_member == options.peer.empty())
    return usage(has_member ? "Whom? moderate " + act.verb + " needs a NAME." : act.verb + " takes no NAME.");
  if (has_member) act.member = options.peer;
  if (!span.empty()) act.for_ms = parse_span(span);
  if (!span.empty() && (!act.for_ms || (act.verb != "ban" && act.verb != "silence")))
    return usage("--for takes a time like 30m, 2h or 7d, with ban and silence alone, not \"" + span + "\".");
  if (!is_well_formed(act.reason) || act.reason.size() > limits::kActReasonBytesMax)
    return usage("--reason takes UTF-8 of at most " + std::to_string(limits::kActReasonBytesMax) + " bytes.");
  act.room = options.room;
  return {};
}

Result<void> fill_link(CtlOptions& options, const std::string& uses, const std::string& expires,
                       const std::string& address) {
  options.link.for_ms = kInviteForMs;
  if (!uses.empty()) {
    const auto parsed = parse_uses(uses);
    if (!parsed) return tl::unexpected<Error>(parsed.error());
    options.link.uses = *parsed;
  }
  if (!expires.empty()) {
    const auto parsed = parse_expiry(expires);
    if (!parsed) return tl::unexpected<Error>(parsed.error());
    options.link.for_ms = *parsed;
  }
  if (!address.empty()) options.link.address = address;
  return {};
}

}  // namespace

Result<std::variant<CtlOptions, PrintOnly>> parse_ctl_options(int count, const char* const* arguments) {
  CtlOptions options;
  bool help = false;
  bool version = false;
  std::string format;
  std::string number;
  std::string after;
  std::vector<std::string> words;
  std::string since;
  std::string until;
  std::string which;
  std::string on_or_off;
  std::string span;
  std::string port;
  std::string uses;
  std::string expires;
  std::string address;

  CLI::App app;
  app.set_help_flag();
  app.require_subcommand(0, 1);  // a word after the verb is no verb: search status
  app.add_flag("--help,-h", help);
  app.add_flag("--version", version);
  app.add_flag("--json", options.json);
  auto* name = app.add_option("--name", options.name);
  auto* data_dir = app.add_option("--data-dir", options.data_dir);
  const auto* mesh = app.add_option("--mesh", options.mesh);

  constexpr std::array<const char*, 47> kVerbs = {
      "status",   "peers",    "members",  "rooms",      "send",     "history", "search",     "tail",
      "export",   "shutdown", "contacts", "ask",        "accept",   "decline", "pending",    "cancel",
      "discover", "receipts", "ignore",   "unignore",   "block",    "unblock", "topic",      "join",
      "invite",   "nick",     "add",      "connect",    "alias",    "forget",  "passphrase", "revocation",
      "revoke",   "moderate", "mods",     "invites",    "uninvite", "limits",  "meshes",     "enter",
      "open",     "leave",    "switch",   "rendezvous", "check",    "people",  "lan"};
  std::array<CLI::App*, kVerbs.size()> verbs{};
  for (std::size_t i = 0; i < kVerbs.size(); ++i) {
    verbs[i] = app.add_subcommand(kVerbs[i]);
    verbs[i]->set_help_flag();
    verbs[i]->fallthrough();
  }
  const auto verb_app = [&](Verb verb) { return verbs[static_cast<std::size_t>(verb)]; };
  auto* text = verb_app(Verb::kSend)->add_option("TEXT", options.text);
  for (const Verb verb : {Verb::kSend, Verb::kHistory, Verb::kSearch, Verb::kExport, Verb::kTopic,
                          Verb::kInvite, Verb::kModerate, Verb::kMods}) {
    verb_app(verb)->add_option("--room", options.room);
  }
  const auto* topic = verb_app(Verb::kTopic)->add_option("TEXT", options.text);
  verb_app(Verb::kSend)->add_option("--to", options.peer);
  for (const Verb verb : {Verb::kHistory, Verb::kSearch, Verb::kExport})
    verb_app(verb)->add_option("--with", options.peer);
  verb_app(Verb::kJoin)->add_option("ROOM", options.room)->required();
  const auto* key_file = verb_app(Verb::kJoin)->add_option("--key-file", options.key_file);
  for (const Verb verb : {Verb::kAsk, Verb::kAccept, Verb::kDecline, Verb::kIgnore, Verb::kUnignore,
                          Verb::kBlock, Verb::kUnblock, Verb::kNick, Verb::kAdd, Verb::kAlias, Verb::kForget})
    verb_app(verb)->add_option("NAME", options.peer)->required();
  CLI::App* invite = verb_app(Verb::kInvite);
  const auto* invited = invite->add_option("NAME", options.peer);
  const auto* uses_option = invite->add_option("--uses", uses);
  const auto* expires_option = invite->add_option("--expires", expires);
  const auto* address_option = invite->add_option("--address", address);
  const auto* code_flag = invite->add_flag("--qr", options.draws_code);
  verb_app(Verb::kUninvite)->add_option("KEY", options.text)->required();
  verb_app(Verb::kMembers)->add_option("--at", options.at);
  verb_app(Verb::kAlias)->add_option("NICK", options.text)->required();
  for (const Verb verb : {Verb::kAdd, Verb::kConnect, Verb::kCheck}) {
    verb_app(verb)->add_option("HOST", options.host)->required();
    verb_app(verb)->add_option("PORT", port)->required();
  }
  verb_app(Verb::kEnter)->add_option("HOST|LINK|NAME", options.host)->required();
  const auto* enter_port = verb_app(Verb::kEnter)->add_option("PORT", port);
  verb_app(Verb::kRendezvous)->add_option("HOST", options.host);
  verb_app(Verb::kOpen)->add_flag("--private", options.closed);
  for (const Verb verb : {Verb::kLeave, Verb::kSwitch})
    verb_app(verb)->add_option("MESH", options.text)->required();
  for (const Verb verb : {Verb::kHistory, Verb::kTail}) verb_app(verb)->add_option("-n", number);
  verb_app(Verb::kTail)->add_option("--after", after);
  CLI::App* search = verb_app(Verb::kSearch);
  search->add_option("WORD", words);
  search->add_option("--from", options.search.from);
  for (const Verb verb : {Verb::kSearch, Verb::kExport}) verb_app(verb)->add_option("--since", since);
  search->add_option("--until", until);
  search->add_option("--limit,-n", number);
  verb_app(Verb::kExport)->add_option("--format", format);
  verb_app(Verb::kExport)->add_flag("--without-ignored", options.without_ignored);
  verb_app(Verb::kCancel)->add_option("N", which)->required();
  for (const Verb verb : {Verb::kDiscover, Verb::kReceipts})
    verb_app(verb)->add_option("on|off", on_or_off)->required();
  CLI::App* passphrase = verb_app(Verb::kPassphrase);
  const auto* remove = passphrase->add_flag("--remove", options.removes_passphrase);
  const auto* old_file = passphrase->add_option("--passphrase-file", options.passphrase_file);
  const auto* new_file = passphrase->add_option("--new-passphrase-file", options.new_passphrase_file);
  const auto* out_file = verb_app(Verb::kRevocation)->add_option("--out", options.file);
  verb_app(Verb::kRevoke)->add_option("FILE", options.file)->required();
  CLI::App* moderate = verb_app(Verb::kModerate);
  moderate->add_option("ACT", options.act.verb)->required();
  moderate->add_option("NAME", options.peer);
  moderate->add_option("--for", span);
  moderate->add_option("--reason", options.act.reason);
  for (const Verb verb : {Verb::kModerate, Verb::kMods})
    verb_app(verb)->add_flag("--whole-mesh", options.act.mesh);
  try {
    app.parse(count, arguments);
  } catch (const CLI::Error& error) {
    return usage(std::string(error.what()) + ".");
  }

  if (help) return PrintOnly{kHelp};
  if (version) return PrintOnly{"p2pmeshctl " P2PMESH_VERSION "\n"};
  const auto chosen = app.get_subcommands();
  if (chosen.size() != 1) return usage(chosen.empty() ? "The verb is missing." : "One verb a call.");
  for (std::size_t i = 0; i < verbs.size(); ++i) {
    if (verbs[i] == chosen.front()) options.verb = static_cast<Verb>(i);
  }

  if (!name->empty() && !data_dir->empty()) return usage("Give --name or --data-dir, not both.");
  if (!name->empty()) {
    auto checked = check_name(options.name);
    if (!checked) return tl::unexpected<Error>(checked.error());
    options.name = *std::move(checked);
  }
  if (!data_dir->empty() && options.data_dir.empty())
    return usage("--data-dir needs the name of a directory.");
  const auto* given_room = chosen.front()->get_option_no_throw("--room");
  const bool has_terms =
      !uses_option->empty() || !expires_option->empty() || !address_option->empty() || !code_flag->empty();
  if (options.verb == Verb::kInvite && !invited->empty() && given_room->empty())
    return usage("Which room? Give it with --room.");
  if (options.verb == Verb::kInvite && invited->empty() && !given_room->empty())
    return usage("Whom? invite NAME --room R; a link into the mesh needs neither.");
  if (has_terms && !invited->empty())
    return usage("--uses, --expires, --address and --qr are of a link, which is for no certain member.");
  if (auto filled = fill_link(options, uses, expires, address); !filled)
    return tl::unexpected<Error>(filled.error());
  const bool names_both = options.verb == Verb::kInvite || options.verb == Verb::kModerate;
  if (!names_both && !options.peer.empty() && given_room != nullptr && !given_room->empty())
    return usage("Give a room or a member, not both.");
  auto room = check_room_label(options.room);
  if (!room) return tl::unexpected<Error>(room.error());
  options.room = *std::move(room);
  if (!number.empty()) {
    const auto parsed = parse_count(options.verb == Verb::kSearch ? "--limit" : "-n", number);
    if (!parsed) return tl::unexpected<Error>(parsed.error());
    options.count = *parsed;
  }
  if (!mesh->empty() && options.mesh.empty())
    return usage("--mesh needs a mesh, as p2pmeshctl meshes lists them.");
  const bool has_link = options.verb == Verb::kEnter && is_invite_link(options.host);
  if (has_link) {
    options.invite = std::exchange(options.host, {});
    if (!parse_invite_link(options.invite))
      return usage("The link is not whole; copy it again, from p2pmesh:// to its end.");
    if (!enter_port->empty()) return usage("A link has its ports; nothing follows it.");
  }
  const bool has_name = options.verb == Verb::kEnter && !has_link && enter_port->empty();
  if (has_name) options.find = std::exchange(options.host, {});
  if (options.verb == Verb::kRendezvous && !options.host.empty()) {
    const auto place = parse_rendezvous_place(options.host);
    if (!place) return usage(place.error().message);
    options.host = place->host;
    options.port = place->port;
  }
  const bool has_place = options.verb == Verb::kAdd || options.verb == Verb::kConnect ||
                         options.verb == Verb::kCheck ||
                         (options.verb == Verb::kEnter && !has_link && !has_name);
  if (has_place) {
    const auto place = parse_place(options.host, port);
    if (!place || !place->rest.empty())
      return usage("PORT is a number from 1 to 65535, not \"" + port + "\".");
    options.host = place->host;
    options.port = place->port;
  }
  if (options.verb == Verb::kModerate) {
    if (auto filled = fill_act(options, span); !filled) return tl::unexpected<Error>(filled.error());
  }
  if (!after.empty()) {
    options.after = control::parse_cursor(after);
    if (!options.after) return usage("--after takes a cursor like 12.0, not \"" + after + "\".");
  }
  if (!which.empty() && which != "all") {
    const auto parsed = parse_count("cancel", which);
    if (!parsed) return tl::unexpected<Error>(parsed.error());
    options.number = *parsed;
  }
  if (!on_or_off.empty() && on_or_off != "on" && on_or_off != "off")
    return usage(std::string(chosen.front()->get_name()) + " takes on or off, not \"" + on_or_off + "\".");
  options.on = on_or_off == "on";
  if (!format.empty() && format != "text" && format != "json" && format != "csv") {
    return usage("--format takes text, json or csv, not \"" + format + "\".");
  }
  if (format == "json" || (format.empty() && options.json)) options.format = ExportFormat::kJson;
  if (format == "csv") options.format = ExportFormat::kCsv;
  const auto* given_peer = chosen.front()->get_option_no_throw("--with");
  if (given_peer != nullptr && !given_peer->empty() && options.peer.empty())
    return usage("--with needs the name of a member, or its key.");
  auto from_then = parse_time("--since", since);
  if (!from_then) return tl::unexpected<Error>(from_then.error());
  options.since_ms = *from_then;
  if (options.verb == Verb::kSend) {
    if (text->empty()) return usage("The text is missing: p2pmeshctl send TEXT, or - for the input.");
    options.reads_input = options.text == "-";
    if (auto checked = check_text(options.text); !checked) return tl::unexpected<Error>(checked.error());
  }
  if (!key_file->empty()) {
    if (options.key_file.empty()) return usage("--key-file needs the name of a file.");
    if (auto named = check_private_name(options.room); !named) return tl::unexpected<Error>(named.error());
  }
  if ((!old_file->empty() && options.passphrase_file.empty()) ||
      (!new_file->empty() && options.new_passphrase_file.empty()))
    return usage("A passphrase file needs a name.");
  if ((!out_file->empty() || options.verb == Verb::kRevoke) && options.file.empty())
    return usage("The file needs a name.");
  if (!remove->empty() && !new_file->empty()) return usage("Give --remove or a new passphrase, not both.");
  if (options.verb == Verb::kTopic && !topic->empty()) {
    options.sets_topic = true;
    if (options.text == "-") options.text.clear();
    if (auto checked = check_topic(options.text); !checked) return tl::unexpected<Error>(checked.error());
  }
  if (options.verb == Verb::kSearch) {
    if (search->count("--room") > 0) options.search.room = options.room;
    for (const std::string& word : words) options.search.words += (&word == &words.front() ? "" : " ") + word;
    if (!options.peer.empty()) options.search.with = options.peer;
    if (auto checked = check_search_words(options.search.words); !checked)
      return usage(checked.error().message);
    if (options.search.from && !is_well_formed(*options.search.from)) return usage("--from is not UTF-8.");
    options.search.since_ms = options.since_ms;
    auto before_then = parse_time("--until", until);
    if (!before_then) return tl::unexpected<Error>(before_then.error());
    options.search.until_ms = *before_then;
  }
  return options;
}

}  // namespace p2pmesh
