// Whom the local member talks with, or wants to, without a mesh that both are in: for each a closed mesh of
// the two. In a file of its own, since a request has to outlive the node that it came to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "p2pmesh/base/ids.h"
#include "p2pmesh/base/invite_link.h"
#include "p2pmesh/base/result.h"
#include "p2pmesh/base/time.h"
#include "p2pmesh/posix/socket_address.h"
#include "sealed_file.h"

namespace p2pmesh {

enum class StrangerState : std::uint8_t {
  kAsked = 1,     ///< by the local member, who has opened the mesh and waits there
  kAsks = 2,      ///< the local member, who has not answered
  kAccepted = 3,  ///< by the local member, who is not in the mesh yet
  kTogether = 4,  ///< both are in it
  kDeclined = 5,  ///< by the local member
  kLeft = 6,      ///< by the local member, who is not to be led there again
};

struct Stranger {
  MemberKey member;
  std::string name;  ///< as it was claimed where it was found, or in its request
  StrangerState state = StrangerState::kAsked;
  InviteLink invite;  ///< into the mesh of the two
  WallMs since_ms = 0;
  bool is_delivered = false;  ///< what is sealed has come to the other one
  bool is_declined = false;   ///< of kAsked: the other one has said so
  Bytes sealed;               ///< what is to be said to it: the request of kAsked, or that it is declined
  HostPort place;             ///< where it is dialled for that; without a host: at discovery servers alone
};

/// The local member wants to talk, or does.
inline bool is_talk(const Stranger& stranger) {
  return stranger.state == StrangerState::kAsked || stranger.state == StrangerState::kAccepted ||
         stranger.state == StrangerState::kTogether;
}
/// It has asked, and is not here yet.
inline bool is_incoming(const Stranger& stranger) {
  return stranger.state == StrangerState::kAsks || stranger.state == StrangerState::kAccepted ||
         stranger.state == StrangerState::kDeclined;
}

/// Threads: one at a time.
class StrangerBook {
 public:
  StrangerBook(std::string path, const FileSeal& seal) : path_(std::move(path)), seal_(seal) {}

  /// No file: nobody. Errors: kIo, and kDamagedInput with what to do.
  Result<void> read();
  [[nodiscard]] const std::vector<Stranger>& all() const { return strangers_; }
  [[nodiscard]] const Stranger* find(const MeshId& mesh) const;
  /// The conversation with somebody: in a mesh that both are in, the smallest of several; else in the own
  /// one. Null: there is none.
  [[nodiscard]] const Stranger* find_talk(const MemberKey& member) const;
  /// What somebody has asked. Null: nothing.
  [[nodiscard]] const Stranger* find_incoming(const MemberKey& member) const;
  using Fits = bool (*)(const Stranger&);
  /// By a name as it is typed, `Bob` or `Bob~4f2a`, or a key; of those that `fits` says. Errors: kUsage when
  /// several are called so. Nothing: nobody is.
  [[nodiscard]] Result<std::optional<MemberKey>> find_called(const std::string& wanted, Fits fits) const;
  /// The name, with a piece of the key where somebody else is called so with whom one talks rather.
  [[nodiscard]] std::string shown_name(const Stranger& stranger) const;
  /// The name and a piece of the key.
  [[nodiscard]] static std::string full_name(const Stranger& stranger);
  [[nodiscard]] std::size_t count(StrangerState state) const;

  /// Puts it in, or in the place of what was known of its mesh; on the disk when it returns. Errors:
  /// kTryAgain when there are kStrangerMeshesMax, kIo, kCannotCreate; then it is as it was.
  Result<void> keep(const Stranger& stranger) { return replace(stranger.invite.mesh, stranger); }
  /// Likewise, in the place of what was known of another mesh.
  Result<void> replace(const MeshId& mesh, const Stranger& stranger);
  Result<void> drop(const MeshId& mesh);

 private:
  Result<void> write(std::vector<Stranger> strangers);

  std::string path_;
  const FileSeal& seal_;
  std::vector<Stranger> strangers_;  // the newest last
};

}  // namespace p2pmesh
