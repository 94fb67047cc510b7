#include "check_report.h"

#include <array>
#include <cstdio>

#include "p2pmesh/control/reply.h"
#include "p2pmesh/text/safe_text.h"
#include "p2pmesh/wire/messages.h"

namespace p2pmesh {
namespace {

std::string format_ms(Duration time) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", std::chrono::duration<double, std::milli>(time).count());
  return text.data();
}

void append_line(std::string& out, const std::string& step, const std::string& words) {
  out += step + ": " + format_safe_line(words) + "\n";
}

std::string refusal_words(std::uint8_t reason) {
  switch (static_cast<RefuseReason>(reason)) {
    case RefuseReason::kClosed:
      return "closed: who has an invite is let in, and nobody else";
    case RefuseReason::kRendezvous:
      return "none: a discovery server is there; --rendezvous HOST:PORT uses it";
    case RefuseReason::kBusy:
      return "not told: the node is still starting, or leaving";
    case RefuseReason::kCannotAdmit:
      return "not told: the node can let nobody in now";
    default:
      return "not told: the node refuses for the reason number " + std::to_string(reason) +
             " of its protocol, which this program does not expect";
  }
}

void append_addresses(std::string& out, const HostPort& place, const AddressCheck& check) {
  if (check.addresses.empty()) return;
  std::string list;
  for (const CheckedAddress& checked : check.addresses)
    list += (list.empty() ? "" : ", ") + checked.address.host();
  const bool is_numeric = SocketAddress::from_host(place.host, 0).has_value();
  append_line(out, "resolves", is_numeric ? list + " is an address itself" : place.host + " to " + list);
  for (const CheckedAddress& checked : check.addresses) {
    const std::string where = checked.address.format();
    if (checked.answered_after)
      append_line(out, "answers", where + " after " + format_ms(*checked.answered_after) + " ms");
    else
      append_line(out, "does not answer", where + " (" + checked.error.message + ")");
  }
}

}  // namespace

std::string format_check(const HostPort& place, const AddressCheck& check) {
  std::string out;
  append_addresses(out, place, check);
  if (check.version) {
    append_line(out, "speaks", "the p2pmesh protocol, version " + std::to_string(*check.version));
    if (check.node) append_line(out, "node", check.node->hex());
  }
  if (check.mesh) append_line(out, "mesh", "open to everybody, " + check.mesh->hex());
  if (check.refusal && !check.error) append_line(out, "mesh", refusal_words(*check.refusal));
  if (check.version) {
    append_line(out, "round trip",
                format_ms(check.addresses[*check.greeted].answered_after.value_or(Duration{})) +
                    " ms for the connection, " + format_ms(check.greeted_for) +
                    " ms for a hello and its answer");
  }
  return out;
}

std::string format_check_json(const HostPort& place, const AddressCheck& check) {
  std::string out = "{\"host\":";
  control::append_json_string(out, place.host);
  out += ",\"port\":" + std::to_string(place.port) + ",\"addresses\":[";
  for (const CheckedAddress& checked : check.addresses) {
    if (&checked != &check.addresses.front()) out += ',';
    out += "{\"address\":";
    control::append_json_string(out, checked.address.format());
    if (checked.answered_after) {
      out += ",\"answers\":true,\"ms\":" + format_ms(*checked.answered_after);
    } else {
      out += ",\"answers\":false,\"why\":";
      control::append_json_string(out, checked.error.message);
    }
    out += '}';
  }
  out += "]";
  if (check.greeted) {
    out += ",\"greeted\":";
    control::append_json_string(out, check.addresses[*check.greeted].address.format());
  }
  out +=
      check.version ? ",\"speaks\":true,\"version\":" + std::to_string(*check.version) : ",\"speaks\":false";
  if (check.version) out += ",\"hello_ms\":" + format_ms(check.greeted_for);
  if (check.version && check.node) out += ",\"node\":\"" + check.node->hex() + "\"";
  if (check.mesh) out += ",\"state\":\"open\",\"mesh\":\"" + check.mesh->hex() + "\"";
  if (check.refusal) {
    const bool is_closed = *check.refusal == static_cast<std::uint8_t>(RefuseReason::kClosed);
    out += std::string(",\"state\":\"") + (is_closed ? "closed" : "refused") + "\"";
    out += ",\"reason\":" + std::to_string(*check.refusal);
  }
  out += ",\"status\":" + std::to_string(static_cast<int>(status_of_check(check)));
  if (check.error) {
    out += ",\"error\":";
    control::append_json_string(out, check.error->message);
  }
  return out + "}\n";
}

ExitStatus status_of_check(const AddressCheck& check) {
  return check.error ? check.error->status : ExitStatus::kOk;
}

}  // namespace p2pmesh
