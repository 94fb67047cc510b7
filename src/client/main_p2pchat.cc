// p2pchat: the screen of one member.
#include <exception>

#include "chat_options.h"
#include "chat_session.h"
#include "complaint.h"
#include "p2pmesh/base/bytes.h"
#include "p2pmesh/posix/process.h"
#include "p2pmesh/posix/stream_io.h"

namespace {

using namespace p2pmesh;

int fail_with(const Error& error) {
  complain("p2pchat", error.message);
  return static_cast<int>(error.status);
}

/// Whether standard input, output and error are open: else the first socket would take their place.
bool has_standard_streams() {
  const auto lowest_free = make_pipe();
  return lowest_free && lowest_free->read_end.get() > 2 && lowest_free->write_end.get() > 2;
}

int run(int count, char** arguments) {
  if (!has_standard_streams()) return static_cast<int>(ExitStatus::kIo);
  auto options = parse_chat_options(count, arguments, Environment::read());
  if (!options) return fail_with(options.error());
  if (const auto* print = std::get_if<PrintOnly>(&*options)) {
    const auto written = write_all(1, as_bytes(print->text));
    return written ? 0 : fail_with(written.error());
  }
  ChatSession session(std::get<ChatOptions>(*std::move(options)));
  const auto status = session.run();
  return status ? static_cast<int>(*status) : fail_with(status.error());
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run(count, arguments);
  } catch (const std::exception& error) {
    complain("p2pchat", error.what());
    return static_cast<int>(ExitStatus::kInternal);
  }
}
