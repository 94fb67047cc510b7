#include "p2pmesh/posix/rendezvous_place.h"

#include <algorithm>
#include <string>

namespace p2pmesh {

Result<HostPort> parse_rendezvous_place(std::string_view text) {
  const bool has_brackets = text.starts_with('[');
  const bool has_port = has_brackets ? !text.ends_with(']') : text.find(':') != std::string_view::npos;
  const bool is_bare_ipv6 = !has_brackets && std::count(text.begin(), text.end(), ':') > 1;
  std::string whole(text);
  if (is_bare_ipv6) whole = "[" + whole + "]:" + std::to_string(kRendezvousPort);
  if (!has_port) whole += ":" + std::to_string(kRendezvousPort);
  auto place = parse_host_port(whole);
  if (place && place->port == 0) return fail(ExitStatus::kUsage, "port 0 cannot be dialled");
  return place;
}

}  // namespace p2pmesh
