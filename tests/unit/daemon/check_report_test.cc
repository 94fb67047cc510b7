// What a check says to people and to scripts.
#include "check_report.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;

namespace p2pmesh {
namespace {

const HostPort kPlace{"ex\x1b[2Jample", 9750};

AddressCheck answered() {
  AddressCheck check;
  check.addresses.push_back(
      {*SocketAddress::from_host("fd00::1", 9750), {}, {ExitStatus::kUnavailable, "silent"}});
  check.addresses.push_back({*SocketAddress::from_host("10.0.0.1", 9750), 1500us, {}});
  check.greeted = 1;
  check.version = 3;
  check.greeted_for = 2ms;
  check.node.emplace();
  return check;
}

TEST_CASE("AnOpenMeshIsToldStepByStep") {
  AddressCheck check = answered();
  check.mesh.emplace();
  const std::string text = format_check(kPlace, check);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("does not answer: [fd00::1]:9750 (silent)\nanswers: 10.0.0.1:9750 after 1.5 ms\n") !=
        std::string::npos);
  CHECK(text.find("speaks: the p2pmesh protocol, version 3\n") != std::string::npos);
  CHECK(text.find("mesh: open to everybody, " + check.mesh->hex() + "\n") != std::string::npos);
  CHECK(text.ends_with("round trip: 1.5 ms for the connection, 2.0 ms for a hello and its answer\n"));
  CHECK(status_of_check(check) == ExitStatus::kOk);
  const std::string json = format_check_json(kPlace, check);
  CHECK(json.find('\x1b') == std::string::npos);
  CHECK(json.find("\"greeted\":\"10.0.0.1:9750\",\"speaks\":true,\"version\":3") != std::string::npos);
  CHECK(json.find("\"state\":\"open\"") != std::string::npos);
  CHECK(json.ends_with("\"status\":0}\n"));
}

TEST_CASE("ClosedAndAReasonOfTheFutureAreNoFailures") {
  AddressCheck check = answered();
  check.refusal = 6;
  CHECK(format_check(kPlace, check).find("mesh: closed") != std::string::npos);
  CHECK(format_check_json(kPlace, check).find("\"state\":\"closed\",\"reason\":6") != std::string::npos);
  check.refusal = 77;
  CHECK(format_check(kPlace, check).find("reason number 77") != std::string::npos);
  CHECK(format_check_json(kPlace, check).find("\"state\":\"refused\",\"reason\":77") != std::string::npos);
  CHECK(status_of_check(check) == ExitStatus::kOk);
}

TEST_CASE("WhatEndedItIsSaidElsewhere") {
  AddressCheck check;
  check.error = Error{ExitStatus::kUnknownHost, "nobody knows it"};
  CHECK(format_check(kPlace, check).empty());
  CHECK(status_of_check(check) == ExitStatus::kUnknownHost);
  CHECK(format_check_json(kPlace, check)
            .ends_with("\"addresses\":[],\"speaks\":false,\"status\":68,\"error\":\"nobody knows it\"}\n"));
}

}  // namespace
}  // namespace p2pmesh
