#include "join_attempt.h"

#include <vector>

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
    found->second.race = AddressRace(*addresses);
    dial_due(ticket);
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

std::optional<MeshId> JoinAttempts::wanted(std::uint64_t ticket) const {
  const auto found = attempts_.find(ticket);
  return found == attempts_.end() ? std::nullopt : found->second.wanted;
}

/// A dial may fail at once, and so end the attempt in between.
void JoinAttempts::dial_due(std::uint64_t ticket) {
  for (;;) {
    auto found = attempts_.find(ticket);
    if (found == attempts_.end()) return;
    Attempt& attempt = found->second;
    const auto address = attempt.race.next(loop_.now().monotonic);
    if (address) {
      links_.dial_to_join(*address, attempt.wanted, ticket, attempt.expected);
      continue;
    }
    if (!attempt.race.is_lost()) return;
    return end(ticket, tl::unexpected<Error>(attempt.race.error().value_or(
                           Error{ExitStatus::kUnknownHost, attempt.host + " has no address"})));
  }
}

void JoinAttempts::on_address_failed(std::uint64_t ticket, const Error& error) {
  auto found = attempts_.find(ticket);
  if (found == attempts_.end()) return;
  found->second.race.on_failed(error, loop_.now().monotonic);
  dial_due(ticket);
}

void JoinAttempts::end(std::uint64_t ticket, Result<JoinFound> found) {
  auto ended = attempts_.find(ticket);
  if (ended == attempts_.end()) return;
  const Attempt& attempt = ended->second;
  if (!found && !SocketAddress::from_host(attempt.host, 0) && !attempt.race.is_empty())
    found.error().message = attempt.host + ": " + found.error().message;
  Done done = std::move(ended->second.done);
  attempts_.erase(ended);
  links_.give_up_join(ticket);
  done(std::move(found));
}

void JoinAttempts::check_deadlines() {
  std::vector<std::uint64_t> late, racing;
  for (const auto& [ticket, attempt] : attempts_) {
    if (!attempt.looking_up) racing.push_back(ticket);
    if (attempt.looking_up && attempt.deadline <= loop_.now().monotonic) late.push_back(ticket);
  }
  for (std::uint64_t ticket : racing) dial_due(ticket);
  for (std::uint64_t ticket : late) {
    end(ticket, fail(ExitStatus::kUnknownHost,
                     "looking up the host " + attempts_.at(ticket).host +
                         " took more than 5 s; is the name server reachable? A numeric address needs none"));
  }
}

std::optional<Instant> JoinAttempts::next_deadline() const {
  std::optional<Instant> next;
  for (const auto& [ticket, attempt] : attempts_) {
    const auto due = attempt.looking_up ? std::optional(attempt.deadline) : attempt.race.next_deadline();
    if (due && (!next || *due < *next)) next = due;
  }
  return next;
}

}  // namespace p2pmesh
