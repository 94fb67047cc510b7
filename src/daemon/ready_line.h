// Tells the program that started this one how the start went: one line on an inherited descriptor.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "p2pmesh/base/bytes.h"
#include "p2pmesh/base/result.h"
#include "p2pmesh/posix/process.h"
#include "p2pmesh/posix/stream_io.h"
#include "p2pmesh/posix/unique_fd.h"

namespace p2pmesh {

/// `ready`, or `error STATUS MESSAGE` with line breaks as \n and \ as \\, `locked` instead when the
/// passphrase is wrong, `choose STATUS ID,ID MESSAGE` when one of several meshes is to be named; the first
/// one told counts, then the descriptor is closed.
class ReadyLine {
 public:
  explicit ReadyLine(std::optional<int> fd) {
    if (!fd) return;
    if (auto taken = inherited_descriptor(*fd)) fd_ = std::move(*taken);
  }
  void tell_ready() { tell_line("ready\n"); }
  void tell(const Error& error, bool is_locked = false, const std::vector<std::string>& choices = {}) {
    std::string line = is_locked ? "locked " : choices.empty() ? "error " : "choose ";
    line += std::to_string(static_cast<int>(error.status)) + " ";
    for (const std::string& choice : choices) line += choice + (&choice == &choices.back() ? " " : ",");
    for (char c : error.message) {
      if (c == '\n')
        line += "\\n";
      else if (c == '\\')
        line += "\\\\";
      else
        line += c;
    }
    tell_line(line + "\n");
  }

 private:
  void tell_line(const std::string& line) {
    if (!fd_) return;
    // Who started us may be gone; then there is nobody to tell.
    (void)write_all(fd_.get(), as_bytes(line));
    fd_.reset();
  }
  UniqueFd fd_;
};

}  // namespace p2pmesh
