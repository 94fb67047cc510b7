// The order of the versions of one record, and what became of an envelope that was offered.
#pragma once

#include <cstdint>
#include <tuple>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/planted.h"

namespace p2pmesh {

/// Of two versions of one record the greater is the newer.
struct RecordVersion {
  std::uint64_t epoch = 0;
  std::uint64_t version = 0;
  EnvelopeId id;  ///< breaks a tie: the smaller id is the newer

  [[nodiscard]] bool is_newer_than(const RecordVersion& other) const {
    return std::tie(epoch, version) != std::tie(other.epoch, other.version)
               ? std::tie(epoch, version) > std::tie(other.epoch, other.version)
           : P2P_PLANTED(VersionTieWrong) ? other.id < id
                                          : id < other.id;
  }
};

enum class AcceptResult : std::uint8_t { kNew, kAlready, kTooMany };

}  // namespace p2pmesh
