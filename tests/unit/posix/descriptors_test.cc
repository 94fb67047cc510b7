#include "p2pmesh/posix/descriptors.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace p2pmesh;

TEST_CASE("what is open is counted") {
  const std::size_t before = open_descriptors();
  CHECK(before >= 3);
  {
    const UniqueFd one(::dup(0));
    CHECK(open_descriptors() == before + 1);
  }
  CHECK(open_descriptors() == before);
  CHECK(descriptors_max() >= before);
}

TEST_CASE("the soft limit can be raised to the hard one") {
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  rlimit low = limit;
  low.rlim_cur = 200;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  CHECK(descriptors_max() == 200);
  CHECK(raise_descriptors() == limit.rlim_max);
  CHECK(descriptors_max() == limit.rlim_max);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

TEST_CASE("the spare one makes room for one more when none is left") {
  SpareDescriptor spare;
  CHECK(spare.is_held());
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const UniqueFd next(::dup(0));
  rlimit low = limit;
  low.rlim_cur = static_cast<rlim_t>(next.get()) + 1;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  UniqueFd refused(::dup(0));
  spare.give_up();
  UniqueFd taken(::dup(0));
  spare.take();
  const bool was_held = spare.is_held();
  taken.reset();
  spare.take();
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  CHECK_FALSE(refused);
  CHECK_FALSE(was_held);
  CHECK(spare.is_held());
}
