#include "output_writer.h"

#include <algorithm>

#include "p2pmesh/posix/stream_io.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kPieceBytes = 4096;  // PIPE_BUF: what a pipe that is ready takes without blocking

}  // namespace

OutputWriter::~OutputWriter() {
  close();
}

Result<void> OutputWriter::open() {
  return loop_.add(fd_, kNoInterest, [this](Ready ready) { on_ready(ready); });
}

void OutputWriter::append(std::string_view text) {
  if (closed_ || text.empty()) return;
  if (start_ > buffer_.size() / 2) {
    buffer_.erase(0, start_);
    start_ = 0;
  }
  buffer_ += text;
  loop_.modify(fd_, kWritable);
}

void OutputWriter::on_ready(Ready ready) {
  if (ready.closed) return close();
  if (!ready.writable) return;
  const std::string_view piece = std::string_view(buffer_).substr(start_, kPieceBytes);
  const IoResult written = write_some(fd_, as_bytes(piece));
  if (written.status == IoStatus::kWouldBlock) return;
  failed_ = written.status == IoStatus::kFailed;
  if (written.status != IoStatus::kOk) return close();
  start_ += written.bytes;
  if (start_ < buffer_.size()) return;
  buffer_.clear();
  start_ = 0;
  loop_.modify(fd_, kNoInterest);
}

void OutputWriter::close() {
  loop_.remove(fd_);
  buffer_.clear();
  start_ = 0;
  closed_ = true;
}

}  // namespace p2pmesh
