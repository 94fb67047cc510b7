#include "rendezvous_requests.h"

#include <variant>

#include "p2pmesh/posix/descriptors.h"

namespace p2pmesh {

void RendezvousRequests::on_request(ControlSession& session, std::string id, control::Request request) {
  if (std::holds_alternative<control::StatusRequest>(request)) {
    control::StatusReply reply = actions_.status();
    reply.counters.emplace_back("control_clients", server_->sessions());
    server_->reply(session.id, id, reply);
  } else if (std::holds_alternative<control::LimitsRequest>(request)) {
    server_->reply(session.id, id, limits());
  } else if (std::holds_alternative<control::ShutdownRequest>(request)) {
    server_->reply(session.id, id, control::EmptyReply{});
    actions_.shut_down();
  } else {
    server_->refuse(session.id, id,
                    Error{ExitStatus::kUsage,
                          "a discovery server is here, it holds no messages; it answers status, limits and "
                          "shutdown. Give --name NAME or --data-dir DIR of a member's node"});
  }
}

control::LimitsReply RendezvousRequests::limits() const {
  control::LimitsReply reply = list_limits(actions_.settings);
  for (control::LimitEntry& entry : reply.limits) {
    if (entry.name == "send_queue_bytes_max") entry.limit = actions_.queue_bytes_max;
    if (entry.name == "links_max") entry.limit = actions_.links_max;
  }
  reply.limits.push_back({"descriptors", descriptors_max(), "", {}});
  LimitUses uses = actions_.uses();
  uses.emplace_back("control_clients_max", server_->sessions());
  uses.emplace_back("control_queue_bytes_max", server_->longest_queue());
  uses.emplace_back("descriptors", open_descriptors());
  fill_uses(reply, uses);
  return reply;
}

}  // namespace p2pmesh
