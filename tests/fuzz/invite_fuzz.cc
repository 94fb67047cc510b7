// An invite link and a revocation's line, as somebody pastes them: taken whole or not at all.
#include "fuzz_input.h"
#include "p2pmesh/base/invite_link.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/wire/revocation.h"

using namespace p2pmesh;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(ByteView(data, size));
  if (const auto link = parse_invite_link(text)) {
    demand(is_invite_link(text) && !link->mesh.is_zero());
    demand(!link->addresses.empty() && link->addresses.size() <= limits::kAddressesMax);
    const std::string written = format_invite_link(*link);
    const auto again = parse_invite_link(written);
    demand(again && again->addresses == link->addresses && again->mesh == link->mesh &&
           again->secret == link->secret && format_invite_link(*again) == written);
  }
  if (const auto revocation = parse_revocation(text)) {
    const auto again = parse_revocation(format_revocation(*revocation));
    demand(again && again->key == revocation->key && again->signature == revocation->signature);
  }
  return 0;
}
