// A host on the local network: what it announces, whom it finds there, and how it comes back to its meshes.
#include <algorithm>
#include <map>
#include <set>

#include "node_host_impl.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr Duration kForLesser = 2s;
constexpr Duration kLookInterval = 1s;
constexpr Duration kLookSoon = 50ms;
constexpr Duration kRosterInterval = 3s;   // it may be long
constexpr Duration kCarrierPatience = 2s;  // a cable, or a radio that changes its cell

}  // namespace

Result<void> NodeHost::Impl::open_lan() {
  LanEvents events;
  events.presence = [this] { return lan_presence(); };
  events.recognise = [this](const Beacon& beacon) { return recognise(beacon); };
  events.heard = [this](const HeardNode& node) { on_lan_heard(node); };
  events.interfaces_changed = [this](const auto& all) { on_interfaces(all); };
  lan_dials = std::make_unique<LanDials>(to_node(signer->public_key()), draw_random_64());
  lan = std::make_unique<LanBeacon>(*loop, *signer, ed25519_verifier(), log, std::move(events));
  return lan->open(listen_address, options.lan_interfaces);
}

/// Who is not to be seen is silent: its key alone would tell that it is there. Who is in no mesh yet and
/// looks for one asks.
std::optional<LanPresence> NodeHost::Impl::lan_presence() const {
  const MeshRunner* current = seats.current();
  const bool looks = lan_begin_by || !lan_finds.empty();
  if (current == nullptr && looks && !options.undiscoverable) return LanPresence{};
  if (current == nullptr || options.exact_name || leaving || !is_seen_everywhere()) return std::nullopt;
  LanPresence presence;
  presence.name = current->node().status().claimed_name;
  const auto tell = [&](const MeshRunner& runner) {
    if (!runner.is_closed() && presence.meshes.size() < limits::kBeaconMeshesMax) {
      std::string label = seats.label_of(runner);
      if (label.size() > limits::kRendezvousLabelBytesMax) label = short_id(runner.mesh());
      presence.meshes.push_back({runner.mesh(), about(runner.node().status().online), std::move(label)});
    } else if (presence.unnamed.size() < limits::kBeaconTagsMax) {
      presence.unnamed.push_back(runner.mesh());
    }
  };
  tell(*current);
  for (const auto& seat : seats.all()) {
    if (!seat->leave_by && seat->runner.get() != current) tell(*seat->runner);
  }
  return presence;
}

std::vector<MeshId> NodeHost::Impl::recognise(const Beacon& beacon) const {
  std::set<MeshId> known;
  for (const auto& seat : seats.all()) known.insert(seat->runner->mesh());
  if (const auto last = profile->last_mesh()) known.insert(*last);
  std::vector<MeshId> found;
  std::copy_if(known.begin(), known.end(), std::back_inserter(found),
               [&](const MeshId& mesh) { return stands_for(beacon, mesh); });
  return found;
}

void NodeHost::Impl::on_lan_heard(const HeardNode& node) {
  const Instant now = loop->now().monotonic;
  const bool is_in_a_mesh = !node.beacon.meshes.empty() || !node.meshes.empty();
  if (lan_begin_by && is_in_a_mesh && node.is_believed && is_looked_for(node))
    lan_begin_by = std::min(*lan_begin_by, now + kLanAfterFirst);
  // Of two who start together the greater waits for what the lesser opens.
  const bool is_before = node.beacon.is_question() && node.beacon.node < to_node(signer->public_key());
  if (lan_begin_by && lan_warm_at && is_before)
    lan_begin_by = std::max(*lan_begin_by, std::min(now + kForLesser, *lan_warm_at + kLanWarmUp));
  // One that was lost is dialled at once.
  const bool is_missed = std::any_of(node.meshes.begin(), node.meshes.end(), [&](const MeshId& mesh) {
    const MeshRunner* runner = seats.find(mesh);
    return runner != nullptr && (node.is_newcomer || runner->node().status().neighbors == 0);
  });
  if (is_missed) lan_look_at = std::min(lan_look_at, now + kLookSoon);
}

