// The verb check: what works of a host and port. p2pmeshd looks, as only that speaks the protocol, and prints
// what it finds itself; what it complains of is said in this program's name.
#include <array>
#include <string>

#include "complaint.h"
#include "ctl_session.h"
#include "node_start.h"
#include "p2pmesh/posix/process.h"
#include "p2pmesh/posix/stream_io.h"

namespace p2pmesh {
namespace {

constexpr int kEndTimeoutMs = 3000;
constexpr std::size_t kComplaintBytesMax = 64 * 1024;
constexpr std::string_view kItsName = "p2pmeshd: ";

/// Until it has closed it; its look-up, connection and hello have 5 s each.
std::string read_complaint(int fd) {
  std::string text;
  std::array<std::uint8_t, 4096> piece;
  while (text.size() < kComplaintBytesMax) {
    const IoResult got = read_some(fd, piece);
    if (got.status != IoStatus::kOk) break;
    text += as_text(ByteView(piece).first(got.bytes));
  }
  if (text.starts_with(kItsName)) text.erase(0, kItsName.size());
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

Result<ExitStatus> check_place(const CtlOptions& options) {
  const bool is_ipv6 = options.host.find(':') != std::string::npos;
  const std::string host = is_ipv6 ? "[" + options.host + "]" : options.host;
  auto complaints = make_pipe();
  if (!complaints) return tl::unexpected<Error>(complaints.error());
  SpawnOptions spawn;
  spawn.argv = {node_program(), "--check=" + host + ":" + std::to_string(options.port)};
  if (options.json) spawn.argv.push_back("--json");
  spawn.descriptors = {{1, 1}, {2, complaints->write_end.get()}};
  auto child = ChildProcess::spawn(spawn);
  if (!child) return tl::unexpected<Error>(child.error());
  complaints->write_end.reset();
  const std::string complaint = read_complaint(complaints->read_end.get());
  const auto status = child->wait(kEndTimeoutMs);
  if (!complaint.empty()) complain("p2pmeshctl", complaint);
  if (status) return static_cast<ExitStatus>(*status);
  child->terminate(true);
  return fail(ExitStatus::kUnavailable, "p2pmeshd did not end its check in time.");
}

}  // namespace p2pmesh
