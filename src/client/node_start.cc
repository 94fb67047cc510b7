#include "node_start.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <utility>

#include "p2pmesh/posix/clock.h"
#include "p2pmesh/posix/secret_input.h"
#include "p2pmesh/posix/stream_io.h"
#include "passphrase_pipe.h"
#include "start_choice.h"
#include "start_passphrase.h"

namespace p2pmesh {
namespace {

using namespace std::chrono_literals;

constexpr int kReadyFd = 3;
constexpr int kPassphraseFd = 4;
constexpr Duration kSilentCheck = 300ms;  // what lasts longer is said
constexpr Duration kStartTimeout = 60s;   // a large database is checked on the way
constexpr Duration kInUseTimeout = 5s;    // a node that leaves, or one that another screen has just started
constexpr Duration kInUseRetry = 100ms;
constexpr Duration kEndTimeout = 3s;
constexpr std::size_t kReadyBytesMax = 64 * 1024;

const char* const kOutOfStep = "A node that answers and then ends, again and again.";

/// Reads the pipe to its end.
class ReadyPipe {
 public:
  ReadyPipe(EventLoop& loop, UniqueFd fd) : loop_(loop), fd_(std::move(fd)) {}
  ~ReadyPipe() { loop_.remove(fd_.get()); }
  ReadyPipe(const ReadyPipe&) = delete;
  ReadyPipe& operator=(const ReadyPipe&) = delete;

