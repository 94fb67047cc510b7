// The control requests about a closed mesh: invites, and who came by them.
#include <algorithm>

#include "address.h"
#include "control_requests.h"
#include "p2pmesh/base/invite_link.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kLinkAddressesMax = 5;  // a link that is still read and typed

const char* format_standing(InviteStanding standing) {
  switch (standing) {
    case InviteStanding::kOpen:
      return "open";
    case InviteStanding::kCancelled:
      return "cancelled";
    case InviteStanding::kExpired:
      return "expired";
    case InviteStanding::kUsedUp:
      return "used up";
    case InviteStanding::kUnknown:
      break;
  }
  return "void";
}

void add_once(std::vector<std::string>& addresses, std::string address) {
  if (addresses.size() >= kLinkAddressesMax) return;
  if (std::find(addresses.begin(), addresses.end(), address) == addresses.end())
    addresses.push_back(std::move(address));
}

}  // namespace

std::optional<Error> ControlRequests::check_closed() const {
  if (runner_->is_closed()) return std::nullopt;
  return Error{ExitStatus::kUsage,
               "This mesh is open: whoever reaches a member joins with NAME HOST PORT and needs no invite. "
               "p2pchat --new --private NAME opens a closed one."};
}

/// Where members are: the local one first, then its neighbors.
std::vector<std::string> ControlRequests::addresses_for_link(const std::optional<std::string>& given) const {
  std::vector<std::string> addresses;
  if (given) add_once(addresses, *given);
  if (const auto own = SocketAddress::from_host(address_, port_)) add_once(addresses, own->format());
  for (const NetAddress& own : runner_->node().advertised()) add_once(addresses, to_socket(own).format());
  for (const LinkView& link : runner_->node().links()) {
    if (link.outbound) add_once(addresses, to_socket(link.address).format());
  }
  return addresses;
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::MakeLinkRequest& request) {
  const auto refuse = [&](const Error& error) { server_->refuse(session.id, id, error); };
  if (const auto error = check_closed()) return refuse(*error);
  if (const auto error = check_can_say_now()) return refuse(*error);
  if (actions_.is_for_two(runner_->mesh())) {
    return refuse(
        {ExitStatus::kUsage,
         "This is a conversation of two, and nobody else is let in; p2pchat --new --private NAME opens "
         "a closed mesh for more."});
  }
  if (request.address && !parse_host_port(*request.address))
    return refuse({ExitStatus::kUsage, "The address is none, like 192.168.1.5:9750; no invite was made."});
  const WallMs now_ms = runner_->wall_ms();
  if (runner_->node().open_invites(now_ms) >= limits::kInvitesOpenMax) {
    return refuse({ExitStatus::kTryAgain, std::to_string(limits::kInvitesOpenMax) +
                                              " invites of yours are open; cancel one first (invites lists "
                                              "them)."});
  }
  InviteLink link;
  link.mesh = runner_->mesh();
  link.addresses = addresses_for_link(request.address);
  draw_random(link.secret);
  EntryBody body;
  body.verb = EntryVerb::kInvite;
  body.invite = InviteKey{make_ed25519_signer(link.secret)->public_key()};
  body.uses = static_cast<std::uint32_t>(request.uses);
  body.end_ms = request.for_ms ? now_ms + *request.for_ms : 0;
  runner_->write_entry(
      session.id, id, body,
      control::LinkReply{format_invite_link(link), body.invite.hex(), body.uses, body.end_ms});
}

void ControlRequests::answer(ControlSession& session, const std::string& id, const control::InvitesRequest&) {
  if (const auto error = check_closed()) return server_->refuse(session.id, id, *error);
  control::InvitesReply reply;
  for (const InviteView& view : runner_->node().invites(runner_->wall_ms())) {
    reply.invites.push_back({view.key.hex(), runner_->node().shown_name(view.by), view.by, view.uses,
                             view.used, view.made_ms, view.end_ms, format_standing(view.standing)});
  }
  server_->reply(session.id, id, reply);
}

void ControlRequests::answer(ControlSession& session, const std::string& id,
                             const control::CancelInviteRequest& request) {
  const auto refuse = [&](const Error& error) { server_->refuse(session.id, id, error); };
  if (const auto error = check_closed()) return refuse(*error);
  if (const auto error = check_can_say_now()) return refuse(*error);
  std::vector<InviteKey> found;
  for (const InviteView& view : runner_->node().invites(runner_->wall_ms())) {
    if (view.by == runner_->member() && view.key.hex().starts_with(request.key)) found.push_back(view.key);
  }
  if (found.size() != 1) {
    return refuse({ExitStatus::kUsage, std::string(found.empty() ? "None" : "Several") +
                                           " of your invites begin with that key; nothing was cancelled. "
                                           "invites lists them."});
  }
  EntryBody body;
  body.verb = EntryVerb::kCancel;
  body.invite = found.front();
  runner_->write_entry(session.id, id, body, control::EmptyReply{});
}

}  // namespace p2pmesh
