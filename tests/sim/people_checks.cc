#include "people_checks.h"

#include <charconv>

#include "p2pmesh/wire/member_body.h"
#include "p2pmesh/wire/text_body.h"

namespace p2pmesh::sim {
namespace {

constexpr char kMark = 'p';  // no other text of a scenario begins with it and goes on with digits

bool is_welcome(Relation relation) {
  return relation == Relation::kAsked || relation == Relation::kAccepted;
}

bool is_kind(const Envelope& envelope, Kind kind) {
  return envelope.kind == static_cast<std::uint16_t>(kind);
}

}  // namespace

void PeopleChecks::add(const char* check, std::uint32_t node, std::string expected, std::string found) {
  checkers_.add({check, node, world_.now(), std::move(expected), std::move(found)});
}

std::uint32_t PeopleChecks::line_of(const std::string& text) {
  std::uint32_t line = kNone;
  if (text.empty() || text.front() != kMark) return kNone;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + 1, end, line);
  return error == std::errc() && stop == end ? line : kNone;
}

void PeopleChecks::set_welcome(Pair& pair, bool welcome) {
  pair.welcome = welcome;
  pair.answered = true;
  pair.ever_welcome = pair.ever_welcome || welcome;
}

std::string PeopleChecks::say(std::uint32_t node, std::uint32_t to, std::uint64_t token) {
  const auto line = static_cast<std::uint32_t>(lines_.size());
  lines_.push_back({node, to});
  line_by_token_[token] = line;
  ++counts_.lines;
  return kMark + std::to_string(line);
}

void PeopleChecks::answer(std::uint32_t node, std::uint32_t other, bool accepts) {
  set_welcome(pairs_[{node, other}], accepts);
  ++(accepts ? counts_.accepted : counts_.declined);
}

void PeopleChecks::hide(std::uint32_t node, bool hidden) {
  sides_[node].hidden = hidden;
  if (hidden) ++counts_.hidden;
}

void PeopleChecks::block(std::uint32_t node, std::uint32_t other, bool blocked) {
  auto& all = sides_[node].blocked;
  blocked ? void(all.insert(other)) : void(all.erase(other));
  if (blocked) ++counts_.blocked;
}

void PeopleChecks::cancel(std::uint32_t node, std::uint64_t draft) {
  sides_[node].cancelling.insert(draft);
  cancels_.insert({node, draft});
  const auto line = line_by_draft_.find({node, draft});
  if (line != line_by_draft_.end()) lines_[line->second].cancelling = true;
}

void PeopleChecks::read(std::uint32_t node, std::uint32_t other) {
  Pair& pair = pairs_[{node, other}];
  for (const auto& [epoch, number] : world_.node(node).disk.people()->numbers_from(world_.node(other).key()))
    pair.read_to[epoch] = std::max(pair.read_to[epoch], number);
}

/// A crash may have come before or after the commit of what was done last: the disk tells.
void PeopleChecks::on_start(std::uint32_t node, bool again) {
  if (!again || !is_person(node)) return;
  const PeopleTables& disk = *world_.node(node).disk.people();
  Side& side = sides_[node];
  side.hidden = !disk.discoverable;
  side.cancelling.clear();
  side.blocked.clear();
  for (const std::uint32_t other : people_) {
    const MemberKey& key = world_.node(other).key();
    const Relation relation = disk.relation_to(key);
    Pair& pair = pairs_[{node, other}];
    set_welcome(pair, is_welcome(relation));
    pair.answered = relation != Relation::kNone;
    if (disk.blocked.contains(key)) side.blocked.insert(other);
  }
  for (const auto& [entry, item] : disk.opened) {
    if (item.direct->own) continue;
    Pair& pair = pairs_[{node, world_.find(item.direct->peer)}];
    pair.committed.insert({item.epoch, item.direct->number});
    pair.entries.insert(entry);
  }
}

void PeopleChecks::on_output(std::uint32_t node, const Output& output, SimTime) {
  if (!is_person(node)) return;
  if (const auto* store = std::get_if<Store>(&output)) return check_stored(node, *store);
  if (const auto* told = std::get_if<TellDelivery>(&output)) return on_told(node, *told);
  if (const auto* announce = std::get_if<Announce>(&output)) return on_shown(node, *announce);
}

