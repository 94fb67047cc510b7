#include "lan_beacon.h"

#include <algorithm>
#include <array>
#include <utility>

#include "address.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

// 239.255/16 stays within a site, ff02 on a link; both are sent one hop far.
constexpr const char* kGroup4 = "239.255.97.50";
constexpr const char* kGroup6 = "ff02::7032:706d";
constexpr std::uint16_t kPort = 9749;      // below the first that nodes listen at
constexpr Duration kSettle = 50ms;         // an interface that comes changes several times at once
constexpr Duration kRefreshAgain = 2s;     // when something failed
constexpr Duration kPresenceLook = 500ms;  // a mesh entered, a name changed
constexpr Duration kFaultsSaid = 1min;
constexpr Duration kQuickGap = 400ms;  // one that is lost is heard a moment later
constexpr int kQuick = 3;
constexpr Duration kAnswerJitter = 200ms;

BeaconTag tag_of(const MeshId& mesh, const NodeKey& node, WallMs wall_ms) {
  const auto hash = hash_tagged(kBeaconTagDomain, beacon_tag_bytes(mesh, node, wall_ms));
  BeaconTag tag;
  std::copy_n(hash.begin(), tag.size(), tag.begin());
  return tag;
}

}  // namespace

bool stands_for(const Beacon& beacon, const MeshId& mesh) {
  const bool is_named = std::any_of(beacon.meshes.begin(), beacon.meshes.end(),
                                    [&](const OpenMesh& open) { return open.mesh == mesh; });
  if (is_named || beacon.tags.empty()) return is_named;
  return std::binary_search(beacon.tags.begin(), beacon.tags.end(),
                            tag_of(mesh, beacon.node, beacon.wall_ms));
}

LanBeacon::LanBeacon(EventLoop& loop, const Signer& signer, const Verifier& verifier, LogSink& log,
                     LanEvents events)
    : loop_(loop),
      signer_(signer),
      log_(log),
      events_(std::move(events)),
      heard_(to_node(signer.public_key()), verifier, events_.recognise),
      random_(draw_random_64()) {}

LanBeacon::~LanBeacon() {
  for (const auto& ear : ears_) loop_.remove(ear->fd.get());
}

Result<void> LanBeacon::open(const SocketAddress& listen, std::vector<std::string> forced) {
  listen_ = listen;
  forced_ = std::move(forced);
  auto watch = InterfaceWatch::open(loop_, [this] {
    if (!refresh_at_) refresh_at_ = loop_.now().monotonic + kSettle;
  });
  if (!watch) return tl::unexpected<Error>(watch.error());
  watch_ = *std::move(watch);
  std::optional<Error> fault;
  for (const char* group : {kGroup4, kGroup6}) {
    if (auto opened = open_ear(group); !opened) fault = opened.error();
  }
  if (ears_.empty()) return tl::unexpected<Error>(*fault);
  if (fault) log_.log(LogLevel::kWarning, "local network: " + fault->message);
  refresh();
  return {};
}

Result<void> LanBeacon::open_ear(const char* group) {
  auto ear = std::make_unique<Ear>();
  ear->group = *SocketAddress::from_host(group, kPort);
  auto fd = open_multicast(ear->group);
  if (!fd) return tl::unexpected<Error>(fd.error());
  ear->fd = *std::move(fd);
  Ear& self = *ear;
  if (auto added = loop_.add(self.fd.get(), kReadable, [this, &self](Ready) { read(self); }); !added)
    return added;
  ears_.push_back(std::move(ear));
  return {};
}

/// Who comes need not wait for the next beacon of everybody; many who come get one answer.
void LanBeacon::answer_soon() {
  const Instant now = loop_.now().monotonic;
  const auto jitter = random_.below(static_cast<std::uint64_t>(kAnswerJitter.count()));
  const Instant at = std::max(now, sent_at_ + kQuickGap) + Duration(static_cast<Duration::rep>(jitter));
  send_at_ = std::min(send_at_, at);
}

