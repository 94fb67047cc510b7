// What is under way: frames, resets, stalls. virtual_dial.cc has how a link begins.
#include "virtual_network.h"

#include <algorithm>
#include <utility>

#include "p2pmesh/base/check.h"
#include "p2pmesh/base/limits.h"

namespace p2pmesh::sim {
namespace {

constexpr SimTime kClosingTimeout = 2 * kSecond;  // as runtime/link_server

bool is_broadcast_frame(std::uint8_t raw_type) {
  const auto type = static_cast<FrameType>(raw_type);
  return type == FrameType::kGossip || type == FrameType::kIHave || type == FrameType::kGraft ||
         type == FrameType::kPrune;
}

}  // namespace

NetAddress address_of(std::uint32_t node) {
  NetAddress address;
  const std::uint32_t number = node + 1;
  address.ip[0] = 10;
  address.ip[1] = static_cast<std::uint8_t>(number >> 16);
  address.ip[2] = static_cast<std::uint8_t>(number >> 8);
  address.ip[3] = static_cast<std::uint8_t>(number);
  address.port = 9750;
  return address;
}

std::uint32_t node_at(const NetAddress& address) {
  if (address.v6 || address.ip[0] != 10 || address.port != 9750) return kNone;
  const std::uint32_t number = static_cast<std::uint32_t>(address.ip[1]) << 16 |
                               static_cast<std::uint32_t>(address.ip[2]) << 8 | address.ip[3];
  return number == 0 ? kNone : number - 1;
}

VirtualNetwork::Connection* VirtualNetwork::find(std::uint32_t number, std::uint32_t serial) {
  if (number >= connections_.size()) return nullptr;
  Connection& connection = connections_[number];
  return connection.serial == serial ? &connection : nullptr;
}

VirtualNetwork::Connection* VirtualNetwork::find(LinkId link, std::uint32_t& side) {
  side = static_cast<std::uint32_t>(link & 1);
  return find(static_cast<std::uint32_t>(link) >> 1, static_cast<std::uint32_t>(link >> 32));
}

std::uint32_t VirtualNetwork::peer_of(LinkId link) const {
  const auto number = static_cast<std::uint32_t>(link) >> 1;
  if (number >= connections_.size()) return kNone;
  const Connection& connection = connections_[number];
  if (connection.serial != static_cast<std::uint32_t>(link >> 32)) return kNone;
  return connection.ends[1 - (link & 1)].node;
}

void VirtualNetwork::send(LinkId link, const SharedBytes& frame, FrameClass frame_class) {
  std::uint32_t side = 0;
  Connection* connection = find(link, side);
  if (connection == nullptr || connection->ends[side].state != EndState::kUp) return;
  const std::uint32_t number = static_cast<std::uint32_t>(link) >> 1;
  Direction& direction = connection->toward[1 - side];
  if (direction.is_stalled()) {
    // Only what a partition holds up waits for long; it stands for the sender's queue.
    if (direction.stall->bytes > limits::kSendQueueBytesMax) {
      ++counters_.queues_overfull;
      queue_.push(now_, EventKind::kEndFails, number * 2 + side, connection->serial);
      return;
    }
    if (direction.stall->bytes > limits::kSendQueueBytesSoft && frame_class == FrameClass::kLive) {
      ++counters_.live_dropped;
      return;
    }
  }
  if (faults_.touches_broadcast() && is_broadcast_frame((*frame)[4])) {
    const bool payload = frame_class == FrameClass::kLive;
    if (draw_.chance(faults_.loss_ppm) || (payload && draw_.chance(faults_.payload_loss_ppm))) {
      ++counters_.frames_lost;
      traffic_.count(connection->ends[side].node, (*frame)[4], frame->size());
      return;
    }
    if (draw_.chance(faults_.duplication_ppm)) {
      ++counters_.frames_duplicated;
      transmit(number, 1 - side, frame, FlightKind::kFrame);
    }
    if (draw_.chance(faults_.reordering_ppm)) {
      ++counters_.frames_reordered;
      const SimTime later = draw_.between(kMillisecond, faults_.reordering_max);
      traffic_.count(connection->ends[side].node, (*frame)[4], frame->size());
      // Others overtake it; it overtakes none, so that what it stands on (a granted request) is there.
      const SimTime in_order = std::max(now_ + connection->delay, direction.last_arrival);
      launch(number, 1 - side, frame, FlightKind::kFrame, in_order + later);
      return;
    }
  }
  transmit(number, 1 - side, frame, FlightKind::kFrame);
}

SimTime VirtualNetwork::arrival_time(Connection& connection, std::uint32_t to) {
  Direction& direction = connection.toward[to];
  SimTime& clogged_until = connection.clogged_until[to];
  SimTime arrival = now_ + connection.delay;
  if (faults_.jitter_max > 0)
    arrival += static_cast<SimTime>(draw_.below(static_cast<std::uint64_t>(faults_.jitter_max) + 1));
  if (draw_.chance(faults_.tail_ppm)) {
    ++counters_.frames_tailed;
    arrival += draw_.between(0, faults_.tail_max);
  }
  if (draw_.chance(faults_.clog_ppm)) {
    ++counters_.clogs;
    clogged_until = std::max(clogged_until, now_ + draw_.between(0, faults_.clog_max));
  }
  arrival = std::max({arrival, direction.last_arrival, clogged_until});
  direction.last_arrival = arrival;
  return arrival;
}

void VirtualNetwork::transmit(std::uint32_t number, std::uint32_t to, SharedBytes frame, FlightKind kind) {
  Connection& connection = connections_[number];
  if (kind == FlightKind::kFrame) traffic_.count(connection.ends[1 - to].node, (*frame)[4], frame->size());
  launch(number, to, std::move(frame), kind, arrival_time(connection, to));
}

void VirtualNetwork::launch(std::uint32_t number, std::uint32_t to, SharedBytes frame, FlightKind kind,
                            SimTime arrival) {
  const std::uint32_t flight = flights_.put(
      {std::move(frame), number, connections_[number].serial, static_cast<std::uint8_t>(to), kind});
  queue_.push(arrival, EventKind::kArrive, flight);
}

void VirtualNetwork::on_event(const Event& event) {
  switch (event.kind()) {
    case EventKind::kArrive:
      return on_arrival(event);
    case EventKind::kDialArrives:
      return on_dial_arrives(event.a, event.b);
    case EventKind::kDialAccepted:
      return on_dial_accepted(event);
    case EventKind::kStallEnds:
      return end_stall(event);
    case EventKind::kDialFails:
    case EventKind::kHandshakeTimeout:
    case EventKind::kClosingTimeout:
    case EventKind::kEndFails:
      return on_timeout(event);
    default:
      P2P_CHECK(false);
  }
}

void VirtualNetwork::discard(const Event& event) {
  if (event.kind() == EventKind::kArrive) flights_.take(event.a);
}

void VirtualNetwork::on_arrival(const Event& event) {
  const Flight& flight = flights_[event.a];
  Connection* connection = find(flight.connection, flight.serial);
  if (connection == nullptr) return void(flights_.take(event.a));
  const std::uint32_t to = flight.to;
  const bool blocked =
      partitions_.any() && partitions_.blocks(connection->ends[1 - to].node, connection->ends[to].node);
  if (blocked || connection->toward[to].is_stalled()) return stall(*connection, to, event.a);
  deliver(event);
}

void VirtualNetwork::deliver(const Event& event) {
  const Flight& waiting = flights_[event.a];
  const std::uint32_t number = waiting.connection;
  Connection* connection = find(number, waiting.serial);
  if (connection == nullptr) return void(flights_.take(event.a));
  const std::uint32_t to = waiting.to;
  const std::uint32_t from = 1 - to;
  End& end = connection->ends[to];
  const HostState host = events_.host_state(end.node);
  const bool open = end.state == EndState::kUp || end.state == EndState::kHandshaking ||
                    end.state == EndState::kConnecting || end.state == EndState::kClosing;
  if (open && host == HostState::kPaused) return events_.defer(end.node, event);

  const Flight flight = flights_.take(event.a);
  if (end.state == EndState::kGone) {
    // The machine is on again and knows nothing of this connection.
    if (host == HostState::kOff || flight.kind == FlightKind::kReset) return;
    end.state = EndState::kClosed;
    transmit(number, from, nullptr, FlightKind::kReset);
    return;
  }
  if (!open) return;
  if (flight.kind == FlightKind::kReset) {
    ++counters_.resets;
    return end_lost(number, to);
  }
  const ByteView frame = *flight.frame;
  if (end.state == EndState::kHandshaking) return on_handshake_frame(number, to, frame);
  const LinkId link = link_id(number, flight.serial, to);
  if (frame[4] == static_cast<std::uint8_t>(FrameType::kClose)) {
    // As the link server does: the core hears why, then that it is over.
    const std::uint32_t node = end.node;
    const bool was_up = end.state == EndState::kUp;
    if (was_up) events_.on_frame(node, connection->ends[from].node, link, frame);
    connection = find(number, flight.serial);
    if (connection == nullptr || connection->ends[to].state == EndState::kClosed) return;
    const bool still_up = connection->ends[to].state == EndState::kUp;
    connection->ends[to].state = EndState::kClosed;
    transmit(number, from, nullptr, FlightKind::kReset);
    release_if_over(number);
    if (still_up) events_.on_link_down(node, link);
    return;
  }
  events_.on_frame(end.node, connection->ends[from].node, link, frame);
}

/// This end hears that the link is over, or gives it up.
void VirtualNetwork::end_lost(std::uint32_t number, std::uint32_t side) {
  Connection& connection = connections_[number];
  End& end = connection.ends[side];
  const EndState before = end.state;
  const std::uint32_t node = end.node;
  const LinkId link = link_id(number, connection.serial, side);
  std::unique_ptr<Opening> opening = std::move(end.opening);
  end.state = EndState::kClosed;
  release_if_over(number);
  if (before == EndState::kUp) return events_.on_link_down(node, link);
  const bool opened_here = before == EndState::kConnecting || (before == EndState::kHandshaking && side == 0);
  if (!opened_here || opening == nullptr) return;
  ++counters_.dials_failed;
  events_.on_dial_failed(node, opening->expected, opening->address);
}

void VirtualNetwork::close(LinkId link, CloseReason reason) {
  std::uint32_t side = 0;
  Connection* connection = find(link, side);
  if (connection == nullptr || connection->ends[side].state != EndState::kUp) return;
  const std::uint32_t number = static_cast<std::uint32_t>(link) >> 1;
  transmit(number, 1 - side, std::make_shared<const Bytes>(encode_frame_of(Close{reason})),
           FlightKind::kFrame);
  connection->ends[side].state = EndState::kClosing;
  queue_.push(now_ + kClosingTimeout, EventKind::kClosingTimeout, number, connection->serial);
}

void VirtualNetwork::abort(LinkId link) {
  std::uint32_t side = 0;
  Connection* connection = find(link, side);
  if (connection == nullptr) return;
  const EndState state = connection->ends[side].state;
  if (state != EndState::kUp && state != EndState::kClosing) return;
  const std::uint32_t number = static_cast<std::uint32_t>(link) >> 1;
  transmit(number, 1 - side, nullptr, FlightKind::kReset);
  connection->ends[side].state = EndState::kClosed;
  release_if_over(number);
}

void VirtualNetwork::reset_all(std::uint32_t node) {
  const std::vector<std::uint32_t> numbers = links_of_[node];
  for (std::uint32_t number : numbers) {
    Connection& connection = connections_[number];
    const std::uint32_t side = connection.ends[0].node == node ? 0 : 1;
    End& end = connection.ends[side];
    if (end.state == EndState::kAbsent || end.state == EndState::kClosed || end.state == EndState::kGone)
      continue;
    if (connection.ends[1 - side].state != EndState::kAbsent)
      transmit(number, 1 - side, nullptr, FlightKind::kReset);
    end.state = EndState::kClosed;
    end.opening.reset();
    release_if_over(number);
  }
}

void VirtualNetwork::vanish(std::uint32_t node) {
  const std::vector<std::uint32_t> numbers = links_of_[node];
  for (std::uint32_t number : numbers) {
    Connection& connection = connections_[number];
    End& end = connection.ends[connection.ends[0].node == node ? 0 : 1];
    if (end.state == EndState::kAbsent || end.state == EndState::kClosed) continue;
    end.state = EndState::kGone;
    end.opening.reset();
    release_if_over(number);
  }
}

void VirtualNetwork::release_if_over(std::uint32_t number) {
  Connection& connection = connections_[number];
  for (const End& end : connection.ends) {
    if (end.state != EndState::kAbsent && end.state != EndState::kClosed && end.state != EndState::kGone)
      return;
  }
  for (Direction& direction : connection.toward) {
    if (direction.stall == nullptr) continue;
    for (std::uint32_t flight : direction.stall->waiting) flights_.take(flight);
  }
  unlist(connection.ends[0].node, number);
  if (connection.ends[1].node != kNone) unlist(connection.ends[1].node, number);
  connections_.take(number);
}

void VirtualNetwork::unlist(std::uint32_t node, std::uint32_t number) {
  auto& list = links_of_[node];
  auto found = std::find(list.begin(), list.end(), number);
  if (found != list.end()) list.erase(found);
}

void VirtualNetwork::stall(Connection& connection, std::uint32_t to, std::uint32_t flight) {
  Direction& direction = connection.toward[to];
  if (direction.stall == nullptr) direction.stall = std::make_unique<Stall>();
  Stall& stall = *direction.stall;
  if (stall.waiting.empty()) {
    stall.since = now_;
    stalled_.emplace_back(flights_[flight].connection * 2 + to, connection.serial);
  }
  ++counters_.frames_stalled;
  stall.waiting.push_back(flight);
  if (flights_[flight].frame) stall.bytes += flights_[flight].frame->size();
  counters_.queue_bytes_greatest = std::max(counters_.queue_bytes_greatest, stall.bytes);
}

void VirtualNetwork::remove_partition(std::uint32_t number) {
  partitions_.remove(number);
  resume_stalled();
}

void VirtualNetwork::remove_partitions() {
  partitions_.clear();
  resume_stalled();
}

/// What a stall held up comes in order, after up to as long again: TCP's retransmissions back off.
void VirtualNetwork::resume_stalled() {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> still;
  for (const auto& [place, serial] : stalled_) {
    Connection* connection = find(place / 2, serial);
    if (connection == nullptr) continue;
    const std::uint32_t to = place % 2;
    if (partitions_.blocks(connection->ends[1 - to].node, connection->ends[to].node)) {
      still.emplace_back(place, serial);
      continue;
    }
    Direction& direction = connection->toward[to];
    const SimTime backed_off = std::min(now_ - direction.stall->since, 10 * kSecond);
    const SimTime end = now_ + connection->delay + draw_.between(0, backed_off);
    direction.last_arrival = std::max(direction.last_arrival, end);
    direction.stall->bytes = 0;
    queue_.push(end, EventKind::kStallEnds, place, serial);
  }
  stalled_.swap(still);
}

void VirtualNetwork::end_stall(const Event& event) {
  Connection* connection = find(event.a / 2, event.b);
  if (connection == nullptr) return;
  const std::uint32_t to = event.a % 2;
  Stall& stall = *connection->toward[to].stall;
  if (partitions_.blocks(connection->ends[1 - to].node, connection->ends[to].node)) {
    stall.since = now_;
    stalled_.emplace_back(event.a, event.b);
    return;
  }
  stall.bytes = 0;
  const std::vector<std::uint32_t> waiting = std::exchange(stall.waiting, {});
  for (std::uint32_t flight : waiting)
    deliver({now_, static_cast<std::uint64_t>(EventKind::kArrive), flight, 0});
}

}  // namespace p2pmesh::sim
