// What a core node's outputs are stored in by the tests: in memory, as the real store would, and handed back
// at a restart.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "p2pmesh/core/node.h"
#include "p2pmesh/crypto/hash.h"
#include "p2pmesh/crypto/signature.h"
#include "p2pmesh/wire/messages.h"
#include "p2pmesh/wire/text_body.h"

namespace p2pmesh::test {

/// A store in memory: keeps what was committed, in order; serves ranges and records.
struct MemoryStore {
  std::vector<EnvelopePtr> logs;
  std::map<std::tuple<MemberKey, std::uint16_t, std::string>, EnvelopePtr> records;
  std::set<EnvelopeId> outbox;
  std::map<MemberKey, StoreCorrespondent> correspondents;
  std::map<EnvelopeId, DirectMessagePtr> directs;
  std::vector<EnvelopeId> carried;  ///< between others
  std::set<EnvelopeId> hidden;      ///< refused, and held all the same
  int hides_fail = 0;               ///< the next ones
  struct Gone {
    MemberKey author;
    std::uint64_t epoch = 0;
    std::uint64_t seq = 0;
    std::uint64_t id_digest = 0;
  };
  std::vector<Gone> gone;
  std::map<std::uint64_t, StoreDraft> drafts;
  std::uint64_t last_draft = 0;
  std::vector<Anchor> anchors;
  bool clean = false;
  std::size_t acts_restored_max = ~std::size_t{0};  ///< others are read when they are wanted

