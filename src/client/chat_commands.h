// The commands of p2pchat: one table, from which they are run, explained and suggested.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat_command.h"
#include "chat_view.h"
#include "message_search.h"
#include "node_connection.h"
#include "place_words.h"
#include "room_history.h"

namespace p2pmesh {

/// Runs one command after the other. To add one: a row of the table in chat_command_table.cc, a function
/// here, and p2pchat(1).
class ChatCommands {
 public:
  using Complain = std::function<void(std::string_view)>;
  /// Lines go to this mesh from now on.
  using Switch = std::function<void(const control::MeshEntry&)>;

  /// Borrows everything, for its whole life.
  ChatCommands(NodeConnection& node, ChatView& view, Complain complain, Switch switch_to = {});
  ChatCommands(const ChatCommands&) = delete;
  ChatCommands& operator=(const ChatCommands&) = delete;

  /// A line that begins with one slash, or is a name without one. It is never sent.
  static bool is_command(std::string_view line);
  static bool is_quit(std::string_view line);
  void run(std::string_view line);

  /// Goes to the mesh of somebody whom a discovery server knows; else the user is told why not.
  void join_mesh_of(const std::string& name, std::function<void(bool)> done);

  [[nodiscard]] bool has_quit() const { return has_quit_; }
  /// The key of whom a conversation is open with, where lines go then.
  [[nodiscard]] std::optional<std::string> talks_with() const {
    return talks_with_ ? std::optional(talks_with_->member.hex()) : std::nullopt;
  }
  /// Requests that are not answered. Until they are, no further line may be taken: it may depend on them.
  [[nodiscard]] std::size_t unanswered() const { return unanswered_; }
  /// Those of them that look for somebody in the network, which may take many seconds.
  [[nodiscard]] std::size_t searching() const { return searching_; }
  [[nodiscard]] std::uint64_t answered() const { return answered_; }

 private:
  struct Command {
    CommandText text;
    void (ChatCommands::*run)(const CommandArguments&);
  };
  static const std::vector<Command>& table();
  static const Command* find(std::string_view name);

  void quit(const CommandArguments& arguments);
  void help(const CommandArguments& arguments);
  void who(const CommandArguments& arguments);
  void rooms(const CommandArguments& arguments);
  void join(const CommandArguments& arguments);
  void part(const CommandArguments& arguments);
  void history(const CommandArguments& arguments);
  void search(const CommandArguments& arguments);
  // chat_rooms.cc
  void topic(const CommandArguments& arguments);
  void invite(const CommandArguments& arguments);
  // chat_invites.cc
  void link(const CommandArguments& arguments);
  void links(const CommandArguments& arguments);
  void unlink(const CommandArguments& arguments);
  // chat_meshes.cc
  void meshes(const CommandArguments& arguments);
  void switch_mesh(const CommandArguments& arguments);
  void people(const CommandArguments& arguments);
  void enter(const CommandArguments& arguments);
  void lan(const CommandArguments& arguments);
  void open(const CommandArguments& arguments);
  void leave(const CommandArguments& arguments);
  /// Asks for a mesh that is to be current.
  void go_to(const control::Request& request);
  // chat_moderation.cc
  void mods(const CommandArguments& arguments);
  void bans(const CommandArguments& arguments);
  void moderate(const CommandArguments& arguments);
  // chat_people.cc
  void nick(const CommandArguments& arguments);
  void message(const CommandArguments& arguments);
  void chat(const CommandArguments& arguments);
  void request(const CommandArguments& arguments);
  void accept(const CommandArguments& arguments);
  void decline(const CommandArguments& arguments);
  void contacts(const CommandArguments& arguments);
  // chat_left_alone.cc
  void discover(const CommandArguments& arguments);
  void receipts(const CommandArguments& arguments);
  void ignore(const CommandArguments& arguments);
  void unignore(const CommandArguments& arguments);
  void block(const CommandArguments& arguments);
  void unblock(const CommandArguments& arguments);
  void pending(const CommandArguments& arguments);
  void cancel(const CommandArguments& arguments);
  void sent(const CommandArguments& arguments);
  void note(const std::string& member, std::optional<bool> ignored, std::optional<bool> blocked);
  void list_noted(bool blocked);
  void close(const CommandArguments& arguments);
  void disconnect(const CommandArguments& arguments);
  void exit(const CommandArguments& arguments);
  void send_direct(const std::string& to, std::string text);
  void answer(const std::string& member, bool accepts);
  void close_conversation();

  void open_conversation(const std::string& member, const std::string& text);
  // chat_book.cc
  void add(const CommandArguments& arguments);
  void alias(const CommandArguments& arguments);
  void forget(const CommandArguments& arguments);
  void connect(const CommandArguments& arguments);
  /// `then` with the member that was typed, or with whom a host and a port led to.
  void find_whom(const CommandArguments& arguments,
                 std::function<void(const std::string& member, const std::string& text)> then);
  /// Finds out who is there; `then` with the key. Else the user is told why not.
  void reach(const PlaceWords& place, std::function<void(const std::string& key)> then);

  void tell_read_rooms();
  void explain(const CommandText& command);
  void show_unknown(std::string_view start, std::string_view word);
  /// `done` is not called when the node refuses: then the user is told.
  void ask(const control::Request& request, std::function<void(const control::Reply&)> done);

  NodeConnection& node_;
  ChatView& view_;
  Complain complain_;
  Switch switch_to_;
  RoomHistory history_;
  MessageSearch search_;
  bool has_quit_ = false;
  std::optional<control::MemberReply> talks_with_;
  std::size_t unanswered_ = 0;
  std::size_t searching_ = 0;
  std::uint64_t answered_ = 0;
};

}  // namespace p2pmesh
