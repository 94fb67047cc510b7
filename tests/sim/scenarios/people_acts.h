// Members that write to each other and have their moods, drawn from the seed.
#pragma once

#include <cstdint>
#include <vector>

#include "../people_checks.h"
#include "../stage.h"

namespace p2pmesh::sim {

struct PeoplePlan {
  std::uint32_t count = 0;             ///< the first nodes of the world; 0: nobody
  SimTime interval = kSecond / 2;      ///< mean time between two acts in the whole world
  std::uint32_t crash_ppm = 20'000;    ///< the process or the machine ends within a moment of an act
  std::uint32_t cut_off_ppm = 20'000;  ///< nobody reaches it for a while
};

class PeopleActs {
 public:
  PeopleActs(Stage& stage, const PeoplePlan& plan);
  ~PeopleActs();
  PeopleActs(const PeopleActs&) = delete;
  PeopleActs& operator=(const PeopleActs&) = delete;

  /// Before the node starts.
  void prepare(std::uint32_t node);
  void schedule(SimTime end);
  /// Everybody is seen, has a key and blocks nobody.
  void come_home();
  [[nodiscard]] const PeopleChecks& checks() const { return checks_; }

 private:
  void act_after_a_while();
  void look_after_a_while();
  void act(std::uint32_t node);
  void tell(std::uint32_t node, std::uint32_t other);
  void say(std::uint32_t node);
  void answer(std::uint32_t node, std::uint32_t other);
  void cancel(std::uint32_t node);
  void read(std::uint32_t node, std::uint32_t other);
  void hide(std::uint32_t node, bool hidden);
  void block(std::uint32_t node, std::uint32_t other, bool blocked);
  void renew(std::uint32_t node);
  void crash_in_a_moment(std::uint32_t node);
  void cut_off(std::uint32_t node);
  [[nodiscard]] bool can_act(std::uint32_t node) const;
  void come_home(std::uint32_t node, int tries);

  World& world_;
  PeoplePlan plan_;
  Draw draw_;
  PeopleChecks checks_;
  SimTime end_ = 0;
};

}  // namespace p2pmesh::sim
