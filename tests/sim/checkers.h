// The promises of design.md, section 5, held against everything that nodes announce, store and send while the
// world runs. end_checks.h has what must hold once it is quiet.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bit_set.h"
#include "observer.h"
#include "violation.h"
#include "world.h"

namespace p2pmesh::sim {

class Checkers final : public Observer {
 public:
  explicit Checkers(const World& world) : world_(world) {}

  [[nodiscard]] const std::vector<Violation>& violations() const { return violations_; }
  void add(Violation violation);
  /// Log envelopes whose texts were acknowledged by honest nodes.
  [[nodiscard]] const BitSet& acknowledged() const { return acknowledged_; }
  [[nodiscard]] std::uint64_t duplicates_shown() const { return duplicates_shown_; }
  [[nodiscard]] std::uint64_t order_inversions() const { return order_inversions_; }

  void on_start(std::uint32_t node, bool again) override;
  void on_envelope(std::uint32_t node, std::uint32_t from, std::uint32_t entry, Verdict verdict, bool live,
                   std::uint16_t round, bool genuine) override;
  void on_written(std::uint32_t node, std::uint32_t entry, const std::vector<std::uint64_t>& tokens,
                  SimTime now) override;
  void on_store(std::uint32_t node, std::uint32_t entry, bool genuine) override;
  void on_announce(std::uint32_t node, std::uint32_t entry, const Announce& announce, SimTime now) override;
  void on_acknowledge(std::uint32_t node, std::uint64_t token, std::uint32_t entry) override;
  void on_taken(std::uint32_t node, std::uint32_t entry) override;
  void on_rows_lost(std::uint32_t node, const std::vector<std::uint32_t>& entries) override;
  void on_spin(std::uint32_t node) override;
  void on_no_end(std::uint64_t events, SimTime now) override;
  void on_penalty(std::uint32_t node, std::uint32_t from, const char* what) override;

 private:
  struct Seen {
    BitSet announced;                             // by entry
    BitSet known;                                 // positions held or announced
    std::vector<std::uint64_t> last_live;         // by log
    std::map<std::string, std::uint64_t> depths;  // by room: of the deepest one shown or written here
  };
  Seen& seen_by(std::uint32_t node);
  static void note_depth(Seen& seen, const Envelope& fields);
  [[nodiscard]] std::string name_of(std::uint32_t entry) const;

  const World& world_;
  std::vector<Seen> seen_;
  BitSet acknowledged_;
  BitSet elsewhere_;  // was on the disk of another than its author
  std::vector<Violation> violations_;
  std::map<std::string, std::size_t> count_by_check_;
  std::uint64_t duplicates_shown_ = 0;
  std::uint64_t order_inversions_ = 0;
};

}  // namespace p2pmesh::sim