/// Then it waits a moment, so that a flood costs no more than so many datagrams a second, and few turns.
void LanBeacon::read(Ear& ear) {
  std::array<std::uint8_t, limits::kBeaconBytesMax> buffer;
  for (std::size_t reads = 0; reads < limits::kBeaconsReadMax; ++reads) {
    const auto got = hear_datagram(ear.fd.get(), buffer);
    if (!got) break;
    const HeardNode* node =
        heard_.take(ByteView(buffer).first(got->bytes), *got, find(got->interface), loop_.now());
    if (node == nullptr) continue;
    events_.heard(*node);
    if (node->is_newcomer) answer_soon();
  }
  loop_.modify(ear.fd.get(), kNoInterest);
  ear.resume_at = loop_.now().monotonic + limits::kBeaconReadPause;
}

const LanInterface* LanBeacon::find(std::uint32_t index) const {
  const auto found = std::find_if(interfaces_.begin(), interfaces_.end(),
                                  [&](const LanInterface& one) { return one.index == index; });
  return found == interfaces_.end() ? nullptr : &*found;
}

void LanBeacon::refresh() {
  refresh_at_.reset();
  auto listed = list_interfaces();
  if (!listed) {
    log_.log(LogLevel::kWarning, "local network: " + listed.error().message);
    refresh_at_ = loop_.now().monotonic + kRefreshAgain;
    return;
  }
  const bool has_changed = all_ != *listed;
  all_ = *std::move(listed);
  const std::vector<LanInterface> before = std::move(interfaces_);
  interfaces_ = choose_lan_interfaces(all_, listen_, forced_);
  if (interfaces_ != before) say_what_changed(before);
  for (const auto& ear : ears_) follow(*ear);
  if (has_changed) events_.interfaces_changed(all_);
}

void LanBeacon::say_what_changed(const std::vector<LanInterface>& before) {
  for (const LanInterface& one : interfaces_) {
    const auto same = std::find_if(before.begin(), before.end(),
                                   [&](const LanInterface& other) { return other.index == one.index; });
    if (same != before.end() && same->left_out == one.left_out) continue;
    log_.log(LogLevel::kInfo, "local network: " + format_safe_line(one.name) +
                                  (one.is_used() ? " is used" : " is left out: " + one.left_out));
  }
  for (const LanInterface& one : before) {
    const LanInterface* now = find(one.index);
    if (one.is_used() && (now == nullptr || !now->is_used())) heard_.forget_interface(one.index);
  }
  quick_left_ = kQuick;
  send_at_ = loop_.now().monotonic;
}

/// Groups are joined anew each time: an interface that was away has forgotten them, and it costs nothing.
void LanBeacon::follow(Ear& ear) {
  std::vector<std::uint32_t> wanted;
  for (const LanInterface& one : interfaces_) {
    if (one.is_used()) wanted.push_back(one.index);
  }
  for (std::uint32_t index : ear.joined) {
    if (std::find(wanted.begin(), wanted.end(), index) == wanted.end())
      leave_group(ear.fd.get(), ear.group, index);
  }
  ear.joined = wanted;
  for (std::uint32_t index : wanted) {
    if (!join_group(ear.fd.get(), ear.group, index) && !refresh_at_)
      refresh_at_ = loop_.now().monotonic + kRefreshAgain;
  }
}

/// The first at once, and what comes more once a minute: a flood of beacons is no flood of lines.
void LanBeacon::say_faults() {
  const Instant now = loop_.now().monotonic;
  const std::string faults = heard_.describe_faults();
  if (faults == faults_ || (!faults_.empty() && now < faults_at_)) return;
  faults_ = faults;
  faults_at_ = now + kFaultsSaid;
  log_.log(LogLevel::kWarning, "local network: beacons were dropped: " + faults);
}

void LanBeacon::look_at_presence() {
  look_at_ = loop_.now().monotonic + kPresenceLook;
  say_faults();
  auto presence = events_.presence();
  if (presence == told_) return;
  const bool is_over = !presence && told_;
  told_ = std::move(presence);
  if (is_over) return say_farewell();
  quick_left_ = kQuick;
  send_at_ = loop_.now().monotonic;
}

