// The commands about people: one's own name, direct messages, conversations, requests and their answers.
#include "chat_commands.h"
#include "contact_lines.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/safe_text.h"
#include "screen_lines.h"

namespace p2pmesh {

void ChatCommands::send_direct(const std::string& to, std::string text) {
  if (!is_well_formed(text)) return view_.show_info("That is not UTF-8; it was not sent.");
  if (text.size() > limits::kMessageBytesMax) {
    return view_.show_info("That has " + std::to_string(text.size()) + " bytes, more than " +
                           std::to_string(limits::kMessageBytesMax) + "; it was not sent.");
  }
  control::SendRequest request;
  request.text = std::move(text);
  request.to = to;
  ask(request, [this](const control::Reply& reply) {
    if (const auto* sent = std::get_if<control::SendReply>(&reply)) view_.on_sent(*sent);
  });
}

void ChatCommands::nick(const CommandArguments& arguments) {
  ask(control::NameRequest{*arguments.member}, [this](const control::Reply& reply) {
    const auto* named = std::get_if<control::NameReply>(&reply);
    if (named == nullptr) return;
    if (!named->changed) return view_.show_info("You are " + format_safe_line(named->name) + " already.");
    view_.on_own_name(named->name);
  });
}

void ChatCommands::message(const CommandArguments& arguments) {
  find_whom(arguments, [this](const std::string& member, const std::string& text) {
    if (text.empty()) return view_.show_info("What is to be said? /msg NAME TEXT, or /msg HOST PORT TEXT");
    send_direct(member, text);
  });
}

void ChatCommands::chat(const CommandArguments& arguments) {
  find_whom(arguments,
            [this](const std::string& member, const std::string& text) { open_conversation(member, text); });
}

void ChatCommands::open_conversation(const std::string& member, const std::string& text) {
  ask(control::ConversationRequest{member, true}, [this, text](const control::Reply& reply) {
    const auto* opened = std::get_if<control::MemberReply>(&reply);
    if (opened == nullptr) return;
    if (opened->mesh) {
      if (!text.empty()) send_direct(opened->member.hex(), text);
      return go_to(control::SwitchMeshRequest{opened->mesh->hex()});
    }
    if (talks_with_ && talks_with_->member != opened->member) close_conversation();
    talks_with_ = *opened;
    view_.show_info("You talk with " + format_safe_line(opened->name) + " alone now; /close to stop.");
    if (!text.empty()) send_direct(opened->member.hex(), text);
  });
}

void ChatCommands::close_conversation() {
  const std::string member = talks_with_->member.hex();
  talks_with_.reset();
  ask(control::ConversationRequest{member, false}, [](const control::Reply&) {});
}

void ChatCommands::close(const CommandArguments&) {
  if (!talks_with_) return view_.show_info("No conversation is open.");
  const std::string member = format_safe_line(talks_with_->name);
  close_conversation();
  view_.show_info("You have closed the conversation with " + member + "; lines go to " +
                  view_.shown_room(view_.current_room()) + " again.");
}

void ChatCommands::disconnect(const CommandArguments& arguments) {
  close(arguments);
}

void ChatCommands::exit(const CommandArguments& arguments) {
  talks_with_ ? close(arguments) : quit(arguments);
}

void ChatCommands::request(const CommandArguments& arguments) {
  const std::string member = *arguments.member;
  ask(control::AskRequest{member}, [this, member](const control::Reply& reply) {
    if (const auto* sent = std::get_if<control::SendReply>(&reply)) view_.on_sent(*sent);
    // Of who is in no mesh with us the node says more.
    if (std::holds_alternative<control::SendReply>(reply))
      view_.show_info("You have asked " + format_safe_line(member) + " to talk.");
  });
}

void ChatCommands::answer(const std::string& member, bool accepts) {
  ask(control::AnswerRequest{member, accepts}, [this, member, accepts](const control::Reply&) {
    const std::string name = format_safe_line(member);
    if (!accepts)
      return view_.show_info("You have declined " + name + ". /accept " + name + " changes that.");
    control::ListRequest request;
    request.with = member;
    ask(request, [this, name](const control::Reply& reply) {
      const auto* listed = std::get_if<control::ListReply>(&reply);
      if (listed == nullptr) return;
      view_.show_info("You talk with " + name + ". " +
                      (listed->messages.empty() ? "Nothing was written yet."
                                                : count_of(listed->messages.size(), "message") +
                                                      (listed->more ? ", and earlier ones:" : ":")));
      for (const control::ChatMessage& message : listed->messages) view_.show_message(message);
    });
  });
}

void ChatCommands::accept(const CommandArguments& arguments) {
  answer(*arguments.member, true);
}

void ChatCommands::decline(const CommandArguments& arguments) {
  answer(*arguments.member, false);
}

void ChatCommands::contacts(const CommandArguments&) {
  tell_read_rooms();
  ask(control::ContactsRequest{}, [this](const control::Reply& reply) {
    const auto* contacts = std::get_if<control::ContactsReply>(&reply);
    if (contacts == nullptr) return;
    if (contacts->contacts.empty()) return view_.show_info("You talk with nobody yet: /msg NAME TEXT");
    for (const control::ContactEntry& contact : contacts->contacts) {
      if (!contact.known) {
        view_.show_info(format_safe_line(contact.name) + " is " + describe_contact(contact) + ".");
        continue;
      }
      view_.show_info(format_safe_line(contact.name) + " is " + (contact.online ? "online" : "offline") +
                      ": " + describe_contact(contact) + ".");
    }
  });
}

}  // namespace p2pmesh
