#include "node_connection.h"

#include <array>
#include <utility>

#include "p2pmesh/posix/local_socket.h"
#include "p2pmesh/posix/stream_io.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;

}  // namespace

std::string control_socket_path(const std::string& data_dir) {
  return data_dir + "/control.sock";
}

Result<std::unique_ptr<NodeConnection>> NodeConnection::open(EventLoop& loop, const std::string& data_dir) {
  auto fd = connect_local(control_socket_path(data_dir));
  if (!fd) return tl::unexpected<Error>(std::move(fd.error()));
  return std::unique_ptr<NodeConnection>(new NodeConnection(loop, *std::move(fd)));
}

NodeConnection::NodeConnection(EventLoop& loop, UniqueFd fd)
    : loop_(loop), fd_(std::move(fd)), splitter_(limits::kControlReplyBytesMax) {
  watch();
}

NodeConnection::~NodeConnection() {
  close();
}

void NodeConnection::request(const control::Request& request, ReplyHandler handler) {
  if (!is_open_) return;
  const std::uint64_t sequence = ++last_sequence_;
  handlers_.emplace(sequence, std::move(handler));
  control::append_request(outgoing_, sequence, request);
  watch();
}

void NodeConnection::set_reading(bool reading) {
  is_reading_ = reading;
  watch();
}

void NodeConnection::close() {
  if (!is_open_) return;
  is_open_ = false;
  loop_.remove(fd_.get());
  fd_.reset();
}

void NodeConnection::watch() {
  if (!is_open_) return;
  // Level-triggered hang-ups would spin while nothing is waited for, so the descriptor then leaves the loop.
  const Interest interest =
      (is_reading_ ? kReadable : kNoInterest) | (outgoing_.empty() ? kNoInterest : kWritable);
  if (interest == kNoInterest) return loop_.remove(fd_.get());
  if (loop_.contains(fd_.get())) return loop_.modify(fd_.get(), interest);
  if (!loop_.add(fd_.get(), interest, [this](Ready ready) { on_ready(ready); })) close();
}

void NodeConnection::on_ready(Ready ready) {
  if (ready.writable) write();
  if (is_open_ && ready.readable) read();
  watch();
}

void NodeConnection::write() {
  const IoResult written = write_some(fd_.get(), as_bytes(outgoing_));
  if (written.status == IoStatus::kOk) outgoing_.erase(0, written.bytes);
  // When the other end is gone there may still be lines of it to read, and reading finds out.
  if (written.status == IoStatus::kClosed || written.status == IoStatus::kFailed) {
    outgoing_.clear();
    is_reading_ = true;
  }
}

void NodeConnection::read() {
  std::array<std::uint8_t, kReadBytes> buffer;
  const IoResult got = read_some(fd_.get(), buffer);
  if (got.status == IoStatus::kWouldBlock) return;
  if (got.status != IoStatus::kOk) return close();
  splitter_.push(as_text(ByteView(buffer).first(got.bytes)));
  while (const auto line = is_open_ ? splitter_.next() : std::nullopt) take_line(*line);
  if (splitter_.too_long()) fail_with("a line that does not end");
}

void NodeConnection::take_line(std::string_view line) {
  control::Incoming incoming = control::parse_incoming(line);
  if (auto* event = std::get_if<control::Event>(&incoming)) {
    if (on_event_) on_event_(std::move(*event));
  } else if (auto* reply = std::get_if<control::IncomingReply>(&incoming)) {
    const auto at = handlers_.find(reply->sequence);
    if (at == handlers_.end()) {
      return fail_with(reply->reply ? "a reply that nobody asked for" : reply->reply.error().message);
    }
    const ReplyHandler handler = std::move(at->second);
    handlers_.erase(at);
    handler(std::move(reply->reply));
  } else if (const auto* malformed = std::get_if<control::MalformedLine>(&incoming)) {
    fail_with(malformed->reason);
  }
}

void NodeConnection::fail_with(std::string reason) {
  fault_ = Error{ExitStatus::kProtocol, "The node said what this version does not understand: " +
                                            format_safe_line(reason) + ". Are both of the same version?"};
  close();
}

}  // namespace p2pmesh
