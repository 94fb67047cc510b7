#include "join_attempt.h"

#include "p2pmesh/base/limits.h"

namespace p2pmesh {

std::uint64_t JoinAttempts::start(const std::string& host, std::uint16_t port,
                                  const std::optional<MeshId>& wanted, bool opens, Done done,
                                  const std::optional<NodeKey>& expected) {
  const std::uint64_t ticket = next_ticket_++;
  Attempt attempt;
  attempt.host = host;
  attempt.port = port;
  attempt.wanted = wanted;
  attempt.opens = opens;
  attempt.expected = expected;
  attempt.deadline = loop_.now().monotonic + limits::kHandshakeTimeout;
  attempt.done = std::move(done);
  attempts_.emplace(ticket, std::move(attempt));
  resolver_.resolve(host, port, [this, ticket](Result<std::vector<SocketAddress>> addresses) {
    auto found = attempts_.find(ticket);
    if (found == attempts_.end()) return;
    if (!addresses) return end(ticket, tl::unexpected<Error>(addresses.error()));
    found->second.looking_up = false;
    found->second.addresses = std::move(*addresses);
    dial_next(ticket);
  });
  return ticket;
}

bool JoinAttempts::is_expected(std::uint64_t ticket, const NodeKey& node) const {
  const auto found = attempts_.find(ticket);
  return found == attempts_.end() || !found->second.expected || *found->second.expected == node;
}

bool JoinAttempts::opens(std::uint64_t ticket) const {
  const auto found = attempts_.find(ticket);
  return found != attempts_.end() && found->second.opens;
}

void JoinAttempts::dial_next(std::uint64_t ticket) {
  auto found = attempts_.find(ticket);
  if (found == attempts_.end()) return;
  Attempt& attempt = found->second;
  if (attempt.next >= attempt.addresses.size()) {
    return end(ticket, tl::unexpected<Error>(attempt.error.value_or(
                           Error{ExitStatus::kUnknownHost, attempt.host + " has no address"})));
  }
  links_.dial_to_join(attempt.addresses[attempt.next++], attempt.wanted, ticket);
}

void JoinAttempts::on_address_failed(std::uint64_t ticket, const Error& error) {
  auto found = attempts_.find(ticket);
  if (found == attempts_.end()) return;
  // What an address that speaks says is worth more than that another one is silent.
  const bool keep = found->second.error && error.status == ExitStatus::kUnavailable;
  if (!keep) found->second.error = error;
  dial_next(ticket);
}

void JoinAttempts::end(std::uint64_t ticket, Result<JoinFound> found) {
  auto ended = attempts_.find(ticket);
  if (ended == attempts_.end()) return;
  const Attempt& attempt = ended->second;
  if (!found && !SocketAddress::from_host(attempt.host, 0) && !attempt.addresses.empty())
    found.error().message = attempt.host + ": " + found.error().message;
  Done done = std::move(ended->second.done);
  attempts_.erase(ended);
  done(std::move(found));
}

void JoinAttempts::check_deadlines() {
  std::vector<std::uint64_t> late;
  for (const auto& [ticket, attempt] : attempts_) {
    if (attempt.looking_up && attempt.deadline <= loop_.now().monotonic) late.push_back(ticket);
  }
  for (std::uint64_t ticket : late) {
    end(ticket, fail(ExitStatus::kUnknownHost,
                     "looking up the host " + attempts_.at(ticket).host +
                         " took more than 5 s; is the name server reachable? A numeric address needs none"));
  }
}

std::optional<Instant> JoinAttempts::next_deadline() const {
  std::optional<Instant> next;
  for (const auto& [ticket, attempt] : attempts_) {
    if (attempt.looking_up && (!next || attempt.deadline < *next)) next = attempt.deadline;
  }
  return next;
}

}  // namespace p2pmesh
