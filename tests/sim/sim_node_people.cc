// What runtime/mesh_runner does around the core where people are concerned.
#include <cstring>
#include <utility>

#include "p2pmesh/base/limits.h"
#include "sim_node.h"

namespace p2pmesh::sim {

void SimNode::make_person() {
  person = std::make_unique<Person>();
  person->agreement = around_.signatures.make_agreement(number);
  disk.keep_people(key());
  renew_prekey();
}

void SimNode::renew_prekey() {
  Draw draw(derive_seed(around_.seed, 0x93e0000000000ULL + number * 65536ULL + ++person->drawn));
  KeySeed seed{};
  for (std::size_t i = 0; i < seed.size(); i += 8) {
    const std::uint64_t word = draw.next();
    std::memcpy(seed.data() + i, &word, 8);
  }
  auto& prekeys = person->prekeys;
  prekeys.insert(prekeys.begin(), Prekey{now().wall_ms, person->agreement->make_keys(seed)});
  if (prekeys.size() > limits::kPrekeysMax) prekeys.resize(limits::kPrekeysMax);
  if (is_running()) handle(PrekeyDrawn{prekeys.front()});
}

void SimNode::tell(std::uint64_t token, const MemberKey& to, std::string text) {
  for (Observer* observer : around_.observers) observer->on_text(number, token, around_.now);
  handle(SendDirect{token, to, std::move(text)});
}

void SimNode::begin_person() {
  person->unopened_from = disk.people()->unopened_from;
  person->blocked = disk.people()->blocked;
  if (disk.people()->discoverable && person->unopened_from != 0) open_late(person->unopened_from);
}

void SimNode::set_discoverable(bool discoverable) {
  if (core->status().discoverable == discoverable) return;
  disk.change(StoreDiscoverable{discoverable});
  if (!discoverable && person->unopened_from == 0) {
    person->unopened_from = disk.last_row() + 1;
    disk.change(StoreUnopenedFrom{person->unopened_from});
  }
  commit_if_idle();
  core->handle(SetDiscoverable{discoverable}, now(), around_.outputs);
  drain();
  if (discoverable && person->unopened_from != 0) open_late(person->unopened_from);
  end_turn();
}

void SimNode::set_blocked(const MemberKey& member, bool blocked) {
  const bool changes = blocked ? person->blocked.insert(member).second : person->blocked.erase(member) != 0;
  if (!changes) return;
  // What was refused all the time is there yet.
  if (!blocked) {
    person->unopened_from = 1;
    disk.change(StoreUnopenedFrom{1});
  }
  disk.change(StoreBlocked{member, blocked});
  commit_if_idle();
  core->handle(SetBlocked{member, blocked}, now(), around_.outputs);
  drain();
  if (!blocked && core->status().discoverable) open_late(1);
  end_turn();
}

void SimNode::cancel(std::uint64_t draft) {
  core->handle(CancelDraft{draft}, now(), around_.outputs);
  drain();
  disk.change(DiskQuestion{DiskQuestion::Kind::kCancelled, draft});
  end_turn();
}

void SimNode::read(const MemberKey& member) {
  handle(ReadTo{member, disk.people()->numbers_from(member)});
}

void SimNode::run_of_people(Output& output) {
  if (auto* person_row = std::get_if<StoreCorrespondent>(&output)) {
    disk.change(std::move(*person_row));
  } else if (auto* delivery = std::get_if<TellDelivery>(&output)) {
    disk.change(std::move(*delivery));
    commit_if_idle();
  }
}

/// The answer comes behind a commit, so what is handled in between counts already.
void SimNode::open_late(std::uint64_t first_row) {
  disk.change(DiskQuestion{DiskQuestion::Kind::kUnopened, first_row});
  commit_if_idle();
}

void SimNode::answer(const DiskQuestion& question) {
  if (question.kind != DiskQuestion::Kind::kUnopened) return;
  for (const EnvelopePtr& envelope : disk.unopened(question.number)) {
    core->handle(OpenLate{envelope}, now(), around_.outputs);
    drain();
  }
  if (!core->status().discoverable || person->unopened_from == 0) return;
  person->unopened_from = 0;
  disk.change(StoreUnopenedFrom{0});
  commit_if_idle();
}

}  // namespace p2pmesh::sim