void PeopleChecks::check_stored(std::uint32_t node, const Store& store) {
  const Envelope& envelope = store.envelope->envelope;
  Side& side = sides_[node];
  if (side.hidden && store.context.own) {
    if (envelope.envelope_class == EnvelopeClass::kLog)
      add("undiscoverable", node, "who is not to be seen writes nothing", "an envelope of class log");
    if (is_kind(envelope, Kind::kMember) && envelope.envelope_class == EnvelopeClass::kRecord) {
      const auto body = decode_member_body(envelope.body);
      if (body && body->online)
        add("undiscoverable", node, "who is not to be seen is offline", "a member record that says online");
    }
  }
  const DirectMessagePtr& direct = store.context.direct;
  if (!direct) return;
  const std::uint32_t other = world_.find(direct->peer);
  if (direct->own) {
    // One of an earlier life that comes back says nothing about an answer given since.
    Pair& pair = pairs_[{node, other}];
    if (store.context.own || !pair.answered) set_welcome(pair, true);
    return;
  }
  if (side.hidden || side.blocked.contains(other))
    add("undiscoverable", node, "nothing is opened by who is not to be seen, nor of whom it blocks",
        "a direct envelope of node " + std::to_string(other) + " is");
}

void PeopleChecks::on_commit(std::uint32_t node, const CommitResult& result) {
  if (!is_person(node)) return;
  for (const StoreDraft& draft : result.drafts) {
    const auto line = line_by_token_.find(draft.token);
    if (draft.token == 0 || line == line_by_token_.end()) continue;
    lines_[line->second].certain = true;
    lines_[line->second].cancelling = cancels_.contains({node, draft.number});
    line_by_draft_[{node, draft.number}] = line->second;
    ++counts_.kept;
  }
  for (const Committed& committed : result.committed) {
    const DirectMessagePtr& direct = committed.context.direct;
    if (!direct || direct->own || committed.row == 0) continue;
    Pair& pair = pairs_[{node, world_.find(direct->peer)}];
    pair.committed.insert({committed.envelope->envelope.epoch, direct->number});
    pair.entries.insert(world_.pool().find(committed.envelope->id));
    if (committed.context.opened_late) ++counts_.opened_late;
  }
  for (const DiskQuestion& question : result.questions) {
    if (question.kind != DiskQuestion::Kind::kCancelled ||
        sides_[node].cancelling.erase(question.number) == 0)
      continue;
    const auto line = line_by_draft_.find({node, question.number});
    if (line == line_by_draft_.end()) continue;
    lines_[line->second].cancelled = true;
    ++counts_.cancelled;
  }
}

void PeopleChecks::on_acknowledge(std::uint32_t, std::uint64_t token, std::uint32_t) {
  const auto line = line_by_token_.find(token);
  if (token != 0 && line != line_by_token_.end()) lines_[line->second].certain = true;
}

/// What `read` says of a number of `author`'s to `reader` must have been so at some time before.
void PeopleChecks::check_receipt(std::uint32_t author, std::uint32_t reader, const Number& number, bool read,
                                 const char* how) {
  const Pair& pair = pairs_[{reader, author}];
  const std::string what = "number " + std::to_string(number.second) + " of epoch " +
                           std::to_string(number.first) + " to node " + std::to_string(reader);
  if (!pair.committed.contains(number))
    add("receipts", author, "delivered is what the recipient has opened and committed", what + ", " + how);
  if (!pair.ever_welcome)
    add("receipts", author, "delivered is what the recipient wants to read", what + ", " + how);
  if (!read) return;
  const auto read_to = pair.read_to.find(number.first);
  if (read_to == pair.read_to.end() || read_to->second < number.second)
    add("receipts", author, "read is what the recipient has read up to", what + ", " + how);
}

