#include "port_mapper.h"

#include <algorithm>

#include "p2pmesh/base/limits.h"

namespace p2pmesh {
namespace {

using Phase = MappingState::Phase;
constexpr int kSilentLooksMax = 2;
constexpr auto kLeaseKnownMax = std::chrono::hours(24 * 365);  // whatever it says: no time overflows

bool is_private(ByteView ip) {
  return ip[0] == 10 || (ip[0] == 172 && (ip[1] & 0xF0) == 16) || (ip[0] == 192 && ip[1] == 168) ||
         (ip[0] == 100 && (ip[1] & 0xC0) == 64);
}

}  // namespace

std::optional<std::string> find_lie(const SocketAddress& outside, const SocketAddress& inside) {
  const auto said = [&](const std::string& what) {
    return "the router says that its address outside is " + outside.host() + ", " + what;
  };
  const ByteView ip = outside.ip();
  if (outside.is_ipv6() || ip[0] == 0 || ip[0] == 127 || ip[0] >= 224 || outside.is_link_local())
    return said("which nobody can dial");
  if (outside.port() == 0) return "the router gives port 0, which nobody can dial";
  if (outside.with_port(0) == inside) return said("which is the one that this machine has inside");
  return std::nullopt;
}

Instant PortMapper::step() {
  follow_route();
  const Instant now = clock_().monotonic;
  if (mapping_ && until_ <= now) {
    mapping_.reset();
    const std::string why = state_.why.empty() ? "the router has let it go" : state_.why;
    state_ = MappingState{Phase::kFailed, {}, {}, {}, why};
  }
  if (is_doubted_ && (!asked_at_ || *asked_at_ + limits::kMappingSoonest <= now)) due_ = now;
  if (due_ <= now)
    open();
  else if (mapping_ && look_at_ <= now)
    look();
  const Instant after = clock_().monotonic;
  Instant next = std::min(due_, after + limits::kMappingWatch);
  if (mapping_) next = std::min({next, look_at_, until_});
  if (is_doubted_ && asked_at_) next = std::min(next, *asked_at_ + limits::kMappingSoonest);
  return std::max(next, after);
}

/// In another network nothing holds of what was agreed.
void PortMapper::follow_route() {
  const auto route = router_.route();
  if (route == route_) return;
  route_ = route;
  mapping_.reset();
  backoff_ = {};
  due_ = {};
  state_ = MappingState{Phase::kAsking, {}, {}, {}, {}};
}

std::optional<std::string> PortMapper::find_hindrance() const {
  const std::string here = "it listens at " + listen_.format();
  if (listen_.is_loopback())
    return here + ", which this machine alone can dial; start it with --listen 0.0.0.0:0";
  if (listen_.is_ipv6() && !listen_.is_unspecified())
    return here + ", and routers map IPv4 alone; start it with --listen 0.0.0.0:0";
  if (!route_) return "this machine has no router to the outside by IPv4";
  if (!listen_.is_unspecified() && listen_.with_port(0) != route_->inside)
    return here + ", and the router would send to " + route_->inside.host() +
           "; start it with --listen 0.0.0.0:0";
  return std::nullopt;
}

Result<RouterMapping> PortMapper::open_by(MappingMethod method) {
  MappingWish wish{listen_.port(), listen_.port(), limits::kMappingLease};
  if (mapping_ && mapping_->by == method) wish.outside_port = mapping_->outside.port();
  auto mapping = router_.open(method, *route_, wish);
  if (!mapping) return mapping;
  if (const auto lie = find_lie(mapping->outside, route_->inside)) {
    (void)router_.close(*mapping);
    // It may have been the one that was held.
    if (mapping_ && mapping_->by == method && mapping_->outside.port() == mapping->outside.port())
      mapping_.reset();
    return fail(ExitStatus::kUnavailable, *lie);
  }
  return mapping;
}

void PortMapper::open() {
  is_doubted_ = false;
  asked_at_ = clock_().monotonic;
  if (const auto hindrance = find_hindrance()) return back_off(*hindrance);
  const MappingMethod first = mapping_ ? mapping_->by : MappingMethod::kNatPmp;
  const MappingMethod second =
      first == MappingMethod::kNatPmp ? MappingMethod::kUpnp : MappingMethod::kNatPmp;
  auto mapping = open_by(first);
  std::string why = mapping ? "" : mapping.error().message;
  if (!mapping) {
    mapping = open_by(second);
    if (!mapping) why += "; " + mapping.error().message;
  }
  if (mapping) return take(*mapping);
  const std::string port = std::to_string(listen_.port());
  back_off("the router at " + route_->gateway.host() + " does not offer port mapping (" + why +
           "); forward TCP port " + port +
           " to this machine by hand, or join through a member that can be reached");
}

void PortMapper::take(const RouterMapping& mapping) {
  // Another port of ours would stay open until its lease ends.
  if (mapping_ && mapping_->by == MappingMethod::kUpnp && mapping_->outside.port() != mapping.outside.port())
    (void)router_.close(*mapping_);
  const Now now = clock_();
  const bool is_for_good = mapping.lease.count() == 0;
  const auto lease =
      is_for_good ? std::chrono::seconds(limits::kMappingLease)
                  : std::clamp<std::chrono::seconds>(mapping.lease, std::chrono::seconds(1), kLeaseKnownMax);
  mapping_ = mapping;
  backoff_ = {};
  epoch_at_ = now.monotonic;
  until_ = now.monotonic + lease;
  // A router that grants next to nothing is not asked all the time.
  const Duration half = std::min<Duration>(lease, limits::kMappingLease) / 2;
  due_ = now.monotonic + std::max<Duration>(half, limits::kMappingSoonest);
  look_at_ = now.monotonic + limits::kMappingCheck;
  state_ = MappingState{Phase::kOpen, mapping.outside, mapping.by, {}, {}};
  if (!is_for_good)
    state_.until_ms = now.wall_ms + static_cast<WallMs>(std::chrono::milliseconds(lease).count());
  silent_looks_ = 0;
  note_beyond();
}

void PortMapper::note_beyond() {
  state_.why = is_private(mapping_->outside.ip())
                   ? "a private address, so there is another router beyond, which has to do the same"
                   : "";
}

void PortMapper::back_off(std::string why) {
  const Instant now = clock_().monotonic;
  backoff_ = backoff_ == Duration{} ? Duration(limits::kMappingRetryFirst)
                                    : std::min<Duration>(backoff_ * 2, limits::kMappingRetryLast);
  // Many that lost one router do not come back to it at one moment.
  const auto quarter = static_cast<std::uint64_t>(backoff_.count() / 4);
  due_ = now + backoff_ - Duration(static_cast<Duration::rep>(random_.below(quarter)));
  look_at_ = due_;
  if (mapping_ && now < until_) {
    state_.why = "the router did not renew it: " + why;
    return;
  }
  mapping_.reset();
  state_ = MappingState{Phase::kFailed, {}, {}, {}, std::move(why)};
}

/// RFC 6886, 3.6: its clock may be slower by an eighth, and no more.
bool PortMapper::was_reset(const MappingLook& look, Instant now) const {
  if (!look.epoch) return false;
  const auto passed = std::chrono::duration_cast<std::chrono::seconds>(now - epoch_at_).count();
  return std::int64_t{*look.epoch} + 2 < std::int64_t{mapping_->epoch} + passed * 7 / 8;
}

void PortMapper::look() {
  const auto look = router_.look(*mapping_);
  const Instant now = clock_().monotonic;
  look_at_ = now + (look ? Duration(limits::kMappingCheck) : Duration(limits::kMappingRetryFirst));
  if (!look) {
    // It may be starting again, and answer elsewhere then.
    state_.why = "the router does not answer any more: " + look.error().message;
    if (++silent_looks_ >= kSilentLooksMax) open();
    return;
  }
  const bool has_moved = look->outside.with_port(0) != mapping_->outside.with_port(0);
  if (look->is_held && !has_moved && !was_reset(*look, now)) {
    if (look->epoch) mapping_->epoch = *look->epoch;
    epoch_at_ = now;
    silent_looks_ = 0;
    note_beyond();
    return;
  }
  open();
}

void PortMapper::end() {
  if (mapping_) (void)router_.close(*mapping_);
  mapping_.reset();
  state_ = MappingState{};
}

}  // namespace p2pmesh
