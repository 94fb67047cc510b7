// Registrations at a steady rate, through ends of the server: each new member is said when it is
// acknowledged.
//   --seconds N  for how long (10)
//   --rate N     a second (100)
// And `check`: whether those that are named on stdin, "NAME VERSION" a line, are known there, as new or
// newer.
#include <iostream>
#include <sstream>

#include "commands.h"
#include "many_links.h"

namespace p2pmesh::meeting {
namespace {

using namespace std::chrono_literals;

std::string name_of(std::uint64_t number) {
  return "m" + std::to_string(number);
}

}  // namespace

int steady(const attacks::AttackOptions& options) {
  const HostileKey key = attacks::make_hostile_key(numbered_seed(0));
  const SocketAddress target = options.targets().front();
  const double rate = static_cast<double>(options.number("rate", 100));
  const Clock::time_point begin = Clock::now();
  const Clock::time_point end = begin + std::chrono::seconds(options.number("seconds", 10));
  std::uint64_t next = 1;
  std::size_t links = 0;
  while (Clock::now() < end) {
    const auto entered = enter_before(key, attacks::AttackOptions::source(1), target, end);
    if (!entered) break;
    MemberLink& link = *entered;
    ++links;
    std::map<RendezvousTicket, std::string> under_way;
    link.set_on_frame([&](const FrameView& frame) {
      const auto ticket = ticket_of(frame);
      if (!ticket || !under_way.contains(*ticket)) return;
      if (frame.type == static_cast<std::uint8_t>(FrameType::kRegistered)) attacks::say(under_way[*ticket]);
      under_way.erase(*ticket);
    });
    bool is_up = true;
    while (is_up && Clock::now() < end) {
      const double elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
      if (static_cast<double>(next) <= rate * elapsed) {
        const auto signer = make_ed25519_signer(numbered_seed(next));
        Registration registration = describe(*signer, link.node(), name_of(next));
        sign(registration, *signer, link.server());
        const Register message{link.next_ticket(), registration};
        under_way[message.ticket] = registration.name + " " + std::to_string(registration.version);
        is_up = link.send(encode_frame_of(message), end);
        ++next;
      }
      is_up = is_up && link.turn(2ms);
    }
  }
  attacks::say("asked " + std::to_string(next - 1) + " over " + std::to_string(links) + " links");
  return 0;
}

int check(const attacks::AttackOptions& options) {
  std::vector<std::pair<std::string, std::uint64_t>> wanted;
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream in(line);
    auto& [name, version] = wanted.emplace_back();
    in >> name >> version;
  }
  ManyLinks links(options.targets().front(), 1);
  if (!links.open(1)) return 69;
  std::uint64_t missing = 0;
  const auto make = [&](std::uint64_t question, MemberLink&, RendezvousTicket ticket) {
    return encode_frame_of(LookUp{ticket, std::nullopt, wanted[question].first});
  };
  const auto answered =
      links.ask(wanted.size(), 16, 180, make, [&](std::uint64_t question, const FrameView& frame) {
        const auto found = decode_found(frame.payload);
        const auto held = found && found->known ? decode_registration(found->registration) : std::nullopt;
        missing += held && held->version >= wanted[question].second ? 0 : 1;
      });
  attacks::say("checked " + std::to_string(answered) + " missing " + std::to_string(missing));
  return 0;
}

}  // namespace p2pmesh::meeting
