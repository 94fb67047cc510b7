// The verbs that ask how a node is: status, limits, peers, members; and shutdown, which ends it.
#include <cstdio>

#include "clock_text.h"
#include "ctl_session.h"
#include "p2pmesh/text/safe_text.h"
#include "place_words.h"
#include "screen_lines.h"

namespace p2pmesh {
namespace {

Result<ExitStatus> print_text(CtlSession& session, const std::string& text) {
  return session.print(text).map([] { return ExitStatus::kOk; });
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  out += format_safe_line(value);
  out += '\n';
}

/// Pads to a column, by what a terminal shows.
void append_cell(std::string& out, std::string_view foreign, std::size_t columns) {
  const std::string safe = format_safe_line(foreign);
  const std::size_t width = display_columns(safe);
  out += safe;
  out.append(width < columns ? columns - width : 0, ' ');
  out += "  ";
}

/// Flush right.
void append_number(std::string& out, const std::string& number, std::size_t columns) {
  out.append(number.size() < columns ? columns - number.size() : 0, ' ');
  out += number;
  out += "  ";
}

template <class Entries, class Text>
std::size_t widest(const Entries& entries, Text text) {
  std::size_t columns = 0;
  for (const auto& entry : entries)
    columns = std::max(columns, display_columns(format_safe_line(text(entry))));
  return columns;
}

/// What every running process has.
void append_ends(std::string& out, const control::StatusReply& status) {
  append_field(out, "storage", status.storage);
  append_field(out, "process", std::to_string(status.pid));
  append_field(out, "version", status.version);
  for (const auto& [name, value] : status.counters) append_field(out, name, std::to_string(value));
}

/// Of what has no name and no mesh.
std::string describe_rendezvous(const control::StatusReply& status) {
  const control::RendezvousFacts& facts = *status.rendezvous;
  std::string out;
  append_field(out, "node key", status.node_key.hex());
  append_field(out, "address", status.address);
  append_field(out, "port", std::to_string(status.port));
  append_field(out, "registered",
               std::to_string(facts.registered) + ", " + std::to_string(facts.online) + " online");
  append_field(out, "requests", std::to_string(facts.requests) + " that wait");
  append_field(out, "watchers", std::to_string(facts.watchers));
  append_field(out, "links", std::to_string(facts.links));
  return out;
}

std::string describe_port_mapping(const control::PortMappingFacts& facts) {
  if (facts.state == "failed") return facts.why;
  if (facts.state != "open") return facts.state;
  const std::string until = facts.until_ms ? ", until " + format_local_minute(*facts.until_ms)
                                           : std::string(", until this node leaves");
  return facts.address + " by " + facts.by + until + (facts.why.empty() ? "" : "; " + facts.why);
}

}  // namespace

Result<ExitStatus> show_status(CtlSession& session, const CtlOptions& options) {
  const auto status = session.ask<control::StatusReply>(control::StatusRequest{});
  if (!status) return tl::unexpected<Error>(status.error());
  if (options.json) return session.print_value(*status);
  std::string out;
  if (status->rendezvous) {
    out = describe_rendezvous(*status);
    append_ends(out, *status);
    return print_text(session, out);
  }
  append_field(out, "name", status->name);
  if (status->name != status->claimed_name) append_field(out, "claimed name", status->claimed_name);
  append_field(out, "key", status->key.hex());
  append_field(out, "mesh", status->mesh.hex());
  append_field(out, "address", status->address);
  append_field(out, "port", std::to_string(status->port));
  append_field(out, "view", status->view);
  append_field(out, "neighbors", std::to_string(status->neighbors));
  append_field(out, "passive", std::to_string(status->passive));
  append_field(out, "members",
               std::to_string(status->members) + ", " + std::to_string(status->online) + " online");
  append_field(out, "messages",
               std::to_string(status->messages) + ", " + std::to_string(status->pending) +
                   " that no neighbor has taken");
  append_field(out, "carried",
               std::to_string(status->carried) + " direct messages between others, " +
                   std::to_string((status->carried_bytes + 1023) / 1024) + " KiB; " +
                   std::to_string(status->carried_dropped) + " dropped over the quota");
  append_field(out, "discoverable", status->discoverable ? "yes" : "no");
  append_field(out, "receipts", status->receipts ? "yes" : "no");
  append_field(out, "synced", status->synced ? "yes" : "not yet");
  const std::string reachable = status->reachable == "yes"  ? "yes, "
                                : status->reachable == "no" ? "not reachable from outside: "
                                                            : "not known, ";
  append_field(out, "reachable", reachable + status->reachable_why);
  append_field(out, "port mapping", describe_port_mapping(status->port_mapping));
  append_field(out, "lan", status->lan);
  append_field(out, "started",
               status->leaves_with_last_screen ? "by a screen, leaves with the last one" : "by hand");
  append_ends(out, *status);
  return print_text(session, out);
}

Result<ExitStatus> show_limits(CtlSession& session, const CtlOptions& options) {
  const auto reply = session.ask<control::LimitsReply>(control::LimitsRequest{});
  if (!reply) return tl::unexpected<Error>(reply.error());
  if (options.json) return session.print_value(*reply);
  const auto limit_of = [](const control::LimitEntry& entry) { return std::to_string(entry.limit); };
  const auto use_of = [](const control::LimitEntry& entry) {
    return entry.used ? std::to_string(*entry.used) : std::string("-");
  };
  const std::size_t names = widest(reply->limits, [](const auto& entry) { return entry.name; });
  const std::size_t limits = widest(reply->limits, limit_of);
  const std::size_t uses = widest(reply->limits, use_of);
  std::string out;
  for (const control::LimitEntry& entry : reply->limits) {
    append_cell(out, entry.name, names);
    append_number(out, use_of(entry), uses);
    append_number(out, limit_of(entry), limits);
    append_cell(out, entry.unit, entry.key.empty() ? 0 : 7);
    if (!entry.key.empty()) out += "set by " + format_safe_line(entry.key);
    while (out.back() == ' ') out.pop_back();
    out += '\n';
  }
  return print_text(session, out);
}

Result<ExitStatus> show_peers(CtlSession& session, const CtlOptions& options) {
  const auto reply = session.ask<control::PeersReply>(control::PeersRequest{});
  if (!reply) return tl::unexpected<Error>(reply.error());
  if (options.json) return session.print_value(*reply);
  const std::size_t names = widest(reply->peers, [](const auto& peer) { return peer.name; });
  const std::size_t addresses = widest(reply->peers, [](const auto& peer) { return peer.address; });
  std::string out;
  for (const control::PeerEntry& peer : reply->peers) {
    append_cell(out, peer.name, names);
    append_cell(out, peer.address, addresses);
    out += peer.outbound ? "outbound" : "inbound ";
    char rtt[32] = "  not measured yet";
    if (peer.rtt_ms) std::snprintf(rtt, sizeof rtt, "  %.2f ms", *peer.rtt_ms);
    out += rtt;
    out += '\n';
  }
  return print_text(session, out);
}

Result<ExitStatus> show_members(CtlSession& session, const CtlOptions& options) {
  auto reply = session.ask<control::MembersReply>(control::MembersRequest{});
  if (!reply) return tl::unexpected<Error>(reply.error());
  if (!options.at.empty()) reply = find_at(*reply, options.at);
  if (!reply) return tl::unexpected<Error>(reply.error());
  if (options.json) return session.print_value(*reply);
  const std::size_t names = widest(reply->members, [](const auto& member) { return member.name; });
  std::string out;
  for (const control::MemberEntry& member : reply->members) {
    append_cell(out, member.name, names);
    out += member.online ? "online since  " : "offline since ";
    out += format_utc(member.since_ms);
    for (const std::string& address : member.addresses) out += "  " + format_safe_line(address);
    if (member.self) out += "  self";
    if (const std::string doubt = list_doubt(member.doubt); !doubt.empty()) out += "  " + doubt;
    out += '\n';
  }
  return print_text(session, out);
}

Result<ExitStatus> shut_down(CtlSession& session) {
  const auto done = session.ask<control::EmptyReply>(control::ShutdownRequest{});
  if (!done) return tl::unexpected<Error>(done.error());
  return ExitStatus::kOk;
}

}  // namespace p2pmesh
