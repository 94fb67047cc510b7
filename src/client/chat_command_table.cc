// The table of the commands: how each is written, and what /help says of it.
#include "chat_commands.h"

namespace p2pmesh {
namespace {

constexpr Argument kOptionalRoom{ArgumentKind::kRoom, true, ""};
constexpr Argument kOptionalPlace{ArgumentKind::kPlace, true, ""};
constexpr Argument kOptionalNumber{ArgumentKind::kNumber, true, ""};
constexpr Argument kOptionalCommand{ArgumentKind::kCommand, true, ""};
constexpr Argument kKeyFile{ArgumentKind::kKeyFile, true, ""};
constexpr Argument kMember{ArgumentKind::kMember, false, ""};
constexpr Argument kText{ArgumentKind::kText, false, ""};
constexpr Argument kOptionalAddress{ArgumentKind::kMember, true, "ADDRESS"};
constexpr Argument kHost{ArgumentKind::kMember, false, "HOST"};
constexpr Argument kPlaceText{ArgumentKind::kText, true, "HOST PORT"};
constexpr Argument kPortText{ArgumentKind::kText, false, "PORT"};
constexpr Argument kNickText{ArgumentKind::kText, false, "NICK or -"};
constexpr Argument kOptionalText{ArgumentKind::kText, true, ""};
constexpr Argument kLine{ArgumentKind::kText, false, "N|all"};
constexpr Argument kOn{ArgumentKind::kKeyword, false, "on"};
constexpr Argument kOff{ArgumentKind::kKeyword, false, "off"};
constexpr Argument kOptionalMember{ArgumentKind::kMember, true, ""};
constexpr Argument kLinkTerms{ArgumentKind::kText, true, "USES] [TIME"};
constexpr Argument kLinkKey{ArgumentKind::kText, false, "KEY"};
constexpr Argument kMesh{ArgumentKind::kText, false, "MESH"};
constexpr Argument kHostOrLink{ArgumentKind::kMember, false, "HOST, LINK or NAME"};
constexpr Argument kOptionalPort{ArgumentKind::kText, true, "PORT"};
constexpr Argument kPrivate{ArgumentKind::kKeyword, false, "private"};
constexpr Argument kMore{ArgumentKind::kKeyword, false, "more"};
constexpr Argument kBack{ArgumentKind::kKeyword, false, "back"};
// Parsed by moderation_words.h; the brackets are those of the usage.
constexpr Argument kOptionalMesh{ArgumentKind::kText, true, "mesh"};
constexpr Argument kWhy{ArgumentKind::kText, true, "mesh] [REASON"};
constexpr Argument kTimeAndWhy{ArgumentKind::kText, true, "mesh] [TIME] [REASON"};

}  // namespace

const std::vector<ChatCommands::Command>& ChatCommands::table() {
  static const std::vector<Command> kTable = {
      {{"/help",
        {},
        {{kOptionalCommand}},
        "the commands, or one of them",
        "Lists the commands, or explains the one that is named, with its slash or without."},
       &ChatCommands::help},
      {{"/rooms",
        {},
        {{}},
        "the rooms: joined or not, unread, messages",
        "Lists the rooms that are joined or have messages. Unread is what others said and no screen has "
        "shown."},
       &ChatCommands::rooms},
      {{"/join",
        {},
        {{kOptionalRoom, kKeyFile}},
        "joins a room, where lines go from then on",
        "A room is there as soon as somebody has joined it or spoken in it. What is typed goes to the "
        "current "
        "room; messages of the other joined rooms are shown with their room in front, and of rooms that are "
        "not joined nothing is shown. Without a room: says which is current. With --key-file it is a private "
        "room, which only those can read who hold the key in the file; if there is no file, one with a new "
        "key "
        "is made."},
       &ChatCommands::join},
      {{"/part",
        {},
        {{kOptionalRoom}},
        "leaves a room, or the current one",
        "Its messages are not shown any more, but they are still kept. #lobby can be left while another room "
        "is joined."},
       &ChatCommands::part},
      {{"/invite",
        {},
        {{kMember}},
        "gives the key of the current private room to a member",
        "To one who has accepted to talk with you. It can read what was said there before, too, and no key "
        "can "
        "be taken back."},
       &ChatCommands::invite},
      {{"/link",
        {},
        {{kLinkTerms}},
        "an invite into the closed mesh: a link to hand to somebody",
        "Of a mesh that was opened with --private. Good for one member and a week, or for USES (a number or "
        "any) "
        "and TIME (2h, 7d or never). Whoever has the link can use it, so hand it over where nobody else "
        "reads."},
       &ChatCommands::link},
      {{"/links", {}, {{}}, "the invites that were made, and how often they were used", ""},
       &ChatCommands::links},
      {{"/unlink",
        {},
        {{kLinkKey}},
        "cancels an own invite",
        "KEY: how it begins in /links. Who came in by it stays."},
       &ChatCommands::unlink},
      {{"/topic",
        {},
        {{kOptionalText}},
        "what the room is about: shows it, or sets it",
        "Of the current room. Everybody sees the same one: the last that was set. /topic - clears it."},
       &ChatCommands::topic},
      {{"/history",
        {},
        {{kBack, kOptionalNumber}, {kOptionalPlace, kOptionalNumber}},
        "the newest messages of a room or with somebody, or earlier ones",
        "Prints the newest N messages (20) of a room, joined or not, or of what was exchanged with a member, "
        "or of where lines go now. A room counts as read then. /history back prints the N (20) before those "
        "that were printed last."},
       &ChatCommands::history},
      {{"/search",
        {},
        {{kMore}, {kText}},
        "the newest messages with all these words, or earlier ones",
        "In every room and conversation; a word counts whole, without case and accents, and no sign means "
        "anything. In front of the words: in:#dev or in:Bob, from:Bob, since:2026-11-01, "
        "until:2026-11-20T14:05. /search more prints the ones before those that were printed last."},
       &ChatCommands::search},
      {{"/msg",
        {},
        {{kMember, kText}},
        "writes to one member alone",
        "Sealed: nobody else can read it or tell to whom it is. The first message to somebody asks to talk, "
        "and is shown when the other one accepts. Who is away gets it later."},
       &ChatCommands::message},
      {{"/chat",
        {},
        {{kMember, kOptionalText}},
        "opens a conversation: lines go to this member alone",
        "Until /close. The other one is told that it is open. With a text: says that too."},
       &ChatCommands::chat},
      {{"/close", {}, {{}}, "closes the conversation; lines go to the room again", "The other one is told."},
       &ChatCommands::close},
      {{"/disconnect", {}, {{}}, "as /close", "Says so when no conversation is open."},
       &ChatCommands::disconnect},
      {{"/exit",
        {},
        {{}},
        "closes the conversation, or leaves when none is open",
        "As /close in a conversation, as /quit in a room."},
       &ChatCommands::exit},
      {{"/request",
        {},
        {{kMember}},
        "asks somebody to talk, without a text",
        "The other one is asked when it is there, and you are told what it answers."},
       &ChatCommands::request},
      {{"/accept",
        {},
        {{kMember}},
        "talks with somebody who asked",
        "Shows what was written to you meanwhile. Whom you have declined you can still accept."},
       &ChatCommands::accept},
      {{"/decline",
        {},
        {{kMember}},
        "does not talk with somebody who asked",
        "The other one is told. What it wrote and goes on writing is kept, unseen, in case you accept "
        "later."},
       &ChatCommands::decline},
      {{"/contacts",
        {},
        {{}},
        "those you talk with, and those who want to",
        "Those you have written to, or who have written to you, and how things stand."},
       &ChatCommands::contacts},
      {{"/add",
        {},
        {{kMember, kPlaceText}},
        "notes where somebody is to be found",
        "Under a member's name, or one that nobody has yet: then who is there is looked for at once, and "
        "again when you name it and at the next start."},
       &ChatCommands::add},
      {{"/connect",
        {},
        {{kHost, kPortText}},
        "finds out who is at an address, and opens a conversation",
        "A number from 1 to 65535 behind the first word makes it a host in /msg and /chat too, unless a "
        "member "
        "has that name."},
       &ChatCommands::connect},
      {{"/alias",
        {},
        {{kMember, kNickText}},
        "another name for a member, for you alone",
        "It can be typed wherever a member is named. /alias NAME - removes it."},
       &ChatCommands::alias},
      {{"/forget",
        {},
        {{kMember}},
        "drops a contact and what is noted of it",
        "What was said stays in /history. The other one is not told; what it writes from now on asks anew."},
       &ChatCommands::forget},
      {{"/ignore",
        {},
        {{kOptionalMember}},
        "keeps what a member writes, and does not show it",
        "By key, so that another name does not help; the member is not told. Without a name: lists whom you "
        "ignore."},
       &ChatCommands::ignore},
      {{"/unignore",
        {},
        {{kMember}},
        "shows what a member writes again",
        "/history has what came meanwhile."},
       &ChatCommands::unignore},
      {{"/block",
        {},
        {{kOptionalMember}},
        "as /ignore, and does not open what a member writes to you",
        "Its direct messages and requests stay sealed; the member is not told. What it writes in rooms is "
        "kept "
        "and passed on as everybody's. Without a name: lists whom you block."},
       &ChatCommands::block},
      {{"/unblock",
        {},
        {{kMember}},
        "takes /block back",
        "What the member wrote to you meanwhile is opened now."},
       &ChatCommands::unblock},
      {{"/discover",
        {},
        {{kOn}, {kOff}, {}},
        "whether others see that you are here",
        "Off: you appear offline to all but contacts. You still read the rooms and pass on what others "
        "write, "
        "but nothing that is written to you is opened, and what you write waits until /discover on. It stays "
        "so over restarts."},
       &ChatCommands::discover},
      {{"/receipts",
        {},
        {{kOn}, {kOff}, {}},
        "whether those you talk with are told what you have read",
        "Off until you say otherwise."},
       &ChatCommands::receipts},
      {{"/pending",
        {},
        {{}},
        "what you wrote and no neighbor has taken yet",
        "Lines with a number can be taken back with /cancel; \"written\" ones are envelopes already."},
       &ChatCommands::pending},
      {{"/cancel",
        {},
        {{kLine}},
        "takes back a line that waits, by its number, or all of them",
        "/cancel 17 or /cancel all; see /pending."},
       &ChatCommands::cancel},
      {{"/sent",
        {},
        {{kOptionalPlace, kOptionalNumber}},
        "what became of what you wrote",
        "The newest N (20) of your messages in a room or to a member, or where lines go now. In a room: "
        "pending, or sent with the number of neighbors that have taken it. To a member: pending, sent, "
        "delivered when its node has it and it wants to talk, read when it lets you know."},
       &ChatCommands::sent},
      {{"/nick",
        {},
        {{kMember}},
        "another name for you",
        "A neighbor sees whether it is free; until then you keep the one you have. What you said before is "
        "shown under the new name too."},
       &ChatCommands::nick},
      {{"/mods",
        {},
        {{kOptionalMesh}},
        "who keeps order in the room, or in the mesh",
        "The founder of the mesh, its moderators, who opened the room, and its moderators, in this order: "
        "who is "
        "above undoes what those below have done."},
       &ChatCommands::mods},
      {{"/bans",
        {},
        {{kOptionalMesh}},
        "who is banned from the room or silenced in it, or in the mesh",
        "By whom, until when and why."},
       &ChatCommands::bans},
      {{"/mod",
        {},
        {{kMember, kOptionalMesh}},
        "makes a member a moderator of the room, or of the mesh",
        "In a room its founder and those of the mesh may, in the mesh its founder."},
       &ChatCommands::moderate},
      {{"/unmod", {}, {{kMember, kOptionalMesh}}, "takes /mod back", "What it has done until now stays."},
       &ChatCommands::moderate},
      {{"/kick",
        {},
        {{kMember, kWhy}},
        "puts a member out of the room, or with mesh out of the mesh",
        "It may come again. Its own node obeys; one that was changed may not."},
       &ChatCommands::moderate},
      {{"/ban",
        {},
        {{kMember, kTimeAndWhy}},
        "refuses what a member writes from now on in the room, or anywhere",
        "For a time such as 30m, 2h or 7d, or for good. Every node refuses it or hides it, and who is banned "
        "from "
        "the mesh is not linked to. It stops a key: in an open mesh its owner can come with another one."},
       &ChatCommands::moderate},
      {{"/unban",
        {},
        {{kMember, kOptionalMesh}},
        "takes /ban back",
        "What the member wrote meanwhile stays hidden."},
       &ChatCommands::moderate},
      {{"/silence",
        {},
        {{kMember, kTimeAndWhy}},
        "refuses what a member says in the room, or in all rooms",
        "It still reads, and is told when it writes. With a time as /ban."},
       &ChatCommands::moderate},
      {{"/unsilence",
        {},
        {{kMember, kOptionalMesh}},
        "takes /silence back",
        "What it said meanwhile stays hidden."},
       &ChatCommands::moderate},
      {{"/lock",
        {},
        {{}},
        "only those who keep order may set the topic of the room",
        "See who that is: /mods"},
       &ChatCommands::moderate},
      {{"/unlock", {}, {{}}, "takes /lock back", "Everybody may set the topic again."},
       &ChatCommands::moderate},
      {{"/who",
        {},
        {{kOptionalAddress}},
        "all members, and since when they are online or offline",
        "Lists everybody who ever joined the mesh, or those who are or were last at an address such as "
        "10.0.0.7 "
        "or 10.0.0.7:9750."},
       &ChatCommands::who},
      {{"/meshes",
        {},
        {{}},
        "the meshes that you are in",
        "You may be in several at once. What comes in others than the current one is shown with their name "
        "behind an @."},
       &ChatCommands::meshes},
      {{"/switch",
        {},
        {{kMesh}},
        "goes to another of your meshes",
        "What is typed goes there, and the other commands concern it. MESH: its name in /meshes, or how its "
        "number there begins."},
       &ChatCommands::switch_mesh},
      {{"/people",
        {},
        {{}},
        "lists who is known to the discovery servers",
        "Who is there and since when not, and the meshes that can be entered. /enter NAME goes to somebody's "
        "mesh, /msg NAME TEXT writes to somebody alone."},
       &ChatCommands::people},
      {{"/enter",
        {},
        {{kHostOrLink, kOptionalPort}},
        "joins another mesh, beside those you are in",
        "HOST PORT: any of its members; LINK: an invite into a closed one; NAME: of somebody who is heard on "
        "the local network, or whom a discovery server knows. You are in it at the next start too."},
       &ChatCommands::enter},
      {{"/lan",
        {},
        {{}},
        "the meshes that are heard on the local network",
        "Who is in them, and by which interfaces this node is heard there. /enter NAME joins the mesh of "
        "NAME."},
       &ChatCommands::lan},
      {{"/open",
        {},
        {{kPrivate}, {}},
        "opens another mesh, beside those you are in",
        "With private it is a closed one, as p2pchat --private opens it."},
       &ChatCommands::open},
      {{"/leave",
        {},
        {{kMesh}},
        "leaves a mesh, and is not in it at the next start",
        "What is held of it stays on the disk, for when you /enter it again."},
       &ChatCommands::leave},
      {{"/quit",
        {"/logout", ":q"},
        {{}},
        "leaves",
        "Ends this screen. A node that a screen started leaves the mesh with its last screen."},
       &ChatCommands::quit},
  };
  return kTable;
}

}  // namespace p2pmesh
