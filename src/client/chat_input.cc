#include "chat_input.h"

#include <array>
#include <utility>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/stream_io.h"
#include "p2pmesh/text/safe_text.h"
#include "screen_lines.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kUnansweredMax = 1024;          // keeps the node's batches full; guess
constexpr std::size_t kUnsentBytesMax = 1024 * 1024;  // of requests that the socket has not taken; guess
constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kRawLineBytesMax = limits::kMessageBytesMax + 1;  // a doubled slash is sent as one

}  // namespace

ChatInput::ChatInput(EventLoop& loop, int fd, MeshScreens& screens, Complain complain)
    : loop_(loop), fd_(fd), screens_(screens), complain_(std::move(complain)), lines_(kRawLineBytesMax) {}

ChatInput::~ChatInput() {
  stop();
}

Result<void> ChatInput::open() {
  return loop_.add(fd_, kReadable, [this](Ready) { read(); });
}

std::size_t ChatInput::unanswered() const {
  std::size_t count = 0;
  for (const auto& screen : screens_.all) count += screen->unanswered + screen->commands.unanswered();
  return count;
}

std::uint64_t ChatInput::answered() const {
  std::uint64_t count = 0;
  for (const auto& screen : screens_.all) count += screen->answered + screen->commands.answered();
  return count;
}

bool ChatInput::is_searching() const {
  std::size_t count = 0;
  for (const auto& screen : screens_.all) count += screen->commands.searching();
  return count > 0 && count == unanswered();
}

void ChatInput::stop() {
  is_stopped_ = is_finished_ = true;
  loop_.remove(fd_);
}

void ChatInput::read() {
  std::array<std::uint8_t, kReadBytes> buffer;
  const IoResult got = read_some(fd_, buffer);
  if (got.status == IoStatus::kWouldBlock) return;
  if (got.status == IoStatus::kOk) {
    lines_.push(as_text(ByteView(buffer).first(got.bytes)));
  } else {
    lines_.finish();
    is_finished_ = true;
    loop_.remove(fd_);
  }
  pump();
}

bool ChatInput::may_take() const {
  const MeshScreen& screen = *screens_.current;
  return screen.commands.unanswered() == 0 && screen.unanswered < kUnansweredMax &&
         screen.node->unsent_bytes() < kUnsentBytesMax && screen.node->is_open();
}

void ChatInput::pump() {
  if (is_stopped_ || has_ended_) return;
  // What follows a command may depend on it: a line after /join goes to that room.
  while (may_take()) {
    auto line = held_ ? std::exchange(held_, std::nullopt) : lines_.next();
    if (!line) {
      has_ended_ = is_finished_;
      return watch(true);
    }
    take(*std::move(line));
    if (has_quit()) return stop();
  }
  // A host that does not answer keeps nobody from leaving.
  if (is_searching()) {
    if (!held_) held_ = lines_.next();
    if (held_ && !held_->too_long && ChatCommands::is_quit(held_->text)) {
      take(*std::exchange(held_, std::nullopt));
      return stop();
    }
    return watch(!held_);
  }
  watch(false);
}

/// A descriptor that nobody reads leaves the loop: a pipe whose other end is closed would wake it all the
/// time.
void ChatInput::watch(bool wanted) {
  if (is_finished_ || wanted == loop_.contains(fd_)) return;
  if (!wanted) return loop_.remove(fd_);
  if (const auto added = open(); !added) {
    complain_(added.error().message);
    has_ended_ = is_finished_ = true;
  }
}

void ChatInput::take(InputLine line) {
  const auto question = std::exchange(question_, {});
  if (question && !line.too_long && !ChatCommands::is_command(line.text) && question(line.text)) return;
  if (line.bytes == 0) return;
  const std::string place = "Line " + std::to_string(line.number);
  if (!line.too_long && ChatCommands::is_command(line.text)) return screens_.current->commands.run(line.text);
  if (!line.too_long && line.text.front() == '/') line.text.erase(0, 1);
  if (line.too_long || line.text.size() > limits::kMessageBytesMax) {
    line_status_ = ExitStatus::kDamagedInput;
    return complain_(place + " has " + std::to_string(line.bytes) + " bytes, more than " +
                     std::to_string(limits::kMessageBytesMax) + "; it was not sent.");
  }
  if (!is_well_formed(line.text)) {
    line_status_ = ExitStatus::kDamagedInput;
    return complain_(place + " (" + count_of(line.bytes, "byte") + ") is not UTF-8; it was not sent.");
  }
  send(line.number, std::move(line.text));
}

void ChatInput::send(std::uint64_t number, std::string text) {
  MeshScreen& screen = *screens_.current;
  ++screen.unanswered;
  ++sent_;
  control::SendRequest request;
  request.text = std::move(text);
  request.room = screen.view.current_room();
  request.to = screen.commands.talks_with();
  screen.node->request(
      request, [this, number, &screen](tl::expected<control::Reply, control::RpcError> reply) {
        --screen.unanswered;
        ++screen.answered;
        if (const auto* sent = reply ? std::get_if<control::SendReply>(&*reply) : nullptr)
          return screen.view.on_sent(*sent);
        const Error error =
            reply ? Error{ExitStatus::kProtocol, "an unexpected answer"} : control::to_error(reply.error());
        const bool is_final = error.status == ExitStatus::kIo || error.status == ExitStatus::kNoPermission;
        send_status_ = is_final ? error.status : ExitStatus::kTryAgain;
        complain_("Line " + std::to_string(number) + " was not sent: " + error.message);
      });
}

}  // namespace p2pmesh
