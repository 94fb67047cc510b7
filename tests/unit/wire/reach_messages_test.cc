#include "p2pmesh/wire/reach_messages.h"

#include <doctest/doctest.h>

#include "p2pmesh/wire/frame.h"

using namespace p2pmesh;

namespace {

ByteView payload_of(const Bytes& frame) {
  return ByteView(frame).subspan(limits::kFrameHeaderBytes);
}

}  // namespace

TEST_CASE("AnAskForADialBackAndItsAnswerComeBackAsTheyWere") {
  const Bytes ask = encode_frame_of(ReachAsk{9750});
  CHECK(ask[limits::kFrameHeaderBytes - 1] == kReachAskType);
  CHECK(decode_reach_ask(payload_of(ask))->port == 9750);
  for (const Reach reach : {Reach::kReached, Reach::kRefused, Reach::kSilent, Reach::kOtherNode}) {
    const Bytes told = encode_frame_of(ReachTold{9750, reach});
    CHECK(told[limits::kFrameHeaderBytes - 1] == kReachToldType);
    const auto decoded = decode_reach_told(payload_of(told));
    REQUIRE(decoded);
    CHECK(decoded->port == 9750);
    CHECK(decoded->reach == reach);
  }
}

TEST_CASE("MalformedAsksAndAnswersAreRefused") {
  CHECK((kReachAskType & kSkippableFrameBit) != 0);
  CHECK((kReachToldType & kSkippableFrameBit) != 0);
  for (const Bytes& payload : {Bytes{}, Bytes{1}, Bytes{0, 0}, Bytes{1, 2, 3}})
    CHECK_FALSE(decode_reach_ask(payload));
  for (const Bytes& payload :
       {Bytes{}, Bytes{1, 2}, Bytes{0, 0, 1}, Bytes{1, 2, 0}, Bytes{1, 2, 5}, Bytes{1, 2, 1, 1}})
    CHECK_FALSE(decode_reach_told(payload));
}
