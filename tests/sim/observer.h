// What the checkers and the metrics see of the world. They change nothing in it.
#pragma once

#include <cstdint>
#include <vector>

#include "p2pmesh/core/outputs.h"
#include "p2pmesh/ingress/ingress.h"
#include "sim_time.h"
#include "virtual_disk.h"

namespace p2pmesh::sim {

/// All log envelopes are named by their number in the pool; kNone stands for records and passing ones.
class Observer {
 public:
  virtual ~Observer() = default;
  /// A node starts; `held`: what its disk holds. `again`: it ran before.
  virtual void on_start(std::uint32_t /*node*/, bool /*again*/) {}
  virtual void on_stop(std::uint32_t /*node*/) {}
  /// A scenario made a node speak.
  virtual void on_text(std::uint32_t /*node*/, std::uint64_t /*token*/, SimTime /*now*/) {}
  /// An author wrote an envelope that holds the texts of these tokens.
  virtual void on_written(std::uint32_t /*node*/, std::uint32_t /*entry*/,
                          const std::vector<std::uint64_t>& /*tokens*/, SimTime /*now*/) {}
  /// An envelope came over a link and was judged; `genuine`: the claimed author signed it or is a liar.
  virtual void on_envelope(std::uint32_t /*node*/, std::uint32_t /*from*/, std::uint32_t /*entry*/,
                           Verdict /*verdict*/, bool /*live*/, std::uint16_t /*round*/, bool /*genuine*/) {}
  /// The core wants it stored: `genuine` as above.
  virtual void on_store(std::uint32_t /*node*/, std::uint32_t /*entry*/, bool /*genuine*/) {}
  virtual void on_announce(std::uint32_t /*node*/, std::uint32_t /*entry*/, const Announce& /*announce*/,
                           SimTime /*now*/) {}
  /// The core of a node that has people wants this done; it is done next.
  virtual void on_output(std::uint32_t /*node*/, const Output& /*output*/, SimTime /*now*/) {}
  /// The disk of such a node has committed this; the core hears of it next.
  virtual void on_commit(std::uint32_t /*node*/, const CommitResult& /*result*/) {}
  virtual void on_acknowledge(std::uint32_t /*node*/, std::uint64_t /*token*/, std::uint32_t /*entry*/) {}
  /// A neighbor has taken an own envelope: it leaves the outbox.
  virtual void on_taken(std::uint32_t /*node*/, std::uint32_t /*entry*/) {}
  /// A power cut took these rows.
  virtual void on_rows_lost(std::uint32_t /*node*/, const std::vector<std::uint32_t>& /*entries*/) {}
  /// The core closed a link because of what came over it.
  virtual void on_penalty(std::uint32_t /*node*/, std::uint32_t /*from*/, const char* /*what*/) {}
  /// The core asked again and again to be woken at a time that is over.
  virtual void on_spin(std::uint32_t /*node*/) {}
  /// The world has had as many events as it may: none is handled from now on.
  virtual void on_no_end(std::uint64_t /*events*/, SimTime /*now*/) {}
  virtual void on_notice(std::uint32_t /*node*/, const PublishNotice& /*notice*/, SimTime /*now*/) {}
};

}  // namespace p2pmesh::sim
