// Which mesh on the local network is joined: the only one that is heard, the one that is chosen, or
// somebody's.
#include <algorithm>

#include "node_host_impl.h"
#include "p2pmesh/text/name.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kChoicesShown = 32;  // as many as somebody reads; guess
constexpr std::size_t kNamesShown = 8;     // of one mesh
constexpr std::size_t kNodesTried = 3;     // of a mesh that is to be joined

std::string describe(const control::LanMeshEntry& mesh) {
  std::string names;
  for (std::size_t i = 0; i < std::min(mesh.names.size(), kNamesShown); ++i)
    names += (i == 0 ? ": " : ", ") + format_safe_line(mesh.names[i]);
  if (mesh.names.size() > kNamesShown) names += ", ...";
  return format_safe_line(mesh.label) + ", " + std::to_string(mesh.online) + " online" + names + " (mesh " +
         short_id(mesh.mesh) + ")";
}

}  // namespace

void NodeHost::Impl::begin_on_lan() {
  lan_begin_by = loop->now().monotonic + kLanWarmUp;
}

/// The last mesh if it is there, else the only one; of several who asked has to say which.
void NodeHost::Impl::choose_heard() {
  const std::string wanted = options.lan_join.value_or("");
  const Entered done = [this](const Result<MeshId>& entered) { begin_joined(entered); };
  const auto last = profile->last_mesh();
  std::vector<control::LanMeshEntry> found;
  for (control::LanMeshEntry& mesh : list_lan().meshes) {
    const bool is_last = wanted.empty() && last == mesh.mesh;
    if (is_last) found.clear();
    if (mesh.mesh.hex().starts_with(wanted)) found.push_back(std::move(mesh));
    if (is_last) break;
  }
  if (found.empty() && !wanted.empty()) {
    lan_begin_by.reset();
    return finish(Error{ExitStatus::kUnavailable, "the mesh " + format_safe_line(wanted) +
                                                      " is not heard on the local network any more"});
  }
  // lan_begin_by says that this was done: what begins resumes or opens.
  if (found.empty() || (wanted.empty() && last == found.front().mesh)) {
    begin();
    return lan_begin_by.reset();
  }
  lan_begin_by.reset();
  if (found.size() == 1) return enter_heard(found.front().mesh, {}, done);
  std::string list = "several meshes are heard on the local network:";
  std::vector<std::string> ids;
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& one, const auto& other) { return one.online > other.online; });
  for (const control::LanMeshEntry& mesh : found) {
    if (ids.size() >= kChoicesShown) break;
    list += "\n  " + describe(mesh);
    ids.push_back(mesh.mesh.hex());
  }
  if (found.size() > ids.size()) list += "\nand " + std::to_string(found.size() - ids.size()) + " more.";
  if (callbacks.several_heard) callbacks.several_heard(ids);
  finish(Error{ExitStatus::kUsage,
               list + "\nChoose one: --find NAME joins the mesh of NAME, --new opens another one."});
}

/// By the name that is announced, once everybody had the time to say it; then at the discovery servers.
void NodeHost::Impl::find_on_lan(LanFind find) {
  const Instant now = loop->now().monotonic;
  const bool is_warm = lan_warm_at && *lan_warm_at <= now;
  if (find.not_before == Instant{}) find.not_before = is_warm ? now : now + kLanAfterFirst;
  const std::string& name = find.name;
  const Entered& done = find.done;
  std::vector<const HeardNode*> called;
  std::optional<MeshId> mesh;
  bool is_one = true;
  for (const HeardNode* node : lan->heard().fresh(now)) {
    if (name_key(node->beacon.name) != name_key(name)) continue;
    called.push_back(node);
    if (node->beacon.meshes.empty()) continue;
    is_one = is_one && (!mesh || *mesh == node->beacon.meshes.front().mesh);
    if (!mesh) mesh = node->beacon.meshes.front().mesh;
  }
  const std::string shown = format_safe_line(name);
  if (now < find.not_before || (called.empty() && !is_warm)) return lan_finds.push_back(std::move(find));
  if (called.empty() && rendezvous->has_servers()) return find_at_rendezvous(name, done);
  if (called.empty()) {
    return done(fail(ExitStatus::kUnknownHost,
                     "Nobody called " + shown +
                         " is heard on the local network, and no discovery server is "
                         "known. Is the name right? Who is undiscoverable or without --lan is not heard."));
  }
  // A server knows names under keys.
  if ((!is_one || !mesh) && rendezvous->has_servers()) return find_at_rendezvous(name, done);
  if (!is_one) {
    return done(fail(ExitStatus::kUsage, "Several who are called " + shown +
                                             " are heard on the local network, in meshes of their own; give "
                                             "HOST PORT of the one that is meant (p2pmeshctl lan)."));
  }
  if (!mesh) {
    return done(fail(ExitStatus::kNoPermission,
                     shown + " is in no mesh that is open; ask for an invite (/link makes one)"));
  }
  std::vector<NodeKey> nodes;
  for (const HeardNode* node : called) {
    if (nodes.size() < kNodesTried) nodes.push_back(node->beacon.node);
  }
  enter_heard(*mesh, std::move(nodes), done);
}

/// Through those of whom it was heard, or, when none are named, through anybody who announces the mesh.
void NodeHost::Impl::enter_heard(const MeshId& mesh, std::vector<NodeKey> nodes, Entered done) {
  if (seats.find(mesh) != nullptr) return done(mesh);
  const Instant now = loop->now().monotonic;
  if (nodes.empty()) {
    std::vector<NodeKey> there;
    for (const HeardNode* node : lan->heard().fresh(now)) {
      if (stands_for(node->beacon, mesh)) there.push_back(node->beacon.node);
    }
    // Anybody can announce a mesh that is open, under as many keys as it likes.
    while (!there.empty() && nodes.size() < kNodesTried) {
      const auto drawn = there.begin() + static_cast<std::ptrdiff_t>(draw_random_64() % there.size());
      nodes.push_back(*drawn);
      there.erase(drawn);
    }
  }
  std::reverse(nodes.begin(), nodes.end());
  auto wanted = std::make_shared<Search>();
  for (; !nodes.empty() && wanted->targets.empty(); nodes.pop_back()) {
    if (const HeardNode* node = lan->heard().find(nodes.back())) wanted->targets = targets_of(*node, now);
    wanted->expected = nodes.back();
  }
  if (wanted->targets.empty()) {
    return done(fail(ExitStatus::kUnavailable,
                     "the mesh " + short_id(mesh) + " is not heard on the local network any more"));
  }
  wanted->mesh = mesh;
  std::reverse(nodes.begin(), nodes.end());
  wanted->done = [this, mesh, nodes = std::move(nodes), done = std::move(done)](Result<MeshId> entered) {
    if (entered || nodes.empty() || leaving) return done(std::move(entered));
    enter_heard(mesh, nodes, done);
  };
  search(std::move(wanted));
}

}  // namespace p2pmesh