/// At the start: nothing else needs to be waited for.
bool NodeHost::Impl::is_looked_for(const HeardNode& node) const {
  const auto is_wanted = [&](const MeshId& mesh) { return mesh.hex().starts_with(*options.lan_join); };
  if (options.lan_join) {
    return std::any_of(node.beacon.meshes.begin(), node.beacon.meshes.end(),
                       [&](const OpenMesh& open) { return is_wanted(open.mesh); }) ||
           std::any_of(node.meshes.begin(), node.meshes.end(), is_wanted);
  }
  const auto last = profile->last_mesh();
  return !last || std::find(node.meshes.begin(), node.meshes.end(), *last) != node.meshes.end();
}

void NodeHost::Impl::on_interfaces(const std::vector<NetworkInterface>& all) {
  links->end_links_from([&](const SocketAddress& local) { return is_lost_address(all, local, true); });
  if (!lan_carrier_by) lan_carrier_by = loop->now().monotonic + kCarrierPatience;
  lan_dials->forget_failures();
}

std::optional<Instant> NodeHost::Impl::lan_deadline() const {
  if (!lan || leaving) return std::nullopt;
  Instant next = std::min(*lan->next_deadline(), lan_look_at);
  if (lan_begin_by) next = std::min(next, *lan_begin_by);
  if (lan_carrier_by) next = std::min(next, *lan_carrier_by);
  const Instant now = loop->now().monotonic;
  for (const LanFind& find : lan_finds) {
    if (find.not_before > now) next = std::min(next, find.not_before);
    if (lan_warm_at && *lan_warm_at > now) next = std::min(next, *lan_warm_at);
  }
  return next;
}

void NodeHost::Impl::check_lan() {
  if (leaving) return;
  const Instant now = loop->now().monotonic;
  if (!lan_warm_at) lan_warm_at = now + kLanWarmUp;
  lan->check_deadlines();
  if (lan_carrier_by && *lan_carrier_by <= now) {
    lan_carrier_by.reset();
    links->end_links_from(
        [&](const SocketAddress& local) { return is_lost_address(lan->all_interfaces(), local, false); });
  }
  if (lan_begin_by && *lan_begin_by <= now) choose_heard();
  std::vector<LanFind> waiting = std::exchange(lan_finds, {});
  for (LanFind& one : waiting) find_on_lan(std::move(one));
  if (lan_look_at <= now) look_for_lost();
}

LanNeed NodeHost::Impl::need_of(const MeshRunner& runner, const std::vector<const HeardNode*>& heard,
                                bool reads_roster) const {
  LanNeed need{runner.mesh(), runner.node().status().neighbors == 0, {}, {}};
  std::set<NodeKey> linked;
  for (const LinkView& link : runner.node().links()) linked.insert(link.node);
  for (const HeardNode* node : heard) {
    const bool is_of_it =
        std::find(node->meshes.begin(), node->meshes.end(), need.mesh) != node->meshes.end();
    if (is_of_it && !linked.contains(node->beacon.node)) need.unlinked.push_back(node->beacon.node);
  }
  if (need.unlinked.empty() || (!reads_roster && !need.is_alone)) return need;
  std::set<NodeKey> members, online;
  for (const MemberView& member : runner.node().members()) {
    members.insert(member.node);
    if (member.online || member.hidden) online.insert(member.node);
  }
  // Anybody can name a mesh that is open. Who is no member as far as it is known is tried when nobody else is
  // there, and has to come by itself where callers have to be known.
  const auto is_foreign = [&](const NodeKey& node) { return !members.contains(node); };
  const bool are_all_foreign = std::all_of(need.unlinked.begin(), need.unlinked.end(), is_foreign);
  if (!are_all_foreign || callers) std::erase_if(need.unlinked, is_foreign);
  if (need.is_alone || !reads_roster) return need;
  for (const NodeKey& node : need.unlinked) {
    if (!online.contains(node)) need.seen_offline.push_back(node);
  }
  return need;
}

