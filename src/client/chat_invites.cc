// The commands of a closed mesh: /link, /links, /unlink.
#include "chat_commands.h"
#include "invite_words.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {

void ChatCommands::link(const CommandArguments& arguments) {
  const auto request = parse_link_words(arguments.text);
  if (!request) return view_.show_info(request.error().message);
  ask(*request, [this](const control::Reply& reply) {
    const auto* made = std::get_if<control::LinkReply>(&reply);
    if (made == nullptr) return;
    view_.show_info("An invite " + describe_terms(made->uses, made->end_ms, false) +
                    "; whoever has it can use it: ./p2pchat NAME " + format_safe_line(made->link));
  });
}

void ChatCommands::links(const CommandArguments&) {
  ask(control::InvitesRequest{}, [this](const control::Reply& reply) {
    const auto* invites = std::get_if<control::InvitesReply>(&reply);
    if (invites == nullptr) return;
    if (invites->invites.empty()) view_.show_info("Nobody has made an invite yet: /link makes one.");
    for (const control::InviteEntry& invite : invites->invites)
      view_.show_info(describe_invite(invite, false));
  });
}

void ChatCommands::unlink(const CommandArguments& arguments) {
  ask(control::CancelInviteRequest{arguments.text},
      [this](const control::Reply&) { view_.show_info("The invite lets nobody in any more."); });
}

}  // namespace p2pmesh