void LanBeacon::announce() {
  const auto jitter =
      random_.below(static_cast<std::uint64_t>(Duration(limits::kBeaconInterval).count() / 3));
  Duration gap = Duration(limits::kBeaconInterval) * 5 / 6 + Duration(static_cast<Duration::rep>(jitter));
  if (quick_left_ > 0 && --quick_left_ > 0) gap = kQuickGap;
  sent_at_ = loop_.now().monotonic;
  send_at_ = sent_at_ + gap;
  if (!told_) return;
  has_announced_ = true;
  const Beacon beacon = compose();
  for (const LanInterface& one : interfaces_) {
    for (const auto& ear : ears_) {
      if (one.is_used()) send(beacon, one, *ear);
    }
  }
}

Beacon LanBeacon::compose() const {
  Beacon beacon;
  beacon.node = to_node(signer_.public_key());
  beacon.port = listen_.port();
  beacon.name = told_->name;
  beacon.wall_ms = std::max(last_wall_ms_ + 1, loop_.now().wall_ms);
  beacon.meshes = told_->meshes;
  return beacon;
}

/// Each is signed for the interface and family that it goes out by, since it tells where the node is there.
void LanBeacon::send(Beacon beacon, const LanInterface& interface, const Ear& ear) {
  const InterfaceAddress* from = nullptr;
  for (const InterfaceAddress& own : interface.addresses) {
    if (own.address.is_ipv6() != ear.group.is_ipv6()) continue;
    if (!beacon.is_farewell()) beacon.addresses.push_back(to_net(own.address.with_port(beacon.port)));
    if (from == nullptr && (!own.address.is_ipv6() || own.address.is_link_local())) from = &own;
  }
  if (from == nullptr) return;
  beacon.wall_ms = last_wall_ms_ = std::max(last_wall_ms_ + 1, beacon.wall_ms);
  if (told_ && !beacon.is_farewell()) {
    for (const MeshId& mesh : told_->unnamed)
      beacon.tags.push_back(tag_of(mesh, beacon.node, beacon.wall_ms));
    std::sort(beacon.tags.begin(), beacon.tags.end());
  }
  beacon.signature = signer_.sign(beacon_signing_bytes(beacon));
  const bool is_sent =
      send_to_group(ear.fd.get(), ear.group, interface.index, from->address, encode_beacon(beacon));
  ++(is_sent ? sent_ : send_failures_);
}

/// Who has said nothing has nothing to take leave of.
void LanBeacon::say_farewell() {
  if (!std::exchange(has_announced_, false)) return;
  Beacon beacon;
  beacon.node = to_node(signer_.public_key());
  beacon.wall_ms = loop_.now().wall_ms;
  for (const LanInterface& one : interfaces_) {
    for (const auto& ear : ears_) {
      if (one.is_used()) send(beacon, one, *ear);
    }
  }
}

void LanBeacon::check_deadlines() {
  const Instant now = loop_.now().monotonic;
  for (const auto& ear : ears_) {
    if (!ear->resume_at || *ear->resume_at > now) continue;
    ear->resume_at.reset();
    loop_.modify(ear->fd.get(), kReadable);
  }
  if (refresh_at_ && *refresh_at_ <= now) refresh();
  if (look_at_ <= now) look_at_presence();
  if (send_at_ <= now) announce();
}

std::optional<Instant> LanBeacon::next_deadline() const {
  Instant next = std::min(look_at_, send_at_);
  if (refresh_at_) next = std::min(next, *refresh_at_);
  for (const auto& ear : ears_) {
    if (ear->resume_at) next = std::min(next, *ear->resume_at);
  }
  return next;
}

std::vector<std::pair<std::string, std::uint64_t>> LanBeacon::counters() const {
  auto listed = heard_.counters();
  listed.emplace_back("lan_sent", sent_);
  listed.emplace_back("lan_send_failures", send_failures_);
  return listed;
}

}  // namespace p2pmesh
