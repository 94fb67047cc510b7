// What the attacks are told on the command line: --name value, a name as often as one likes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "p2pmesh/crypto/signature.h"
#include "p2pmesh/posix/socket_address.h"

namespace p2pmesh::attacks {

class AttackOptions {
 public:
  /// Ends the program with 64 when they are no pairs.
  AttackOptions(int count, char** arguments);

  [[nodiscard]] bool has(const std::string& name) const { return values_.contains(name); }
  [[nodiscard]] std::string text(const std::string& name) const;
  [[nodiscard]] std::uint64_t number(const std::string& name, std::uint64_t otherwise) const;
  /// --target HOST:PORT, at least one.
  [[nodiscard]] std::vector<SocketAddress> targets() const;
  /// 127.0.1.1 and the following ones.
  [[nodiscard]] static SocketAddress source(std::size_t number);
  /// --key FILE, of a member; a new one without it.
  [[nodiscard]] KeySeed seed() const;

 private:
  std::multimap<std::string, std::string> values_;
};

/// A line on stdout, at once.
void say(const std::string& line);
/// Waits for a line on stdin.
void wait_for_word();
/// Processor time of this process in seconds.
double cpu_seconds();

// The attacks; each returns an exit status.
int flood(const AttackOptions& options);
int record(const AttackOptions& options);
int replay(const AttackOptions& options);
int flip(const AttackOptions& options);
int serve(const AttackOptions& options);
int shake(const AttackOptions& options);
int misbehave(const AttackOptions& options);
int key_updates(const AttackOptions& options);

}  // namespace p2pmesh::attacks
