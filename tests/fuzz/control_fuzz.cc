// A line at the control socket, and a line from it; what is printed of it is safe.
#include "fuzz_input.h"
#include "p2pmesh/control/incoming.h"
#include "p2pmesh/control/request.h"

using namespace p2pmesh;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line = as_text(ByteView(data, size));
  const auto parsed = control::parse_request(line);
  if (parsed.request) {
    // What was understood is written so that it is understood again.
    std::string again;
    control::append_request(again, 1, *parsed.request);
    demand(!again.empty() && again.back() == '\n');
    again.pop_back();
    demand(control::parse_request(again).request.has_value());
  }
  control::parse_incoming(line);
  return 0;
}
