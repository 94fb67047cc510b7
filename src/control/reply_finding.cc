#include "reply_finding.h"

#include "json_text.h"

namespace p2pmesh::control {
namespace {

void append_counters(std::string& out, const std::vector<std::pair<std::string, std::uint64_t>>& counters) {
  out += ",\"counters\":{";
  bool is_first = true;
  for (const auto& [name, value] : counters) {
    if (!is_first) out += ',';
    is_first = false;
    append_json_string(out, name);
    append_number_field(out, ":", value);
  }
  out += '}';
}

}  // namespace

void append_one(std::string& out, const MeshReply& reply) {
  const MeshEntry& entry = reply.mesh;
  out += "{\"mesh\":";
  append_id(out, entry.mesh);
  append_text_field(out, ",\"label\":", entry.label);
  append_text_field(out, ",\"name\":", entry.name);
  append_boolean_field(out, ",\"current\":", entry.current);
  append_boolean_field(out, ",\"closed\":", entry.closed);
  append_number_field(out, ",\"members\":", entry.members);
  append_number_field(out, ",\"online\":", entry.online);
  append_number_field(out, ",\"neighbors\":", entry.neighbors);
  append_number_field(out, ",\"unread\":", entry.unread);
  out += ",\"read_cursor\":";
  append_cursor(out, entry.read_cursor);
  if (entry.with) {
    out += ",\"with\":";
    append_id(out, *entry.with);
  }
  out += '}';
}

void append_one(std::string& out, const MeshesReply& reply) {
  append_array(out, reply.meshes, [&](const MeshEntry& entry) { append_one(out, MeshReply{entry}); });
}

void append_one(std::string& out, const RendezvousReply& reply) {
  append_array(out, reply.servers, [&](const RendezvousEntry& entry) {
    append_text_field(out, "{\"place\":", entry.place);
    append_boolean_field(out, ",\"linked\":", entry.linked);
    append_boolean_field(out, ",\"registered\":", entry.registered);
    append_text_field(out, ",\"trouble\":", entry.trouble);
    out += '}';
  });
}

void append_one(std::string& out, const RendezvousPeopleReply& reply) {
  out += "{\"people\":";
  append_array(out, reply.people, [&](const RegisteredPerson& person) {
    append_text_field(out, "{\"name\":", person.name);
    out += ",\"key\":";
    append_id(out, person.key);
    append_boolean_field(out, ",\"online\":", person.online);
    append_number_field(out, ",\"seen_ms\":", person.seen_ms);
    out += '}';
  });
  out += ",\"meshes\":";
  append_array(out, reply.meshes, [&](const RegisteredMesh& mesh) {
    out += "{\"mesh\":";
    append_id(out, mesh.mesh);
    append_text_field(out, ",\"label\":", mesh.label);
    append_number_field(out, ",\"online\":", mesh.online);
    out += ",\"names\":";
    append_array(out, mesh.names, [&](const std::string& name) { append_json_string(out, name); });
    out += '}';
  });
  append_boolean_field(out, ",\"more\":", reply.more);
  out += '}';
}

void append_one(std::string& out, const LanReply& reply) {
  append_boolean_field(out, "{\"on\":", reply.on);
  append_number_field(out, ",\"nodes\":", reply.nodes);
  out += ",\"interfaces\":";
  append_array(out, reply.interfaces, [&](const LanInterfaceEntry& entry) {
    append_text_field(out, "{\"name\":", entry.name);
    append_text_field(out, ",\"left_out\":", entry.left_out);
    out += '}';
  });
  out += ",\"meshes\":";
  append_array(out, reply.meshes, [&](const LanMeshEntry& entry) {
    out += "{\"mesh\":";
    append_id(out, entry.mesh);
    append_text_field(out, ",\"label\":", entry.label);
    append_number_field(out, ",\"online\":", entry.online);
    out += ",\"names\":";
    append_array(out, entry.names, [&](const std::string& name) { append_json_string(out, name); });
    append_boolean_field(out, ",\"ours\":", entry.ours);
    append_text_field(out, ",\"interface\":", entry.interface);
    append_text_field(out, ",\"address\":", entry.address);
    append_number_field(out, ",\"since_ms\":", entry.since_ms);
    out += '}';
  });
  append_counters(out, reply.counters);
  out += '}';
}

}  // namespace p2pmesh::control
