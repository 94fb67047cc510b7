// The commands about being left alone, and about what waits: /discover, /ignore, /block, /pending, /sent.
#include <charconv>

#include "chat_commands.h"
#include "clock_text.h"
#include "contact_lines.h"
#include "p2pmesh/text/safe_text.h"
#include "screen_lines.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kSentDefault = 20;  // a screenful

}  // namespace

void ChatCommands::discover(const CommandArguments& arguments) {
  if (arguments.keyword.empty()) {
    return ask(control::StatusRequest{}, [this](const control::Reply& reply) {
      const auto* status = std::get_if<control::StatusReply>(&reply);
      if (status != nullptr) view_.show_info(describe_discoverable(status->discoverable));
    });
  }
  const bool on = arguments.keyword == "on";
  ask(control::DiscoverRequest{on},
      [this, on](const control::Reply&) { view_.show_info(describe_discoverable(on)); });
}

void ChatCommands::receipts(const CommandArguments& arguments) {
  const auto describe = [this](bool on) {
    view_.show_info(on ? "Those you talk with are told when you have read what they wrote."
                       : "Nobody is told whether you have read what was written to you.");
  };
  if (arguments.keyword.empty()) {
    return ask(control::StatusRequest{}, [describe](const control::Reply& reply) {
      const auto* status = std::get_if<control::StatusReply>(&reply);
      if (status != nullptr) describe(status->receipts);
    });
  }
  const bool on = arguments.keyword == "on";
  ask(control::ReceiptsRequest{on}, [describe, on](const control::Reply&) { describe(on); });
}

void ChatCommands::note(const std::string& member, std::optional<bool> ignored, std::optional<bool> blocked) {
  ask(control::PersonRequest{member, ignored, blocked},
      [this, ignored, blocked](const control::Reply& reply) {
        const auto* person = std::get_if<control::MemberReply>(&reply);
        if (person == nullptr) return;
        const std::string name = format_safe_line(person->name);
        if (ignored) {
          return view_.show_info(*ignored ? "What " + name + " writes is kept and not shown; /unignore " +
                                                name + " shows it again."
                                          : "What " + name +
                                                " writes is shown again; /history has what came "
                                                "meanwhile.");
        }
        view_.show_info(*blocked ? "What " + name + " writes to you is not opened, and nothing of " + name +
                                       " is shown; /unblock " + name + " takes that back."
                                 : name + " can write to you again, and is shown.");
      });
}

void ChatCommands::list_noted(bool blocked) {
  ask(control::ContactsRequest{}, [this, blocked](const control::Reply& reply) {
    const auto* contacts = std::get_if<control::ContactsReply>(&reply);
    if (contacts == nullptr) return;
    std::string names;
    for (const control::ContactEntry& contact : contacts->contacts) {
      if (blocked ? contact.blocked : contact.ignored)
        names += (names.empty() ? "" : ", ") + format_safe_line(contact.name);
    }
    const std::string what = blocked ? "block" : "ignore";
    view_.show_info(names.empty() ? "You " + what + " nobody." : "You " + what + ": " + names + ".");
  });
}

void ChatCommands::ignore(const CommandArguments& arguments) {
  arguments.member ? note(*arguments.member, true, std::nullopt) : list_noted(false);
}

void ChatCommands::unignore(const CommandArguments& arguments) {
  note(*arguments.member, false, std::nullopt);
}

void ChatCommands::block(const CommandArguments& arguments) {
  arguments.member ? note(*arguments.member, std::nullopt, true) : list_noted(true);
}

void ChatCommands::unblock(const CommandArguments& arguments) {
  note(*arguments.member, std::nullopt, false);
}

void ChatCommands::pending(const CommandArguments&) {
  ask(control::PendingRequest{}, [this](const control::Reply& reply) {
    const auto* pending = std::get_if<control::PendingReply>(&reply);
    if (pending == nullptr) return;
    if (pending->lines.empty()) return view_.show_info("Nothing waits to be sent.");
    view_.show_info((pending->more ? "The oldest " : "") + count_of(pending->lines.size(), "line") +
                    " that no neighbor has taken:");
    for (const control::PendingEntry& line : pending->lines) view_.show_info(describe_pending(line));
    view_.show_info("/cancel N takes a line back that has a number.");
  });
}

void ChatCommands::cancel(const CommandArguments& arguments) {
  control::CancelRequest request;
  if (arguments.text != "all") {
    std::uint64_t number = 0;
    const char* end = arguments.text.data() + arguments.text.size();
    const auto [stop, error] = std::from_chars(arguments.text.data(), end, number);
    if (error != std::errc{} || stop != end || number == 0) {
      return view_.show_info("/cancel takes the number of a line as /pending shows it, or \"all\", not \"" +
                             quote_word(arguments.text) + "\".");
    }
    request.number = number;
  }
  ask(request, [this](const control::Reply& reply) {
    const auto* cancelled = std::get_if<control::CancelReply>(&reply);
    if (cancelled == nullptr) return;
    view_.show_info(cancelled->cancelled == 0 ? "No line waits that could be taken back."
                                              : count_of(cancelled->cancelled, "line") + " taken back.");
  });
}

void ChatCommands::sent(const CommandArguments& arguments) {
  const bool is_open = talks_with_ && !arguments.room && !arguments.member;
  control::ListRequest request;
  request.room = arguments.room.value_or(view_.current_room());
  if (is_open) request.with = talks_with_->member.hex();
  if (arguments.member) request.with = *arguments.member;
  request.limit = limits::kControlPageMax;
  const std::size_t count = arguments.number.value_or(kSentDefault);
  ask(request, [this, count](const control::Reply& reply) {
    const auto* listed = std::get_if<control::ListReply>(&reply);
    if (listed == nullptr) return;
    std::vector<const control::ChatMessage*> own;
    for (const control::ChatMessage& message : listed->messages) {
      if (message.own) own.push_back(&message);
    }
    if (own.empty()) return view_.show_info("You have said nothing here lately.");
    for (std::size_t i = own.size() > count ? own.size() - count : 0; i < own.size(); ++i)
      view_.show_info(describe_state(*own[i]) + ": " + format_safe_line(own[i]->text));
  });
}

}  // namespace p2pmesh