void PeopleChecks::on_told(std::uint32_t node, const TellDelivery& told) {
  const std::uint32_t reader = world_.find(told.member);
  if (!is_person(reader)) return;
  for (const ReceivedLog& log : told.received) {
    for (const auto& [first, last] : log.intervals) {
      for (std::uint64_t number = first; number <= last; ++number) {
        const bool read = number <= log.read_to;
        check_receipt(node, reader, {log.epoch, number}, read, "told");
        ++counts_.receipts;
        if (read) ++counts_.read;
      }
    }
  }
}

void PeopleChecks::on_shown(std::uint32_t node, const Announce& announce) {
  const Envelope& envelope = announce.envelope->envelope;
  const std::uint32_t entry = world_.pool().find(announce.envelope->id);
  Side& side = sides_[node];
  std::vector<std::string> texts;
  if (const DirectMessagePtr& direct = announce.context.direct) {
    texts = direct->texts;
    const std::uint32_t other = world_.find(direct->peer);
    const bool shown = world_.node(node).core->is_shown(direct->peer);
    if (!direct->own && is_person(other) && shown != pairs_[{node, other}].welcome)
      add("requests", node,
          shown ? "nothing is shown of whom its member has not accepted" : "who was accepted is shown",
          "a message of node " + std::to_string(other) + (shown ? " is" : " is not"));
  } else if (is_kind(envelope, Kind::kText) && is_person(world_.pool()[entry].author)) {
    if (auto body = decode_text_body(envelope.body)) texts = std::move(*body);
  }
  for (const std::string& text : texts) {
    const std::uint32_t line = line_of(text);
    if (line == kNone) continue;
    if (!side.lines_shown.insert(line).second) add("outbox", node, "a line is shown once", text + " again");
    side.shown[entry].push_back(line);
  }
}

void PeopleChecks::forget(std::uint32_t node, const std::vector<std::uint32_t>& entries) {
  if (!is_person(node)) return;
  Side& side = sides_[node];
  for (const std::uint32_t entry : entries) {
    const auto shown = side.shown.find(entry);
    if (shown == side.shown.end()) continue;
    for (const std::uint32_t line : shown->second) side.lines_shown.erase(line);
    side.shown.erase(shown);
  }
}

void PeopleChecks::on_rows_lost(std::uint32_t node, const std::vector<std::uint32_t>& entries) {
  forget(node, entries);
}

void PeopleChecks::look() {
  for (const std::uint32_t number : people_) {
    const SimNode& node = world_.node(number);
    if (node.state != HostState::kRunning) continue;
    if (node.core->status().discoverable == sides_[number].hidden)
      add("undiscoverable", number, "seen or not as its member wants it", "the other way round");
    const bool is_idle = !node.disk.has_work() && !node.disk.is_committing();
    for (const std::uint32_t other : people_) {
      if (other == number) continue;
      const MemberKey key = world_.node(other).key();
      const bool welcome = pairs_[{number, other}].welcome;
      if (node.core->is_shown(key) != welcome)
        add("requests", number, welcome ? "who was accepted is shown" : "who was not accepted is not shown",
            "node " + std::to_string(other) + (welcome ? " is not" : " is"));
      if (is_idle && is_welcome(node.disk.people()->relation_to(key)) != welcome)
        add("requests", number, "an answer that was given is on the disk",
            "the one to node " + std::to_string(other) + " is not");
    }
    for (const auto& [entry, item] : node.disk.people()->opened) {
      const std::uint32_t reader = world_.find(item.direct->peer);
      if (!item.direct->own || !is_person(reader)) continue;
      const auto state = node.core->delivery_of(item.direct->peer, world_.pool()[entry].envelope->id,
                                                item.epoch, item.direct->number);
      if (!state || *state == Delivery::kSent) continue;
      // Told by number: were two of one number, the second would count as delivered with the first.
      if (!pairs_[{reader, number}].entries.contains(entry))
        add("receipts", number, "what is known as delivered its recipient has opened and committed",
            "number " + std::to_string(item.direct->number) + " of epoch " + std::to_string(item.epoch) +
                " to node " + std::to_string(reader) + " it has not");
      check_receipt(number, reader, {item.epoch, item.direct->number}, *state == Delivery::kRead, "known");
    }
  }
}

}  // namespace p2pmesh::sim
