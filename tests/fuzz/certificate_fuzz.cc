// What a far end shows as its certificate.
#include "fuzz_input.h"
#include "tls_context.h"

using namespace p2pmesh;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool is_ready = init_crypto();
  demand(is_ready);
  const auto key = key_of_certificate(ByteView(data, size));
  if (key) demand(is_signing_key(*key));
  return 0;
}
