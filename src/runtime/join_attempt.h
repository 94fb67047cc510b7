// Joining through a host and port that a user gave: look the name up, let its addresses race.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "address_race.h"
#include "link_server.h"
#include "p2pmesh/posix/event_loop.h"
#include "p2pmesh/posix/resolver.h"

namespace p2pmesh {

/// Who answered, and in which mesh.
struct JoinFound {
  NodeKey node;
  MeshId mesh;
};

/// Keeps the attempts that are under way. Each ends exactly once, with what was found or an error.
class JoinAttempts {
 public:
  using Done = std::function<void(Result<JoinFound>)>;

  JoinAttempts(EventLoop& loop, Resolver& resolver, LinkServer& links)
      : loop_(loop), resolver_(resolver), links_(links) {}

  /// `wanted`: of this mesh alone, so that a node of another one is told nothing but that; else of any.
  /// `opens`: a mesh that the local node is not in is opened. `expected`: who has to answer. Gives a ticket.
  std::uint64_t start(const std::string& host, std::uint16_t port, const std::optional<MeshId>& wanted,
                      bool opens, Done done, const std::optional<NodeKey>& expected = std::nullopt);
  /// Whether it may be this node that answers.
  [[nodiscard]] bool is_expected(std::uint64_t ticket, const NodeKey& node) const;
  [[nodiscard]] bool opens(std::uint64_t ticket) const;
  /// As it was started.
  [[nodiscard]] std::optional<MeshId> wanted(std::uint64_t ticket) const;
  /// The handshake of this attempt is through; an error: it is not wanted after all.
  void end(std::uint64_t ticket, Result<JoinFound> found);
  /// One address came to nothing: the next is tried, if it is not under way already.
  void on_address_failed(std::uint64_t ticket, const Error& error);
  void check_deadlines();
  [[nodiscard]] std::optional<Instant> next_deadline() const;

 private:
  struct Attempt {
    std::string host;
    std::uint16_t port = 0;
    std::optional<MeshId> wanted;
    bool opens = false;
    std::optional<NodeKey> expected;
    AddressRace race;
    Instant deadline{};  // of the look-up; a dial has its own
    bool looking_up = true;
    Done done;
  };
  void dial_due(std::uint64_t ticket);

  EventLoop& loop_;
  Resolver& resolver_;
  LinkServer& links_;
  std::uint64_t next_ticket_ = 1;
  std::map<std::uint64_t, Attempt> attempts_;
};

}  // namespace p2pmesh
