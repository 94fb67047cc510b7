// What is promised to people who write to each other: lines that wait and are sent once, receipts that are
// true, strangers that are not heard unasked, being left alone. Told by those who make nodes act
// (scenarios/people_acts.h) what they do, it compares that with what the nodes do.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "checkers.h"
#include "observer.h"
#include "world.h"

namespace p2pmesh::sim {

/// What happened, so that nobody takes an empty world for a good one.
struct PeopleCounts {
  std::uint64_t lines = 0;
  std::uint64_t kept = 0;       ///< as drafts
  std::uint64_t cancelled = 0;  ///< drafts, and their sender was told so
  std::uint64_t accepted = 0;
  std::uint64_t declined = 0;
  std::uint64_t hidden = 0;  ///< times
  std::uint64_t blocked = 0;
  std::uint64_t receipts = 0;  ///< lines told as delivered or read
  std::uint64_t read = 0;
  std::uint64_t opened_late = 0;
};

class PeopleChecks final : public Observer {
 public:
  PeopleChecks(World& world, Checkers& checkers, std::set<std::uint32_t> people)
      : world_(world), checkers_(checkers), people_(std::move(people)) {}

  // What a member does, just before its node is told.

  /// Returns the text of the next line. `to`: kNone for a room.
  std::string say(std::uint32_t node, std::uint32_t to, std::uint64_t token);
  void answer(std::uint32_t node, std::uint32_t other, bool accepts);
  void hide(std::uint32_t node, bool hidden);
  void block(std::uint32_t node, std::uint32_t other, bool blocked);
  void cancel(std::uint32_t node, std::uint64_t draft);
  void read(std::uint32_t node, std::uint32_t other);

  void on_start(std::uint32_t node, bool again) override;
  void on_output(std::uint32_t node, const Output& output, SimTime now) override;
  void on_commit(std::uint32_t node, const CommitResult& result) override;
  void on_acknowledge(std::uint32_t node, std::uint64_t token, std::uint32_t entry) override;
  void on_rows_lost(std::uint32_t node, const std::vector<std::uint32_t>& entries) override;

  /// What has to hold at every moment and is told by nobody.
  void look();
  /// What has to hold once the world is quiet, everybody is seen and nobody blocked.
  [[nodiscard]] std::vector<Violation> check_end() const;
  [[nodiscard]] const PeopleCounts& counts() const { return counts_; }

 private:
  struct Line {
    std::uint32_t author = kNone;
    std::uint32_t to = kNone;
    bool certain = false;     ///< acknowledged, or kept
    bool cancelling = false;  ///< somebody tried to
    bool cancelled = false;   ///< and was told that it is
  };
  using Number = std::pair<std::uint64_t, std::uint64_t>;  // epoch, number
  /// How one member stands to another one, and what it has of it.
  struct Pair {
    bool welcome = false;
    bool answered = false;  ///< has said how it stands
    bool ever_welcome = false;
    std::set<Number> committed;
    std::set<std::uint32_t> entries;  // the same, by number in the pool
    std::map<std::uint64_t, std::uint64_t> read_to;
  };
  struct Side {
    bool hidden = false;
    std::set<std::uint32_t> blocked;
    std::map<std::uint32_t, std::vector<std::uint32_t>> shown;  // lines, by envelope
    std::set<std::uint32_t> lines_shown;
    std::set<std::uint64_t> cancelling;  // drafts
  };
  void add(const char* check, std::uint32_t node, std::string expected, std::string found);
  [[nodiscard]] bool is_person(std::uint32_t node) const { return people_.contains(node); }
  void check_stored(std::uint32_t node, const Store& store);
  void on_told(std::uint32_t node, const TellDelivery& told);
  void on_shown(std::uint32_t node, const Announce& announce);
  void check_receipt(std::uint32_t author, std::uint32_t reader, const Number& number, bool read,
                     const char* how);
  void forget(std::uint32_t node, const std::vector<std::uint32_t>& entries);
  static void set_welcome(Pair& pair, bool welcome);
  /// The line that a text is, or kNone.
  static std::uint32_t line_of(const std::string& text);

  struct EndView;
  void check_lines(EndView& view) const;
  /// Where a line is that did not arrive.
  [[nodiscard]] std::string find_line(std::uint32_t number) const;
  void check_order(EndView& view) const;
  void check_receipts(EndView& view) const;

  World& world_;
  Checkers& checkers_;
  std::set<std::uint32_t> people_;
  std::vector<Line> lines_;
  std::map<std::uint64_t, std::uint32_t> line_by_token_;
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint32_t> line_by_draft_;
  std::set<std::pair<std::uint32_t, std::uint64_t>> cancels_;  // by node and draft, tried
  std::map<std::pair<std::uint32_t, std::uint32_t>, Pair> pairs_;
  std::map<std::uint32_t, Side> sides_;
  PeopleCounts counts_;
};

}  // namespace p2pmesh::sim