  Result<void> open() {
    return loop_.add(fd_.get(), kReadable, [this](Ready) { read(); });
  }
  [[nodiscard]] bool is_done() const { return is_done_; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void read() {
    std::array<std::uint8_t, 4096> buffer;
    const IoResult got = read_some(fd_.get(), buffer);
    if (got.status == IoStatus::kOk) text_ += as_text(ByteView(buffer).first(got.bytes));
    // The line says it all; what the node keeps open by mistake must not keep us waiting.
    is_done_ = got.status == IoStatus::kClosed || got.status == IoStatus::kFailed || text_.ends_with('\n') ||
               text_.size() > kReadyBytesMax;
    if (is_done_) loop_.remove(fd_.get());
  }

  EventLoop& loop_;
  UniqueFd fd_;
  std::string text_;
  bool is_done_ = false;
};

Error describe_silent_end(ChildProcess& child, const std::string& data_dir) {
  const auto status = child.wait(1000);
  const std::string how = !status ? "says nothing" : "ended with status " + std::to_string(*status);
  return {ExitStatus::kUnavailable,
          "The node did not start: p2pmeshd " + how + ". Its log is " + data_dir + "/p2pmeshd.log."};
}

/// Starts p2pmeshd and waits until it is ready. `choices`: see ReadyWord.
Result<ChildProcess> start_node(EventLoop& loop, const ChatOptions& options, const std::string& data_dir,
                                StartPassphrase& passphrase, std::vector<std::string>& choices,
                                const Wait& wait, const std::function<bool()>& is_interrupted) {
  auto pipe = make_pipe();
  if (!pipe) return tl::unexpected<Error>(pipe.error());
  SpawnOptions spawn;
  spawn.argv = node_command(node_program(), options, data_dir, kReadyFd);
  spawn.descriptors[kReadyFd] = pipe->write_end.get();
  spawn.new_session = true;
  UniqueFd secret;
  if (passphrase.get() != nullptr) {
    auto made = make_passphrase_pipe(*passphrase.get());
    if (!made) return tl::unexpected<Error>(made.error());
    secret = *std::move(made);
    spawn.argv.insert(spawn.argv.end(), {"--passphrase-fd", std::to_string(kPassphraseFd)});
    spawn.descriptors[kPassphraseFd] = secret.get();
  }
  auto child = ChildProcess::spawn(spawn);
  if (!child) return child;
  pipe->write_end.reset();

  ReadyPipe ready(loop, std::move(pipe->read_end));
  if (auto opened = ready.open(); !opened) return tl::unexpected<Error>(opened.error());
  const auto is_done = [&] { return ready.is_done(); };
  if (passphrase.was_asked() && !wait(is_done, kSilentCheck) && !is_interrupted())
    tell_terminal("Opening the key ...");
  wait(is_done, kStartTimeout);
  if (is_interrupted()) {
    child->terminate();
    if (!child->wait(static_cast<int>(kEndTimeout / 1ms))) child->terminate(true);
    return fail(ExitStatus::kOk, "");
  }
  if (!ready.is_done()) {
    child->terminate();
    return fail(ExitStatus::kUnavailable,
                "The node is not ready after 60 s; it was ended. Its log is " + data_dir + "/p2pmeshd.log.");
  }
  const auto word = parse_ready_word(ready.text());
  if (!word) return tl::unexpected<Error>(describe_silent_end(*child, data_dir));
  if (word->is_ready) return child;
  if (word->is_locked) passphrase.note_refused();
  choices = word->choices;
  // Its directory is free again when it has ended, so that the user can try again at once.
  if (!child->wait(static_cast<int>(kEndTimeout / 1ms))) child->terminate();
  return tl::unexpected<Error>(word->error);
}

}  // namespace

std::string node_program() {
  const auto directory = executable_directory();
  if (!directory) return "p2pmeshd";
  const std::string beside = *directory + "/p2pmeshd";
  std::error_code error;
  return std::filesystem::exists(beside, error) ? beside : "p2pmeshd";
}

std::vector<std::string> node_command(const std::string& program, const ChatOptions& options,
                                      const std::string& data_dir, int ready_fd) {
  std::vector<std::string> argv = {program,      "--name",
                                   options.name, "--data-dir",
                                   data_dir,     "--leave-with-last-screen",
                                   "--ready-fd", std::to_string(ready_fd),
                                   "--log-file", data_dir + "/p2pmeshd.log"};
  if (options.port_mapping) argv.emplace_back("--port-mapping");
  if (options.undiscoverable) argv.emplace_back("--undiscoverable");
  if (!options.listen.empty()) argv.insert(argv.end(), {"--listen", options.listen});
  if (!options.host.empty()) argv.insert(argv.end(), {"--join", options.join_target()});
  if (!options.invite.empty()) argv.insert(argv.end(), {"--invite", options.invite});
  for (const std::string& place : options.rendezvous) argv.insert(argv.end(), {"--rendezvous", place});
  if (options.lan) argv.emplace_back("--lan");
  if (options.looks_around()) argv.emplace_back("--lan-join");
  if (options.looks_around() && !options.lan_mesh.empty()) argv.push_back(options.lan_mesh);
  if (!options.find.empty()) argv.insert(argv.end(), {"--find", options.find});
  if (options.known_only) argv.emplace_back("--known-only");
  if (options.closed) argv.emplace_back("--private");
  if (options.fresh) argv.emplace_back("--new");
  if (options.exact_name) argv.emplace_back("--exact-name");
  return argv;
}

std::optional<ReadyWord> parse_ready_word(std::string_view text) {
  if (!text.ends_with('\n')) return std::nullopt;
  text.remove_suffix(1);
  if (text == "ready") return ReadyWord{true, {}, false, {}};
  constexpr std::string_view kError = "error ";
  constexpr std::string_view kLocked = "locked ";
  constexpr std::string_view kChoose = "choose ";
  const bool is_locked = text.starts_with(kLocked);
  const bool is_choice = text.starts_with(kChoose);
  if (!is_locked && !is_choice && !text.starts_with(kError)) return std::nullopt;
  text.remove_prefix(is_locked || is_choice ? kLocked.size() : kError.size());
  int status = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), status);
  if (error != std::errc{} || status < 1 || status > 255) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  ReadyWord word{false, {static_cast<ExitStatus>(status), ""}, is_locked, {}};
  if (is_choice) {
    const std::string_view ids = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), ids.size() + 1));
    for (std::size_t at = 0; at <= ids.size();) {
      const std::size_t end = std::min(ids.find(',', at), ids.size());
      word.choices.emplace_back(ids.substr(at, end - at));
      at = end + 1;
    }
  }
  while (!text.empty()) {
    const bool is_break = text.starts_with("\\n");
    const bool is_escaped = is_break || text.starts_with("\\\\");
    word.error.message += is_break ? '\n' : text.front();
    text.remove_prefix(is_escaped ? 2 : 1);
  }
  return word;
}

