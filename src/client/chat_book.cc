// The commands of the address book: who is where, other names, forgetting; and reaching somebody by address.
#include <algorithm>
#include <utility>

#include "chat_commands.h"
#include "contact_lines.h"
#include "p2pmesh/text/safe_text.h"
#include "place_words.h"

namespace p2pmesh {

/// A member's name wins over a host of the same name.
void ChatCommands::find_whom(const CommandArguments& arguments,
                             std::function<void(const std::string& member, const std::string& text)> then) {
  const std::string member = *arguments.member;
  const auto place = parse_place(member, arguments.text);
  if (!place) return then(member, arguments.text);
  ask(control::FindRequest{member}, [this, member, text = arguments.text, place = *place,
                                     then = std::move(then)](const control::Reply& reply) {
    const auto* found = std::get_if<control::FindReply>(&reply);
    if (found == nullptr) return;
    if (found->known) return then(member, text);
    reach(place, [then, rest = place.rest](const std::string& key) { then(key, rest); });
  });
}

void ChatCommands::reach(const PlaceWords& place, std::function<void(const std::string& key)> then) {
  ++unanswered_;
  ++searching_;
  node_.request(
      control::ConnectRequest{place.host, place.port},
      [this, where = place.format(),
       then = std::move(then)](const tl::expected<control::Reply, control::RpcError>& reply) {
        --unanswered_;
        --searching_;
        ++answered_;
        if (!reply && control::to_error(reply.error()).status == ExitStatus::kTryAgain)
          return view_.show_info(end_sentence(reply.error().message));
        if (!reply) {
          return view_.show_info("Nobody was reached at " + where + ": " +
                                 end_sentence(reply.error().message));
        }
        const auto* found = std::get_if<control::MemberReply>(&*reply);
        if (found == nullptr) return;
        if (found->name.empty() || found->name.front() == '~') {
          return view_.show_info("Who answers at " + where +
                                 " has not said a name; nothing was opened. Try again in a moment.");
        }
        view_.show_info(format_safe_line(found->name) + " is at " + where + ".");
        then(found->member.hex());
      });
}

void ChatCommands::connect(const CommandArguments& arguments) {
  const auto place = parse_place(*arguments.member, arguments.text);
  if (!place || !place->rest.empty())
    return view_.show_info("/connect takes a host and a port from 1 to 65535, and no more.");
  reach(*place, [this](const std::string& key) { open_conversation(key, ""); });
}

void ChatCommands::add(const CommandArguments& arguments) {
  const std::string wanted = *arguments.member;
  const std::string_view text = arguments.text;
  if (text.empty()) {
    return view_.show_info("Where is " + quote_word(wanted) + "? Type /add NAME HOST PORT, such as: /add " +
                           format_safe_line(wanted.substr(0, 64)) + " 10.0.0.7 9750");
  }
  const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
  const std::size_t next = std::min(text.find_first_not_of(" \t", end), text.size());
  const auto place = parse_place(text.substr(0, end), text.substr(next));
  if (!place || !place->rest.empty())
    return view_.show_info("/add takes a name, a host and a port from 1 to 65535: /add NAME HOST PORT");
  ask(control::AddRequest{wanted, place->host, place->port},
      [this, where = place->format()](const control::Reply& reply) {
        if (const auto* added = std::get_if<control::AddReply>(&reply))
          view_.show_info(describe_added(*added, where));
      });
}

void ChatCommands::alias(const CommandArguments& arguments) {
  const std::string alias = arguments.text == "-" ? "" : arguments.text;
  control::PersonRequest request;
  request.member = *arguments.member;
  request.alias = alias;
  ask(request, [this, alias](const control::Reply& reply) {
    const auto* noted = std::get_if<control::MemberReply>(&reply);
    if (noted == nullptr) return;
    const std::string name = format_safe_line(noted->name);
    view_.show_info(alias.empty() ? name + " has no other name here any more."
                                  : format_safe_line(alias) + " is " + name + " here, for you alone.");
  });
}

void ChatCommands::forget(const CommandArguments& arguments) {
  ask(control::ForgetRequest{*arguments.member}, [this](const control::Reply& reply) {
    const auto* forgotten = std::get_if<control::ForgetReply>(&reply);
    if (forgotten == nullptr) return;
    const std::string name = format_safe_line(forgotten->name);
    if (talks_with_ && talks_with_->name == forgotten->name) close_conversation();
    view_.show_info(forgotten->contact
                        ? "You have forgotten " + name +
                              ": it is no contact any more, and is not told. What was said stays in "
                              "/history; what it writes from now on asks anew."
                        : "What was noted of " + name + " is forgotten.");
  });
}

}  // namespace p2pmesh
