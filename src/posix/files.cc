#include "p2pmesh/posix/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "errno_text.h"
#include "p2pmesh/posix/stream_io.h"
#include "p2pmesh/posix/unique_fd.h"

namespace p2pmesh {
namespace {

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

tl::unexpected<Error> directory_error(const std::string& path, const std::string& why) {
  return fail(ExitStatus::kCannotCreate,
              "The directory " + path + " cannot be used: " + why + ". Choose another with --data-dir DIR.");
}

/// Whoever may write into a directory can put another key, or another database, in place of the node's.
Result<void> check_own(const std::string& path, const struct stat& found) {
  constexpr mode_t kWritableByOthers = S_IWGRP | S_IWOTH;
  const bool is_foreign = found.st_uid != ::geteuid();
  if (!is_foreign && (found.st_mode & kWritableByOthers) == 0) return {};
  char mode[8];
  std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(found.st_mode & 07777U));
  std::string why = "The directory " + path + " cannot be used: its mode is " + mode +
                    " and its owner user " + std::to_string(found.st_uid);
  const std::string another = "Choose another with --data-dir DIR";
  if (is_foreign) {
    const std::string self = std::to_string(::geteuid());
    why += ", while this is user " + self + ". Was it made by somebody else, or with sudo? " + another;
    why += ", or make it yours: chown " + self + " " + path + " && chmod 700 " + path;
  } else if ((found.st_mode & S_ISVTX) != 0) {  // such as /tmp, which is not to be closed to others
    why += ", so others may put files into it. Is it one that all users share? " + another + ".";
  } else {
    why += ", so others may replace what is in it. Was it made for a group, or with another umask? Type: ";
    why += "chmod 700 " + path;
  }
  return fail(ExitStatus::kNoPermission, why);
}

tl::unexpected<Error> write_error(const std::string& path, int error) {
  const bool unwritable =
      error == EACCES || error == EPERM || error == EROFS || error == ENOENT || error == ENOTDIR;
  return fail(unwritable ? ExitStatus::kCannotCreate : ExitStatus::kIo,
              path + " cannot be written: " + errno_text(error) +
                  (error == ENOSPC || error == EDQUOT ? ". Make room on the disk." : "."));
}

}  // namespace

void use_private_umask() {
  ::umask(077);
}

Result<void> make_directories(const std::string& path) {
  if (path.empty()) return directory_error("\"\"", "its name is empty");
  for (std::size_t end = path.find('/', 1); end != path.npos; end = path.find('/', end + 1)) {
    const std::string above = path.substr(0, end);
    if (::mkdir(above.c_str(), 0700) != 0 && errno != EEXIST && errno != EISDIR) {
      // A system may say "read-only" or "denied" of a directory that is there: only a missing one matters.
      const int error = errno;
      struct stat found {};
      if (::stat(above.c_str(), &found) != 0) return directory_error(above, errno_text(error));
    }
  }
  if (::mkdir(path.c_str(), 0700) == 0) return {};
  const int error = errno;
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return directory_error(path, errno_text(error));
  if (!S_ISDIR(found.st_mode)) return directory_error(path, "it is a file");
  if (::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) != 0)
    return directory_error(path, errno_text(errno));
  return check_own(path, found);
}

Result<std::optional<Bytes>> read_file(const std::string& path, std::size_t bytes_max) {
  const auto error_of = [&](int error) {
    const bool denied = error == EACCES || error == EPERM;
    return fail(denied ? ExitStatus::kNoPermission : ExitStatus::kIo,
                path + " cannot be read: " + errno_text(error) + ".");
  };
  // A pipe that nobody writes to must not hold everything up.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT) return std::nullopt;
    return error_of(errno);
  }
  Bytes bytes;
  for (;;) {
    std::uint8_t chunk[16 * 1024];
    const IoResult part = read_some(fd.get(), chunk);
    if (part.status == IoStatus::kClosed) return bytes;
    if (part.status != IoStatus::kOk) return error_of(part.error);
    if (part.bytes > bytes_max - bytes.size()) {
      return fail(ExitStatus::kIo,
                  path + " is larger than " + std::to_string(bytes_max) + " bytes, the most that is read.");
    }
    bytes.insert(bytes.end(), chunk, chunk + part.bytes);
  }
}

namespace {

/// The bytes of a new file, for its user alone, and on the disk. 0, or the number of the error.
int write_private(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const IoResult part = write_some(fd, bytes);
    if (part.status != IoStatus::kOk) return part.error;
    bytes = bytes.subspan(part.bytes);
  }
  return ::fchmod(fd, 0600) == 0 && ::fsync(fd) == 0 ? 0 : errno;
}

}  // namespace

Result<void> write_file_atomically(const std::string& path, ByteView bytes) {
  const std::string temporary = path + ".tmp";
  UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return write_error(path, errno);
  const auto give_up = [&](int error) {
    ::unlink(temporary.c_str());
    return write_error(path, error);
  };
  if (const int error = write_private(fd.get(), bytes); error != 0) return give_up(error);
  fd.reset();
  if (::rename(temporary.c_str(), path.c_str()) != 0) return give_up(errno);
  const UniqueFd directory(::open(directory_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) return write_error(path, errno);
  return {};
}

Result<bool> create_file(const std::string& path, ByteView bytes) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) {
    if (errno == EEXIST) return false;
    return write_error(path, errno);
  }
  const auto give_up = [&](int error) {
    ::unlink(path.c_str());
    return write_error(path, error);
  };
  if (const int error = write_private(fd.get(), bytes); error != 0) return give_up(error);
  return true;
}

Result<void> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
  return fail(ExitStatus::kIo, path + " cannot be removed: " + errno_text(errno) + ".");
}

Result<std::string> absolute_path(const std::string& path) {
  std::error_code error;
  auto whole = std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
  if (error || path.empty())
    return directory_error(path.empty() ? "\"\"" : path, error ? error.message() : "its name is empty");
  std::string text = whole.string();
  if (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

}  // namespace p2pmesh
