// limits: every bound with its present use, gathered from those who keep them.
#include "control_requests.h"
#include "limits_reply.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

using Uses = LimitUses;

void append(Uses& uses, const Uses& more) {
  uses.insert(uses.end(), more.begin(), more.end());
}

}  // namespace

Uses MeshRunner::uses() const {
  Uses uses = node_->uses();
  append(uses, around_.links.uses());
  const StorageThread::Carried& carried = storage_->carried();
  append(uses, {{"seen_entries_max", around_.seen.counters().entries},
                {"store_queue_bytes_max", storage_->queued_bytes()},
                {"carried_bytes", carried.held.bytes},
                {"private_rooms_max", room_keys_.keys().size()},
                {"rooms_joined_max", rooms_.joined_count()},
                {"rooms_listed_max", rooms_.size()},
                {"invitations_max", invitations_.size()},
                {"people_max", people_.all().size()},
                {"places_max", people_.places().size()},
                {"presence_windows_max", presence_notices_.windows()}});
  return uses;
}

void ControlRequests::answer(ControlSession& session, const std::string& id, const control::LimitsRequest&) {
  control::LimitsReply reply = list_limits(actions_.settings);
  // Bounds of the system, or of what another row bounds.
  reply.limits.push_back({"descriptors", descriptors_max(), "", {}});
  reply.limits.push_back({"repair_sessions", limits::kLinksMax + 1, "", {}});
  Uses uses = runner_->uses();
  append(uses, {{"control_clients_max", server_->sessions()},
                {"control_queue_bytes_max", server_->longest_queue()},
                {"looks_max", looking_},
                {"lookups_waiting_max", actions_.lookups()},
                {"descriptors", open_descriptors()}});
  fill_uses(reply, uses);
  server_->reply(session.id, id, reply);
}

}  // namespace p2pmesh
