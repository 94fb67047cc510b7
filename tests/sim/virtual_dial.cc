// How a link begins: the dial's way there and back, then the real handshake on both ends.
#include <utility>

#include "virtual_network.h"

namespace p2pmesh::sim {
namespace {

constexpr SimTime kNoAnswer = 5 * kSecond;  // limits::kHandshakeTimeout

}  // namespace

void VirtualNetwork::dial(std::uint32_t from, const NetAddress& address,
                          const std::optional<NodeKey>& expected) {
  ++counters_.dials;
  const std::uint32_t to = node_at(address);
  Connection connection;
  connection.serial = next_serial_++;
  connection.ends[0].node = from;
  connection.ends[0].state = EndState::kConnecting;
  connection.ends[0].opening = std::make_unique<Opening>();
  connection.ends[0].opening->expected = expected;
  connection.ends[0].opening->address = address;
  if (to < links_of_.size() && to != from) connection.ends[1].node = to;
  // The base delay belongs to the pair: a link that is made anew is as long as the last one.
  const std::uint64_t low = std::min(from, to);
  const std::uint64_t high = std::max(from, to);
  Draw pair(seed_ ^ (low << 32 | high));
  connection.delay = pair.log_normal(faults_.delay_median, faults_.delay_min, faults_.delay_max);
  const std::uint32_t serial = connection.serial;
  const SimTime delay = connection.delay;
  const bool known = connection.ends[1].node != kNone;
  const std::uint32_t number = connections_.put(std::move(connection));
  links_of_[from].push_back(number);
  if (!known) return queue_.push(now_ + 2 * delay, EventKind::kDialFails, number, serial);
  links_of_[to].push_back(number);
  queue_.push(now_ + delay, EventKind::kDialArrives, number, serial);
  queue_.push(now_ + kNoAnswer, EventKind::kHandshakeTimeout, number, serial);
}

void VirtualNetwork::on_dial_arrives(std::uint32_t number, std::uint32_t serial) {
  Connection* connection = find(number, serial);
  if (connection == nullptr) return;
  const std::uint32_t from = connection->ends[0].node;
  const std::uint32_t to = connection->ends[1].node;
  const HostState host = events_.host_state(to);
  // Without an answer the time-out ends it.
  if (host == HostState::kOff || partitions_.blocks(from, to) || partitions_.blocks(to, from)) return;
  if (host == HostState::kStopped)
    return queue_.push(now_ + connection->delay, EventKind::kDialFails, number, serial);
  connection->ends[1].state = EndState::kHandshaking;
  queue_.push(now_ + connection->delay, EventKind::kDialAccepted, number, serial);
}

void VirtualNetwork::on_dial_accepted(const Event& event) {
  Connection* connection = find(event.a, event.b);
  if (connection == nullptr || connection->ends[0].state != EndState::kConnecting) return;
  if (partitions_.blocks(connection->ends[1].node, connection->ends[0].node)) return;
  if (events_.host_state(connection->ends[0].node) == HostState::kPaused)
    return events_.defer(connection->ends[0].node, event);
  connection->ends[0].state = EndState::kHandshaking;
  start_handshake(*connection, 0);
  Bytes hello = connection->ends[0].opening->handshake->start();
  transmit(event.a, 1, std::make_shared<const Bytes>(std::move(hello)), FlightKind::kFrame);
}

void VirtualNetwork::start_handshake(Connection& connection, std::uint32_t side) {
  End& end = connection.ends[side];
  if (end.opening == nullptr) end.opening = std::make_unique<Opening>();
  HandshakeTerms terms = events_.local_terms(end.node);
  terms.dialler = side == 0;
  terms.expected = end.opening->expected;
  terms.observed = address_of(connection.ends[1 - side].node);
  for (std::size_t i = 0; i < terms.nonce.size(); i += 8) {
    std::uint64_t word = draw_.next();
    for (std::size_t j = 0; j < 8; ++j) terms.nonce[i + j] = static_cast<std::uint8_t>(word >> (8 * j));
  }
  end.opening->heads_given = terms.heads;
  end.opening->handshake.emplace(std::move(terms));
}

void VirtualNetwork::on_handshake_frame(std::uint32_t number, std::uint32_t side, ByteView frame) {
  Connection& connection = connections_[number];
  End& end = connection.ends[side];
  if (end.opening == nullptr || !end.opening->handshake) start_handshake(connection, side);
  Handshake& handshake = *end.opening->handshake;
  Bytes answer;
  handshake.on_frame(frame[4], frame.subspan(limits::kFrameHeaderBytes), answer);
  if (!answer.empty())
    transmit(number, 1 - side, std::make_shared<const Bytes>(std::move(answer)), FlightKind::kFrame);
  if (handshake.fault() != HandshakeFault::kNone) {
    transmit(number, 1 - side, nullptr, FlightKind::kReset);
    return end_lost(number, side);
  }
  if (handshake.done()) up(number, side);
}

void VirtualNetwork::up(std::uint32_t number, std::uint32_t side) {
  Connection& connection = connections_[number];
  End& end = connection.ends[side];
  const std::unique_ptr<Opening> opening = std::move(end.opening);
  end.state = EndState::kUp;
  const HandshakeResult& result = opening->handshake->result();
  LinkUp up;
  up.link = link_id(number, connection.serial, side);
  up.node = result.node;
  up.outbound = side == 0;
  up.remote = address_of(connection.ends[1 - side].node);
  up.local = address_of(end.node);
  up.observed = result.observed;
  up.addresses = result.addresses;
  up.heads_given = opening->heads_given;
  up.heads_received = result.heads;
  if (side == 0) ++counters_.links_up;
  events_.on_link_up(end.node, up);
}

void VirtualNetwork::on_timeout(const Event& event) {
  if (event.kind() == EventKind::kEndFails) {
    Connection* connection = find(event.a / 2, event.b);
    if (connection == nullptr || connection->ends[event.a % 2].state != EndState::kUp) return;
    transmit(event.a / 2, 1 - event.a % 2, nullptr, FlightKind::kReset);
    return end_lost(event.a / 2, event.a % 2);
  }
  for (std::uint32_t side = 0; side < 2; ++side) {
    Connection* connection = find(event.a, event.b);
    if (connection == nullptr) return;
    const EndState state = connection->ends[side].state;
    const bool opening = state == EndState::kConnecting || state == EndState::kHandshaking;
    const bool ends = event.kind() == EventKind::kClosingTimeout ? state == EndState::kClosing : opening;
    if (!ends) continue;
    if (connection->ends[1 - side].state != EndState::kAbsent)
      transmit(event.a, 1 - side, nullptr, FlightKind::kReset);
    end_lost(event.a, side);
  }
}

}  // namespace p2pmesh::sim
