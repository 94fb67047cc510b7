// What a lying node does beside, or in place of, what its core wants.
#pragma once

#include <cstdint>
#include <vector>

#include "draw.h"
#include "fault_options.h"
#include "p2pmesh/core/outputs.h"
#include "p2pmesh/wire/envelope.h"

namespace p2pmesh::sim {

class SimNode;
struct Surroundings;

class Liar {
 public:
  Liar(SimNode& self, Surroundings& around, std::uint32_t lies, std::uint64_t seed);

  /// What the honest core wants sent: false when it is swallowed or replaced.
  bool passes(const SendFrame& send);
  /// Called several times a second.
  void act();

 private:
  void send(LinkId link, const SealedEnvelope& envelope);
  EnvelopePtr write(std::uint64_t epoch, std::uint64_t seq, const EnvelopeId& prev, const std::string& text);
  void forge(const std::vector<LinkId>& links);
  void replay(const std::vector<LinkId>& links);
  void equivocate(const std::vector<LinkId>& links);
  void flood(const std::vector<LinkId>& links);
  void announce(const std::vector<LinkId>& links);
  void leave_gaps(const std::vector<LinkId>& links);
  void write_two_records(const std::vector<LinkId>& links);
  EnvelopePtr seal(SealedEnvelope sealed);
  bool spoils(const SendFrame& send);

  SimNode& self_;
  Surroundings& around_;
  std::uint32_t lies_;
  Draw draw_;
  std::uint64_t epoch_ = 0;
  std::uint64_t seq_ = 0;
  std::uint64_t flooded_ = 0;
  std::uint64_t announced_ = 0;
  std::uint64_t gaps_ = 0;
  std::uint64_t records_ = 0;
  EnvelopeId last_;
};

}  // namespace p2pmesh::sim
