// The one file that includes ICU, which is heavy to compile and to load.
#include "p2pmesh/text/look_alikes.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <unicode/uspoof.h>

#include "p2pmesh/text/name.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kSkeletonBytesExpected = 256;  // a name of 64 bytes grows a little; longer ones twice

/// Opened at the first use and kept: it is immutable from then on. Null when ICU has no data.
const USpoofChecker* checker() {
  static const USpoofChecker* const kChecker = [] {
    UErrorCode status = U_ZERO_ERROR;
    USpoofChecker* made = uspoof_open(&status);
    uspoof_setRestrictionLevel(made, USPOOF_HIGHLY_RESTRICTIVE);
    uspoof_setChecks(made, USPOOF_RESTRICTION_LEVEL, &status);
    return U_SUCCESS(status) ? made : nullptr;
  }();
  return kChecker;
}

}  // namespace

std::string name_skeleton(std::string_view name) {
  if (checker() == nullptr || !is_well_formed(name)) return name_key(name);
  std::vector<char> skeleton(kSkeletonBytesExpected);
  for (int attempt = 0; attempt < 2; ++attempt) {
    UErrorCode status = U_ZERO_ERROR;
    const std::int32_t length =
        uspoof_getSkeletonUTF8(checker(), 0, name.data(), static_cast<std::int32_t>(name.size()),
                               skeleton.data(), static_cast<std::int32_t>(skeleton.size()), &status);
    if (U_SUCCESS(status)) return name_key({skeleton.data(), static_cast<std::size_t>(length)});
    if (status != U_BUFFER_OVERFLOW_ERROR) break;
    skeleton.resize(static_cast<std::size_t>(length) + 1);
  }
  return name_key(name);
}

bool mixes_scripts(std::string_view name) {
  // Most names: nothing to ask for.
  if (std::all_of(name.begin(), name.end(), [](char byte) { return static_cast<signed char>(byte) >= 0; }))
    return false;
  if (checker() == nullptr || !is_well_formed(name)) return false;
  UErrorCode status = U_ZERO_ERROR;
  const std::int32_t found =
      uspoof_check2UTF8(checker(), name.data(), static_cast<std::int32_t>(name.size()), nullptr, &status);
  return U_SUCCESS(status) && (found & USPOOF_RESTRICTION_LEVEL) != 0;
}

}  // namespace p2pmesh