Result<AttachedNode> attach_node(EventLoop& loop, const ChatOptions& wanted, const std::string& data_dir,
                                 const Wait& wait, const std::function<bool()>& is_interrupted) {
  ChatOptions options = wanted;
  std::vector<std::string> choices;
  StartPassphrase passphrase(options.name, options.passphrase_file, !options.plain);
  // A signal that ended a question is told in a turn of the loop.
  const auto heed = [&](const Error& error) -> tl::unexpected<Error> {
    if (error.status == ExitStatus::kOk) wait(is_interrupted, kInUseRetry);
    return tl::unexpected<Error>(error);
  };
  std::optional<Instant> deadline;
  for (;;) {
    AttachedNode node;
    Error failure;
    auto connection = NodeConnection::open(loop, data_dir);
    if (!connection && connection.error().status == ExitStatus::kNoPermission) {
      return tl::unexpected<Error>(connection.error());
    }
    if (!connection && connection.error().status == ExitStatus::kUnavailable) {
      if (auto prepared = passphrase.prepare(data_dir); !prepared) return heed(prepared.error());
      auto child = start_node(loop, options, data_dir, passphrase, choices, wait, is_interrupted);
      if (child) {
        node.child = *std::move(child);
        connection = NodeConnection::open(loop, data_dir);
      } else {
        failure = child.error();
        if (passphrase.was_refused()) {
          if (auto again = passphrase.ask_again(failure); !again) return heed(again.error());
          continue;
        }
        if (!choices.empty() && !options.plain && can_ask()) {
          auto chosen = ask_choice(failure.message, choices);
          if (!chosen) return heed(chosen.error());
          options.lan_mesh = *std::move(chosen);
          continue;
        }
        if (failure.status == ExitStatus::kUnknownHost && !options.find.empty() && !options.plain &&
            can_ask()) {
          auto sought = ask_whose(failure.message);
          if (!sought) return heed(sought.error());
          if (sought->empty()) return tl::unexpected<Error>(failure);
          options.find = *std::move(sought);
          continue;
        }
        if (failure.status != ExitStatus::kTryAgain) return tl::unexpected<Error>(failure);
      }
    }
    if (connection) {
      node.connection = *std::move(connection);
      auto attached = call<control::AttachReply>(*node.connection, control::AttachRequest{}, wait);
      if (attached) {
        node.attached = *attached;
        return node;
      }
      if (is_interrupted()) {
        if (node.child) node.child->terminate();
        return fail(ExitStatus::kOk, "");
      }
      // A node that was about to leave ends the connection or refuses.
      failure = attached.error();
      const bool may_pass = failure.status == ExitStatus::kTryAgain || !node.connection->is_open();
      if (!may_pass || node.connection->fault()) return tl::unexpected<Error>(failure);
    } else if (failure.message.empty()) {
      failure = connection.error();
    }
    if (is_interrupted()) return fail(ExitStatus::kOk, "");
    if (!deadline) deadline = read_clock().monotonic + kInUseTimeout;
    if (read_clock().monotonic >= *deadline) {
      return fail(ExitStatus::kTryAgain, failure.message.empty() ? kOutOfStep : failure.message);
    }
    wait([] { return false; }, kInUseRetry);
  }
}

}  // namespace p2pmesh
