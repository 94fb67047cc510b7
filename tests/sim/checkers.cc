#include "checkers.h"

namespace p2pmesh::sim {
namespace {

constexpr std::size_t kViolationsMax = 5;  // of one check; more say nothing new

}  // namespace

void Checkers::add(Violation violation) {
  if (++count_by_check_[violation.check] <= kViolationsMax) violations_.push_back(std::move(violation));
}

Checkers::Seen& Checkers::seen_by(std::uint32_t node) {
  if (node >= seen_.size()) seen_.resize(node + 1);
  return seen_[node];
}

std::string Checkers::name_of(std::uint32_t entry) const {
  if (entry == kNone) return "an envelope that is no log envelope";
  const PoolEntry& known = world_.pool()[entry];
  const Envelope& fields = known.envelope->envelope;
  return "number " + std::to_string(fields.seq) + " of node " + std::to_string(known.author) + " (epoch " +
         std::to_string(fields.epoch) + ", id " + known.envelope->id.hex().substr(0, 8) + ")";
}

void Checkers::on_start(std::uint32_t node, bool again) {
  if (!again) return;
  Seen& seen = seen_by(node);
  seen.depths.clear();
  for (std::uint32_t row : world_.node(node).disk.rows()) {
    const PoolEntry& held = world_.pool()[row];
    seen.known.insert(held.position);
    if (held.position == row && held.next_fork == kNone) note_depth(seen, held.envelope->envelope);
    // Committed in the moment of a crash, it is told to nobody here.
    if (held.author != node) elsewhere_.insert(row);
  }
}

void Checkers::note_depth(Seen& seen, const Envelope& fields) {
  if (fields.room.empty()) return;
  std::uint64_t& deepest = seen.depths[fields.room];
  deepest = std::max(deepest, fields.depth);
}

void Checkers::on_written(std::uint32_t node, std::uint32_t entry, const std::vector<std::uint64_t>&,
                          SimTime now) {
  if (world_.is_liar(node)) return;
  const PoolEntry& known = world_.pool()[entry];
  const Envelope& fields = known.envelope->envelope;
  if (known.position != entry)
    add({"fork", node, now, "an honest author signs one envelope for a place", name_of(entry) + " again"});
  Seen& seen = seen_by(node);
  const bool has_room = !fields.room.empty();  // direct messages have a depth of their own, inside
  const std::uint64_t deepest = has_room ? seen.depths[fields.room] : 0;
  if (has_room && fields.depth <= deepest)
    add({"depth", node, now, "a new envelope stands behind what its author has seen",
         name_of(entry) + " at depth " + std::to_string(fields.depth) + ", seen " + std::to_string(deepest)});
  note_depth(seen, fields);
}

void Checkers::on_envelope(std::uint32_t node, std::uint32_t from, std::uint32_t entry, Verdict verdict,
                           bool live, std::uint16_t, bool genuine) {
  if (verdict == Verdict::kFresh && !genuine) {
    add({"G1", node, world_.now(), "only what the claimed author signed passes the door", name_of(entry)});
  }
  const bool bad =
      verdict == Verdict::kMalformed || verdict == Verdict::kOtherMesh || verdict == Verdict::kBadSignature;
  if (bad && from != kNone && !world_.is_liar(from)) {
    std::string found = live ? "gossip" : "repair";
    found += " refused by node " + std::to_string(node);
    add({"G1", from, world_.now(), "an honest node forwards only what is validly signed", std::move(found)});
  }
}

void Checkers::on_store(std::uint32_t node, std::uint32_t entry, bool genuine) {
  if (genuine || world_.is_liar(node)) return;
  add({"G1", node, world_.now(), "only what the claimed author signed is stored", name_of(entry)});
}

void Checkers::on_announce(std::uint32_t node, std::uint32_t entry, const Announce& announce, SimTime now) {
  if (entry == kNone) {
    add({"G1", node, now, "only log envelopes are announced", name_of(entry)});
    return;
  }
  if (world_.pool()[entry].author != node) elsewhere_.insert(entry);
  // What a liar tells its own clients is its own affair.
  if (world_.is_liar(node)) return;
  const PoolEntry& known = world_.pool()[entry];
  Seen& seen = seen_by(node);
  const VirtualDisk& disk = world_.node(node).disk;
  if (!disk.holds(entry) && !disk.has_dropped(entry))
    add({"G3", node, now, "what is shown is on the disk", name_of(entry) + " is not"});
  if (!known.genuine) add({"G1", node, now, "only what the claimed author signed is shown", name_of(entry)});
  if (announce.row == 0) add({"G2", node, now, "what is announced has a row", name_of(entry)});
  // It was not shown the first time: what became of it then, people_checks.cc knows.
  if (announce.context.opened_late) return;
  if (!seen.announced.insert(entry)) {
    ++duplicates_shown_;
    add({"G2", node, now, "a message is shown once", name_of(entry) + " again"});
  }
  const std::uint64_t seq = known.envelope->envelope.seq;
  if (!announce.context.repaired) {
    if (known.log >= seen.last_live.size()) seen.last_live.resize(known.log + 1);
    std::uint64_t& last = seen.last_live[known.log];
    if (seq <= last) {
      ++order_inversions_;
      add({"G5 late", node, now, "live announcements of one author ascend",
           name_of(entry) + " after number " + std::to_string(last)});
    } else {
      const std::uint32_t before = seq > 1 ? world_.pool().at(known.log, seq - 1) : kNone;
      const bool missing = seq > 1 && (before == kNone || !seen.known.contains(before));
      if (missing && !announce.context.gap)
        add({"G5", node, now, "a missing number is announced as a gap",
             name_of(entry) + " without a gap mark"});
      if (!missing && announce.context.gap)
        add({"G5 gap", node, now, "a gap is announced where a number is missing",
             name_of(entry) + " with a gap mark"});
    }
    last = std::max(last, seq);
  }
  seen.known.insert(known.position);
  // Of two envelopes for one place either may be the one that the heads know.
  if (known.position == entry && known.next_fork == kNone) note_depth(seen, known.envelope->envelope);
}

void Checkers::on_taken(std::uint32_t node, std::uint32_t entry) {
  if (world_.is_liar(node) || (entry != kNone && elsewhere_.contains(entry))) return;
  add({"taken", node, world_.now(), "what a neighbor has taken it has committed",
       name_of(entry) + " it has not"});
}

void Checkers::on_acknowledge(std::uint32_t node, std::uint64_t token, std::uint32_t entry) {
  if (world_.is_liar(node)) return;
  if (entry == kNone || !world_.node(node).disk.holds(entry)) {
    add({"G3", node, world_.now(), "what is acknowledged is on the author's disk",
         "text " + std::to_string(token) + " is not"});
    return;
  }
  acknowledged_.insert(entry);
}

void Checkers::on_rows_lost(std::uint32_t node, const std::vector<std::uint32_t>& entries) {
  Seen& seen = seen_by(node);
  for (std::uint32_t entry : entries) {
    const PoolEntry& lost = world_.pool()[entry];
    if (lost.author == node && acknowledged_.contains(entry) && !world_.is_liar(node))
      add({"G3", node, world_.now(), "an acknowledged send survives a power cut of its sender",
           name_of(entry)});
    seen.announced.erase(entry);
    seen.known.erase(lost.position);
    if (lost.log < seen.last_live.size()) seen.last_live[lost.log] = 0;
  }
}

void Checkers::on_spin(std::uint32_t node) {
  add({"spin", node, world_.now(), "a wake comes to what was due", "the next deadline stays in the past"});
}

void Checkers::on_no_end(std::uint64_t events, SimTime now) {
  add({"no end", kNone, now, "a world comes to its end within the bound on events",
       std::to_string(events) + " events, and more are due"});
}

void Checkers::on_penalty(std::uint32_t node, std::uint32_t from, const char* what) {
  if (from == kNone || world_.is_liar(from) || world_.is_liar(node)) return;
  add({"penalty", node, world_.now(), "no honest node is held for faulty",
       "node " + std::to_string(from) + " was: " + what});
}

}  // namespace p2pmesh::sim