void NodeHost::Impl::look_for_lost() {
  const Instant now = loop->now().monotonic;
  lan_look_at = now + kLookInterval;
  const bool reads_roster = lan_roster_at <= now;
  if (reads_roster) lan_roster_at = now + kRosterInterval;
  const std::vector<const HeardNode*> heard = lan->heard().fresh(now);
  std::vector<LanNeed> needs;
  for (const auto& seat : seats.all()) {
    if (!seat->leave_by) needs.push_back(need_of(*seat->runner, heard, reads_roster));
  }
  for (const LanDial& dial : lan_dials->choose(needs, now)) dial_heard(dial);
}

/// What was heard can at worst lead to nobody, since who answers has to hold the key.
void NodeHost::Impl::dial_heard(const LanDial& dial) {
  auto heard = std::make_shared<HeardDial>();
  heard->dial = dial;
  if (const HeardNode* node = lan->heard().find(dial.node))
    heard->targets = targets_of(*node, loop->now().monotonic);
  dial_next(std::move(heard));
}

void NodeHost::Impl::dial_next(std::shared_ptr<HeardDial> heard) {
  const LanDial& dial = heard->dial;
  if (heard->next >= heard->targets.size() || leaving || seats.find(dial.mesh) == nullptr)
    return lan_dials->on_ended(dial.node, loop->now().monotonic);
  const HostPort target = heard->targets[heard->next++];
  joins->start(
      target.host, target.port, dial.mesh, false,
      [this, heard](const Result<JoinFound>& found) {
        if (found) return lan_dials->on_ended(heard->dial.node, loop->now().monotonic);
        log.log(LogLevel::kDebug, "local network: " + format_safe_line(found.error().message));
        dial_next(heard);
      },
      dial.node);
}

control::LanReply NodeHost::Impl::list_lan() const {
  control::LanReply reply;
  reply.on = lan != nullptr;
  if (!lan) return reply;
  for (const LanInterface& one : lan->interfaces()) reply.interfaces.push_back({one.name, one.left_out});
  reply.counters = lan->counters();
  const Instant now = loop->now().monotonic;
  std::map<MeshId, control::LanMeshEntry> meshes;
  for (const HeardNode* node : lan->heard().fresh(now)) {
    ++reply.nodes;
    const HeardPlace& place = node->places.front();
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now - node->heard_at).count();
    const auto note = [&](const MeshId& mesh, const OpenMesh* open) {
      const auto [at, is_new] = meshes.try_emplace(mesh);
      control::LanMeshEntry& entry = at->second;
      entry.mesh = mesh;
      if (open != nullptr && entry.label.empty()) entry.label = open->label;
      if (open != nullptr) entry.online = std::max<std::uint64_t>(entry.online, open->online);
      if (!node->beacon.name.empty() && entry.names.size() < limits::kRendezvousPageMax)
        entry.names.push_back(node->beacon.name);
      if (!is_new && static_cast<std::uint64_t>(since) >= entry.since_ms) return;
      entry.interface = place.interface_name;
      entry.address = place.addresses.front().format();
      entry.since_ms = static_cast<std::uint64_t>(since);
    };
    for (const OpenMesh& open : node->beacon.meshes) note(open.mesh, &open);
    for (const MeshId& mesh : node->meshes) {
      const bool is_named = std::any_of(node->beacon.meshes.begin(), node->beacon.meshes.end(),
                                        [&](const OpenMesh& open) { return open.mesh == mesh; });
      if (!is_named) note(mesh, nullptr);
    }
  }
  for (auto& [mesh, entry] : meshes) {
    const MeshRunner* runner = seats.find(mesh);
    entry.ours = runner != nullptr;
    if (runner != nullptr && entry.label.empty()) {
      entry.label = seats.label_of(*runner);
      entry.online = runner->node().status().online;
    }
    if (entry.label.empty()) entry.label = short_id(mesh);
    reply.meshes.push_back(std::move(entry));
  }
  return reply;
}

}  // namespace p2pmesh
