// The verb send: one text, or each line of the input, acknowledged when durable.
#include <array>
#include <optional>

#include "complaint.h"
#include "ctl_session.h"
#include "input_lines.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/stream_io.h"
#include "p2pmesh/text/safe_text.h"

namespace p2pmesh {
namespace {

constexpr std::size_t kUnansweredMax = 256;

/// Sends with a window and prints the ids in the order of the lines.
class Sender {
 public:
  Sender(CtlSession& session, const CtlOptions& options) : session_(session), options_(options) {}

  Result<void> send(std::string text) {
    ++unanswered_;
    session_.node().request(
        request_of(std::move(text)), [this](tl::expected<control::Reply, control::RpcError> reply) {
          --unanswered_;
          const auto* sent = reply ? std::get_if<control::SendReply>(&*reply) : nullptr;
          if (sent != nullptr) {
            append(*sent);
          } else if (!failure_) {
            failure_ = reply ? Error{ExitStatus::kProtocol, "The node gave an unexpected answer."}
                             : control::to_error(reply.error());
          }
        });
    return wait_below(kUnansweredMax);
  }

  /// Waits until fewer than `count` are unanswered, and prints what has come.
  Result<void> wait_below(std::size_t count) {
    if (auto done = session_.run_until([&] { return unanswered_ < count || failure_.has_value(); }); !done)
      return done;
    if (auto printed = session_.print(std::exchange(out_, {})); !printed) return printed;
    if (failure_) return tl::unexpected<Error>(*failure_);
    return {};
  }

  [[nodiscard]] bool has_sent() const { return has_sent_; }

 private:
  [[nodiscard]] control::SendRequest request_of(std::string text) const {
    control::SendRequest request;
    request.text = std::move(text);
    request.room = options_.room;
    if (!options_.peer.empty()) request.to = options_.peer;
    return request;
  }
  void append(const control::SendReply& sent) {
    if (!options_.json) {
      out_ += sent.pending != 0 ? "pending " + std::to_string(sent.pending) + "\n"
                                : control::format_message_id(sent.id) + "\n";
    } else {
      if (options_.reads_input) out_ += has_sent_ ? ",\n" : "[";
      control::append_value(out_, control::Reply(sent));
    }
    has_sent_ = true;
  }

  CtlSession& session_;
  const CtlOptions& options_;
  std::size_t unanswered_ = 0;
  bool has_sent_ = false;
  std::string out_;
  std::optional<Error> failure_;
};

/// Empty when the line may be sent.
std::string find_fault(const InputLine& line) {
  if (line.too_long) {
    return " has " + std::to_string(line.bytes) + " bytes, more than " +
           std::to_string(limits::kMessageBytesMax);
  }
  return is_well_formed(line.text) ? "" : " is not UTF-8";
}

Result<ExitStatus> send_lines(Sender& sender) {
  InputLines lines(limits::kMessageBytesMax);
  ExitStatus status = ExitStatus::kOk;
  for (bool has_more = true; has_more;) {
    std::array<std::uint8_t, 64 * 1024> buffer;
    const IoResult got = read_some(0, buffer);
    if (got.status == IoStatus::kFailed || got.status == IoStatus::kWouldBlock) {
      return fail(ExitStatus::kIo, "The input cannot be read.");
    }
    has_more = got.status == IoStatus::kOk;
    if (has_more) lines.push(as_text(ByteView(buffer).first(got.bytes)));
    if (!has_more) lines.finish();
    while (auto line = lines.next()) {
      if (line->bytes == 0) continue;
      if (const std::string fault = find_fault(*line); !fault.empty()) {
        complain("p2pmeshctl", "Line " + std::to_string(line->number) + fault + "; it was not sent.");
        status = ExitStatus::kDamagedInput;
      } else if (auto sent = sender.send(std::move(line->text)); !sent) {
        return tl::unexpected<Error>(sent.error());
      }
    }
    // Somebody who types line by line wants each to be sent before the next.
    if (auto answered = sender.wait_below(1); !answered) return tl::unexpected<Error>(answered.error());
  }
  return status;
}

}  // namespace

Result<ExitStatus> send_text(CtlSession& session, const CtlOptions& options) {
  Sender sender(session, options);
  Result<ExitStatus> status = ExitStatus::kOk;
  if (options.reads_input) {
    status = send_lines(sender);
  } else if (auto sent = sender.send(options.text); !sent) {
    return tl::unexpected<Error>(sent.error());
  }
  if (status) {
    if (auto answered = sender.wait_below(1); !answered) return tl::unexpected<Error>(answered.error());
    if (options.json) {
      const char* end = !options.reads_input ? "\n" : sender.has_sent() ? "]\n" : "[]\n";
      if (auto printed = session.print(end); !printed) return tl::unexpected<Error>(printed.error());
    }
  }
  return status;
}

}  // namespace p2pmesh
