// Private rooms at run time: their keys, what is opened when one comes, and invitations.
#include <algorithm>

#include "mesh_runner.h"
#include "p2pmesh/base/limits.h"
#include "p2pmesh/core/room_secret.h"
#include "p2pmesh/text/name.h"

namespace p2pmesh {

/// A name means the public room when that is joined, else the private one of that name whose key is held.
std::string MeshRunner::find_room(const std::string& typed) const {
  if (typed.ends_with(kPublicSuffix)) return typed.substr(0, typed.size() - kPublicSuffix.size());
  if (is_private_room(typed) || rooms_.is_joined(typed)) return typed;
  const std::vector<std::string> labels = rooms_.private_rooms(typed);
  return labels.size() == 1 ? labels.front() : typed;
}

Result<std::string> MeshRunner::find_room_to_join(const std::string& typed) {
  std::string room = find_room(typed);
  if (has_room_key(room) || typed.ends_with(kPublicSuffix) || rooms_.is_joined(room)) return room;
  std::vector<RoomSecret> offered;
  for (const StoredInvitation& invitation : invitations_) {
    const RoomSecret& secret = invitation.secret;
    const bool is_meant = secret.room == room || room_name(secret.room) == room;
    if (is_meant && is_open(invitation) && std::find(offered.begin(), offered.end(), secret) == offered.end())
      offered.push_back(secret);
  }
  if (offered.size() > 1) {
    std::string labels;
    for (const RoomSecret& secret : offered) labels += (labels.empty() ? "" : ", ") + secret.room;
    return fail(ExitStatus::kUsage,
                "You are invited to several rooms of that name: " + labels + ". Type the whole one.");
  }
  if (offered.size() == 1) {
    if (auto kept = keep_room_key(offered.front()); !kept) return tl::unexpected(kept.error());
    return offered.front().room;
  }
  if (!is_private_room(room)) return room;
  return fail(
      ExitStatus::kUsage,
      "The key of " + room + " is not here. Join it with --key-file FILE, or be invited by a member.");
}

Result<std::string> MeshRunner::take_room_key(const std::string& name, const RoomKey& key) {
  const RoomSecret secret{private_room_label(name, key), key};
  if (!is_room_secret(secret)) {
    return fail(ExitStatus::kUsage, "The name of a private room has at most " +
                                        std::to_string(limits::kRoomBytesMax - kRoomSuffixBytes) +
                                        " bytes. Type a shorter one.");
  }
  if (auto kept = keep_room_key(secret); !kept) return tl::unexpected(kept.error());
  return secret.room;
}

Result<void> MeshRunner::keep_room_key(const RoomSecret& secret) {
  for (const RoomSecret& held : room_keys_.keys()) {
    if (held.room != secret.room) continue;
    if (held == secret) return {};
    return fail(ExitStatus::kUsage, "Another key of " + secret.room + " is held, and this one is not it; " +
                                        "only one of two keys with the same eight digits can be.");
  }
  if (auto kept = room_keys_.add(secret); !kept) return kept;
  rooms_.add_key(secret.room);
  handle(RoomKeyGiven{secret});
  open_earlier(secret.room);
  return {};
}

/// Opens what has come before the key, page after page: the core has the keys, the store what they open.
void MeshRunner::open_earlier(const std::string& room) {
  if (rooms_opening_.emplace(room, 0).second) open_next_page(room);
}

void MeshRunner::open_next_page(const std::string& room) {
  auto page = std::make_shared<Result<SealedEnvelopes>>();
  storage_->ask(
      [room, page](MeshStore& store) {
        *page = store.sealed_of(room, limits::kOpenedAtOnceMax, limits::kOpenedBytesMax);
      },
      [this, room, page] {
        if (*page && !(*page)->envelopes.empty()) return open_page(room, **page);
        if (!*page) around_.log.log(LogLevel::kError, page->error().message);
        finish_opening(room);
      });
}

void MeshRunner::open_page(const std::string& room, const SealedEnvelopes& sealed) {
  OpenedEnvelopes opened;
  for (const auto& [held, envelope] : sealed.envelopes)
    opened.emplace_back(held, node_->open_room_envelope(envelope->envelope));
  auto rows = std::make_shared<Result<std::vector<OpenedRow>>>();
  storage_->ask([opened, rows](MeshStore& store) { *rows = store.open_sealed(opened); },
                [this, room, rows, is_last = sealed.complete] {
                  if (!*rows) {
                    // It stays sealed until the next start.
                    around_.log.log(LogLevel::kError, rows->error().message);
                    return finish_opening(room);
                  }
                  for (const OpenedRow& row : **rows) {
                    rooms_.on_opened(room, row, row.author == self_ || people_.is_ignored(row.author));
                    messages_held_ += row.messages;
                    rooms_opening_[room] += row.messages;
                  }
                  keep_rooms();
                  is_last ? finish_opening(room) : open_next_page(room);
                });
}

void MeshRunner::finish_opening(const std::string& room) {
  const std::uint64_t messages = rooms_opening_[room];
  rooms_opening_.erase(room);
  look_at_topic(room);
  if (messages > 0) around_.control.publish_unordered(place_.mesh, control::RoomOpenedEvent{room, messages});
}

void MeshRunner::send_invite(SessionId session, std::string request_id, const MemberKey& to,
                             const std::string& room) {
  for (const RoomSecret& secret : room_keys_.keys()) {
    if (secret.room != room) continue;
    const std::uint64_t token = expect_acknowledge(session, std::move(request_id));
    return handle(SendInvite{token, to, secret});
  }
}

/// Who may be shown has sent it, and it was not followed.
bool MeshRunner::is_open(const StoredInvitation& invitation) const {
  return !has_room_key(invitation.secret.room) && node_->is_shown(invitation.member) &&
         !people_.is_ignored(invitation.member);
}

void MeshRunner::look_at_invitations(const StoredInvitation& news) {
  auto listed = std::make_shared<Result<std::vector<StoredInvitation>>>();
  storage_->ask([listed](MeshStore& store) { *listed = store.invitations(); },
                [this, news, listed] {
                  if (*listed) invitations_ = **listed;
                  tell(news);
                });
}

void MeshRunner::tell(const StoredInvitation& invitation) {
  if (!is_open(invitation)) return;
  around_.control.publish_unordered(place_.mesh,
                                    control::InvitationEvent{invitation.secret.room, invitation.member,
                                                             node_->shown_name(invitation.member)});
}

void MeshRunner::tell_invitations_of(const MemberKey& member) {
  for (const StoredInvitation& invitation : invitations_) {
    if (invitation.member == member) tell(invitation);
  }
}

}  // namespace p2pmesh
