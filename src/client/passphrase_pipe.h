// Hands a passphrase on to p2pmeshd: on a pipe, which neither its arguments nor its environment show.
#pragma once

#include "p2pmesh/base/secret_text.h"
#include "p2pmesh/posix/process.h"
#include "p2pmesh/posix/stream_io.h"

namespace p2pmesh {

/// The end to read from; all is in the pipe already. A line end follows, which the reader takes off.
inline Result<UniqueFd> make_passphrase_pipe(const SecretText& passphrase) {
  auto pipe = make_pipe();
  if (!pipe) return tl::unexpected<Error>(pipe.error());
  // Far less than a pipe holds: nobody needs to read yet.
  for (const std::string_view piece : {passphrase.view(), std::string_view("\n")}) {
    if (auto written = write_all(pipe->write_end.get(), as_bytes(piece)); !written)
      return tl::unexpected<Error>(written.error());
  }
  return std::move(pipe->read_end);
}

}  // namespace p2pmesh
