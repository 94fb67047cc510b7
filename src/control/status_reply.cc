#include "status_reply.h"

#include "json_text.h"

namespace p2pmesh::control {
namespace {

std::optional<RendezvousFacts> read_rendezvous(ObjectReader& outer) {
  const Json* object = outer.optional_object("rendezvous");
  if (object == nullptr) return std::nullopt;
  ObjectReader fields(*object);
  RendezvousFacts facts;
  facts.registered = fields.number("registered");
  facts.online = fields.number("online");
  facts.requests = fields.number("requests");
  facts.watchers = fields.number("watchers");
  facts.links = fields.number("links");
  if (!fields.fault().empty()) outer.refuse(fields.fault());
  return facts;
}

PortMappingFacts read_port_mapping(ObjectReader& outer) {
  PortMappingFacts facts;
  const Json* object = outer.optional_object("port_mapping");
  if (object == nullptr) return facts;
  ObjectReader fields(*object);
  facts.state = fields.text("state");
  facts.address = fields.text("address");
  facts.by = fields.text("by");
  facts.until_ms = fields.optional_number("until_ms", 0, UINT64_MAX);
  facts.why = fields.text("why");
  if (!fields.fault().empty()) outer.refuse(fields.fault());
  return facts;
}

void append_port_mapping(std::string& out, const PortMappingFacts& facts) {
  append_text_field(out, ",\"port_mapping\":{\"state\":", facts.state);
  append_text_field(out, ",\"address\":", facts.address);
  append_text_field(out, ",\"by\":", facts.by);
  if (facts.until_ms) append_number_field(out, ",\"until_ms\":", *facts.until_ms);
  append_text_field(out, ",\"why\":", facts.why);
  out += '}';
}

}  // namespace

void append_status(std::string& out, const StatusReply& reply) {
  append_text_field(out, "{\"name\":", reply.name);
  append_text_field(out, ",\"claimed_name\":", reply.claimed_name);
  append_text_field(out, ",\"profile\":", reply.profile);
  out += ",\"key\":";
  append_id(out, reply.key);
  out += ",\"node_key\":";
  append_id(out, reply.node_key);
  out += ",\"mesh\":";
  append_id(out, reply.mesh);
  append_text_field(out, ",\"address\":", reply.address);
  append_number_field(out, ",\"port\":", std::uint64_t{reply.port});
  append_text_field(out, ",\"view\":", reply.view);
  append_number_field(out, ",\"neighbors\":", reply.neighbors);
  append_number_field(out, ",\"passive\":", reply.passive);
  append_number_field(out, ",\"members\":", reply.members);
  append_number_field(out, ",\"online\":", reply.online);
  append_number_field(out, ",\"pending\":", reply.pending);
  append_number_field(out, ",\"messages\":", reply.messages);
  append_number_field(out, ",\"carried\":", reply.carried);
  append_number_field(out, ",\"carried_bytes\":", reply.carried_bytes);
  append_number_field(out, ",\"carried_dropped\":", reply.carried_dropped);
  append_boolean_field(out, ",\"closed\":", reply.closed);
  append_boolean_field(out, ",\"discoverable\":", reply.discoverable);
  append_boolean_field(out, ",\"receipts\":", reply.receipts);
  append_boolean_field(out, ",\"synced\":", reply.synced);
  append_boolean_field(out, ",\"leaves_with_last_screen\":", reply.leaves_with_last_screen);
  append_number_field(out, ",\"screens\":", reply.screens);
  append_number_field(out, ",\"pid\":", reply.pid);
  append_text_field(out, ",\"version\":", reply.version);
  append_text_field(out, ",\"storage\":", reply.storage);
  append_text_field(out, ",\"reachable\":", reply.reachable);
  append_text_field(out, ",\"reachable_why\":", reply.reachable_why);
  if (!reply.rendezvous) append_port_mapping(out, reply.port_mapping);
  append_text_field(out, ",\"lan\":", reply.lan);
  out += ",\"counters\":{";
  bool is_first = true;
  for (const auto& [name, value] : reply.counters) {
    if (!is_first) out += ',';
    is_first = false;
    append_json_string(out, name);
    append_number_field(out, ":", value);
  }
  out += '}';
  if (reply.rendezvous) {
    append_number_field(out, ",\"rendezvous\":{\"registered\":", reply.rendezvous->registered);
    append_number_field(out, ",\"online\":", reply.rendezvous->online);
    append_number_field(out, ",\"requests\":", reply.rendezvous->requests);
    append_number_field(out, ",\"watchers\":", reply.rendezvous->watchers);
    append_number_field(out, ",\"links\":", reply.rendezvous->links);
    out += '}';
  }
  out += '}';
}

StatusReply read_status(ObjectReader& fields) {
  StatusReply reply;
  reply.name = fields.text("name");
  reply.claimed_name = fields.text("claimed_name");
  reply.profile = fields.text("profile");
  reply.key = fields.key<MemberKey>("key");
  reply.node_key = fields.key<NodeKey>("node_key");
  reply.mesh = fields.key<MeshId>("mesh");
  reply.address = fields.text("address");
  reply.port = static_cast<std::uint16_t>(fields.number("port", 0, 65535));
  reply.view = fields.text("view");
  reply.neighbors = fields.number("neighbors");
  reply.passive = fields.number("passive");
  reply.members = fields.number("members");
  reply.online = fields.number("online");
  reply.pending = fields.number("pending");
  reply.messages = fields.number("messages");
  reply.carried = fields.number("carried");
  reply.carried_bytes = fields.number("carried_bytes");
  reply.carried_dropped = fields.number("carried_dropped");
  reply.closed = fields.boolean("closed");
  reply.discoverable = fields.boolean("discoverable");
  reply.receipts = fields.boolean("receipts");
  reply.synced = fields.boolean("synced");
  reply.leaves_with_last_screen = fields.boolean("leaves_with_last_screen");
  reply.screens = fields.optional_number("screens", 0, UINT64_MAX).value_or(0);
  reply.pid = static_cast<std::int64_t>(fields.number("pid", 0, INT32_MAX));
  reply.version = fields.text("version");
  reply.storage = fields.text("storage");
  reply.reachable = fields.text("reachable");
  reply.reachable_why = fields.text("reachable_why");
  reply.lan = fields.text("lan");
  for (const auto& [name, value] : fields.object("counters").get_ref<const Json::object_t&>()) {
    if (value.is_number_unsigned()) reply.counters.emplace_back(name, value.get<std::uint64_t>());
  }
  reply.port_mapping = read_port_mapping(fields);
  reply.rendezvous = read_rendezvous(fields);
  return reply;
}

}  // namespace p2pmesh::control