  /// As MeshStore numbers them: 0 for a duplicate.
  std::uint64_t commit(const Store& stored) {
    const std::uint64_t row = stored.context.opened_late ? open_late(stored) : commit(stored.envelope);
    for (const std::uint64_t number : stored.context.drafts) drafts.erase(number);
    if (stored.context.direct && row != 0) directs[stored.envelope->id] = stored.context.direct;
    if (stored.context.carried && row != 0) carried.push_back(stored.envelope->id);
    return row;
  }
  /// The direct envelopes of others that were not opened.
  std::vector<EnvelopePtr> unopened(const MemberKey& self) const {
    std::vector<EnvelopePtr> found;
    for (const EnvelopePtr& held : logs) {
      const bool is_direct = held->envelope.kind == static_cast<std::uint16_t>(Kind::kDirect);
      if (is_direct && held->envelope.author != self && !directs.contains(held->id)) found.push_back(held);
    }
    return found;
  }
  std::uint64_t open_late(const Store& stored) {
    return directs.contains(stored.envelope->id) ? 0 : logs.size() + directs.size() + 1;
  }
  std::uint64_t commit(const EnvelopePtr& envelope) {
    const Envelope& e = envelope->envelope;
    if (e.envelope_class == EnvelopeClass::kRecord) {
      records[{e.author, e.kind, std::string(as_text(e.subject))}] = envelope;
      return 1;
    }
    for (const EnvelopePtr& held : logs) {
      if (held->envelope.author == e.author && held->envelope.epoch == e.epoch && held->envelope.seq == e.seq)
        return 0;
    }
    for (const Gone& one : gone) {
      if (one.author == e.author && one.epoch == e.epoch && one.seq == e.seq) return 0;
    }
    logs.push_back(envelope);
    return logs.size() + gone.size();
  }
  std::vector<EnvelopePtr> load(const Load& load) const {
    std::vector<EnvelopePtr> found;
    for (const auto& wanted : load.records) {
      auto record = records.find({wanted.author, wanted.kind, std::string(as_text(wanted.subject))});
      if (record != records.end()) found.push_back(record->second);
    }
    for (const auto& range : load.ranges) {
      std::vector<EnvelopePtr> in_range;
      for (const EnvelopePtr& held : logs) {
        const Envelope& e = held->envelope;
        if (e.author == range.author && e.epoch == range.epoch && e.seq >= range.first &&
            e.seq <= range.last && !hidden.contains(held->id)) {
          in_range.push_back(held);
        }
      }
      std::sort(in_range.begin(), in_range.end(),
                [](const auto& a, const auto& b) { return a->envelope.seq < b->envelope.seq; });
      found.insert(found.end(), in_range.begin(), in_range.end());
    }
    return found;
  }
  /// Drops the direct envelopes that this node carries for others.
  void drop_carried() {
    for (const EnvelopeId& id : carried) {
      const auto held =
          std::find_if(logs.begin(), logs.end(), [&](const auto& log) { return log->id == id; });
      if (held == logs.end()) continue;
      const Envelope& e = (*held)->envelope;
      gone.push_back({e.author, e.epoch, e.seq, id_digest(id)});
      logs.erase(held);
    }
    carried.clear();
  }
  /// Each range as one, which fits as long as nothing in it was never held.
  /// As MeshStore::hide_refused().
  RefusedHidden hide(const HideRefused& refused) {
    RefusedHidden answer;
    answer.author = refused.author;
    if (hides_fail > 0) {
      --hides_fail;
      answer.failed = true;
      return answer;
    }
    std::map<std::uint64_t, std::map<std::uint64_t, EnvelopeId>> hidden_seqs;
    for (const EnvelopePtr& held : logs) {
      if (held->envelope.author != refused.author) continue;
      hidden.erase(held->id);
      for (const Restriction& one : refused.restrictions) {
        if (!one.refuses(held->envelope, refused.now_ms)) continue;
        hidden.insert(held->id);
        hidden_seqs[held->envelope.epoch][held->envelope.seq] = held->id;
      }
    }
    for (const auto& [epoch, seqs] : hidden_seqs) {
      HiddenLog log{epoch, {}, 0};
      for (const auto& [seq, id] : seqs) {
        log.intervals.emplace_back(seq, seq);
        if (log.intervals.size() > 1 && log.intervals[log.intervals.size() - 2].second + 1 == seq) {
          log.intervals.pop_back();
          log.intervals.back().second = seq;
        }
        log.ids_digest ^= id_digest(id);
      }
      answer.logs.push_back(std::move(log));
    }
    return answer;
  }
  std::vector<GoneRange> load_gone(const Load& load) const {
    std::vector<GoneRange> found;
    for (const auto& range : load.ranges) {
      GoneRange part{range.author, range.epoch, range.first, range.last, 0};
      bool any = false;
      for (const Gone& one : gone) {
        if (one.author != range.author || one.epoch != range.epoch || one.seq < range.first ||
            one.seq > range.last)
          continue;
        any = true;
        part.ids_digest ^= one.id_digest;
      }
      if (any) found.push_back(part);
    }
    return found;
  }
  RestoredState restore() const {
    RestoredState state;
    std::map<std::pair<MemberKey, std::uint64_t>, std::map<std::uint64_t, EnvelopeId>> by_log;
    std::map<std::pair<MemberKey, std::uint64_t>, std::uint64_t> gone_digests;
    for (const Gone& one : gone) {
      by_log[{one.author, one.epoch}][one.seq] = {};
      gone_digests[{one.author, one.epoch}] ^= one.id_digest ^ id_digest(EnvelopeId{});
    }
    for (const EnvelopePtr& held : logs) {
      if (is_act(held->envelope)) {
        state.has_more_acts = state.acts.size() >= acts_restored_max;
        if (!state.has_more_acts) state.acts.push_back(held);
      }
      by_log[{held->envelope.author, held->envelope.epoch}][held->envelope.seq] = held->id;
      state.heads.push_back({held->envelope.room, {held->id, held->envelope.depth}, held->envelope.author});
      if (outbox.contains(held->id)) {
        state.outbox.push_back({held->id, held->envelope.epoch, held->envelope.seq,
                                static_cast<std::uint32_t>(count_text_messages(held->envelope.body))});
      }
    }
    for (const auto& [key, seqs] : by_log) {
      RestoredLog log;
      log.author = key.first;
      log.epoch = key.second;
      log.ids_digest = gone_digests[key];
      for (const auto& [seq, id] : seqs) {
        if (!log.intervals.empty() && log.intervals.back().second + 1 == seq)
          log.intervals.back().second = seq;
        else
          log.intervals.emplace_back(seq, seq);
        log.last_id = id;
        log.ids_digest ^= id_digest(id);
      }
      state.logs.push_back(std::move(log));
    }
    for (const auto& [key, record] : records) state.records.push_back(record);
    for (const auto& [member, stored] : correspondents)
      state.correspondents.push_back(restore_correspondent(stored));
    for (const auto& [number, draft] : drafts)
      state.drafts.push_back({number, draft.room, draft.to, draft.text, draft.wall_ms});
    state.last_draft = last_draft;
    for (const Anchor& anchor : anchors) state.peers.push_back({anchor.node, anchor.address, 1, 0, true});
    state.clean_stop = clean;
    return state;
  }
  RestoredCorrespondent restore_correspondent(const StoreCorrespondent& stored) const {
    RestoredCorrespondent restored;
    restored.member = stored.member;
    restored.relation = stored.relation;
    restored.asks = stored.asks;
    std::map<std::uint64_t, std::set<std::uint64_t>> received;
    for (const EnvelopePtr& held : logs) {
      const auto direct = directs.find(held->id);
      if (direct == directs.end() || direct->second->peer != stored.member) continue;
      const DirectMessage& message = *direct->second;
      restored.depth = std::max(restored.depth, message.depth);
      if (!message.own) {
        received[held->envelope.epoch].insert(message.number);
      } else if (std::tie(held->envelope.epoch, message.number) >
                 std::tie(restored.written_epoch, restored.written_number)) {
        restored.written_epoch = held->envelope.epoch;
        restored.written_number = message.number;
      }
    }
    for (const auto& [epoch, numbers] : received) {
      ReceivedLog log;
      log.epoch = epoch;
      for (std::uint64_t number : numbers) {
        if (!log.intervals.empty() && log.intervals.back().second + 1 == number)
          log.intervals.back().second = number;
        else
          log.intervals.emplace_back(number, number);
      }
      restored.received.push_back(log);
    }
    return restored;
  }
};

}  // namespace p2pmesh::test
