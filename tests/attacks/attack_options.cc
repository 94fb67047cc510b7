// What the attacks are told, and how they tell what they have done.
#include "attack_options.h"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>

#include "p2pmesh/posix/files.h"

namespace p2pmesh::attacks {

AttackOptions::AttackOptions(int count, char** arguments) {
  for (int i = 0; i < count; i += 2) {
    const std::string name = arguments[i];
    if (!name.starts_with("--") || i + 1 == count) {
      std::cerr << "not a pair: " << name << "\n";
      std::exit(64);
    }
    values_.emplace(name.substr(2), arguments[i + 1]);
  }
}

std::string AttackOptions::text(const std::string& name) const {
  const auto found = values_.find(name);
  if (found != values_.end()) return found->second;
  std::cerr << "--" << name << " is missing\n";
  std::exit(64);
}

std::uint64_t AttackOptions::number(const std::string& name, std::uint64_t otherwise) const {
  return has(name) ? std::strtoull(text(name).c_str(), nullptr, 10) : otherwise;
}

std::vector<SocketAddress> AttackOptions::targets() const {
  std::vector<SocketAddress> found;
  const auto [first, last] = values_.equal_range("target");
  for (auto at = first; at != last; ++at) {
    const auto address = SocketAddress::parse(at->second);
    if (address && address->is_loopback()) found.push_back(*address);
  }
  if (!found.empty()) return found;
  std::cerr << "--target is missing, or is not on loopback\n";
  std::exit(64);
}

SocketAddress AttackOptions::source(std::size_t number) {
  const std::array<std::uint8_t, 4> ip{127, 0, 1, static_cast<std::uint8_t>(1 + number % 250)};
  return *SocketAddress::from_ip(ip, 0);
}

KeySeed AttackOptions::seed() const {
  if (!has("key")) return draw_seed();
  const auto content = read_file(text("key"), 4096);
  const auto raw = content && *content ? parse_hex(as_text(**content).substr(0, 64)) : std::nullopt;
  KeySeed seed;
  if (!raw || raw->size() != seed.size()) {
    std::cerr << text("key") << " holds no key\n";
    std::exit(66);
  }
  std::copy(raw->begin(), raw->end(), seed.begin());
  return seed;
}

void say(const std::string& line) {
  std::cout << line << std::endl;
}

void wait_for_word() {
  std::string word;
  std::getline(std::cin, word);
}

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

}  // namespace p2pmesh::attacks
