#include "place_words.h"

#include <algorithm>

#include "chat_command.h"
#include "p2pmesh/posix/socket_address.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {

std::optional<PlaceWords> parse_place(std::string_view host, std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::string_view word = text.substr(0, text.find_first_of(kBlanks));
  const auto port = parse_port(word);
  if (!port || *port == 0 || host.empty()) return std::nullopt;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  std::string_view rest = text.substr(word.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
  return PlaceWords{std::string(host), *port, std::string(rest)};
}

Result<control::MembersReply> find_at(const control::MembersReply& members, std::string_view address) {
  const auto exact = SocketAddress::parse(address);
  const auto host = SocketAddress::from_host(address, 0);
  if (!exact && !host) {
    return fail(ExitStatus::kUsage,
                quote_word(address) + " is no address, such as 10.0.0.7, ::1 or 10.0.0.7:9750.");
  }
  control::MembersReply found;
  for (const control::MemberEntry& member : members.members) {
    const bool is_there =
        std::any_of(member.addresses.begin(), member.addresses.end(), [&](const std::string& text) {
          const auto seen = SocketAddress::parse(text);
          return seen && (exact ? *seen == *exact : seen->host() == host->host());
        });
    if (is_there) found.members.push_back(member);
  }
  return found;
}

std::string PlaceWords::format() const {
  return format_place(host, port);
}

std::string format_place(std::string_view host, std::uint16_t port) {
  const std::string safe = format_safe_line(host);
  return (safe.find(':') == std::string::npos ? safe : "[" + safe + "]") + ":" + std::to_string(port);
}

}  // namespace p2pmesh
