#include "complaint.h"

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/posix/stream_io.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {

std::string format_complaint(std::string_view program, std::string_view message) {
  std::string text(program);
  text += ": ";
  while (message.ends_with('\n')) message.remove_suffix(1);
  for (;;) {
    const std::size_t end = message.find('\n');
    text += format_safe_line(message.substr(0, end));
    text += '\n';
    if (end == std::string_view::npos) return text;
    message.remove_prefix(end + 1);
  }
}

void complain(std::string_view program, std::string_view message) {
  // Nobody is left to tell when this fails.
  [[maybe_unused]] const auto written = write_all(2, as_bytes(format_complaint(program, message)));
}

}  // namespace p2pmesh
