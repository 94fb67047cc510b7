// The commands that keep order: /mods, /mod, /kick, /ban, /silence, /lock and what takes them back.

#include "chat_commands.h"
#include "moderation_words.h"
#include "p2pmesh/text/safe_text.h"
#include "screen_lines.h"

namespace p2pmesh {
namespace {

/// Of `[mesh]` alone. Errors: kUsage.
Result<bool> is_of_mesh(const std::string& text) {
  const auto words = parse_moderation(text, false);
  if (!words) return tl::unexpected<Error>(words.error());
  if (words->reason.empty()) return words->mesh;
  return fail(ExitStatus::kUsage, quote_word(words->reason) + " is too much: only mesh may stand there.");
}

}  // namespace

/// The command is called as the act is.
void ChatCommands::moderate(const CommandArguments& arguments) {
  const std::string_view verb = arguments.name.substr(1);
  const bool is_timed = verb == "ban" || verb == "silence";
  const bool has_reason = is_timed || verb == "kick";
  const auto words = parse_moderation(arguments.text, is_timed);
  if (!words) return view_.show_info(words.error().message);
  if (const auto mesh = is_of_mesh(arguments.text); !has_reason && !mesh)
    return view_.show_info(mesh.error().message);
  control::ModerateRequest request;
  request.verb = verb;
  request.room = view_.current_room();
  request.mesh = words->mesh;
  request.member = arguments.member;
  request.for_ms = words->for_ms;
  request.reason = words->reason;
  // What was done is told to everybody, this screen too.
  ask(request, [](const control::Reply&) {});
}

void ChatCommands::mods(const CommandArguments& arguments) {
  const auto mesh = is_of_mesh(arguments.text);
  if (!mesh) return view_.show_info(mesh.error().message);
  ask(control::ModerationRequest{view_.current_room(), *mesh}, [this](const control::Reply& reply) {
    const auto* moderation = std::get_if<control::ModerationReply>(&reply);
    if (moderation == nullptr) return;
    const std::string place = moderation->room.empty() ? "the mesh" : view_.shown_room(moderation->room);
    if (moderation->ranks.empty())
      return view_.show_info("Nobody is known who keeps order in " + place + ".");
    view_.show_info("Who keeps order in " + place + ":");
    for (const control::RankEntry& entry : moderation->ranks)
      view_.show_info(format_safe_line(entry.name) + ": " + format_safe_line(entry.rank));
    if (moderation->locked) view_.show_info("Its topic is locked.");
  });
}

void ChatCommands::bans(const CommandArguments& arguments) {
  const auto mesh = is_of_mesh(arguments.text);
  if (!mesh) return view_.show_info(mesh.error().message);
  ask(control::ModerationRequest{view_.current_room(), *mesh}, [this](const control::Reply& reply) {
    const auto* moderation = std::get_if<control::ModerationReply>(&reply);
    if (moderation == nullptr) return;
    const std::string place = moderation->room.empty() ? "the mesh" : view_.shown_room(moderation->room);
    if (moderation->restrictions.empty())
      return view_.show_info("Nobody is banned from " + place + " or silenced there.");
    for (const control::RestrictionEntry& entry : moderation->restrictions)
      view_.show_info(describe_restriction(entry, false));
  });
}

}  // namespace p2pmesh
