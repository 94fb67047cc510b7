// What a mesh runner knows of its rooms beyond their messages: topics.
#include <algorithm>

#include "mesh_runner.h"

namespace p2pmesh {

void MeshRunner::set_topic(SessionId session, std::string request_id, std::string room, std::string text) {
  const std::uint64_t token = expect_acknowledge(session, std::move(request_id));
  handle(SetTopic{token, std::move(room), std::move(text)});
}

/// One that has come need not be the one that holds: the store knows.
void MeshRunner::look_at_topic(const std::string& room) {
  auto topic = std::make_shared<std::optional<StoredTopic>>();
  storage_->ask(
      [room, topic, lock = topic_lock(room)](MeshStore& store) {
        if (auto found = store.topic_of(room, lock)) *topic = *std::move(found);
      },
      [this, room, topic] {
        if (!rooms_.set_topic(room, *topic) || !*topic || people_.is_ignored((*topic)->author)) return;
        around_.control.publish_unordered(
            place_.mesh, control::TopicEvent{(*topic)->room, (*topic)->id, to_facts(**topic)});
      });
}

control::TopicFacts MeshRunner::to_facts(const StoredTopic& topic) const {
  return {topic.text, topic.author, node_->shown_name(topic.author), topic.wall_ms};
}

/// What somebody wrote who is ignored is not shown.
void MeshRunner::complete(control::RoomEntry& entry) const {
  if (entry.topic && people_.is_ignored(entry.topic->author)) entry.topic.reset();
  if (entry.topic) entry.topic->name = node_->shown_name(entry.topic->author);
}

control::RoomEntry MeshRunner::describe_room(const std::string& room) const {
  control::RoomEntry entry = rooms_.entry(room);
  complete(entry);
  return entry;
}

control::RoomsReply MeshRunner::list_rooms() const {
  control::RoomsReply reply = rooms_.list();
  for (control::RoomEntry& entry : reply.rooms) complete(entry);
  for (const StoredInvitation& invitation : invitations_) {
    if (!is_open(invitation)) continue;
    const std::string& room = invitation.secret.room;
    auto entry = std::find_if(reply.rooms.begin(), reply.rooms.end(),
                              [&](const control::RoomEntry& listed) { return listed.name >= room; });
    if (entry == reply.rooms.end() || entry->name != room) {
      entry = reply.rooms.insert(entry, control::RoomEntry{room});
      entry->is_private = true;
    }
    if (!entry->invited_by) entry->invited_by = node_->shown_name(invitation.member);  // the newest
  }
  return reply;
}

}  // namespace p2pmesh
