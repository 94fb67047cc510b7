#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include "p2pmesh/base/limits.h"
#include "p2pmesh/posix/process.h"
#include "p2pmesh/posix/secret_input.h"
#include "p2pmesh/posix/stream_io.h"
#include "temp_directory.h"

namespace p2pmesh {
namespace {

struct SecretFile : TempDirectory {
  explicit SecretFile(const std::string& text, mode_t mode = 0600) {
    std::ofstream(path_of()) << text;
    REQUIRE(::chmod(path_of().c_str(), mode) == 0);
  }
  [[nodiscard]] std::string path_of() const { return *this / "passphrase"; }
  [[nodiscard]] Result<SecretText> read() const { return read_secret_file(path_of()); }
};

TEST_CASE("APassphraseFileIsReadWithoutItsLineEnd") {
  for (const auto& [text, passphrase] : {std::pair("secret\n", "secret"),
                                         {"two words\r\n", "two words"},
                                         {"no end", "no end"},
                                         {"a\n\n", "a\n"}}) {
    const auto read = SecretFile(text).read();
    REQUIRE(read);
    CHECK(read->view() == passphrase);
  }
  CHECK(SecretFile(std::string(limits::kPassphraseBytesMax, 'x') + "\n").read());
}

TEST_CASE("AFileThatOthersMayOpenIsRefusedAndSaysWhatToType") {
  for (const mode_t mode : {0640U, 0604U, 0620U, 0601U, 0644U}) {
    const SecretFile file("secret\n", mode);
    const auto read = file.read();
    REQUIRE_FALSE(read);
    CHECK(read.error().status == ExitStatus::kNoPermission);
    CHECK(read.error().message.find("chmod 600 " + file.path_of()) != std::string::npos);
  }
}

TEST_CASE("AFileWithoutAPassphraseIsRefused") {
  CHECK(SecretFile("").read().error().status == ExitStatus::kUsage);
  CHECK(SecretFile("\n").read().error().status == ExitStatus::kUsage);
  for (const char* end : {"", "\n"}) {
    std::ostringstream text;
    for (std::size_t i = 0; i <= limits::kPassphraseBytesMax; ++i) text << 'x';
    text << end;
    CHECK(SecretFile(text.str()).read().error().status == ExitStatus::kUsage);
  }
  const TempDirectory directory;
  CHECK(read_secret_file(directory / "none").error().status == ExitStatus::kNoPermission);
  CHECK(read_secret_file(directory.path()).error().status == ExitStatus::kNoPermission);
}

TEST_CASE("ADescriptorIsReadToItsEndAndClosed") {
  auto pipe = make_pipe();
  REQUIRE(pipe);
  REQUIRE(write_all(pipe->write_end.get(), as_bytes("secret\n")));
  pipe->write_end.reset();
  const int fd = pipe->read_end.release();
  const auto read = read_secret_descriptor(fd);
  REQUIRE(read);
  CHECK(read->view() == "secret");
  CHECK(::fcntl(fd, F_GETFD) < 0);
  CHECK(read_secret_descriptor(fd).error().status == ExitStatus::kUsage);
  auto empty = make_pipe();
  REQUIRE(empty);
  empty->write_end.reset();
  CHECK(read_secret_descriptor(empty->read_end.release())->is_empty());
}

}  // namespace
}  // namespace p2pmesh
